"""Where what was written to a segment ends, and how much of it is unread.

In a preallocated segment (the reserve, or a recycled one) zeros or frames of older segments lie behind the tail, so the
writer notes its tail in a small file beside it: one ``pwrite`` a sync. It is for figures only and never synced; what
the reader takes for a frame is decided by checksums alone.
"""

import os
import time
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from core.ids import uuid7_ms
from core.tape import HEADER_SIZE, MAX_FRAME, PREALLOCATED, Decoder, Frame, written_us
from proxy.tape_folder import segment_path, segments
from proxy.tape_places import Backlog, Position

TAIL = "tail"


class TailNote:
    """The writer's side."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError where the file cannot be made."""
        self._file = os.open(folder / TAIL, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def put(self, segment: UUID, size: int) -> None:
        """The newest segment ends here now."""
        with suppress(OSError):  # a full disk: the figures are off until there is room
            os.pwrite(self._file, segment.bytes + size.to_bytes(8, "little"), 0)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def noted_tail(folder: Path) -> Position | None:
    """Where the newest segment ends, as its writer noted it."""
    try:
        note = (folder / TAIL).read_bytes()
    except FileNotFoundError:
        return None
    return Position(UUID(bytes=note[:16]), int.from_bytes(note[16:], "little")) if len(note) == 24 else None


def preallocated(file: int, segment: UUID) -> bool:
    """Whether an open segment was preallocated: its first frame says so, or is not there though bytes are."""
    first = os.pread(file, MAX_FRAME, 0)
    decoder = Decoder(segment, resync=False)
    found = decoder.feed(first)
    if found and isinstance(found[0], Frame):
        return bool(found[0].flags & PREALLOCATED)
    return decoder.lost_at is not None


def backlog(folder: Path, position: Position | None) -> Backlog:
    """What lies behind a position; everything where it is None."""
    total, oldest, tail = 0, None, noted_tail(folder)
    for segment in segments(folder):
        begin = 0
        if position is not None and segment <= position.segment:
            if segment < position.segment:
                continue
            begin = position.offset
        with suppress(FileNotFoundError):
            found = _unread(segment_path(folder, segment), begin, tail)
            total += found.bytes
            oldest = found.oldest_ms if oldest is None else oldest
    return Backlog(total, oldest)


def _unread(path: Path, begin: int, tail: Position | None) -> Backlog:
    segment = UUID(path.stem)
    with path.open("rb", buffering=0) as file:
        figures = os.fstat(file.fileno())
        header = os.pread(file.fileno(), HEADER_SIZE, begin)
    end = figures.st_size
    if tail is not None and tail.segment == segment:
        end = min(end, tail.offset)
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
