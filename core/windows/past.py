"""The windows of an account one after another: how full each became, and where its end was moved.

The provider names a window only by its end, and that can move (a window to 11:00 becomes one to 15:00). So an end that
is seen before the last one has passed belongs to the same window.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

TOLERANCE: Final = timedelta(minutes=5)
"""Ends closer to one another are the same: they are rounded in more than one way."""
FULL: Final = 1.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A window under one of its ends, from the first to the last observation of that end."""

    reset_at: datetime
    first_at: datetime
    last_at: datetime
    peak: float | None
    rejected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """An end that was moved; ``at`` is when the new one was seen first."""

    at: datetime
    before: datetime
    after: datetime


@dataclass(frozen=True, slots=True)
class Window:
    """One window. ``reset_at`` is its end as it was said last."""

    reset_at: datetime
    first_at: datetime
    last_at: datetime
    peak: float | None
    rejected_at: datetime | None
    moves: tuple[Move, ...] = ()

    @property
    def exhausted(self) -> bool:
        """Whether all of it was used up, or a call refused because of it."""
        return self.rejected_at is not None or (self.peak is not None and self.peak >= FULL)


@dataclass(frozen=True, slots=True)
class Summary:
    """Windows that are over. ``mean_peak`` is None where no utilisation was ever seen."""

    count: int
    exhausted: int
    mean_peak: float | None


def windows(seen: Iterable[Seen]) -> list[Window]:
    """The windows behind what was seen of one account's, in order of time."""
    found: list[Window] = []
    for one in sorted(seen, key=lambda one: (one.first_at, one.reset_at)):
        last = found[-1] if found else None
        if last is not None and (_same(last.reset_at, one.reset_at) or one.first_at < last.reset_at):
            found[-1] = _joined(last, one)
        else:
            found.append(Window(one.reset_at, one.first_at, one.last_at, one.peak, one.rejected_at))
    return found


def summary(all_of_them: Sequence[Window], now: datetime) -> Summary:
    """How many windows are over by now, how many were used up, how full they became on average."""
    over = [window for window in all_of_them if window.reset_at <= now]
    peaks = [window.peak for window in over if window.peak is not None]
    return Summary(
        count=len(over),
        exhausted=sum(window.exhausted for window in over),
        mean_peak=sum(peaks) / len(peaks) if peaks else None,
    )


def _same(one: datetime, other: datetime) -> bool:
    return abs(one - other) < TOLERANCE


def _joined(window: Window, one: Seen) -> Window:
    moved = not _same(window.reset_at, one.reset_at)
    return replace(
        window,
        reset_at=one.reset_at,
        last_at=max(window.last_at, one.last_at),
        peak=max((peak for peak in (window.peak, one.peak) if peak is not None), default=None),
        rejected_at=min((at for at in (window.rejected_at, one.rejected_at) if at is not None), default=None),
        moves=(*window.moves, Move(one.first_at, window.reset_at, one.reset_at)) if moved else window.moves,
    )
