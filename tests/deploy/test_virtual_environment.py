"""Which Python `make` takes on a machine that nobody prepared."""

import subprocess
from pathlib import Path

import pytest

from tests.product import ROOT

STUB = """#!/bin/sh
[ "$1" = -m ] || exit {too_old}
echo "$0" "$@" > {note}
exit {fails}
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """All there is on PATH: nothing installs packages, and no Python but those a test puts here."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("id", "rm"):
        (folder / name).symlink_to(f"/usr/bin/{name}")
    return folder


def put(programs: Path, name: str, *, too_old: bool = False, fails: bool = False) -> None:
    """A Python that only notes how it was asked for an environment."""
    text = STUB.format(too_old=int(too_old), fails=int(fails), note=programs.parent / "note")
    (programs / name).write_text(text)
    (programs / name).chmod(0o755)


def make(programs: Path, *python: str) -> subprocess.CompletedProcess[str]:
    """Run the script on that machine."""
    command = [ROOT / ".ci/virtual-environment", programs.parent / "venv", *python]
    environment = {"PATH": str(programs)}
    return subprocess.run(command, check=False, cwd=ROOT, env=environment, text=True, capture_output=True, timeout=30)


@pytest.mark.parametrize(("names", "taken"), [(["python3"], "python3"), (["python3.11"], "python3.11")])
def test_the_first_that_is_new_enough(programs: Path, names: list[str], taken: str) -> None:
    """Debian's package python3.11 brings no `python3`: it is found under its own name."""
    for name in names:
        put(programs, name)
    assert make(programs).returncode == 0
    assert f"{programs / taken} -m venv --clear" in (programs.parent / "note").read_text()


def test_an_older_python3_is_passed_over(programs: Path) -> None:
    """An old default does not hide a newer one."""
    put(programs, "python3", too_old=True)
    put(programs, "python3.12")
    assert make(programs).returncode == 0
    assert "python3.12 -m venv" in (programs.parent / "note").read_text()


@pytest.mark.parametrize("asked", [(), ("python3.9",)])
def test_none_is_one_line_that_says_what_to_do(programs: Path, asked: tuple[str, ...]) -> None:
    """Also where one was named that is too old."""
    put(programs, "python3.9", too_old=True)
    ended = make(programs, *asked)
    assert ended.returncode == 1
    assert ended.stderr.startswith("footplate: ")
    assert len(ended.stderr.splitlines()) == 1
    assert "3.11" in ended.stderr


def test_half_an_environment_is_taken_away(programs: Path) -> None:
    """Else the next make would take it for a whole one."""
    put(programs, "python3", fails=True)
    (programs.parent / "venv/bin").mkdir(parents=True)
    assert make(programs).returncode == 1
    assert not (programs.parent / "venv").exists()
