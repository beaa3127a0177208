"""The thread that writes the tape: drains the buffer, syncs, changes segments, survives a failing or full disk."""

import asyncio
import errno
import math
import struct
import time
from contextlib import suppress
from pathlib import Path

from core.tape import HEADER_SIZE, METADATA, Kind, encode
from proxy import log
from proxy.tape_bell import Ringer
from proxy.tape_buffer import Pending, TapeBuffer
from proxy.tape_disk import Disk
from proxy.tape_folder import next_segment
from proxy.tape_room import Room
from proxy.tape_segment import Segment
from proxy.tape_tail import TailNote

FLUSH_SECONDS = 0.005
SYNC_GAP_SECONDS = 0.001
"""At most one sync in this time: the CPU of one per 5 ms at 2-3 times the closed-loop rate (tape.md, measured)."""
UNSYNCED_SECONDS = 0.020
"""A power cut loses no more of a stream's chunks than this (faults.md)."""
UNSYNCED_BYTES = 4 << 20
SEGMENT_SECONDS = 60.0
RING_GAP_SECONDS = 0.020
LOOK_SECONDS = 1.0
CLOSE_SECONDS = 8.0
GROUP_FRAMES = 512
"""Two pieces a frame, and IOV_MAX is 1024."""
GROUP_BYTES = 1 << 20
_START, _END = Kind.START, Kind.END
"""By names of ours: Python 3.11 runs a function for each look at an enum's member."""
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Deck:
    """Everything here but the constructor and ``begin`` runs in one thread."""

    def __init__(
        self, folder: Path, buffer: TapeBuffer, room: Room, disk: Disk, ringer: Ringer, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.syncs = 0
        self.sync_seconds = 0.0
        self.errors = 0
        self._folder, self._buffer, self._room, self._disk = folder, buffer, room, disk
        self._ringer, self._loop = ringer, loop
        self._tail: TailNote | None = None
        self._queue: list[Pending] = []
        self._late: set[bytes] = set()
        """Requests that began when the rest of the reserve was kept for the ends of others."""
        self._unacked: list[Pending] = []
        self._unacked_bytes = 0
        self._sync_at = math.inf
        """When what is written is synced although nobody waits for it."""
        self._waiters: list[asyncio.Future[None]] = []
        self._segment: Segment | None = None
        self._segment_since = 0.0
        self._last_sync = self._last_ring = self._next_look = 0.0
        self._started = self._ended = False
        self._backoff = 0.0

    def begin(self) -> Segment:
        """The first segment; raises OSError where it cannot be made."""
        self._tail = TailNote(self._folder)
        segment = self._open()
        self._room.look(segment)
        self._room.make_reserve()
        return segment

    def run(self) -> None:
        """Until the buffer is closing and everything is on disk, or the disk had its time."""
        closing_since: float | None = None
        while True:
            if self._buffer.closing and closing_since is None:
                closing_since = time.monotonic()
            if self._buffer.waited_for:
                self._pace()
            frames, waiters = self._buffer.take()
            self._queue += frames
            self._waiters += waiters
            self._work(closing=closing_since is not None)
            if closing_since is not None and (
                not (self._queue or self._unacked) or time.monotonic() - closing_since > CLOSE_SECONDS
            ):
                break
            self._rest(busy=bool(frames or waiters or self._queue))
        self._finish()

    def _pace(self) -> None:
        gap = SYNC_GAP_SECONDS - (time.monotonic() - self._last_sync)
        if gap > 0:
            time.sleep(gap)  # whoever comes meanwhile shares the sync

    def _rest(self, *, busy: bool) -> None:
        if self._backoff:
            self._buffer.wait(self._backoff, idle=False)
        elif busy:
            self._buffer.wait(FLUSH_SECONDS, idle=False)
        else:
            due = self._sync_at - time.monotonic()
            ring = RING_GAP_SECONDS if self._started else LOOK_SECONDS
            self._buffer.wait(max(0.0, min(due, ring, LOOK_SECONDS)), idle=True)

    def _work(self, *, closing: bool) -> None:
        now = time.monotonic()
        try:
            if self._queue:
                self._write()
            if self._started or self._ended:
                self._ring(now)
            if self._waiters or closing or now >= self._sync_at or self._unacked_bytes >= UNSYNCED_BYTES:
                self._sync()
                self._tell()
            if now >= self._next_look:
                self._look(now)
                if self._rotation_due(now):
                    self._rotate()
        except OSError as exc:
            self._failed(exc)
        except Exception as exc:  # noqa: BLE001 - the tape must outlive a mistake of ours: told, and tried again
            log.write_failure("tape_failed", exc)
            self.errors += 1
            self._backoff = 1.0
        else:
            self._backoff = 0.0

    # Writing

    def _write(self) -> None:
        while self._queue:
            if self._buffer.full:
                self._thin()
            segment = self._segment if self._buffer.full else self._segment or self._open()
            if segment is None:
                self._lose_queue()
                return
            frames, parts, ends = self._group(segment)
            if frames:
                self._put(segment, frames, parts, ends)
            elif self._queue and self._buffer.full:
                self._lose_queue()  # the reserve is used up
            elif self._queue and self._fits():
                self._rotate()
            elif self._queue:
                self._fill_up(None)

    def _fits(self) -> bool:
        size = HEADER_SIZE + len(self._queue[0][4])
        if size > self._room.left:
            self._room.look(self._segment)  # the recorder may have made room since the last time
        return size <= self._room.left

    def _put(self, segment: Segment, frames: list[Pending], parts: list[bytes], ends: list[int]) -> None:
        whole, error = segment.write(parts, ends)
        self._queue[:0] = frames[whole:]
        self._note(frames[:whole], ends[whole - 1] if whole else 0)
        if error is None:
            return
        self.errors += 1
        if error.errno not in _NO_SPACE:
            self._abandon()
            raise error
        if self._buffer.full:
            self._lose_queue()
        else:
            self._fill_up(self._room.take_free())

    def _group(self, segment: Segment) -> tuple[list[Pending], list[bytes], list[int]]:
        """Frames off the queue that go in one write, as far as the segment has room."""
        frames: list[Pending] = []
        parts: list[bytes] = []
        ends: list[int] = []
        total = taken = 0
        most = segment.capacity - segment.size
        if not self._buffer.full:
            most = min(most, self._room.left)
        seed, flags = segment.seed, segment.flags
        for frame in self._queue[:GROUP_FRAMES]:
            kind, request_id, sequence, mono_us, payload = frame
            end = total + HEADER_SIZE + len(payload)
            if end > most or total >= GROUP_BYTES:
                break
            taken += 1
            try:
                parts.append(encode(kind, request_id, sequence, mono_us, payload, seed, flags))
            except (ValueError, struct.error):  # a caller's mistake must not stop everybody's tape
                self._lose(frame)
                continue
            if payload:
                parts.append(payload)
            frames.append(frame)
            ends.append(end)
            total = end
        del self._queue[:taken]
        return frames, parts, ends

    def _note(self, frames: list[Pending], size: int) -> None:
        if frames and not self._unacked:
            self._sync_at = time.monotonic() + UNSYNCED_SECONDS
        self._unacked += frames
        self._unacked_bytes += size
        self._room.used += size
        for frame in frames:
            kind = frame[0]
            if kind is _END:
                self._ended = True
            elif kind is _START:
                self._started = True
        if self._room.policy == "refuse":
            self._refuse_if_exhausted()

    def _ring(self, now: float) -> None:
        if self._ended or (self._started and now - self._last_ring >= RING_GAP_SECONDS):
            self._ringer.ring()
            self._last_ring = now
            self._started = self._ended = False

    # Syncing

    def _sync(self) -> None:
        if self._unacked and self._segment is not None:
            self._note_tail(self._segment)
            began = time.monotonic()
            try:
                self._segment.sync()
            except OSError:
                self.errors += 1
                self._abandon()
                raise
            self._last_sync = began
            self.syncs += 1
            self.sync_seconds += time.monotonic() - began
            self._acknowledge()

    def _acknowledge(self) -> None:
        losses = self._buffer.losses
        for frame in self._unacked if losses.requests else ():
            if frame[0] is _END:
                losses.ended(frame[1])
        self._buffer.release(self._unacked_bytes)
        self._unacked = []
        self._unacked_bytes = 0
        self._sync_at = math.inf

    def _tell(self) -> None:
        if self._waiters:
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                self._loop.call_soon_threadsafe(complete, self._waiters)
            self._waiters = []

    # Changing segments

    def _open(self) -> Segment:
        fresh = self._room.take_free()
        self._segment = fresh or Segment.create(
            self._folder, next_segment(self._folder), self._disk, self._room.segment_bytes
        )
        self._segment_since = time.monotonic()
        self._note_tail(self._segment)
        return self._segment

    def _note_tail(self, segment: Segment) -> None:
        if self._tail is not None:
            self._tail.put(segment.id, segment.size)

    def _rotation_due(self, now: float) -> bool:
        return (
            self._segment is not None
            and not self._buffer.full
            and self._segment.size > 0
            and now - self._segment_since >= SEGMENT_SECONDS
        )

    def _rotate(self) -> None:
        self._sync()
        before = self._segment
        self._open()
        if before is not None:
            before.close()

    def _abandon(self) -> None:
        """Leave a segment nobody can trust: what is not acknowledged is written again elsewhere, from memory."""
        if self._segment is not None:
            self._segment.close()
        self._segment = None
        self._queue[:0] = self._unacked
        self._unacked = []
        self._room.used -= self._unacked_bytes
        self._unacked_bytes = 0
        self._sync_at = math.inf

    def _failed(self, exc: OSError) -> None:
        if exc.errno in _NO_SPACE and not self._buffer.full:
            self._fill_up(self._room.take_free())
            return
        self._backoff = min(1.0, self._backoff * 2 or 0.01)

    # A full disk

    def _fill_up(self, spare: Segment | None) -> None:
        """From now on metadata only, into the reserve; unless there is a segment to write over."""
        self._buffer.full = spare is None
        self._refuse_if_exhausted()
        with suppress(OSError):  # what could not be synced was put back in the queue
            self._sync()
        if self._segment is not None:
            self._segment.close()
        self._segment = spare or self._room.take_reserve()
        self._segment_since = time.monotonic()
        if self._segment is not None:
            self._note_tail(self._segment)

    def _thin(self) -> None:
        """Keep what says how requests went; of those that came too late for the reserve, nothing."""
        kept: list[Pending] = []
        for frame in self._queue:
            if frame[0] in METADATA and not self._too_late(frame[0], frame[1]):
                kept.append(frame)
            else:
                self._lose(frame)
        self._queue = kept

    def _too_late(self, kind: Kind, request_id: bytes) -> bool:
        # A request whose end does not fit would stay open, hold the position, and so keep the tape full for ever.
        if kind is _START and self._segment and self._segment.size > self._segment.capacity // 4 * 3:
            self._late.add(request_id)
        late = request_id in self._late
        if kind is _END:
            self._late.discard(request_id)
        return late

    def _lose_queue(self) -> None:
        lost, self._queue = self._queue, []
        for frame in lost:
            self._lose(frame)

    def _lose(self, frame: Pending) -> None:
        self._buffer.losses.lose(frame[1])
        if frame[0] is _END:
            self._buffer.losses.ended(frame[1])
        self._buffer.release(HEADER_SIZE + len(frame[4]))

    def _refuse_if_exhausted(self) -> None:
        room, buffer = self._room, self._buffer
        if room.policy != "refuse":
            return
        if room.exhausted and not (buffer.full or buffer.refusing):
            with suppress(OSError):
                room.look(self._segment)  # the recorder may have made room since the last time
        buffer.refusing = buffer.full or room.exhausted

    def _look(self, now: float) -> None:
        self._next_look = now + LOOK_SECONDS
        self._room.look(self._segment)
        if self._buffer.full and self._room.roomy:
            self._rotate()
            self._buffer.full = False
        elif self._buffer.refusing and not self._buffer.full and self._segment and self._segment.size:
            # Nobody writes any more: what is in Postgres can go only when this segment is not the last.
            self._rotate()
        if not self._buffer.full:
            self._room.make_reserve()
        self._refuse_if_exhausted()

    def _finish(self) -> None:
        self._lose_queue()
        self._ringer.ring()
        if self._segment is not None:
            self._segment.close()
        if self._tail is not None:
            self._tail.close()
        self._waiters += self._buffer.take()[1]
        self._tell()


def complete(waiters: list[asyncio.Future[None]]) -> None:
    """Wake those who waited; the loop's side."""
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)
