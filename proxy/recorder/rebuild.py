"""Deriving again, from stored bytes and by the same code, usage, cost and links: of all requests or those since a time.

Live recording goes on meanwhile: each portion takes the train's lock like any other writer, and who is recorded before
its parent is rebuilt is adopted then. Whoever is broken off goes on where he was. Rows keep what they say until their
turn comes, so pages stay readable; a conversation that is half rebuilt shows half.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from core.chain import IDENTITY_VERSION
from core.errors import BadSettingError
from core.launches import invocations
from core.models import DERIVER_VERSION
from core.preview import preview
from core.reply import reply_of
from core.rollup import figures
from core.settings import Settings
from proxy import log
from proxy.recorder import linking, notes, stored, tool_calls, usage_again, windows
from proxy.recorder.columns import TOKENS, Row
from proxy.recorder.facts_memory import FactsMemory
from proxy.recorder.linking import Newcomer
from proxy.recorder.price_book import PriceBook
from proxy.recorder.readable import jsonb
from proxy.recorder.stored import Redeveloped
from sql.database import Database, Transaction
from sql.errors import DatabaseAwayError
from sql.migrator import check
from sql.rows.linking import LinkBegin, LinkRequest
from sql.rows.rebuild import RebuildDue, RebuildNext, RebuildRun, RebuildState
from sql.rows.record import TrainLock

CALLS = 200
BYTES = 16 << 20
"""Of one portion."""
CLEAR = 10_000
STATEMENT_MS = 600_000
DERIVED = 1000 * DERIVER_VERSION + notes.VERSION
"""What a rebuild makes: one that was broken off by an older program begins anew."""


async def mark_due(database: Database) -> None:
    """Mark trains that an older program linked, so that pages and API say it until they are rebuilt.

    Raises sql's errors.
    """
    for one in await database.fetch("rebuild_due", RebuildDue, notes.VERSION, DERIVED, IDENTITY_VERSION):
        log.write("rebuild_due", train=one.train)


async def run(settings: Settings, *, train: str | None, since: datetime | None) -> None:
    """Rebuild one train or all. Raises BadSettingError where the train or the database is not named right."""
    if settings.database_url is None:
        raise BadSettingError("DATABASE_URL: a rebuild needs the Postgres to work on")
    database = Database.create(
        settings.database_url, application="footplate rebuild", size=2, statement_cache=settings.statement_cache
    )
    try:
        await check(database)
        trains = await database.fetch("rebuild_run", RebuildRun, train, since, DERIVED, IDENTITY_VERSION)
        if train is not None and not trains:
            raise BadSettingError(f"--train: there is no train {train!r}")
        for one in trains:
            await Rebuild(database, one).run(since)
    finally:
        await database.close()


class Rebuild:
    """The rebuild of one train."""

    def __init__(self, database: Database, train: RebuildRun) -> None:
        self._database = database
        self._train = train.train
        self._began = train.began
        self._memory = FactsMemory()
        self._book = PriceBook()

    async def run(self, since: datetime | None) -> None:
        """From the beginning, or from where the last one was broken off. Raises sql's errors."""
        state = await self._begin(since)
        if not state.cleared:
            await self._clear(state.since)
        reached, rebuilt = state.reached, state.rebuilt
        while portion := await self._next(reached):
            await self._rebuild(portion)
            reached, rebuilt = portion[-1], rebuilt + len(portion)
            log.write("rebuild", train=self._train, count=rebuilt, reached=str(reached))
        await self._finish(state.since)
        log.write("rebuilt", train=self._train, count=rebuilt)

    async def _begin(self, since: datetime | None) -> RebuildState:
        state = await self._database.fetch_one(
            "rebuild_begin", RebuildState, self._train, since, DERIVED, IDENTITY_VERSION, self._began
        )
        if state is None:
            raise AssertionError("a rebuild's row is there or was made")
        return state

    async def _clear(self, since: UUID) -> None:
        while True:
            async with self._locked() as (transaction, _):
                if not await transaction.fetch("rebuild_clear", LinkRequest, self._train, since, CLEAR):
                    await transaction.execute("rebuild_cleared", self._train)
                    return

    async def _next(self, reached: UUID) -> list[UUID]:
        """The next requests, as many as a transaction may hold; one at least, while there are any."""
        found = await self._database.fetch("rebuild_next", RebuildNext, self._train, reached, CALLS)
        portion: list[UUID] = []
        room = BYTES
        for row in found:
            room -= row.bytes
            if portion and room < 0:
                break
            portion.append(row.id)
        return portion

    async def _rebuild(self, ids: Sequence[UUID]) -> None:
        calls = await stored.read(self._database, self._train, ids)
        told = await asyncio.to_thread(lambda: [stored.redeveloped(call) for call in calls])
        async with self._locked() as (transaction, lock):
            prices = await self._book.open(transaction, lock)
            rows = [usage_again.row(one, prices) for one in told]
            await usage_again.write(transaction, self._train, rows, prices)
            await windows.write(transaction, rows)
            await self._link(transaction, [(one, row) for one, row in zip(told, rows, strict=True) if one.facts])
            await transaction.execute("rebuild_reached", self._train, ids[-1], len(ids))

    async def _link(self, transaction: Transaction, found: Sequence[tuple[Redeveloped, Row]]) -> None:
        told, newcomers = [one for one, _ in found], []
        for (recording, facts, account), row in found:
            if facts is not None:
                self._memory.keep(self._train, facts)
                newcomers.append(Newcomer(facts, figures(recording, facts, account, TOKENS, row.bill)))
        if not newcomers:
            return
        ids = [one.facts.call.id for one in newcomers]
        begun = await transaction.fetch("rebuild_noted", LinkBegin, self._train, ids)
        made = await linking.link(
            transaction,
            self._train,
            newcomers,
            begun,
            lambda missing: self._memory.load(transaction, self._train, missing),
        )
        await linking.write(transaction, self._train, made, inserted=frozenset())
        await self._identify(transaction, told)
        of_tools = [(facts.call.id, recording, facts) for recording, facts, _ in told if facts is not None]
        await tool_calls.write(transaction, self._train, of_tools)

    async def _identify(self, transaction: Transaction, told: Sequence[Redeveloped]) -> None:
        rows = [
            (
                facts.call.id,
                facts.call.state.hex(),
                facts.call.side_call,
                jsonb(invocations(reply_of(recording).blocks())) if facts.call.launches else None,
                IDENTITY_VERSION,
                len(facts.items),
                preview(facts.items),
            )
            for recording, facts, _ in told
            if facts is not None
        ]
        await transaction.execute("rebuild_identify", self._train, *map(list, zip(*rows, strict=True)))

    async def _finish(self, since: UUID) -> None:
        async with self._locked() as (transaction, _):
            for query in ("conversations", "branches"):
                await transaction.execute(f"rebuild_sweep_{query}", self._train)
            await transaction.execute("rebuild_chain_aliases", self._train)
            await transaction.execute("rebuild_aliases", self._train)
            await transaction.execute("rebuild_sweep_aliases", self._train)
            await transaction.execute("rebuild_sessions", self._train, since)
            await transaction.execute("rebuild_forget_hours", self._train, since)
            await transaction.execute("rebuild_count_hours", self._train, since)
            await transaction.execute("rebuild_count_days", self._train, since)
            await transaction.execute("rebuild_finish", self._train)

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[tuple[Transaction, TrainLock]]:
        """A transaction that holds the train's row, and that row."""
        async with self._database.transaction(lock_timeout_ms=60_000, statement_timeout_ms=STATEMENT_MS) as transaction:
            lock = await transaction.fetch_one("record_lock_train", TrainLock, self._train, "pglz")
            if lock is None:
                raise DatabaseAwayError("the train's row is gone")
            yield transaction, lock
