"""Who may import whom."""

import ast
import sys

import pytest

from tests.architecture.sources import PACKAGES, Source, product, sources

MAY_IMPORT = {
    "core": {"core"},
    "sql": {"sql"},
    "proxy": {"proxy", "core", "sql"},
    "dashboard": {"dashboard", "core", "sql"},
    "deploy": {"deploy", "core", "sql"},
}
# The tape's checksum is a pure function of bytes, written in C; zlib's costs four times as much.
CORE_LIBRARIES = {"pydantic", "pydantic_core", "orjson", "msgspec", "google_crc32c", "rfc8785"}
# What touches the world: files, clocks, chance, sockets, processes, threads, logs.
CORE_NOT = {
    "asyncio", "concurrent", "ctypes", "fcntl", "http", "io", "logging", "mmap", "multiprocessing", "os", "random",
    "secrets", "select", "selectors", "shutil", "signal", "socket", "socketserver", "sqlite3", "ssl", "subprocess",
    "sys", "tempfile", "threading", "time", "warnings",
}  # fmt: skip


def _top(name: str) -> str:
    return name.split(".", 1)[0]


def _offences(package: str, *, allowed: set[str], among: set[str]) -> list[str]:
    return [
        f"{source.path} imports {name}"
        for source in sources(package)
        for name in source.imports()
        if _top(name) in among and _top(name) not in allowed
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_its_arrows_allow(package: str) -> None:
    """Core and sql import nothing of ours; proxy and dashboard never each other; nobody imports deploy."""
    assert _offences(package, allowed=MAY_IMPORT[package], among=set(PACKAGES) | {"tests"}) == []


def test_core_reaches_for_nothing_outside_itself() -> None:
    """Core is pure: of the standard library nothing that touches the world, of others only parsers and models."""
    assert _offences("core", allowed=set(), among=CORE_NOT) == []
    foreign = {
        f"{source.path} imports {name}"
        for source in sources("core")
        for name in source.imports()
        if _top(name) not in sys.stdlib_module_names | CORE_LIBRARIES | {"core"}
    }
    assert foreign == set()


def test_core_does_not_open_files() -> None:
    """Core never calls open, print or input."""
    calls = [
        f"{source.path}:{node.lineno}"
        for source in sources("core")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"open", "print", "input"}
    ]
    assert calls == []


def test_only_sql_speaks_to_postgres() -> None:
    """Only sql imports asyncpg."""
    assert [s.path for s in product() if s.package != "sql" and "asyncpg" in map(_top, s.imports())] == []


def test_imports_are_absolute() -> None:
    """No relative imports: an arrow is read off the line."""
    assert [s.path for s in product() if any(name.startswith(".") for name in s.imports())] == []


def _reads_environment(source: Source) -> bool:
    return any(word in source.text for word in ("os.environ", "os.getenv", "import environ", "import getenv"))


def test_only_settings_modules_read_the_environment() -> None:
    """What a process was told is read in one place per process."""
    assert [s.path for s in product() if _reads_environment(s) and not s.path.endswith("/settings.py")] == []
