"""How much the tape may still write, and the reserve that keeps a record of each request when that is nothing."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Literal

from core.tape import MAX_FRAME
from proxy.tape_disk import Disk
from proxy.tape_folder import free_segments, next_segment, used_bytes
from proxy.tape_segment import Segment, sync_folder

Policy = Literal["serve", "refuse"]
RESERVE = "reserve"
RESERVE_BYTES = 16 << 20
SEGMENT_SHARE = 8
"""One segment is at most this part of the tape: what is in Postgres is given back segment by segment."""


class Room:
    """Bytes used and allowed. ``look`` asks the disk, between looks the writer's own bytes are counted on."""

    def __init__(self, folder: Path, policy: Policy, max_bytes: int, disk: Disk) -> None:
        self.policy = policy
        self.used = 0
        self.limit = max_bytes
        self.segment_bytes = max(MAX_FRAME, max_bytes // SEGMENT_SHARE)
        """What one segment may hold at most."""
        self._folder = folder
        self._max_bytes = max_bytes
        self._disk = disk
        self._reserve = folder / RESERVE

    def look(self, current: Segment | None) -> None:
        """Ask the disk. The recorder deletes segments in another process, and others write to the same disk."""
        used = used_bytes(self._folder)
        if current is not None and current.flags:
            used += current.size - current.capacity  # preallocated: only what is written counts
        available = used + self._disk.free(self._folder)
        if self.policy == "refuse":
            # Calls that were let in may still write when new ones are refused.
            available = available * 9 // 10
        self.used, self.limit = used, max(1, min(self._max_bytes, available))

    @property
    def fill(self) -> float:
        """Used over allowed, 0 to 1."""
        return min(1.0, self.used / self.limit)

    @property
    def left(self) -> int:
        """Bytes that may still be written; ``refuse`` lets what was let in go on until the disk says no."""
        return sys.maxsize if self.policy == "refuse" else self.limit - self.used

    @property
    def exhausted(self) -> bool:
        """Whether the limit is reached."""
        return self.used >= self.limit

    @property
    def roomy(self) -> bool:
        """Whether a full tape may go on: a tenth is free, beside a new reserve."""
        return self.used + self.limit // 10 + self._reserve_bytes() <= self.limit

    def make_reserve(self) -> None:
        """Preallocate the reserve where it is missing; a disk too small for it goes without."""
        if self._reserve.exists():
            return
        try:
            descriptor = os.open(self._reserve, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError:
            return
        try:
            os.posix_fallocate(descriptor, 0, self._reserve_bytes())
            os.fsync(descriptor)
            sync_folder(self._folder)
        except OSError:
            with suppress(OSError):
                self._reserve.unlink()
        finally:
            os.close(descriptor)

    def take_free(self) -> Segment | None:
        """A segment to write over as the next one; None where there is none."""
        for path in free_segments(self._folder):
            with suppress(OSError):
                if path.stat().st_size > self.segment_bytes:
                    path.unlink()  # of a time when the tape was allowed to be larger
                    continue
                return Segment.occupy(path, self._folder, next_segment(self._folder), self._disk)
        return None

    def take_reserve(self) -> Segment | None:
        """The reserve as the next segment; None where there is none."""
        try:
            return Segment.occupy(self._reserve, self._folder, next_segment(self._folder), self._disk)
        except OSError:
            return None

    def _reserve_bytes(self) -> int:
        return min(RESERVE_BYTES, max(1 << 16, self.limit // 8))
