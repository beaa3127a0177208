"""How large tapes may grow, and how full one is: told by its recorder, for alerts."""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from core.settings import Settings
from proxy.tape_folder import segment_path, used_bytes
from proxy.tape_reader import nodes
from proxy.tape_tail import noted_tail

DEFAULT_TAPE_BYTES: Final = 20 * 10**9


class Fill(NamedTuple):
    """Bytes on a tape, and how many there may be."""

    bytes: int
    most: int


def default_tape_bytes(data_dir: Path) -> int:
    """20 GB, or half of what the disk has for tapes: what is free, and what they hold already."""
    held = 0
    with suppress(OSError):  # a tape that can not be looked into is told when it is opened
        held = sum(used_bytes(data_dir / "tape" / node) for node in nodes(data_dir))
    return min(DEFAULT_TAPE_BYTES, (shutil.disk_usage(data_dir).free + held) // 2)


def limit_of(settings: Settings) -> int:
    """Bytes that one worker's tape may reach."""
    return (settings.tape_max_bytes or default_tape_bytes(settings.data_dir)) // settings.proxy_workers


def fill_of(folder: Path, most: int) -> Fill | None:
    """How full a tape is; a disk with less room sets the limit. None where it cannot be looked into."""
    try:
        used = used_bytes(folder) - _unwritten(folder)
        figures = os.statvfs(folder)
    except OSError:
        return None
    return Fill(used, max(1, min(most, used + figures.f_bavail * figures.f_frsize)))


def _unwritten(folder: Path) -> int:
    """Bytes of the newest segment behind its tail: it may have been preallocated."""
    tail = noted_tail(folder)
    if tail is None:
        return 0
    with suppress(FileNotFoundError):
        return max(0, segment_path(folder, tail.segment).stat().st_size - tail.offset)
    return 0
