"""A disk whose system calls fail on demand, and what lies on a tape, read without the reader under test."""

import errno
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.tape import Decoder, Frame, Skipped
from proxy.tape_disk import Disk
from proxy.tape_folder import segment_path, segments


@dataclass
class FailingDisk:
    """Knobs: ``room`` bytes are left but for the reserve; errors are raised in turn; ``gate`` holds a sync."""

    room: int = 1 << 40
    longest_write: int = 1 << 40
    write_errors: list[int] = field(default_factory=list)
    sync_errors: list[int] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    syncing: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def disk(self) -> Disk:
        """What a writer is given."""
        return Disk(self.writev, self.fdatasync, self.statvfs)

    def writev(self, descriptor: int, parts: Sequence[bytes]) -> int:
        """Writes as much as there is room, then fails."""
        if self.write_errors:
            raise OSError(self.write_errors.pop(0), "injected")
        data = b"".join(parts)[: self.longest_write]
        figures = os.fstat(descriptor)
        if figures.st_size > os.lseek(descriptor, 0, os.SEEK_CUR):
            return os.write(descriptor, data)  # its blocks are there
        if self.room <= 0:
            raise OSError(errno.ENOSPC, "injected")
        written = os.write(descriptor, data[: self.room])
        self.room -= written
        return written

    def fdatasync(self, descriptor: int) -> None:
        """Hangs while the gate is closed."""
        self.syncing.set()
        self.gate.wait(30)
        if self.sync_errors:
            raise OSError(self.sync_errors.pop(0), "injected")
        os.fdatasync(descriptor)

    def statvfs(self, folder: Path) -> os.statvfs_result:
        """The room as the system would tell it."""
        figures = list(os.statvfs(folder))
        figures[1], figures[4] = 1, max(0, self.room)
        return os.statvfs_result(figures)


def on_tape(folder: Path) -> list[Frame | Skipped]:
    """All frames of all segments, oldest first; zeros behind a preallocated segment's tail left out."""
    found: list[Frame | Skipped] = []
    for segment in segments(folder):
        data = segment_path(folder, segment).read_bytes()
        decoder = Decoder(segment)
        items = [*decoder.feed(data), *decoder.finish()]
        # Only what follows the last whole frame: the zeros at the end of a frame are its own.
        if items and isinstance(items[-1], Skipped) and not data[items[-1].offset :].strip(b"\0"):
            items.pop()
        found += items
    return found
