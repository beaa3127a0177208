"""One segment while it is written: whole frames or nothing, on disk or known not to be."""

import errno
import os
import sys
from bisect import bisect_right
from contextlib import suppress
from pathlib import Path
from typing import Self
from uuid import UUID

from core.tape import PREALLOCATED, seed_of
from proxy.tape_disk import Disk
from proxy.tape_folder import segment_path

SEGMENT_BYTES = 64 << 20
SMALL = 64 * 1024
"""Below this, copying frames together is cheaper than telling the kernel of each."""


class Segment:
    """An open segment. ``size`` ends behind the last whole frame."""

    def __init__(self, segment: UUID, descriptor: int, disk: Disk, capacity: int, flags: int) -> None:
        self.id = segment
        self.seed = seed_of(segment)
        self.capacity = capacity
        self.flags = flags
        self.size = 0
        self._descriptor = descriptor
        self._disk = disk

    @classmethod
    def create(cls, folder: Path, segment: UUID, disk: Disk, capacity: int = sys.maxsize) -> Self:
        """A new, empty segment (0600) for at most ``capacity`` bytes; its name is on disk when this returns."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(segment_path(folder, segment), flags, 0o600)
        try:
            sync_folder(folder)
        except OSError:
            os.close(descriptor)
            raise
        return cls(segment, descriptor, disk, min(SEGMENT_BYTES, capacity), 0)

    @classmethod
    def occupy(cls, path: Path, folder: Path, segment: UUID, disk: Disk) -> Self:
        """A preallocated file made the next segment: its blocks are there although the disk is full."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            path.rename(segment_path(folder, segment))
            sync_folder(folder)
        except OSError:
            os.close(descriptor)
            raise
        return cls(segment, descriptor, disk, os.fstat(descriptor).st_size, PREALLOCATED)

    def write(self, parts: list[bytes], ends: list[int]) -> tuple[int, OSError | None]:
        """Append frames; ``ends`` are the running totals of their lengths.

        Gives how many whole frames are written and the error that stopped it; a torn frame is cut off again.
        """
        written, error = self._pour(parts, ends[-1])
        if written == ends[-1]:
            self.size += written
            return len(ends), error
        whole = bisect_right(ends, written)
        good = ends[whole - 1] if whole else 0
        if good != written:
            self._cut(self.size + good)
        self.size += good
        return whole, error

    def sync(self) -> None:
        """Everything written is on disk. An OSError means nobody knows: never ask this descriptor again."""
        self._disk.fdatasync(self._descriptor)

    def close(self) -> None:
        """Close it; blocks preallocated and not used are given back."""
        if self.flags & PREALLOCATED:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self.size)
        with suppress(OSError):
            os.close(self._descriptor)

    def _pour(self, parts: list[bytes], total: int) -> tuple[int, OSError | None]:
        written = 0
        if total < SMALL:
            parts = [b"".join(parts)]
        try:
            while written < total:
                count = self._disk.writev(self._descriptor, parts)
                if count <= 0:
                    return written, OSError(errno.ENOSPC, "nothing was written")
                written += count
                if written < total:
                    parts = _rest(parts, count)
        except OSError as exc:
            return written, exc
        return written, None

    def _cut(self, end: int) -> None:
        # Where even this fails the torn frame stays; a reader steps over it.
        with suppress(OSError):
            if not self.flags & PREALLOCATED:
                os.ftruncate(self._descriptor, end)
        with suppress(OSError):
            os.lseek(self._descriptor, end, os.SEEK_SET)


def sync_folder(folder: Path) -> None:
    """The names in a folder are on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _rest(parts: list[bytes], count: int) -> list[bytes]:
    for number, part in enumerate(parts):
        if count < len(part):
            return [part[count:], *parts[number + 1 :]]
        count -= len(part)
    return []
