"""Damaged bytes are set aside beside their segment, where somebody can look at them, and are never read again."""

import os
from pathlib import Path

from core.tape import Skipped
from proxy.tape_places import Quarantined

_BLOCK = 1 << 20


class Quarantine:
    """Keeps damage in ``<segment>.bad``: a sparse file with the segment's offsets, so that doing it twice is once."""

    def __init__(self) -> None:
        self._places = 0
        self._bytes = 0

    @property
    def counted(self) -> Quarantined:
        """What was set aside so far."""
        return Quarantined(self._places, self._bytes)

    def put(self, source: int, target: Path, damage: Skipped) -> None:
        """Copy the damaged bytes of an open segment. A disk that takes nothing more does not stop the reader."""
        self._places += 1
        self._bytes += damage.length
        try:
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return
        try:
            _copy(source, descriptor, damage)
        except OSError:
            return
        finally:
            os.close(descriptor)


def _copy(source: int, target: int, damage: Skipped) -> None:
    offset, end = damage.offset, damage.offset + damage.length
    while offset < end:
        block = os.pread(source, min(_BLOCK, end - offset), offset)
        if not block:
            return
        offset += os.pwrite(target, block, offset)
