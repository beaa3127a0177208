"""How fast a window is used up while somebody works."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from core.windows.sample import Sample, of_one_window

PERIOD: Final = timedelta(minutes=60)
IDLE: Final = timedelta(minutes=10)
"""A longer gap between two samples is not work: neither its time nor what it added counts."""
FEWEST: Final = 3
"""Samples below which there is no rate (E6)."""
SHORTEST: Final = timedelta(minutes=1)
"""Work below which there is no rate: three answers within a second say nothing of an hour."""


@dataclass(frozen=True, slots=True)
class Burn:
    """``per_hour``: share of the window that an hour of work uses up; from so many samples over so much work."""

    per_hour: float
    samples: int
    active: timedelta


def burn(samples: Sequence[Sample], now: datetime) -> Burn | None:
    """The rate of the last hour of the running window; None where too little was seen. ``samples`` in order of time."""
    recent = of_one_window([sample for sample in samples if now - PERIOD <= sample.at <= now])
    steps = [(a, b) for a, b in pairwise(recent) if b.at - a.at <= IDLE]
    active = sum((b.at - a.at for a, b in steps), timedelta())
    if len(recent) < FEWEST or active < SHORTEST:
        return None
    used = sum(b.utilization - a.utilization for a, b in steps)
    return Burn(max(0.0, used) / (active / timedelta(hours=1)), len(recent), active)
