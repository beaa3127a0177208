"""The door to Postgres: typed rows, transactions, and an end to every wait."""

# ruff: noqa: PT012  # what raises is the end of the block, so the block must be inside

import asyncio
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from deploy.postgres import EmbeddedPostgres
from deploy.unprivileged import user_for
from sql.database import Database
from sql.errors import DatabaseAwayError, DatabaseError, NoPartitionError, PoisonRowError, SchemaMismatchError
from sql.loader import Query

pytestmark = pytest.mark.postgres

NAMED = {
    name: Query(name, "For tests.", text)
    for name, text in {
        "pid": "SELECT pg_backend_pid()",
        "two": "SELECT n, n * 2 AS double FROM generate_series(1, $1::integer) AS n",
        "echo": "SELECT $1::jsonb AS value, 0 AS other",
        "bytes": "SELECT $1::bytea AS n, 0 AS other",
        "insert": "INSERT INTO trains (name) VALUES ($1)",
        "names": "SELECT name FROM trains ORDER BY name",
        "sleep": "SELECT pg_sleep($1)",
        "narrow": "SELECT $1::integer",
        "text": "SELECT $1::text",
        "missing": "SELECT nothing FROM nowhere",
        "far": "INSERT INTO request_bodies VALUES (1, 'ffffffff-0000-7000-8000-000000000000', '', 0, sha256(''))",
        "wrong": "INSERT INTO installation (only_row) VALUES (false)",
        "statements": "SELECT count(*) FROM pg_prepared_statements",
        "application": "SELECT current_setting('application_name')",
        "timeouts": "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')",
    }.items()
}


@dataclass(frozen=True)
class One:
    value: Any


@dataclass(frozen=True)
class Pair:
    n: Any
    double: Any


def door(url: str, **options: Any) -> Database:
    """A door with the statements of these tests."""
    return Database.create(url, application="test door", named=NAMED, **options)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A door with two connections to the test's database."""
    database = door(database_url, size=2)
    yield database
    await database.close()


async def pid(through: Any) -> int:
    """The backend that answers."""
    row = await through.fetch_one("pid", One)
    assert row is not None
    return int(row.value)


async def test_rows_are_made_of_columns(database: Database) -> None:
    """All of them, the first, or none; the server sees who asks."""
    assert await database.fetch("two", Pair, 2) == [Pair(1, 2), Pair(2, 4)]
    assert await database.fetch_one("two", Pair, 2) == Pair(1, 2)
    assert await database.fetch_one("two", Pair, 0) is None
    assert await database.fetch("application", One) == [One("test door")]
    assert await database.alive()
    with pytest.raises(KeyError):
        await database.fetch("no such query", One)


async def test_jsonb_comes_and_goes_as_values(database: Database) -> None:
    """What the type cannot hold becomes U+FFFD; bytes stay bytes."""
    value = {"a": [1, None, "ü\x00\ud83d", {"b": "\\u0000"}]}
    assert await database.fetch("echo", Pair, value) == [Pair({"a": [1, None, "ü\ufffd\ufffd", {"b": "\\u0000"}]}, 0)]
    assert await database.fetch("bytes", Pair, b"\x00\xff") == [Pair(b"\x00\xff", 0)]


async def test_a_transaction_commits_or_leaves_nothing(database: Database) -> None:
    """At the end of the block, unless it raises; also when only the caller's own code does."""
    async with database.transaction() as transaction:
        await transaction.execute("insert", "kept")
    for error in (ValueError, asyncio.CancelledError):
        with pytest.raises(error):
            async with database.transaction() as transaction:
                await transaction.execute("insert", "gone")
                raise error
    assert await database.fetch("names", One) == [One("kept")]


async def test_a_block_that_raises_is_rolled_back_without_a_word(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """The pool would say on stderr that it had to; whatever raised, and after a statement that failed."""
    for statement in ("pid", "wrong"):
        with pytest.raises((LookupError, DatabaseError)):
            async with database.transaction() as transaction:
                await transaction.execute(statement)
                raise LookupError
    assert caplog.records == []
    assert await pid(database) > 0


async def test_a_swallowed_failure_is_no_commit(database: Database) -> None:
    """The server rolls back where a statement failed; whoever went on must not believe it was stored."""
    with pytest.raises(DatabaseAwayError, match="rolled back"):
        async with database.transaction() as transaction:
            await transaction.execute("insert", "gone")
            with pytest.raises(PoisonRowError):
                await transaction.execute("insert", "gone")
    assert await database.fetch("names", One) == []


async def test_timeouts_end_with_the_transaction(database_url: str) -> None:
    """SET LOCAL: nothing stays on the connection."""
    database = door(database_url, size=1)
    async with database.transaction(lock_timeout_ms=123, statement_timeout_ms=4_567) as transaction:
        assert await transaction.fetch("timeouts", Pair) == [Pair("123ms", "4567ms")]
    assert await database.fetch("timeouts", Pair) == [Pair("0", "0")]
    await database.close()


async def test_errors_are_ours_and_the_connection_goes_on(database_url: str) -> None:
    """Poison, no partition, wrong schema: each is told apart, none costs a connection."""
    database = door(database_url, size=1)
    first = await pid(database)
    cases: list[tuple[type[DatabaseError], str, tuple[object, ...]]] = [
        (PoisonRowError, "text", ("a\x00b",)),
        (PoisonRowError, "text", ("\ud800",)),
        (PoisonRowError, "narrow", (1 << 40,)),
        (PoisonRowError, "narrow", ("one",)),
        (PoisonRowError, "echo", (object(),)),
        (PoisonRowError, "wrong", ()),
        (NoPartitionError, "far", ()),
        (SchemaMismatchError, "missing", ()),
    ]
    for error, name, args in cases:
        with pytest.raises(error):
            await database.execute(name, *args)
        with pytest.raises(error):
            async with database.transaction() as transaction:
                await transaction.execute(name, *args)
    assert await pid(database) == first
    await database.close()


async def test_a_lock_is_not_waited_for_long(database: Database, connection: asyncpg.Connection) -> None:
    """The server gives up after the lock timeout (55P03): try again later, on the same connection."""
    async with connection.transaction():
        await connection.execute("LOCK TABLE trains IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(DatabaseAwayError) as refused:
            async with database.transaction(lock_timeout_ms=50) as transaction:
                await transaction.execute("insert", "late")
    assert refused.value.sqlstate == "55P03"
    await database.execute("insert", "now")


async def test_a_slow_statement_is_ended_by_the_server(database_url: str) -> None:
    """57014 after the statement timeout; the connection is good and stays."""
    database = door(database_url, size=1)
    first = await pid(database)
    with pytest.raises(DatabaseAwayError) as refused:
        async with database.transaction(statement_timeout_ms=50) as transaction:
            await transaction.execute("sleep", 30)
    assert refused.value.sqlstate == "57014"
    assert await pid(database) == first
    await database.close()


async def test_a_cancelled_question_stops_on_the_server(database_url: str, connection: asyncpg.Connection) -> None:
    """Nobody waits for the answer: the server is told, and the connection is not used again."""
    database = door(database_url, size=1)
    first = await pid(database)
    asking = asyncio.Event()

    async def ask() -> None:
        async with database.transaction() as transaction:
            asking.set()
            await transaction.execute("sleep", 9)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(ask())
        await asking.wait()
        task.cancel()
    assert await pid(database) != first
    await until_gone(connection, first)
    await database.close()


async def until_gone(connection: asyncpg.Connection, backend: int) -> None:
    """Wait until a backend has ended."""
    async with asyncio.timeout(20):
        while await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", backend):
            await asyncio.sleep(0.02)


async def until_alive(database: Database) -> None:
    """Wait until the server answers again."""
    async with asyncio.timeout(20):
        while not await database.alive():
            await asyncio.sleep(0.05)


async def test_an_ended_backend_costs_one_answer(database: Database, connection: asyncpg.Connection) -> None:
    """57P01, and the next question gets a new connection."""
    with pytest.raises(DatabaseAwayError):
        async with database.transaction() as transaction:
            await connection.execute("SELECT pg_terminate_backend($1)", await pid(transaction))
            await transaction.execute("insert", "gone")
    await database.execute("insert", "there")


async def test_connections_are_not_waited_for_for_ever(database_url: str) -> None:
    """All taken: away after two seconds, not never."""
    database = door(database_url, size=1)
    async with database.transaction():
        with pytest.raises(DatabaseAwayError, match="in time"):
            await database.fetch("pid", One)
    assert await database.alive()
    await database.close()


async def test_a_server_that_is_not_there_is_not_stormed(tmp_path: Path) -> None:
    """Making the door needs no server; after a failure nobody tries again for a moment."""
    attempts = 0

    async def refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal attempts
        attempts += 1
        writer.close()

    path = Path(tempfile.mkdtemp(dir="/tmp"))
    server = await asyncio.start_unix_server(refuse, path / ".s.PGSQL.5432")
    database = door(f"postgresql://u@/d?host={path}")
    for _ in range(20):
        with pytest.raises(DatabaseAwayError):
            await database.fetch("pid", One)
        assert not await database.alive()
    assert attempts == 1
    await database.close()
    server.close()
    await server.wait_closed()
    shutil.rmtree(path)


async def test_without_a_statement_cache_nothing_is_left_on_the_server(database_url: str) -> None:
    """For pgbouncer in transaction mode, where the next statement may meet another backend."""
    for cache, left in ((True, True), (False, False)):
        database = door(database_url, size=1, statement_cache=cache)
        await database.fetch("two", Pair, 1)
        await database.fetch("two", Pair, 1)
        row = await database.fetch_one("statements", One)
        assert row is not None
        assert bool(row.value) is left
        await database.close()


@pytest.fixture(scope="module")
def own_server(postgres_programs: Path | None) -> Iterator[EmbeddedPostgres]:
    """A server to be cruel to."""
    folder = Path(tempfile.mkdtemp(prefix="fp-", dir="/tmp"))
    folder.chmod(0o711)
    server = EmbeddedPostgres(folder / "pg", programs=postgres_programs, settings={"fsync": "off"})
    yield server
    server.stop()
    shutil.rmtree(folder)


async def test_a_killed_server_is_found_again(own_server: EmbeddedPostgres) -> None:
    """SIGKILL of the postmaster: away, whatever the driver calls it; after its restart the same door works."""
    database = door(own_server.start(), size=3)
    await asyncio.gather(*(database.fetch("pid", One) for _ in range(3)))
    postmaster = own_server.pid
    assert postmaster is not None
    psutil.Process(postmaster).kill()
    own_server.wait()
    with pytest.raises(DatabaseAwayError):
        for _ in range(4):
            await database.fetch("pid", One)
    own_server.start()
    await until_alive(database)
    assert await database.fetch("two", Pair, 1) == [Pair(1, 2)]
    await database.close()


async def test_a_killed_backend_takes_all_down_for_a_moment(own_server: EmbeddedPostgres) -> None:
    """SIGKILL of one backend restarts them all: away until the server has recovered by itself."""
    database = door(own_server.start(), size=3)
    with pytest.raises(DatabaseAwayError):
        async with database.transaction() as transaction:
            psutil.Process(await pid(transaction)).kill()
            await transaction.execute("sleep", 5)
    await until_alive(database)
    await database.close()
    own_server.stop()


async def test_a_server_that_hangs_does_not_hang_us(own_server: EmbeddedPostgres) -> None:
    """SIGSTOP: away after the timeout, and the silent connection is not used again."""
    database = door(own_server.start(), size=1)
    first = await pid(database)
    everything = [psutil.Process(own_server.pid), *psutil.Process(own_server.pid).children(recursive=True)]
    for process in everything:
        process.suspend()
    try:
        async with asyncio.timeout(8):
            with pytest.raises(DatabaseAwayError):
                async with database.transaction(statement_timeout_ms=1):
                    pass
            assert not await database.alive()
    finally:
        for process in everything:
            process.resume()
    await until_alive(database)
    assert await pid(database) != first
    await database.close()
    own_server.stop()


@pytest.fixture
def pgbouncer_url(database_url: str) -> Iterator[str]:
    """The test's database behind pgbouncer in transaction mode, with two server connections for everybody."""
    program = shutil.which("pgbouncer")
    if program is None:
        pytest.skip("no pgbouncer here")
    folder = Path(tempfile.mkdtemp(prefix="fp-", dir="/tmp"))
    user = user_for(folder)
    host = database_url.split("host=")[1].replace("%2F", "/")
    name = database_url.split("?", maxsplit=1)[0].rsplit("/", 1)[1]
    config = folder / "pgbouncer.ini"
    config.write_text(
        f"[databases]\nd = host={host} dbname={name} user=footplate\n"
        f"[pgbouncer]\nunix_socket_dir = {folder}\nlisten_addr =\nlisten_port = 5432\nauth_type = any\n"
        "pool_mode = transaction\ndefault_pool_size = 2\nmax_client_conn = 50\n"
    )
    for path in (folder, config):
        user.own(path)
    process = subprocess.Popen([program, "-q", config], stderr=subprocess.DEVNULL, **user.popen)
    while not (folder / ".s.PGSQL.5432").exists():
        assert process.poll() is None
        signal.sigtimedwait([], 0.02)
    yield f"postgresql://footplate@/d?host={folder}"
    process.terminate()
    process.wait()
    shutil.rmtree(folder)


async def test_it_works_behind_pgbouncer_in_transaction_mode(pgbouncer_url: str) -> None:
    """Many at once on two server connections: questions, transactions and failures, each with its own answer."""
    database = door(pgbouncer_url, size=8, statement_cache=False)

    async def work(n: int) -> None:
        assert await database.fetch("two", Pair, 1) == [Pair(1, 2)]
        async with database.transaction() as transaction:
            await transaction.execute("insert", f"train-{n:02}")
            assert await transaction.fetch("echo", Pair, {"n": n}) == [Pair({"n": n}, 0)]
        with pytest.raises(PoisonRowError):
            await database.execute("insert", f"train-{n:02}")

    async with asyncio.TaskGroup() as group:
        for n in range(40):
            group.create_task(work(n))
    assert len(await database.fetch("names", One)) == 40
    await database.close()


def test_creating_a_door_does_nothing() -> None:
    """No loop, no network, not even a look at the URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        door(f"postgresql://nobody@127.0.0.1:{free.getsockname()[1]}/nowhere")
