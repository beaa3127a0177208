"""Frames folded into exchanges: what began, what ended, and where on the tape the first unfinished one begins.

What frames brought is held until their call has ended, up to ``HELD`` bytes of all open calls: 1,000 streams of 300 KB
would be 300 MB. Of those that are let go only the places are kept, 40 bytes a frame, to load their bytes again.
"""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from struct import Struct
from uuid import UUID

from core.errors import BadFrameError
from core.frames import decode_end, decode_head, decode_start
from core.kept import DAMAGED
from core.models import Chunk, End, Head, Outcome, Start, Timings
from core.tape import HEADER_SIZE, Frame, Kind
from proxy.tape_places import Place, Position
from sql.ids import quick_id

CRASH_NOTE = "the proxy process ended without an end frame"
DAMAGE_NOTE = "the end of this call never reached the tape, or was lost to damage on it"
HELD = 32 << 20
_FIELDS = 5
_flat_place = Struct(f"={_FIELDS}q").pack
_START, _BODY, _HEAD, _CHUNK = Kind.START, Kind.BODY, Kind.HEAD, Kind.CHUNK
"""By names of ours: Python 3.11 runs a function for each look at an enum's member."""


class Places:
    """Where the frames of one body lie and when they came. Flat: segment number, offset, length, sequence, µs."""

    __slots__ = ("_flat", "payloads")

    def __init__(self) -> None:
        self._flat = array("q")
        self.payloads: list[bytes] | None = []
        """What the frames brought; None where it was let go."""

    def __len__(self) -> int:
        return len(self._flat) // _FIELDS

    def add(self, segment: int, frame: Frame) -> None:
        """One more frame of this body."""
        self._flat.frombytes(_flat_place(segment, frame.offset, frame.length, frame.sequence, frame.mono_us))
        if self.payloads is not None:
            self.payloads.append(frame.payload)

    def void_from(self, sequence: int) -> None:
        """Forget the frames from this sequence on: the writer has repeated them."""
        flat = self._flat
        kept = [n for n in range(0, len(flat), _FIELDS) if flat[n + 3] < sequence]
        self._flat = array("q", (value for n in kept for value in flat[n : n + _FIELDS]))
        if self.payloads is not None:
            self.payloads = [self.payloads[n // _FIELDS] for n in kept]

    def sizes(self) -> list[int]:
        """Bytes of payload, frame by frame."""
        return [length - HEADER_SIZE for length in self._flat[2::_FIELDS]]

    def times(self) -> list[int]:
        """Monotonic µs, frame by frame."""
        return self._flat[4::_FIELDS].tolist()

    def places(self, segments: Sequence[UUID]) -> list[Place]:
        """The places, to load the payloads from."""
        flat = self._flat
        return [Place(segments[flat[n]], flat[n + 1], flat[n + 2]) for n in range(0, len(flat), _FIELDS)]


@dataclass(slots=True)
class Exchange:
    """One call while its frames arrive. ``end`` is set when it is over."""

    start: Start
    begins: Position
    began_us: int
    last_us: int
    body: Places = field(default_factory=Places)
    chunks: Places = field(default_factory=Places)
    head: Head | None = None
    head_at: tuple[int, int] | None = None
    """Sequence and monotonic µs of the head's frame."""
    end: End | None = None
    last_sequence: int = 0
    size: int = 0

    @property
    def held(self) -> int:
        """Bytes of memory, nearly, for what its frames brought."""
        return 0 if self.body.payloads is None else self.size

    def let_go(self) -> None:
        """Hold nothing of what its frames brought, now or later."""
        self.body.payloads = self.chunks.payloads = None

    def since_start(self, mono_us: int) -> int:
        """Microseconds after the accept."""
        return max(mono_us - self.began_us, 0)

    def timed_chunks(self) -> tuple[Chunk, ...]:
        """The response's pieces as they came, each with its size and its time since the accept."""
        began, sizes, times = self.began_us, self.chunks.sizes(), self.chunks.times()
        return tuple([Chunk(size, max(at - began, 0)) for size, at in zip(sizes, times, strict=True)])

    def missing(self) -> int:
        """Frames that were written, or should have been, and were not read; the end's own is counted as there."""
        there = 1 + len(self.body) + len(self.chunks) + (self.head_at is not None) + (self.end is not None)
        return self.last_sequence + 1 - there


class Exchanges:
    """The open exchanges of one tape, in the order they began."""

    def __init__(self) -> None:
        self._open: dict[bytes, Exchange] = {}
        self._held = 0
        """Bytes of what frames brought of open exchanges."""
        self._numbers: dict[UUID, int] = {}
        self.segments: list[UUID] = []
        """Segments by the number ``Places`` knows them under."""
        self._now_us = 0
        self.strays = 0
        """Frames without a start: of calls recorded before, or whose start was damaged."""

    def __len__(self) -> int:
        return len(self._open)

    def open_bytes(self) -> int:
        """Bytes on the tape of exchanges that have not ended."""
        return sum(exchange.size for exchange in self._open.values())

    def unfinished(self) -> Position | None:
        """Where the earliest unfinished exchange begins; None when there is none."""
        first = next(iter(self._open.values()), None)
        return None if first is None else first.begins

    def take(self, frame: Frame) -> Exchange | None:
        """The exchange that began (no end yet) or ended by this frame."""
        self._now_us = frame.mono_us
        if frame.kind is _START:
            return self._begin(frame)
        exchange = self._open.get(frame.request_id)
        if exchange is None:
            self.strays += 1
            return None
        if frame.sequence <= exchange.last_sequence:
            _void_from(exchange, frame.sequence)
        exchange.last_sequence = frame.sequence
        exchange.last_us = max(exchange.last_us, frame.mono_us)
        exchange.size += frame.length
        if exchange.body.payloads is not None:
            self._held += frame.length
            if self._held > HELD:
                self._let_go()
        return self._go_on(exchange, frame)

    def _let_go(self) -> None:
        for exchange in self._open.values():
            exchange.let_go()
        self._held = 0

    def crash(self, gone: Callable[[UUID], bool]) -> list[Exchange]:
        """End the open exchanges whose writer is dead, as ``gone`` says of the segment they began in."""
        dead = {segment for segment in {e.begins.segment for e in self._open.values()} if gone(segment)}
        return self._give_up(lambda exchange: exchange.begins.segment in dead, CRASH_NOTE)

    def expire(self, silent_us: int, quiet_us: int) -> list[Exchange]:
        """End the open exchanges of which nothing came for longer than the relay lets any call be silent.

        An end may be among what was damaged, or what a full tape did not take, and its call would hold the position
        (so a full tape its segments) for ever. ``quiet_us`` is how long ago the tape's last frame was read.
        """
        now = self._now_us + quiet_us
        return self._give_up(lambda exchange: now - exchange.last_us > silent_us, DAMAGE_NOTE)

    def _give_up(self, hopeless: Callable[[Exchange], bool], note: str) -> list[Exchange]:
        given_up = [(key, exchange) for key, exchange in self._open.items() if hopeless(exchange)]
        for key, exchange in given_up:
            del self._open[key]
            self._held -= exchange.held
            exchange.end = _crash_end(exchange, note)
        return [exchange for _, exchange in given_up]

    def _begin(self, frame: Frame) -> Exchange | None:
        if frame.request_id in self._open:
            # Repeated after a failed sync, then what follows it is repeated too and voids what it repeats (``take``);
            # or rescued after a kill (``proxy.tape_starts``), then nothing follows and what is there must stay.
            return None
        try:
            start = decode_start(frame.payload, quick_id)
        except BadFrameError:
            self.strays += 1
            return None
        begins = Position(frame.segment, frame.offset)
        exchange = Exchange(start, begins, frame.mono_us, frame.mono_us, last_sequence=frame.sequence)
        self._open[frame.request_id] = exchange
        return exchange

    def _go_on(self, exchange: Exchange, frame: Frame) -> Exchange | None:
        if frame.kind is _BODY:
            exchange.body.add(self._number(frame.segment), frame)
        elif frame.kind is _CHUNK:
            exchange.chunks.add(self._number(frame.segment), frame)
        elif frame.kind is _HEAD:
            exchange.head = _head(frame)
            exchange.head_at = (frame.sequence, frame.mono_us)
        else:
            exchange.end = _end(exchange, frame)
            self._held -= exchange.held
            return self._open.pop(frame.request_id)
        return None

    def _number(self, segment: UUID) -> int:
        if self.segments and segment is self.segments[-1]:
            return len(self.segments) - 1
        if segment not in self._numbers:
            self._numbers[segment] = len(self.segments)
            self.segments.append(segment)
        return self._numbers[segment]


def _void_from(exchange: Exchange, sequence: int) -> None:
    exchange.body.void_from(sequence)
    exchange.chunks.void_from(sequence)
    if exchange.head_at is not None and exchange.head_at[0] >= sequence:
        exchange.head = exchange.head_at = None


def _head(frame: Frame) -> Head | None:
    try:
        return decode_head(frame.payload)
    except BadFrameError:
        return None


def _end(exchange: Exchange, frame: Frame) -> End:
    try:
        exchange.end = decode_end(frame.payload)
    except BadFrameError:
        return _crash_end(exchange, DAMAGE_NOTE)
    # The writer counts what it could not write; damage that a reader skipped is known only here.
    return damaged(exchange.end, exchange.missing() - exchange.end.lost_frames)


def damaged(end: End, lost: int) -> End:
    """The end with so many more frames lost than the writer knew of, and a note of why; as it is where none are."""
    if lost <= 0:
        return end
    note = end.note or DAMAGED
    if DAMAGED not in note:
        note = f"{note}; {DAMAGED}"
    return replace(end, lost_frames=end.lost_frames + lost, note=note)


def _crash_end(exchange: Exchange, note: str) -> End:
    """What can be said of a call that has no end: exactly what is on the tape.

    Chunks were given to the client before they went onto the tape, so they count as delivered.
    """
    times = exchange.chunks.times()
    received = sum(exchange.chunks.sizes())
    return End(
        outcome=Outcome.PROXY_CRASH,
        request_bytes=sum(exchange.body.sizes()),
        response_bytes=received,
        delivered_bytes=received,
        timings=Timings(
            head_us=None if exchange.head_at is None else exchange.since_start(exchange.head_at[1]),
            first_byte_us=exchange.since_start(times[0]) if times else None,
            last_byte_us=exchange.since_start(times[-1]) if times else None,
            end_us=exchange.since_start(exchange.last_us),
        ),
        note=note,
        lost_frames=max(exchange.missing(), 0),
    )
