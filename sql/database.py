"""The door to Postgres: named queries in, typed rows out, our errors only.

Nothing waits for ever: taking a connection 2 s, an answer 10 s. A connection whose answer did not come in time is
closed, never returned to the pool. Nothing of a session is relied on, so pgbouncer in transaction mode may stand
between (``statement_cache=False``).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from sql.arrays import as_list
from sql.connection import Connector, nothing_to_reset, prepare
from sql.errors import DatabaseAwayError, DatabaseError
from sql.loader import Query, queries
from sql.translation import DRIVER_ERRORS, translated
from sql.union import counted, projected, union

R = TypeVar("R")

ACQUIRE_SECONDS = 2.0
ANSWER_SECONDS = 10.0
GRACE_SECONDS = 2.0
"""How much longer than the server's own statement timeout we wait: the server's error says more than silence."""
CANCEL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Count:
    count: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """The queries of one transaction. It ends with the block that opened it; afterwards it is of no use."""

    _connection: "PoolConnectionProxy[asyncpg.Record]"
    _queries: Mapping[str, Query]
    _seconds: float

    async def fetch(self, name: str, row: type[R], *args: Any) -> list[R]:
        """All rows of a named query, each as a ``row``."""
        return await self._rows(self._queries[name].text, row, args)

    async def fetch_one(self, name: str, row: type[R], *args: Any) -> R | None:
        """The first row of a named query, or None."""
        rows = await self.fetch(name, row, *args)
        return rows[0] if rows else None

    async def fetch_union(self, name: str, row: type[R], trains: Sequence[int], *args: Any, limit: int) -> list[R]:
        """The first ``limit`` rows over several trains of a query that lists one train (``sql.union``)."""
        if not trains:
            return []
        text = union(self._queries[name], len(trains))
        return await self._rows(text, row, (trains[0], *args, limit, *trains[1:]))

    async def count_union(self, name: str, trains: Sequence[int], *args: Any, limit: int) -> int:
        """How many rows ``fetch_union`` would give, at most ``limit``; the rows stay where they are."""
        if not trains:
            return 0
        text = counted(self._queries[name], len(trains))
        rows = await self._rows(text, _Count, (trains[0], *args, limit, *trains[1:]))
        return rows[0].count

    async def column_union(self, name: str, column: str, trains: Sequence[int], *args: Any, limit: int) -> list[Any]:
        """One column of the rows that ``fetch_union`` would give; the others stay where they are."""
        if not trains:
            return []
        text = projected(self._queries[name], len(trains), column)
        # One array: ten thousand values as rows of their own cost several times as much to read.
        [record] = await self._records(text, (trains[0], *args, limit, *trains[1:]))
        return record[0] or []

    async def execute(self, name: str, *args: Any) -> None:
        """Run a named query and leave its rows."""
        await self._records(self._queries[name].text, args)

    async def _rows(self, text: str, row: type[R], args: Sequence[Any]) -> list[R]:
        return [row(*record) for record in await self._records(text, args)]

    async def _records(self, text: str, args: Sequence[Any]) -> list[asyncpg.Record]:
        try:
            return await self._connection.fetch(text, *map(as_list, args), timeout=self._seconds)
        except DRIVER_ERRORS as exc:
            raise translated(exc) from exc


@dataclass(slots=True)
class Database:
    """A lazy pool of connections. Create one per process and close it at the end."""

    _make_pool: "Callable[[], asyncpg.Pool[asyncpg.Record]]"
    _queries: Mapping[str, Query]
    _pool: "asyncpg.Pool[asyncpg.Record] | None" = field(default=None, init=False)

    @classmethod
    def create(
        cls,
        url: str,
        *,
        application: str,
        size: int = 4,
        statement_cache: bool = True,
        named: Mapping[str, Query] | None = None,
    ) -> "Database":
        """No I/O: the first query connects. ``application`` is what pg_stat_activity shows; ``named`` is for tests."""

        def make_pool() -> "asyncpg.Pool[asyncpg.Record]":
            return asyncpg.create_pool(
                url,
                min_size=0,
                max_size=size,
                connect=Connector(),
                command_timeout=ANSWER_SECONDS,
                statement_cache_size=256 if statement_cache else 0,
                # A list over twenty trains is 40 KB of text; asyncpg would plan anything over 15 KB each time anew.
                max_cacheable_statement_size=0,
                server_settings={"application_name": application},
                init=prepare,
                reset=nothing_to_reset,
            )

        return cls(make_pool, queries() if named is None else named)

    async def close(self) -> None:
        """Close all connections; those in use are given two seconds. The database may be created anew afterwards."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                await pool.close()
        except DRIVER_ERRORS:
            pool.terminate()

    async def fetch(self, name: str, row: type[R], *args: Any) -> list[R]:
        """All rows of a named query, each as a ``row``."""
        async with self._statement() as statement:
            return await statement.fetch(name, row, *args)

    async def fetch_one(self, name: str, row: type[R], *args: Any) -> R | None:
        """The first row of a named query, or None."""
        async with self._statement() as statement:
            return await statement.fetch_one(name, row, *args)

    async def fetch_union(self, name: str, row: type[R], trains: Sequence[int], *args: Any, limit: int) -> list[R]:
        """The first ``limit`` rows over several trains of a query that lists one train (``sql.union``)."""
        async with self._statement() as statement:
            return await statement.fetch_union(name, row, trains, *args, limit=limit)

    async def execute(self, name: str, *args: Any) -> None:
        """Run a named query and leave its rows."""
        async with self._statement() as statement:
            await statement.execute(name, *args)

    async def alive(self) -> bool:
        """Whether the database answers now."""
        try:
            async with self._connection() as connection:
                with _translating():
                    await connection.fetchval("SELECT 1", timeout=GRACE_SECONDS)
        except DatabaseError:
            return False
        return True

    @asynccontextmanager
    async def transaction(
        self, *, lock_timeout_ms: int = 2_000, statement_timeout_ms: int = 10_000
    ) -> AsyncIterator[Transaction]:
        """A transaction that commits at the end of the block and rolls back where the block raises.

        Raises DatabaseAwayError where the commit's answer was lost: it may have happened, so the work must be such that
        it can be done again.
        """
        # One round trip; SET LOCAL ends with the transaction, so nothing stays on a connection pgbouncer shares.
        limits = {"lock_timeout": lock_timeout_ms, "statement_timeout": statement_timeout_ms}
        begin = "; ".join(["BEGIN", *(f"SET LOCAL {name} = {ms:d}" for name, ms in limits.items())])
        async with self._connection() as connection:
            seconds = statement_timeout_ms / 1000 + GRACE_SECONDS
            with _translating():
                await connection.execute(begin, timeout=seconds)
            try:
                yield Transaction(connection, self._queries, seconds)
            except BaseException as exc:
                await _roll_back(connection, exc)
                raise
            with _translating():
                ended = await connection.execute("COMMIT", timeout=seconds)
            if ended != "COMMIT":
                # The server answers ROLLBACK where a statement failed and its error was swallowed.
                raise DatabaseAwayError("the transaction was rolled back: a statement in it had failed")

    @asynccontextmanager
    async def _statement(self) -> AsyncIterator[Transaction]:
        async with self._connection() as connection:
            yield Transaction(connection, self._queries, ANSWER_SECONDS)

    @asynccontextmanager
    async def _connection(self) -> "AsyncIterator[PoolConnectionProxy[asyncpg.Record]]":
        pool = await self._opened()
        with _translating():
            connection = await pool.acquire(timeout=ACQUIRE_SECONDS)
        try:
            yield connection
        except BaseException as exc:
            if _unanswered(exc):
                await _close(connection)
            raise
        finally:
            await _give_back(pool, connection)

    async def _opened(self) -> "asyncpg.Pool[asyncpg.Record]":
        if self._pool is None:
            self._pool = self._make_pool()
        # Without connections to open (min_size 0) this never suspends, so two callers cannot meet in it.
        with _translating():
            await self._pool
        return self._pool


def _unanswered(exc: BaseException) -> bool:
    """Whether the server may still be at work on what the connection asked: no answer came, or nobody waited."""
    return isinstance(exc, asyncio.CancelledError) or (isinstance(exc, DatabaseError) and exc.sqlstate is None)


async def _roll_back(connection: "PoolConnectionProxy[asyncpg.Record]", exc: BaseException) -> None:
    """Ended by us, so that the pool has nothing to end: it would say so on stderr. Not where an answer is missing."""
    if _unanswered(exc):
        return
    with suppress(*DRIVER_ERRORS):
        await connection.execute("ROLLBACK", timeout=GRACE_SECONDS)


async def _close(connection: "PoolConnectionProxy[asyncpg.Record]") -> None:
    try:
        # Delivers the driver's cancel request first; a server that hangs does not take it, and is left.
        await connection.close(timeout=CANCEL_SECONDS)
    except DRIVER_ERRORS:
        return


async def _give_back(pool: "asyncpg.Pool[asyncpg.Record]", connection: "PoolConnectionProxy[asyncpg.Record]") -> None:
    try:
        # Rolls back what is open. Where that fails asyncpg closes the connection, and the server rolls back.
        await pool.release(connection, timeout=GRACE_SECONDS)
    except DRIVER_ERRORS:
        return


@contextmanager
def _translating() -> Iterator[None]:
    try:
        yield
    except DRIVER_ERRORS as exc:
        raise translated(exc) from exc
