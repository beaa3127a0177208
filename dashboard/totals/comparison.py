"""A period beside the same weekdays before it: whole weeks earlier, so that a Monday stands beside a Monday."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from dashboard.totals.slots import HOUR, five_minutes_of

WEEK = timedelta(days=7)
ENOUGH = timedelta(days=2)
"""With less recorded than this nothing is compared (dashboard.md D2)."""
MOST_PERCENT = 999


@dataclass(frozen=True, slots=True)
class Earlier:
    """The period that is compared with, cut like the one it stands beside."""

    since: datetime
    end: datetime
    weeks: int

    @property
    def words(self) -> str:
        """What it is called."""
        return "the same hours a week before" if self.weeks == 1 else f"the same weekdays {self.weeks} weeks before"


def earlier_of(since: datetime, end: datetime) -> Earlier:
    """As many whole weeks back as the period is long."""
    start = five_minutes_of(since)
    # A period of seven days begins up to an hour earlier here: it is one week still.
    weeks = max(1, math.ceil((end - start - HOUR) / WEEK))
    return Earlier(start - weeks * WEEK, start - weeks * WEEK + (end - start), weeks)


def why_not(earlier: Earlier, first_hour: datetime | None, now: datetime) -> str | None:
    """Why nothing can be compared, in words; None where it can."""
    if first_hour is None or now - first_hour < ENOUGH:
        return "less than 2 days are recorded"
    return None if first_hour <= earlier.since else "recording began after " + earlier.words


@dataclass(frozen=True, slots=True)
class Change:
    """A change against the period before: its words, and whether it went up (1), down (-1) or neither (0)."""

    words: str
    way: int

    @property
    def shape(self) -> str:
        """An arrow beside the words."""
        return {1: "▲", -1: "▼"}.get(self.way, "=")


def relative(now: float | Decimal | None, before: float | Decimal | None) -> Change | None:
    """By how many per cent a sum changed; None where there is nothing to measure it by."""
    if now is None or not before:
        return None
    percent = round(100 * (float(now) / float(before) - 1))
    if not percent:
        return Change("as before", 0)
    shown = f"{abs(percent)} %" if abs(percent) <= MOST_PERCENT else f"over {MOST_PERCENT} %"
    return Change(shown, 1 if percent > 0 else -1)


def in_points(now: float | None, before: float | None) -> Change | None:
    """By how many percentage points a share changed."""
    if now is None or before is None:
        return None
    points = round(100 * (now - before), 1)
    return Change(f"{abs(points):g} points", (points > 0) - (points < 0)) if points else Change("as before", 0)
