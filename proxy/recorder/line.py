"""One tape's way into the database: read, fold, load, derive, write, delete; from where the last recorder left off.

What was read is held until it is written, however long that takes, so memory and position never disagree. Everything
after the position can be read again: nothing is lost by stopping here at any moment.
"""

import asyncio
import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from core.errors import BadFrameError
from core.exchange import Taped
from core.models import End, Start
from proxy import log
from proxy.recorder.backoff import Backoff
from proxy.recorder.batch import Changes
from proxy.recorder.clock import ServerClock
from proxy.recorder.derivation import Derivation
from proxy.recorder.exchanges import Exchange, Exchanges, Places, damaged
from proxy.recorder.linker import Linker
from proxy.recorder.outage import wait_out
from proxy.recorder.price_book import PriceBook
from proxy.recorder.schema import Schema
from proxy.recorder.writing import Entry, FenceLostError, Reached, Writer
from proxy.tape_bell import TapeBell
from proxy.tape_limit import fill_of
from proxy.tape_places import Place, Position
from proxy.tape_reader import TapeReader
from sql.database import Database
from sql.errors import DatabaseAwayError, SchemaMismatchError
from sql.rows.record import TapeClaim, TapeGeneration

FRAMES = 1024
"""Frames of one reading: about 200 short calls, so a batch is rarely much over its limit."""
READINGS = 16
"""Before what they brought is written: where many streams write without a pause, there is always one more frame."""
HEARTBEAT_SECONDS = 2.0
DEAD_WRITER_SECONDS = 0.25
"""Between two looks at whether the writers of open exchanges live."""
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.15, 0.6
"""Before the next batch of a tape that is up to date: for each call of the last one, and at most. Calls share commits,
and a row is late by this at most. What a batch costs beside its calls is some ten short ones, or three long ones."""


@dataclass(frozen=True, slots=True)
class Services:
    """What all tapes of a recorder share."""

    database: Database
    clock: ServerClock
    schema: Schema
    derivation: Derivation
    linker: Linker
    book: PriceBook
    monotonic: Callable[[], float]
    stop: asyncio.Event
    writing: asyncio.Semaphore
    """Fewer tapes at once than there are connections: many workers' tapes queue here, not for a connection."""
    silence_us: int
    """Longer than this no call of the relay is without a byte."""
    tape_max_bytes: int
    """That one tape may reach."""
    failpoint: Callable[[str], None]
    """Called with a place's name; a test may have it kill the process there."""


class Line:
    """One tape, from the position of its claim on."""

    def __init__(self, services: Services, folder: Path, claim: TapeClaim) -> None:
        self._services = services
        self._folder = folder
        self._node = folder.name
        self._generation = claim.generation
        begin = Position(claim.segment, claim.segment_offset) if claim.segment.int else None
        self._reader = TapeReader(folder, begin)
        self._exchanges = Exchanges()
        self._writer = Writer(
            services.database, services.clock, self._node, claim.generation, services.linker, services.book
        )
        self._beat_at = self._looked_at = 0.0
        self._behind = False
        self._pause = PAUSE_SECONDS
        self._damaged = 0
        self._read_at = services.monotonic()
        self._written: Position | None = begin

    async def follow(self) -> None:
        """Record until asked to stop. Raises FenceLostError where another recorder took the tape, StoppedError."""
        bell = TapeBell(self._folder)
        try:
            await self._delete_passed()
            while not self._services.stop.is_set():
                if not await self._advance():
                    await self._heartbeat()
                    await bell.wait()
                elif not self._behind:
                    await asyncio.sleep(self._pause)
        finally:
            bell.close()
            self._reader.close()

    async def drain(self) -> None:
        """Record all that is complete now, and what dead writers left open. Raises as ``follow``."""
        try:
            await self._delete_passed()
            while not self._services.stop.is_set() and await self._advance():
                pass
        finally:
            self._reader.close()

    async def _advance(self) -> bool:
        """Write what is new; whether anything was."""
        changes = Changes()
        moved = await self._read(changes)
        if not moved:
            self._look_for_dead_writers(changes)
        if not changes and self._reached() == self._written:
            return moved
        await self._record(changes)
        return True

    async def _read(self, changes: Changes) -> bool:
        """Read until a batch is full or there is no more; whether there was any. Bounded: a row must not wait."""
        for reading in range(READINGS):
            frames = await asyncio.to_thread(self._reader.read, FRAMES)
            for frame in frames:
                changed = self._exchanges.take(frame)
                if changed is not None:
                    changes.add(changed)
            if frames:
                self._read_at = self._services.monotonic()
            self._report_damage()
            self._behind = len(frames) >= FRAMES or changes.full
            if self._reader.at_end or not frames or changes.full:
                return reading > 0 or bool(frames)
        return True

    def _report_damage(self) -> None:
        places = self._reader.quarantined.places
        if places != self._damaged:
            self._damaged = places
            log.write("tape_damaged", node=self._node, count=places)

    def _look_for_dead_writers(self, changes: Changes) -> None:
        """Close what nobody will end. Only when all there is was read: an end may lie further on."""
        position = self._reader.position
        if not len(self._exchanges) or position is None:
            return
        crashed: list[Exchange] = []
        if self._reader.ended:
            crashed = self._exchanges.crash(lambda _: True)
        elif self._services.monotonic() - self._looked_at >= DEAD_WRITER_SECONDS:
            self._looked_at = self._services.monotonic()
            if not self._reader.writer_gone(position.segment):
                # We are in what a living writer writes, so everything of those before it was read.
                crashed = self._exchanges.crash(self._reader.writer_gone)
            quiet_us = int((self._services.monotonic() - self._read_at) * 1_000_000)
            crashed += self._exchanges.expire(self._services.silence_us, quiet_us)
        for exchange in crashed:
            changes.add(exchange)

    async def _record(self, changes: Changes) -> None:
        """Batch after batch; the position goes with the last one."""
        position = self._reached()
        self._pause = min(PAUSE_SECONDS * max(len(changes), 1), LONGEST_PAUSE_SECONDS)
        batches = list(changes.batches()) or [[]]
        for n, batch in enumerate(batches, start=1):
            reached = position if n == len(batches) else None
            taped, how_far = await asyncio.to_thread(self._load_batch, batch, reached)
            await self._write([await self._entry(*one) for one in taped], how_far)
        before, self._written = self._written, position
        self._services.failpoint("after_commit")
        if before is None or position is None or before.segment != position.segment:
            await self._delete_passed()

    async def _delete_passed(self) -> None:
        """Delete what is recorded; also what a recorder that died right after its commit left behind."""
        if self._written is not None:
            await asyncio.to_thread(self._reader.drop_before, self._written)

    def _reached(self) -> Position | None:
        return self._exchanges.unfinished() or self._reader.position

    def _load_batch(
        self, batch: Sequence[Exchange], position: Position | None
    ) -> tuple[list[tuple[Start, Taped | None]], Reached | None]:
        """The calls, whole where they have ended, and how far the tape is read with them."""
        # In one thread for the whole batch: a hop for each call cost more than reading it.
        taped = [(one.start, None if one.end is None else self._taped(one, one.end)) for one in batch]
        return taped, None if position is None else self._how_far(position)

    async def _entry(self, start: Start, taped: Taped | None) -> Entry:
        if taped is None:
            return Entry(start)
        said, division = await self._services.derivation.derive(taped)
        return Entry(start, taped, said.recording, division, said.facts)

    def _taped(self, exchange: Exchange, end: End) -> Taped:
        request, lost_request = self._load(exchange.body)
        response, lost_response = self._load(exchange.chunks)
        end = damaged(end, lost_request + lost_response)
        chunks = (
            tuple(
                replace(chunk, size=len(payload))
                for chunk, payload in zip(exchange.timed_chunks(), response, strict=True)
            )
            if lost_response
            else exchange.timed_chunks()
        )
        return Taped(exchange.start, b"".join(request), exchange.head, b"".join(response), chunks, end)

    def _load(self, places: Places) -> tuple[list[bytes], int]:
        """The payloads, and how many turned bad since they were read first (empty then)."""
        if places.payloads is not None:
            return places.payloads, 0
        where = places.places(self._exchanges.segments)
        try:
            return self._reader.load(where), 0
        except (BadFrameError, OSError) as exc:
            _require_damage(exc)
            payloads = [self._load_one(place) for place in where]
            return [payload or b"" for payload in payloads], payloads.count(None)

    def _load_one(self, place: Place) -> bytes | None:
        try:
            return self._reader.load([place])[0]
        except (BadFrameError, OSError) as exc:
            _require_damage(exc)
            return None

    async def _write(self, entries: Sequence[Entry], reached: Reached | None) -> None:
        """Until it is written: the database may be away for as long as it likes."""
        backoff = Backoff()
        away: str | None = None
        while True:
            try:
                async with self._services.writing:
                    await self._services.schema.require()
                    await self._writer.write(entries, reached)
            except DatabaseAwayError as exc:
                kind = "schema_mismatch" if isinstance(exc, SchemaMismatchError) else "database_away"
                if away != kind:
                    log.write(kind, node=self._node, error=type(exc).__name__)
                away = kind
                await wait_out(self._services.database, self._services.stop, backoff.next())
                if reached is not None:
                    reached = await asyncio.to_thread(self._how_far, reached.position)
            else:
                if away is not None:
                    log.write("database_back", node=self._node)
                self._beat_at = self._services.monotonic()
                return

    def _how_far(self, position: Position) -> Reached:
        backlog = self._reader.backlog()
        since = None if backlog.oldest_ms is None else datetime.fromtimestamp(backlog.oldest_ms / 1000, UTC)
        fill = fill_of(self._folder, self._services.tape_max_bytes)
        return Reached(position, backlog.bytes + self._exchanges.open_bytes(), since, fill)

    async def _heartbeat(self) -> None:
        """Say that we are here, and learn whether the tape is ours; a database that is away is met when writing."""
        if self._written is None or self._services.monotonic() - self._beat_at < HEARTBEAT_SECONDS:
            return
        self._beat_at = self._services.monotonic()
        reached = await asyncio.to_thread(self._how_far, self._written)
        try:
            ours = await self._services.database.fetch_one(
                "record_heartbeat",
                TapeGeneration,
                self._node,
                self._generation,
                *reached.columns,
            )
        except DatabaseAwayError:
            return
        if ours is None:
            raise FenceLostError("another recorder has taken this tape over")


def _require_damage(exc: BadFrameError | OSError) -> None:
    """Only what a second try cannot mend is a loss: wrong bytes, or a disk that cannot give them."""
    if isinstance(exc, OSError) and exc.errno != errno.EIO:
        raise exc
