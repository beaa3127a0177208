"""Migrations: applied once, in order, by one at a time; a changed file or a foreign schema is refused."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from sql.database import Database
from sql.errors import DatabaseAwayError, DatabaseError, SchemaMismatchError
from sql.migrator import FOLDER, check, migrate, migrations
from sql.rows.migrations import AppliedMigration
from tests.usage_recount import check_usage

pytestmark = pytest.mark.postgres
NAMES = tuple(migration.name for migration in migrations())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the migrations, to add to and to change."""
    return shutil.copytree(FOLDER, tmp_path / "migrations")


@pytest.fixture
async def empty(empty_database_url: str) -> AsyncIterator[Database]:
    """The door to a database without a schema."""
    database = Database.create(empty_database_url, application="test")
    yield database
    await database.close()


async def test_an_empty_database_gets_this_versions_schema(empty_database_url: str, empty: Database) -> None:
    """Every file in order; before that the check says what to do."""
    with pytest.raises(SchemaMismatchError):
        await check(empty)
    assert await migrate(empty_database_url) == NAMES
    await check(empty)
    applied = await empty.fetch("applied_migrations", AppliedMigration)
    assert tuple(row.name for row in applied) == NAMES


async def test_migrating_twice_changes_nothing(database_url: str) -> None:
    """Every start migrates; a database that is up to date is left as it is."""
    assert await migrate(database_url) == ()


async def test_several_at_once_apply_each_once(empty_database_url: str, empty: Database) -> None:
    """Two nodes start together: one works, the others wait for it and find it done."""
    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(migrate(empty_database_url)) for _ in range(3)]
    assert sorted(run.result() for run in runs) == [(), (), NAMES]
    await check(empty)


async def test_a_further_file_is_applied_alone(database_url: str, database: Database, folder: Path) -> None:
    """An older database is refused by the check until the new file is applied."""
    (folder / f"{len(NAMES) + 1:04}_more.sql").write_text("CREATE TABLE more (n integer); INSERT INTO more VALUES (1);")
    with pytest.raises(SchemaMismatchError, match="older than this version: run `footplate db migrate`"):
        await check(database, folder)
    assert await migrate(database_url, folder) == (f"{len(NAMES) + 1:04}_more",)
    await check(database, folder)


async def test_a_newer_database_is_refused(database_url: str, database: Database, folder: Path) -> None:
    """An old version neither writes to a newer schema nor migrates it."""
    (folder / f"{len(NAMES) + 1:04}_more.sql").write_text("CREATE TABLE more (n integer)")
    await migrate(database_url, folder)
    for refused in (check(database), migrate(database_url)):
        with pytest.raises(SchemaMismatchError, match="newer than this version"):
            await refused


async def test_a_changed_file_is_refused(database_url: str, database: Database, folder: Path) -> None:
    """A comment is enough: nobody can say which form of the file a database has."""
    first = folder / f"{NAMES[0]}.sql"
    first.write_text(first.read_text() + "\n-- one more word")
    for refused in (check(database, folder), migrate(database_url, folder)):
        with pytest.raises(SchemaMismatchError, match=f"{NAMES[0]} was changed"):
            await refused


async def test_a_file_that_fails_leaves_nothing_of_itself(
    database_url: str, connection: asyncpg.Connection, folder: Path
) -> None:
    """Each file is one transaction: those before it stay, it does not; the next run tries it again."""
    good, bad = f"{len(NAMES) + 1:04}_good", f"{len(NAMES) + 2:04}_bad"
    (folder / f"{good}.sql").write_text("CREATE TABLE good (n integer)")
    (folder / f"{bad}.sql").write_text("CREATE TABLE half (n integer); SELECT 1 / 0;")
    with pytest.raises(DatabaseError, match=f"migration {bad}: DivisionByZeroError"):
        await migrate(database_url, folder)
    assert await connection.fetchval("SELECT to_regclass('good') IS NOT NULL AND to_regclass('half') IS NULL")
    (folder / f"{bad}.sql").write_text("CREATE TABLE whole (n integer)")
    assert await migrate(database_url, folder) == (bad,)


async def test_bodies_stored_before_there_were_pieces_stay_readable(empty_database_url: str, folder: Path) -> None:
    """An installation of the first four files with a recorded body: after the others it is read as before."""
    for path in sorted(folder.glob("*.sql"))[4:]:
        path.unlink()
    await migrate(empty_database_url, folder)
    connection = await asyncpg.connect(empty_database_url)
    try:
        where = "SELECT 1, uuid7_floor(now()), 'body'::bytea, 4, sha256('body')"
        await connection.execute(f"INSERT INTO request_bodies (train, id, body, size, sha256) {where}")
        await migrate(empty_database_url)
        assert await connection.fetch("SELECT request_body(train, id), size FROM request_bodies") == [(b"body", 4)]
    finally:
        await connection.close()


OLD_SUMS = """
INSERT INTO trains (name) VALUES ('one');
INSERT INTO requests (train, id, node, method, path, started_at, deriver_version, outcome, ended_at, duration_us,
    key_id, input_tokens, output_tokens, ephemeral_5m_input_tokens, cost_usd, task_tool_invocation, conversation_id)
SELECT 1, uuid7_floor(t.at), 'n', 'POST', '/', t.at, 1, CASE WHEN n % 3 = 0 THEN 'rejected' ELSE 'ok' END, t.at, 9000,
    CASE WHEN n % 2 = 0 THEN 'ana' END, n, 2, 1, n * 0.5, CASE WHEN n < 2 THEN '[1, 2]'::jsonb END,
    uuid7_floor('2026-01-01')
FROM generate_series(0, 11) AS n
CROSS JOIN LATERAL (SELECT date_trunc('hour', now(), 'UTC') - n * interval '7 minutes' AS at) AS t;
INSERT INTO conversations (train, conversation_id, first_at, last_at, latest_request, subtask_count, cost_usd,
    subtask_hours)
SELECT 1, uuid7_floor('2026-01-01'), now(), now(), uuid7_floor(now()), 4, 33, jsonb_object_agg(hour, 2)
FROM (SELECT floor(extract(epoch FROM started_at) / 3600)::bigint AS hour FROM requests WHERE input_tokens < 2) AS n;
INSERT INTO usage_five_minutes SELECT train, account, slot, model, request_type, started_at, 1, input_tokens,
    output_tokens, 0, 0, cost_usd, 0 FROM request_usage;
INSERT INTO key_usage_hourly SELECT train, key_id, hour, count(*) FROM request_usage WHERE key_id <> ''
    GROUP BY 1, 2, 3;
INSERT INTO latency_hourly SELECT train, hour, model, duration_bucket, count(*), 0 FROM request_usage WHERE ok = 1
    GROUP BY 1, 2, 3, 4;
INSERT INTO usage_hourly (train, hour, account, model, request_type, requests, ok, rejected, input_tokens,
    output_tokens, ephemeral_5m_input_tokens, cost_usd, priced, ok_duration_us)
SELECT train, hour, account, model, request_type, count(*), sum(ok), sum(rejected), sum(input_tokens),
    sum(output_tokens), sum(ephemeral_5m_input_tokens), sum(cost_usd), sum(priced), sum(ok_duration_us)
FROM request_usage GROUP BY 1, 2, 3, 4, 5;
INSERT INTO usage_daily SELECT train, date_trunc('day', hour, 'UTC'), account, model, request_type, sum(requests),
    sum(ok), 0, sum(rejected), sum(input_tokens), sum(output_tokens), 0, 0, sum(ephemeral_5m_input_tokens), 0, 0, 0,
    sum(cost_usd), sum(priced), 0, 0, sum(ok_duration_us)
FROM usage_hourly GROUP BY 1, 2, 3, 4, 5
"""


async def test_sums_from_before_days_were_exact_are_made_exact(empty_database_url: str, folder: Path) -> None:
    """An installation of the first twenty files: after the others every sum is what its requests say."""
    for path in sorted(folder.glob("*.sql"))[20:]:
        path.unlink()
    await migrate(empty_database_url, folder)
    connection = await asyncpg.connect(empty_database_url)
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
    try:
        await connection.execute("SELECT make_partitions(1)")
        await connection.execute(OLD_SUMS)
        await migrate(empty_database_url)
        await check_usage(connection)
        launched = await connection.fetch("SELECT started_at FROM requests WHERE task_tool_invocation IS NOT NULL")
        slots = {str(int(row["started_at"].timestamp() // 300)): 2 for row in launched}
        assert await connection.fetchval("SELECT subtask_slots FROM conversations") == slots
    finally:
        await connection.close()


async def test_a_server_that_is_not_there_is_away(tmp_path: Path) -> None:
    """The same error as everywhere, to wait and try again."""
    with pytest.raises(DatabaseAwayError):
        await migrate(f"postgresql://footplate@/footplate?host={tmp_path}")


def test_files_are_numbered_without_gaps(folder: Path) -> None:
    """A missing number, a doubled one and a free name are mistakes of the developer."""
    assert [migration.number for migration in migrations()] == list(range(1, len(NAMES) + 1))
    for name in ("0099_gap.sql", "0001_again.sql", "last.sql"):
        (folder / name).write_text("SELECT 1")
        with pytest.raises(ValueError, match="migration"):
            migrations(folder)
        (folder / name).unlink()
