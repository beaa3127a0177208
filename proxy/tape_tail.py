"""Where what was written to a segment ends, and how much of it is unread.

In a preallocated segment (the reserve, or a recycled one) zeros or frames of older segments lie behind the tail.
"""

import os
import time
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from core.ids import uuid7_ms
from core.tape import HEADER_SIZE, MAX_FRAME, PREALLOCATED, Decoder, Frame, seed_of, written_us
from proxy.tape_folder import segment_path, segments
from proxy.tape_places import Backlog, Position

_WINDOW = 2 * MAX_FRAME
"""However frames lie, so many written bytes hold a whole one."""


def preallocated(file: int, segment: UUID) -> bool:
    """Whether an open segment was preallocated: its first frame says so, or is not there though bytes are."""
    first = os.pread(file, MAX_FRAME, 0)
    decoder = Decoder(seed_of(segment), resync=False)
    found = decoder.feed(first)
    if found and isinstance(found[0], Frame):
        return bool(found[0].flags & PREALLOCATED)
    return decoder.lost_at is not None


def written_end(file: int, segment: UUID, begin: int) -> int:
    """Behind the last frame of an open segment from ``begin`` on, which is between two frames.

    A preallocated segment is halved until the tail is found: some windows are read, not the whole.
    """
    end = os.fstat(file).st_size
    if not preallocated(file, segment):
        return max(begin, end)
    low, high = begin, max(begin, end)
    while high - low > _WINDOW:
        middle = (low + high) // 2
        last = _last_frame_end(file, segment, middle)
        low, high = (last, high) if last is not None else (low, middle)
    last = _last_frame_end(file, segment, low)
    return low if last is None else last


def backlog(folder: Path, position: Position | None) -> Backlog:
    """What lies behind a position; everything where it is None."""
    total, oldest = 0, None
    for segment in segments(folder):
        begin = 0
        if position is not None and segment <= position.segment:
            if segment < position.segment:
                continue
            begin = position.offset
        with suppress(FileNotFoundError):
            found = _unread(segment_path(folder, segment), segment, begin)
            total += found.bytes
            oldest = found.oldest_ms if oldest is None else oldest
    return Backlog(total, oldest)


def _last_frame_end(file: int, segment: UUID, begin: int) -> int | None:
    found = Decoder(seed_of(segment), begin, frozenset()).feed(os.pread(file, _WINDOW, begin))
    ends = [item.offset + item.length for item in found if isinstance(item, Frame)]
    return ends[-1] if ends else None


def _unread(path: Path, segment: UUID, begin: int) -> Backlog:
    with path.open("rb", buffering=0) as file:
        figures = os.fstat(file.fileno())
        end = written_end(file.fileno(), segment, begin)
        header = os.pread(file.fileno(), HEADER_SIZE, begin)
    if end <= begin:
        return Backlog(0, None)
    return Backlog(end - begin, _wall_ms(written_us(header), segment, figures.st_mtime_ns // 1_000_000))


def _wall_ms(mono_us: int | None, segment: UUID, latest: int) -> int:
    """When a frame was written; its clock counts from the boot of the machine: after a reboot the segment tells."""
    created = uuid7_ms(segment)
    if mono_us is None:
        return created
    moment = (time.time_ns() - time.monotonic_ns() + mono_us * 1000) // 1_000_000
    return moment if created <= moment <= max(latest, created) else created
