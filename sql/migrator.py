"""Migrations: numbered files, forward only, each in its transaction, one migrator at a time.

The SHA-256 of each applied file is kept: a file that was changed afterwards is refused, because nobody can say which of
its forms a database has.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from sql.database import Database
from sql.errors import SchemaMismatchError
from sql.rows.migrations import AppliedMigration
from sql.translation import DRIVER_ERRORS, translated

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

FOLDER = Path(__file__).parent / "migrations"
MONTHS_AHEAD = 3
_LOCK = 0x666F6F74  # "foot"
_CONNECT_SECONDS = 10.0

_TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of ``migrations/``."""

    number: int
    name: str
    sha256: str
    text: str


def migrations(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """The files of a folder, in order. Raises ValueError where a number is missing, doubled or not four digits."""
    found = []
    for path in sorted(folder.glob("*.sql")):
        if not re.fullmatch(r"\d{4}_[a-z0-9_]+", path.stem):
            raise ValueError(f"{path.name}: a migration is called 0001_what_it_does.sql")
        raw = path.read_bytes()
        found.append(Migration(int(path.stem[:4]), path.stem, hashlib.sha256(raw).hexdigest(), raw.decode()))
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise ValueError("migrations are numbered from 0001 without gaps")
    return tuple(found)


async def migrate(url: str, folder: Path = FOLDER) -> tuple[str, ...]:
    """Bring a database to this version's schema and make its partitions; returns the names of the files applied.

    Raises SchemaMismatchError where it is newer than this version or was made from changed files, DatabaseAwayError
    where it cannot be reached.
    """
    try:
        async with _connected(url) as lock, lock.transaction():
            # Its own connection and a transaction's lock: it outlives each migration's transaction, and holds behind
            # pgbouncer, where a session's lock would stay on a connection that others use.
            await lock.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            await lock.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            async with _connected(url) as connection:
                return await _apply(connection, migrations(folder))
    except DRIVER_ERRORS as exc:
        raise translated(exc) from exc


@cache
def shipped() -> tuple[Migration, ...]:
    """This version's migrations, as they were when the process first asked: what an upgrade puts there is not ours."""
    return migrations()


async def check(database: Database, folder: Path | None = None) -> None:
    """Raise SchemaMismatchError unless the database has exactly this version's schema, or that of a folder."""
    applied = await database.fetch("applied_migrations", AppliedMigration)
    expected = shipped() if folder is None else migrations(folder)
    _compare(applied, expected)
    if len(applied) < len(expected):
        raise SchemaMismatchError("the database is older than this version: run `footplate db migrate`")


async def _apply(connection: "Connection", expected: Sequence[Migration]) -> tuple[str, ...]:
    await connection.execute(_TABLE)
    rows = await connection.fetch("SELECT number, name, sha256 FROM migrations ORDER BY number")
    _compare([AppliedMigration(*row) for row in rows], expected)
    pending = expected[len(rows) :]
    for migration in pending:
        try:
            await _apply_one(connection, migration)
        except asyncpg.PostgresError as exc:
            error = translated(exc)
            raise type(error)(f"migration {migration.name}: {error}", error.sqlstate) from exc
    if expected:
        await connection.execute("SELECT make_partitions($1)", MONTHS_AHEAD)
    return tuple(migration.name for migration in pending)


async def _apply_one(connection: "Connection", migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.text)
        await connection.execute(
            "INSERT INTO migrations (number, name, sha256) VALUES ($1, $2, $3)",
            *(migration.number, migration.name, migration.sha256),
        )


def _compare(applied: Sequence[AppliedMigration], expected: Sequence[Migration]) -> None:
    if len(applied) > len(expected):
        raise SchemaMismatchError("the database is newer than this version: upgrade Footplate")
    for row, migration in zip(applied, expected, strict=False):
        if (row.number, row.sha256) != (migration.number, migration.sha256):
            raise SchemaMismatchError(f"migration {migration.name} was changed after the database applied {row.name}")


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator["Connection"]:
    connection = await asyncpg.connect(
        url,
        timeout=_CONNECT_SECONDS,
        statement_cache_size=0,
        server_settings={"application_name": "footplate migrate"},
    )
    try:
        yield connection
    finally:
        await connection.close(timeout=_CONNECT_SECONDS)
