"""The command line: help, exit codes, one clear line for each mistake."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.product import ROOT, clean_environment

COMMANDS = (["up"], ["proxy"], ["record"], ["rebuild"], ["dashboard"], ["run"], ["status"], ["db", "migrate"])
HEAVY = {"pydantic", "aiohttp", "asyncpg", "asyncio", "rich", "core.settings", "deploy.supervisor", "jinja2"}


def footplate(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command and wait for it."""
    return subprocess.run(
        [sys.executable, "-m", "deploy", *arguments],
        cwd=ROOT,
        env=clean_environment() | environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port somebody else listens on, sharing it as our own workers would."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_help_imports_nothing_heavy() -> None:
    """Help answers at once because what a command needs is imported when it runs."""
    code = f"import sys, deploy.cli; print(*sorted(set(sys.modules) & {HEAVY!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: list[str]) -> None:
    """The first line is a sentence that says the outcome; two or more examples can be copied."""
    done = footplate(*command, "--help")
    assert done.returncode == 0
    paragraphs = done.stdout.split("\n\n")
    assert paragraphs[1].strip()[0].isupper()
    examples = done.stdout.split("Examples:\n", 1)[1].split("\n\n", 1)[0].splitlines()
    assert len(examples) >= 2
    assert all(f"footplate {' '.join(command)}" in line for line in examples)


def test_the_overview_names_every_command() -> None:
    """`footplate --help` lists all there is, and `footplate` alone shows it too."""
    done = footplate("--help")
    assert all(f"\n  {command[0]} " in done.stdout for command in COMMANDS)
    assert done.stdout == footplate().stdout + footplate().stderr


def test_the_overview_says_what_exit_codes_mean() -> None:
    """Scripts go by them."""
    shown = " ".join(footplate("--help").stdout.split())
    assert "0 ok, 1 failure, 2 usage, 75 already running, 78 bad configuration, 130 interrupted" in shown


def test_a_mistyped_command_is_answered_with_the_right_one() -> None:
    """Usage errors exit with 2."""
    done = footplate("statsu")
    assert done.returncode == 2
    assert "status" in done.stderr


def test_the_version_is_told() -> None:
    """`--version` prints name and number."""
    assert footplate("--version").stdout.startswith("footplate ")


@pytest.mark.parametrize(
    ("arguments", "environment", "named"),
    [
        (["up"], {"FOOTPLATE_PROXY_PORT": "many"}, "FOOTPLATE_PROXY_PORT"),
        (["up", "--bind", "0.0.0.0"], {}, "FOOTPLATE_PROXY_MODE=open"),
        (["up", "--bind", "0.0.0.0"], {"FOOTPLATE_PROXY_MODE": "open"}, "DASHBOARD_API_KEY"),
        (["up", "--upstream", "http://example.com"], {}, "https"),
        (["up", "--upstream", "http://127.0.0.1:99999"], {}, "FOOTPLATE_UPSTREAM_URL"),
        (["up", "--upstream", "https://evil host"], {}, "FOOTPLATE_UPSTREAM_URL"),
        (["up"], {"FOOTPLATE_PUBLIC_URL": "garbage"}, "FOOTPLATE_PUBLIC_URL"),
        (["up", "--data-dir", ""], {}, "--data-dir"),
        (["record", "--data-dir", " "], {}, "--data-dir"),
        (["up"], {"FOOTPLATE_SECRET_KEY": "k" * 64}, "FOOTPLATE_SECRET_KEY"),
        (["up"], {"FOOTPLATE_SECRET_KEY_FILE": "/nowhere/key"}, "/nowhere/key"),
        (["up"], {"FOOTPLATE_SECRET_KEY_FILE": "/dev/null"}, "FOOTPLATE_SECRET_KEY_FILE"),
        (["up", "--no-embedded"], {}, "DATABASE_URL"),
        (["up", "--data-dir", "/proc/footplate"], {}, "/proc/footplate"),
        (["up", "--bind", "192.0.2.1"], {"FOOTPLATE_PROXY_MODE": "open", "DASHBOARD_API_KEY": "k" * 16}, "192.0.2.1"),
        (["up", "--data-dir", "~nobody-of-that-name/data"], {}, "~nobody-of-that-name/data"),
        (["up", "--data-dir", "/tmp/" + 300 * "a"], {}, "File name too long"),
        (["up"], {"DATABASE_URL": "postgresql://127.0.0.1:99999/footplate"}, "DATABASE_URL"),
        (["record"], {"DATABASE_URL": "postgresql://127.0.0.1/footplate?sslmode=perhaps"}, "sslmode"),
        (["record"], {"FOOTPLATE_ON_TAPE_FULL": "perhaps"}, "FOOTPLATE_ON_TAPE_FULL"),
    ],
)
def test_a_bad_setting_is_one_line_and_78(
    arguments: list[str], environment: dict[str, str], named: str, tmp_path: Path
) -> None:
    """The line names what is wrong; nothing was started."""
    done = footplate(*arguments, **{"FOOTPLATE_DATA_DIR": str(tmp_path / "data"), **environment})
    assert done.returncode == 78
    assert done.stdout == ""
    assert named in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("entry", "mode"), [("secret.key", 0o644), ("tape", 0o777), ("tape/node-0", 0o755)], ids=["key", "tape", "node"]
)
def test_what_others_can_look_into_is_refused_first(entry: str, mode: int, tmp_path: Path) -> None:
    """One line and 78, before Postgres or anything else is started; the modes stay as they are."""
    data = tmp_path / "data"
    for part in (data, data / "tape", data / "tape/node-0"):
        part.mkdir(mode=0o700)
    (data / "secret.key").write_text("0123456789abcdef" * 4)
    (data / "secret.key").chmod(0o600)
    (data / entry).chmod(mode)
    done = footplate("up", "--data-dir", str(data), "--proxy-port", "0", "--dashboard-port", "0")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (78, "", 1)
    assert str(data / entry) in done.stderr
    assert (data / entry).stat().st_mode & 0o777 == mode
    assert not (data / "pg").exists()


@pytest.mark.parametrize("which", ["proxy", "dashboard"])
def test_a_port_in_use_is_one_line_and_1(which: str, taken_port: int, tmp_path: Path) -> None:
    """SO_REUSEPORT, with which workers share a port, does not hide that somebody has it."""
    other = "dashboard" if which == "proxy" else "proxy"
    done = footplate(
        *("up", "--data-dir", str(tmp_path / "data"), f"--{which}-port", str(taken_port), f"--{other}-port", "0")
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert str(taken_port) in done.stderr


def test_run_gives_a_client_the_proxys_address() -> None:
    """Arguments, output and exit code are the client's own."""
    code = "import os, sys; print(os.environ['ANTHROPIC_BASE_URL'], sys.argv[1:]); sys.exit(7)"
    done = footplate("run", "--proxy-port", "4000", "--", sys.executable, "-c", code, "-p", "--help")
    assert done.stdout == "http://127.0.0.1:4000 ['-p', '--help']\n"
    assert done.returncode == 7


def test_run_says_when_there_is_no_such_client() -> None:
    """One line, exit code 1."""
    done = footplate("run", "--", "no-such-client")
    assert (done.returncode, done.stderr) == (1, "footplate: no-such-client: No such file or directory\n")


def test_status_of_nothing_is_1() -> None:
    """Without anybody there, it says so, also as JSON."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
        done = footplate("status", "--json", "--proxy-port", port, "--dashboard-port", port)
    assert done.returncode == 1
    assert json.loads(done.stdout)["proxy"]["ok"] is False


def test_a_package_of_the_current_folder_is_not_taken_for_ours(tmp_path: Path) -> None:
    """Somebody's own `proxy/` or `core/` in the folder where the command runs is left alone."""
    for name in ("proxy", "core"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('not ours')")
    script = Path(sys.executable).with_name("footplate")
    if not script.exists():
        pytest.skip("not installed")
    environment = {**os.environ, "FOOTPLATE_PROXY_PORT": "many"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run([script, "proxy"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "not ours" not in done.stderr + done.stdout
    assert done.returncode == 78
