"""How far a window has gone in time, and whether it is used up faster than that."""

from datetime import datetime, timedelta
from typing import Final

EARLY: Final = 0.01
"""Share of a window before which its pace says nothing."""


def started_at(reset_at: datetime | None, length: timedelta | None) -> datetime | None:
    """When a window began that ends at ``reset_at``."""
    return reset_at - length if reset_at is not None and length is not None else None


def elapsed(reset_at: datetime | None, length: timedelta | None, now: datetime) -> float | None:
    """Share of the window's time that is over, 0 to 1; None where its end or length is unknown."""
    start = started_at(reset_at, length)
    return min(max((now - start) / length, 0.0), 1.0) if start is not None and length is not None else None


def pace(utilization: float | None, elapsed: float | None) -> float | None:
    """Utilisation against time: at 1 the window is just enough, at 1.4 it is used up after 71 % of its time."""
    if utilization is None or elapsed is None or elapsed < EARLY:
        return None
    return utilization / elapsed
