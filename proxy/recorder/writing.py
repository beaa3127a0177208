"""From exchanges to rows: one short transaction per train, exactly once.

A batch of several trains is several transactions. The tape's position advances only in the last of them, so a crash in
between means that the earlier ones are done again: rows go from in flight to complete once, bodies are written for the
rows that just did, roll-ups add what the statement itself completed, and a second time all of it does nothing.
"""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from enum import Enum
from functools import lru_cache
from uuid import UUID

from core import origin
from core.errors import FootplateError
from core.exchange import Taped
from core.identity import Facts
from core.models import Origin, Recording, Start, Usage
from core.pieces import Division, divide
from core.prices import PriceList
from core.valueclass import replace, valueclass
from proxy import log
from proxy.recorder import batch_results, bodies, letters, sessions, tool_calls, usage_sums, windows
from proxy.recorder.accounts import Accounts
from proxy.recorder.alerts import Alerts
from proxy.recorder.bodies import BodyMismatchError, Recorded
from proxy.recorder.clock import ServerClock
from proxy.recorder.columns import Row, arrays
from proxy.recorder.filing import Span, filed_id
from proxy.recorder.linker import Linker
from proxy.recorder.price_book import PriceBook, billed
from proxy.tape_limit import Fill
from proxy.tape_places import Position
from sql.database import Database, Transaction
from sql.errors import DatabaseAwayError, DatabaseError, NoPartitionError, PoisonRowError
from sql.rows.partitions import PartitionsMade
from sql.rows.record import Before, Completed, TapeGeneration, TrainKey, TrainLock

MONTHS_AHEAD = 3
STATEMENT_MS = 10_000
SHORT_LETTER = 1 << 20
"""Bytes of frames, where the whole of them is more than a row of the database holds (1 GB)."""
REFUSED = "the database refused this call; its frames are kept as a dead letter"
_TRAIN = re.compile(r"[a-zA-Z0-9._:-]{1,128}")


class Remains(Enum):
    """What is kept of a call the database refuses, from most to least."""

    LETTER_AND_ROW = 1
    LETTER = 2
    SHORT_LETTER = 3
    NOTHING = 4


class FenceLostError(FootplateError):
    """Another recorder has taken this tape over: let go of it."""


@lru_cache(maxsize=1024)  # of a batch nearly all are of the same few
def _possible(train: str) -> str:
    return train if _TRAIN.fullmatch(train) else "default"


@valueclass(frozen=True, slots=True)
class Entry:
    """One call to write: in flight, or complete with its recording and its request's body in pieces."""

    start: Start
    taped: Taped | None = None
    recording: Recording | None = None
    division: Division | None = None
    facts: Facts | None = None
    """What linking must know of it; None where it takes no part in conversations."""

    @property
    def train(self) -> str:
        """The train's name; one no train can have (never written by our proxy) is filed under ``default``."""
        return _possible(self.start.train)

    @property
    def origin(self) -> Origin:
        """Who sent it; of a call in flight as far as its headers say."""
        return origin.read(self.start.headers, None) if self.recording is None else self.recording.origin


@valueclass(frozen=True, slots=True)
class Reached:
    """How far the tape is read once a batch is written."""

    position: Position
    lag_bytes: int
    behind_since: datetime | None
    fill: Fill | None = None
    """How full the tape is, where that is known."""

    @property
    def columns(self) -> tuple[int, datetime | None, int | None, int | None]:
        """Lag and fullness as statements take them."""
        used, most = self.fill or (None, None)
        return self.lag_bytes, self.behind_since, used, most


class Writer:
    """Writes the batches of one tape, under one generation of its fence."""

    def __init__(
        self,
        database: Database,
        clock: ServerClock,
        node: str,
        generation: int,
        linker: Linker | None = None,
        book: PriceBook | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._node = node
        self._generation = generation
        self._accounts = Accounts(database)
        self._linker = linker or Linker()
        self._book = book or PriceBook()
        self._alerts = Alerts(clock)
        self._trains: dict[str, int] = {}

    async def write(self, entries: Sequence[Entry], reached: Reached | None) -> None:
        """Write a batch and, where it is the last of a reading, advance the tape. May be repeated whole.

        Raises FenceLostError where the tape is not ours any more, DatabaseAwayError where it must be tried again.
        """
        trains: dict[str, list[Entry]] = {}
        for entry in entries:
            trains.setdefault(entry.train, []).append(entry)
        if not trains:
            async with self._database.transaction() as transaction:
                await self._advance(transaction, reached)
        for n, (train, of_train) in enumerate(trains.items(), start=1):
            await self._write_train(train, of_train, reached if n == len(trains) else None)

    async def _write_train(self, train: str, entries: Sequence[Entry], reached: Reached | None) -> None:
        try:
            await self._commit_with_partitions(train, entries, reached)
        except (PoisonRowError, BodyMismatchError) as exc:
            if len(entries) == 1:
                await self._bury(train, entries[0], exc, reached)
                return
            middle = len(entries) // 2
            await self._write_train(train, entries[:middle], None)
            await self._write_train(train, entries[middle:], reached)

    async def _commit_with_partitions(self, train: str, entries: Sequence[Entry], reached: Reached | None) -> None:
        try:
            await self._commit(train, entries, reached)
        except NoPartitionError:
            await make_partitions(self._database)
            try:
                await self._commit(train, entries, reached)
            except NoPartitionError as exc:
                # Ours to mend, never the row's fault (storage.md, keys): it waits like an absence of the database.
                raise DatabaseAwayError("a partition is missing and could not be made") from exc

    async def _commit(self, train: str, entries: Sequence[Entry], reached: Reached | None) -> None:
        accounts = [await self._accounts.number(e.recording.account if e.recording else None) for e in entries]
        async with self._writing(train, _weight(entries)) as (transaction, lock, span):
            key, prices = lock.train, await self._book.open(transaction, lock)
            before = await _before(transaction, key, entries)
            rows = self._rows(list(zip(entries, accounts, strict=True)), span, prices, before)
            rows = await batch_results.decide(transaction, key, rows)
            rows, linked = await self._linker.link(transaction, lock, rows, before.latest)
            completed = await transaction.fetch("record_rows", Completed, key, *arrays(rows))
            news = {row.id for row in completed}
            divisions = {e.start.request_id: e.division for e in entries if e.division is not None}
            recorded = [
                Recorded(
                    row.id, row.recording, divisions.get(row.start.request_id) or divide(row.recording.request_body)
                )
                for row in rows
                if row.recording is not None and row.id in news
            ]
            if recorded:
                await bodies.write(transaction, key, recorded)
            followers = [row for row in rows if row.id in news]
            await batch_results.write(transaction, key, followers, prices)
            if linked is not None:
                await self._linker.write(transaction, key, linked)
            await _follow_up(transaction, key, followers)
            await self._alerts.follow(transaction, lock, train, followers)
            await self._advance(transaction, reached)
        self._linker.committed(lock, linked)
        self._alerts.committed()

    @asynccontextmanager
    async def _writing(self, train: str, weight: int) -> AsyncIterator[tuple[Transaction, TrainLock, Span]]:
        """A transaction that holds the train's row, that row, and which ids are plausible."""
        key, span, compression = await self._train(train), await self._clock.span(), await self._clock.compression()
        # A body of hundreds of megabytes takes its time, and would never get it from the usual limit.
        limit_ms = STATEMENT_MS + weight // 10_000
        async with self._database.transaction(statement_timeout_ms=limit_ms) as transaction:
            lock = await transaction.fetch_one("record_lock_train", TrainLock, key, compression)
            if lock is None:
                self._trains.clear()
                raise DatabaseAwayError("a train's row is gone; it is made anew")
            yield transaction, lock, span

    async def _train(self, name: str) -> int:
        if name not in self._trains:
            found = await self._database.fetch_one("record_train", TrainKey, name)
            if found is None:
                raise DatabaseAwayError("another recorder is just creating this train")
            self._trains[name] = found.train
        return self._trains[name]

    def _rows(
        self, entries: Sequence[tuple[Entry, int | None]], span: Span, prices: PriceList, before: Before
    ) -> list[Row]:
        refiled = before.refiled
        rows: dict[UUID, Row] = {}
        for entry, account in entries:
            request_id = entry.start.request_id
            filed = filed_id(request_id, span, refiled)
            original = None if filed == request_id else request_id
            facts = _filed(entry.facts, filed)
            bill = None if entry.recording is None else billed(entry.recording, prices)
            row = Row(
                filed, original, self._node, account, entry.start, entry.recording, entry.origin, facts, bill=bill
            )
            # One statement cannot touch a row twice: of a call that began and ended in this batch the end counts.
            if filed not in rows or rows[filed].recording is None:
                rows[filed] = row
        return list(rows.values())

    async def _advance(self, transaction: Transaction, reached: Reached | None) -> None:
        if reached is None:
            return
        ours = await transaction.fetch_one(
            "record_position",
            TapeGeneration,
            self._node,
            self._generation,
            reached.position.segment,
            reached.position.offset,
            *reached.columns,
        )
        if ours is None:
            raise FenceLostError("another recorder has taken this tape over")

    async def _bury(self, train: str, entry: Entry, exc: Exception, reached: Reached | None) -> None:
        """A dead letter, and a row of what is surely harmless; where even that is refused, less and less."""
        log.write_seldom("dead_letter", node=self._node, error=type(exc).__name__)
        for remains in Remains:
            try:
                await self._put_aside(train, entry, exc, reached, remains)
            except (PoisonRowError, NoPartitionError):
                continue
            return
        raise DatabaseAwayError("the database refuses a call in every form, even none")

    async def _put_aside(
        self, train: str, entry: Entry, exc: Exception, reached: Reached | None, remains: Remains
    ) -> None:
        async with self._writing(train, _weight([entry])) as (transaction, lock, span):
            key = lock.train
            # A call in flight has no letter yet: it gets one at its end.
            if entry.recording is not None and entry.taped is not None and remains is not Remains.NOTHING:
                limit = SHORT_LETTER if remains is Remains.SHORT_LETTER else None
                await self._write_letter(transaction, train, letters.frames_of(entry.taped)[:limit], entry, exc)
                shown = entry.start.request_id if remains is Remains.LETTER_AND_ROW else None
                await self._alerts.put_aside(transaction, self._node, train, exc, shown)
                stripped = replace(
                    entry, start=replace(entry.start, headers=()), recording=_bare(entry.recording), facts=None
                )
                prices = await self._book.open(transaction, lock)
                rows = self._rows([(stripped, None)], span, prices, await _before(transaction, key, [entry]))
                if remains is Remains.LETTER_AND_ROW:
                    completed = await transaction.fetch("record_rows", Completed, key, *arrays(rows))
                    await usage_sums.add(transaction, key, [row.id for row in completed])
                else:
                    await transaction.execute("record_forget_in_flight", key, rows[0].id)
            await self._advance(transaction, reached)

    async def _write_letter(
        self, transaction: Transaction, train: str, frames: bytes, entry: Entry, exc: Exception
    ) -> None:
        sqlstate = exc.sqlstate if isinstance(exc, DatabaseError) else None
        await transaction.execute(
            "record_dead_letter", entry.start.request_id, self._node, train, sqlstate, str(exc), frames
        )


async def _before(transaction: Transaction, train: int, entries: Sequence[Entry]) -> Before:
    """What the train had before this batch."""
    before = await transaction.fetch_one("record_before", Before, train, [one.start.request_id for one in entries])
    if before is None:
        raise AssertionError("an aggregate without groups is one row")
    return before


async def _follow_up(transaction: Transaction, train: int, news: Sequence[Row]) -> None:
    """Write what follows from rows that became complete in this transaction."""
    await usage_sums.add(transaction, train, [row.id for row in news])
    await sessions.write(transaction, train, news)
    await windows.write(transaction, news)
    told = [(row.id, row.recording, row.facts) for row in news if row.recording is not None and row.facts is not None]
    await tool_calls.write(transaction, train, told)


async def make_partitions(database: Database) -> None:
    """Make the months that are missing. Raises DatabaseAwayError."""
    await database.fetch_one("make_partitions", PartitionsMade, MONTHS_AHEAD)


def _filed(facts: Facts | None, request_id: UUID) -> Facts | None:
    """The facts of a call under the id it is filed under."""
    if facts is None or facts.call.id == request_id:
        return facts
    return replace(facts, call=replace(facts.call, id=request_id))


def _weight(entries: Sequence[Entry]) -> int:
    """Bytes of bodies."""
    return sum(len(e.taped.request_body) + len(e.taped.response_body) for e in entries if e.taped is not None)


def _bare(recording: Recording) -> Recording:
    """What is left of a recording without anything that came from outside as text or JSON."""
    return replace(
        recording,
        start=replace(recording.start, headers=()),
        head=None if recording.head is None else replace(recording.head, headers=()),
        usage=Usage(),
        batch=None,
        model=None,
        answered_model=None,
        message=None,
        message_id=None,
        stop_reason=None,
        error_type=None,
        error_message=None,
        upstream_request_id=None,
        origin=Origin(),
        parse_error=REFUSED,
    )
