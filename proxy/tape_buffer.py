"""What lies between the event loop and the tape's thread: two queues, a bell, and the count of what was lost."""

import asyncio
import threading
from collections import deque

from core.tape import HEADER_SIZE, METADATA, Kind

Pending = tuple[Kind, bytes, int, int, bytes]
"""kind, request id, sequence, monotonic µs, payload"""

MEMORY_BYTES = 64 << 20
"""What may wait for a disk that hangs; beyond it the policy for a full tape holds."""
METADATA_BYTES = 8 << 20
"""Room beyond that for the small frames, so that a record of each request stays."""
EARLY_BYTES = 256 << 10
"""So much waiting wakes the thread before its 5 ms are over."""


class Losses:
    """Counts frames that never reach the disk, and the requests they belong to, each once."""

    def __init__(self) -> None:
        self.frames = 0
        self.requests = 0
        self._open: set[bytes] = set()
        self._lock = threading.Lock()

    def lose(self, request_id: bytes) -> None:
        """One frame of this request is lost."""
        with self._lock:
            self.frames += 1
            if request_id not in self._open:
                self._open.add(request_id)
                self.requests += 1

    def ended(self, request_id: bytes) -> None:
        """No more frames of this request come."""
        if self._open:
            with self._lock:
                self._open.discard(request_id)


class TapeBuffer:
    """Filled by the event loop, emptied by the thread.

    Without a lock: appending to a list, copying its beginning and cutting that off are one step each for whoever else
    runs, and each count has one side that changes it.
    """

    def __init__(self) -> None:
        self.losses = Losses()
        self.full = False
        """Set by the thread: bodies and chunks are not taken."""
        self.refusing = False
        """Set by the thread: the policy is ``refuse`` and no new request should begin."""
        self.closing = False
        """Set by the loop: nothing is taken any more."""
        self._pending: list[Pending] = []
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._given = 0
        """Bytes ever put; the loop's."""
        self._released = 0
        """Bytes ever released; the thread's."""
        self._taken = 0
        """What was given when the thread took the last time; the thread's."""
        self._idle = False
        self._bell = threading.Lock()
        self._bell.acquire()

    def put(self, kind: Kind, request_id: bytes, sequence: int, mono_us: int, payload: bytes) -> bool:
        """Take one frame, unless there is no room; called by the loop only."""
        given = self._given + HEADER_SIZE + len(payload)
        held = given - self._released
        if self.closing or (
            (self.full or held > MEMORY_BYTES) and not (kind in METADATA and held <= MEMORY_BYTES + METADATA_BYTES)
        ):
            self.losses.lose(request_id)
            if kind is Kind.END:
                self.losses.ended(request_id)
            return False
        self._given = given
        self._pending.append((kind, request_id, sequence, mono_us, payload))
        if self._idle or given - self._taken >= EARLY_BYTES:
            self.ring()
        return True

    @property
    def held(self) -> int:
        """Bytes in memory: not yet written, or not yet synced."""
        return self._given - self._released

    def put_waiter(self, waiter: asyncio.Future[None]) -> None:
        """Complete this future when everything put so far is on disk."""
        self._waiters.append(waiter)
        self.ring()

    def take(self) -> tuple[list[Pending], list[asyncio.Future[None]]]:
        """Everything put since the last time."""
        self._taken = self._given
        waiters = self.take_waiters() if self._waiters else []  # first: what they wait for was put before they came
        frames = self._pending[:]
        del self._pending[: len(frames)]  # what came behind the copy stays
        return frames, waiters

    def take_waiters(self) -> list[asyncio.Future[None]]:
        """Who waits for a sync since the last time."""
        return [self._waiters.popleft() for _ in range(len(self._waiters))]

    def release(self, size: int) -> None:
        """So many bytes need not be held any longer."""
        self._released += size

    def ring(self) -> None:
        """Wake the thread. Only the loop rings, so nobody else opens the bell between question and answer."""
        self._idle = False
        if self._bell.locked():
            self._bell.release()

    def wait(self, seconds: float, *, idle: bool) -> None:
        """Until the bell rings or the time is over; ``idle`` asks to be woken by the very next frame."""
        self._idle = idle
        # Looked at behind the asking: what came before was not told to ring.
        if not (idle and (self._pending or self._waiters or self.closing)):
            self._bell.acquire(timeout=seconds)
        self._idle = False

    @property
    def waited_for(self) -> bool:
        """Whether somebody waits for a sync that was not taken yet."""
        return bool(self._waiters)
