"""What the tape says of itself: how full it is, what it lost, how its disk behaves."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "alert", "full"]


@dataclass(frozen=True, slots=True)
class TapeStatus:
    """One look at a tape writer; counters count since it was opened."""

    bytes: int
    """On disk, all segments of the folder."""
    max_bytes: int
    """What it may reach: the setting, or what the disk has left, whichever is less."""
    fill: float
    """``bytes / max_bytes``, 0 to 1."""
    level: Level
    """``warn`` from 70 %, ``alert`` from 90 %, ``full`` while bodies are not taken."""
    lost_frames: int
    """Frames that were appended and never reached the disk; exact."""
    lost_requests: int
    """Requests that lost at least one frame; exact."""
    syncs: int
    sync_seconds_total: float
    errors: int
    """Failed writes, syncs and creations of segments."""
    buffered_bytes: int
    """Held in memory because they are not synced yet."""


def level_of(fill: float, *, full: bool) -> Level:
    """The level of a fill (tape.md, durability)."""
    if full:
        return "full"
    return "alert" if fill >= 0.9 else "warn" if fill >= 0.7 else "ok"
