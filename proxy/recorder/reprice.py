"""Pricing recorded requests again, after prices have changed: rows, roll-ups and conversations in one transaction each.

What is priced is the stored usage, by the code that prices when it is recorded. Live recording goes on meanwhile: each
portion takes the train's lock like any other writer. Whoever is broken off goes on where he was.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from core import batches, usage
from core.errors import BadSettingError
from core.ids import uuid7
from core.prices import PriceList
from core.pricing import Bill, Cost, Unpriced, bill, sold
from core.rollup import charged
from core.settings import Settings
from proxy import log
from proxy.recorder import stored, usage_again, usage_sums
from proxy.recorder.notes import OtherVersionError, pack, unpack
from proxy.recorder.price_book import PriceBook, list_bytes
from sql.database import Database, Transaction
from sql.errors import DatabaseAwayError
from sql.migrator import check
from sql.rows.linking import LinkNote
from sql.rows.rebuild import RebuildTrain
from sql.rows.record import TrainLock
from sql.rows.reprice import PriceChanges, RepriceRow, RepriceState

CALLS: Final = 1000
"""Requests of one portion: some 50 ms of the train's lock."""
STATEMENT_MS: Final = 60_000
FIRST, LAST = UUID(int=0), UUID(int=(1 << 128) - 1)


@dataclass(frozen=True, slots=True)
class Period:
    """Which requests: by the time in their ids, from ``since`` up to but without ``until``."""

    since: datetime | None = None
    until: datetime | None = None

    @property
    def first(self) -> UUID:
        """The least id there can be in it."""
        return FIRST if self.since is None else uuid7(int(self.since.timestamp() * 1000), bytes(10))

    @property
    def last(self) -> UUID:
        """The first id behind it."""
        return LAST if self.until is None else uuid7(int(self.until.timestamp() * 1000), bytes(10))


@dataclass(slots=True)
class Ledger:
    """What has been priced so far."""

    count: int = 0
    changed: int = 0
    before: Decimal = field(default_factory=Decimal)
    after: Decimal = field(default_factory=Decimal)

    def add(self, rows: Sequence[RepriceRow], bills: Sequence[Bill]) -> None:
        """Count a portion in."""
        self.count += len(rows)
        for row, one in zip(rows, bills, strict=True):
            self.changed += _differs(row, one)
            self.before += row.cost_usd or 0
            self.after += one.usd if isinstance(one, Cost) else 0


async def run(settings: Settings, *, train: str | None, period: Period, dry_run: bool) -> None:
    """Price one train or all. Raises BadSettingError where the train or the database is not named right."""
    if settings.database_url is None:
        raise BadSettingError("DATABASE_URL: pricing needs the Postgres to work on")
    if period.first >= period.last:
        raise BadSettingError("--until: lies before --since")
    database = Database.create(
        settings.database_url, application="footplate reprice", size=2, statement_cache=settings.statement_cache
    )
    try:
        await check(database)
        trains = await database.fetch("rebuild_trains", RebuildTrain, train)
        if train is not None and not trains:
            raise BadSettingError(f"--train: there is no train {train!r}")
        for one in trains:
            await Reprice(database, one.train, period, dry_run=dry_run).run()
    finally:
        await database.close()


class Reprice:
    """One train's requests of a period."""

    def __init__(self, database: Database, train: int, period: Period, *, dry_run: bool = False) -> None:
        self._database = database
        self._train = train
        self._period = period
        self._dry = dry_run
        self._book = PriceBook()

    async def run(self) -> Ledger:
        """From the beginning, or from where the last one was broken off. Raises sql's errors."""
        state = RepriceState(_before(self._period.first), 0, 0, None) if self._dry else await self._begin()
        ledger, reached = Ledger(state.repriced, state.changed), state.reached
        while rows := await self._next(reached):
            bills = await self._reprice(rows)
            ledger.add(rows, bills)
            reached = rows[-1].id
            log.write(
                "reprice", train=self._train, count=ledger.count, changed=ledger.changed, total=state.total,
                reached=str(reached),
            )  # fmt: skip
        if not self._dry:
            async with self._locked() as (transaction, _):
                await transaction.execute("reprice_finish", self._train)
        log.write(
            "would_reprice" if self._dry else "repriced", train=self._train, count=ledger.count,
            changed=ledger.changed, usd_before=float(ledger.before), usd_after=float(ledger.after),
        )  # fmt: skip
        return ledger

    async def _begin(self) -> RepriceState:
        changes = await self._database.fetch_one("price_changes", PriceChanges)
        state = await self._database.fetch_one(
            "reprice_begin",
            RepriceState,
            self._train,
            _before(self._period.first),
            self._period.last,
            0 if changes is None else changes.price_changes,
            hashlib.sha256(list_bytes()).hexdigest(),
        )
        if state is None:
            raise AssertionError("its row is there or was made")
        return state

    async def _next(self, reached: UUID) -> list[RepriceRow]:
        return await self._database.fetch("reprice_next", RepriceRow, self._train, reached, self._period.last, CALLS)

    async def _reprice(self, rows: Sequence[RepriceRow]) -> list[Bill]:
        async with self._locked() as (transaction, lock):
            prices = await self._book.open(transaction, lock)
            bills = [billed(row, prices) for row in rows]
            changed = [(row, one) for row, one in zip(rows, bills, strict=True) if _differs(row, one)]
            if not self._dry:
                await self._write(transaction, changed)
                await self._write_batches(transaction, [row.id for row in rows if row.batch_id is not None], prices)
                await transaction.execute("reprice_reached", self._train, rows[-1].id, len(rows), len(changed))
        return bills

    async def _write(self, transaction: Transaction, changed: Sequence[tuple[RepriceRow, Bill]]) -> None:
        if not changed:
            return
        ids = [row.id for row, _ in changed]
        await usage_sums.take_back(transaction, self._train, ids)
        await transaction.execute(
            "reprice_write",
            self._train,
            ids,
            [one.usd if isinstance(one, Cost) else None for _, one in changed],
            [one.price_id if isinstance(one, Cost) else None for _, one in changed],
            [one.estimated if isinstance(one, Cost) else None for _, one in changed],
            [None if one is None else one.reason for _, one in changed],
        )
        await usage_sums.add(transaction, self._train, ids)
        await self._remember(transaction, dict(zip(ids, (one for _, one in changed), strict=True)))
        talks = {row.conversation_id for row, _ in changed if row.conversation_id is not None}
        if talks:
            await transaction.execute("reprice_conversations", self._train, sorted(talks))

    async def _remember(self, transaction: Transaction, bills: dict[UUID, Bill]) -> None:
        notes = []
        for row in await transaction.fetch("reprice_notes", LinkNote, self._train, list(bills)):
            try:
                note = unpack(row.record)
            except OtherVersionError:
                continue  # a rebuild writes it anew
            notes.append(note._replace(figures=replace(note.figures, **charged(bills[note.id]))))
        if notes:
            await transaction.execute(
                "reprice_write_notes", self._train, [note.id for note in notes], [pack(note) for note in notes]
            )

    async def _write_batches(self, transaction: Transaction, ids: Sequence[UUID], prices: PriceList) -> None:
        """The messages of a batch stand in its stored results only."""
        told = [stored.redeveloped(call) for call in await stored.read(transaction, self._train, ids)]
        await usage_again.write(transaction, self._train, [usage_again.row(one, prices) for one in told], prices)

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[tuple[Transaction, TrainLock]]:
        """A transaction that holds the train's row, and that row."""
        async with self._database.transaction(lock_timeout_ms=60_000, statement_timeout_ms=STATEMENT_MS) as transaction:
            lock = await transaction.fetch_one("record_lock_train", TrainLock, self._train, "pglz")
            if lock is None:
                raise DatabaseAwayError("the train's row is gone")
            yield transaction, lock


def billed(row: RepriceRow, prices: PriceList) -> Bill:
    """What a stored request costs by these prices; of a batch's results what it cost: see ``_write_batches``."""
    if batches.batch_of(row.method, row.path, row.status_code) is not None:
        return _as_it_is(row)
    used = usage.read(row.usage, complete=bool(row.usage_complete))
    return bill(used, row.model, row.started_at, prices, sold=sold(row.method, row.path, row.status_code))


def _as_it_is(row: RepriceRow) -> Bill:
    if row.cost_usd is None:
        return None if row.cost_reason is None else Unpriced(row.cost_reason)
    return Cost(row.cost_usd, row.price_id or "", bool(row.cost_estimated), row.cost_reason)


def _differs(row: RepriceRow, now: Bill) -> bool:
    return _as_it_is(row) != now


def _before(first: UUID) -> UUID:
    """The id right before this one."""
    return UUID(int=max(first.int - 1, 0))
