"""Postgres for tests: one server a run, one migrated template, a copy of it for each test that asks.

``FOOTPLATE_TEST_POSTGRES=/usr/lib/postgresql/15/bin`` takes that server instead of the embedded one.
"""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from deploy.postgres import EmbeddedPostgres
from sql.database import Database
from sql.migrator import migrate
from tests.memory import postgres_folder

R = TypeVar("R")

TEMPLATE = "template_footplate"
# Nothing here has to survive a power cut.
FAST = {"fsync": "off", "full_page_writes": "off", "max_connections": "100", "max_wal_size": "256MB"}
_numbers = count(1)
# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("footplate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("footplate")


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A run that a script started in the background ignores Ctrl-C, and so would all it starts, as `up` rightly does.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _stop(*_: object) -> None:
    """SIGTERM ends a run as Ctrl-C does: what it started is taken down. Once, because make passes it on, too."""
    if not _stopped:
        _stopped.append(True)
        signal.raise_signal(signal.SIGINT)


_stopped: list[bool] = []
signal.signal(signal.SIGTERM, _stop)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Pictures cost a fifth of the time of the tests that can take them, and only people look at them."""
    parser.addoption("--screenshots", action="store_true", help="leave pictures of the pages in the tests' folders")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever asks for the server needs Postgres: `-m postgres` runs all of it, e.g. on another version."""
    for item in items:
        if "server_url" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.postgres)


@pytest.fixture(scope="session")
def postgres_programs() -> Path | None:
    """The folder of the server the run was asked to use; None is the embedded one."""
    given = os.environ.get("FOOTPLATE_TEST_POSTGRES")  # a switch of the test run, no setting
    return Path(given) if given else None


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """A folder below /tmp that the unprivileged user can pass through; pytest's own are closed to it."""
    folder = Path(tempfile.mkdtemp(prefix="fp-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server_url(postgres_programs: Path | None) -> Iterator[str]:
    """URL of the run's server; its database is empty."""
    with postgres_folder() as folder:
        server = EmbeddedPostgres(folder / "pg", programs=postgres_programs, settings=FAST)
        yield server.start()
        server.stop()


@pytest.fixture(scope="session")
def template_url(server_url: str) -> str:
    """URL of the migrated database that is copied; nobody may stay connected to it."""

    async def make() -> str:
        await _run(server_url, f"CREATE DATABASE {TEMPLATE}")
        url = _named(server_url, TEMPLATE)
        await migrate(url)
        return url

    return _elsewhere(make)


@pytest.fixture(scope="session")
def shared_database_url(server_url: str, template_url: str) -> str:
    """URL of a migrated database for tests that change nothing in it."""
    _elsewhere(lambda: _run(server_url, f"CREATE DATABASE shared TEMPLATE {TEMPLATE} STRATEGY file_copy"))
    return _named(server_url, "shared")


@pytest.fixture(scope="module")
def filled_database_url(request: pytest.FixtureRequest, server_url: str, template_url: str) -> Iterator[str]:
    """URL of a migrated database filled once by the statements ``FILL`` of the test's module."""
    name = f"filled_{next(_numbers)}"
    url = _named(server_url, name)
    _elsewhere(lambda: _run(server_url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy"))
    _elsewhere(lambda: _run(url, request.module.FILL))
    yield url
    _elsewhere(lambda: _run(server_url, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def database_url(server_url: str, template_url: str) -> AsyncIterator[str]:
    """URL of a fresh, migrated database of this test's own."""
    name = f"test_{next(_numbers)}"
    # File by file is twice as fast as through the WAL, where nothing is synced.
    await _run(server_url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
    yield _named(server_url, name)
    await _run(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def empty_database_url(server_url: str) -> AsyncIterator[str]:
    """URL of a fresh database without any schema."""
    name = f"empty_{next(_numbers)}"
    await _run(server_url, f"CREATE DATABASE {name}")
    yield _named(server_url, name)
    await _run(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The application's own door to ``database_url``."""
    database = Database.create(database_url, application="test")
    yield database
    await database.close()


@pytest.fixture
async def filled(filled_database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection to ``filled_database_url`` that can change nothing there, for all tests of the module see it."""
    connection = await asyncpg.connect(filled_database_url, server_settings={"default_transaction_read_only": "on"})
    yield connection
    await connection.close()


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A bare connection to ``database_url``, to look from outside."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def _run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _named(url: str, database: str) -> str:
    return url.replace("/footplate?", f"/{database}?")


def _elsewhere(work: Callable[[], Coroutine[Any, Any, R]]) -> R:
    """Run in a thread: a session fixture has no loop of its own, and a test's may be running."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(work())).result()
