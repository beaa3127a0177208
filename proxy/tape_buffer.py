"""What lies between the event loop and the tape's thread: a list, a lock, a bell, and the count of what was lost."""

import asyncio
import threading

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
    """Filled by the event loop, emptied by the thread."""

    def __init__(self) -> None:
        self.losses = Losses()
        self.full = False
        """Set by the thread: bodies and chunks are not taken."""
        self.refusing = False
        """Set by the thread: the policy is ``refuse`` and no new request should begin."""
        self.held = 0
        """Bytes in memory: not yet written, or not yet synced."""
        self.closing = False
        self._lock = threading.Lock()
        self._pending: list[Pending] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._fresh = 0
        self._idle = False
        self._bell = threading.Lock()
        self._bell.acquire()

    def put(self, kind: Kind, request_id: bytes, sequence: int, mono_us: int, payload: bytes) -> bool:
        """Take one frame, unless there is no room; called by the loop only."""
        size = HEADER_SIZE + len(payload)
        if (self.full or self.held + size > MEMORY_BYTES) and not self._room(kind, size):
            self.losses.lose(request_id)
            if kind is Kind.END:
                self.losses.ended(request_id)
            return False
        with self._lock:
            self._pending.append((kind, request_id, sequence, mono_us, payload))
            self.held += size
            self._fresh += size
        if self._idle or self._fresh >= EARLY_BYTES:
            self.ring()
        return True

    def put_waiter(self, waiter: asyncio.Future[None]) -> None:
        """Complete this future when everything put so far is on disk."""
        with self._lock:
            self._waiters.append(waiter)
        self.ring()

    def take(self) -> tuple[list[Pending], list[asyncio.Future[None]]]:
        """Everything put since the last time."""
        with self._lock:
            frames, self._pending = self._pending, []
            waiters, self._waiters = self._waiters, []
            self._fresh = 0
        return frames, waiters

    def release(self, size: int) -> None:
        """So many bytes need not be held any longer."""
        with self._lock:
            self.held -= size

    def ring(self) -> None:
        """Wake the thread. Only the loop rings, so nobody else opens the bell between question and answer."""
        self._idle = False
        if self._bell.locked():
            self._bell.release()

    def wait(self, seconds: float, *, idle: bool) -> None:
        """Until the bell rings or the time is over; ``idle`` asks to be woken by the very next frame."""
        if idle:
            with self._lock:
                if self._pending or self._waiters or self.closing:
                    return
                self._idle = True
        self._bell.acquire(timeout=seconds)
        self._idle = False

    @property
    def waited_for(self) -> bool:
        """Whether somebody waits for a sync that was not taken yet."""
        return bool(self._waiters)

    def _room(self, kind: Kind, size: int) -> bool:
        return kind in METADATA and self.held + size <= MEMORY_BYTES + METADATA_BYTES
