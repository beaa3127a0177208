"""The system calls of the tape's writer that fail in real life, so that tests can make them fail."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Disk:
    """What the writer asks of the operating system; each raises OSError."""

    writev: Callable[[int, Sequence[bytes]], int] = os.writev
    fdatasync: Callable[[int], None] = os.fdatasync
    statvfs: Callable[[Path], os.statvfs_result] = os.statvfs

    def free(self, folder: Path) -> int:
        """Bytes that may still be written to the disk of this folder."""
        figures = self.statvfs(folder)
        return figures.f_bavail * figures.f_frsize
