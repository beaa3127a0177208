"""Migrations: applied once, in order, by one at a time; a changed file or a foreign schema is refused."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from sql.database import Database
from sql.errors import DatabaseAwayError, DatabaseError, SchemaMismatchError
from sql.migrator import FOLDER, check, migrate, migrations
from sql.rows.migrations import AppliedMigration

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
