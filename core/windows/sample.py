"""A window's utilisation over time: samples, which of them belong to one window, and how much each step added."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

DROP: Final = 0.02
"""Utilisation that falls by more begins a new window, whatever its reset says; answers that overtake one another
are less apart."""
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sample:
    """How much of a window was used up at a moment, and when it was to end; None is unknown."""

    at: datetime
    utilization: float
    reset_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Increment:
    """How much of a window was used up in a step of time that began at ``at``: 0 where nobody worked."""

    at: datetime
    amount: float


def begins_anew(before: Sample, after: Sample) -> bool:
    """Whether a new window began between two samples: the reset has passed, or utilisation fell."""
    passed = before.reset_at is not None and after.at >= before.reset_at
    return passed or after.utilization < before.utilization - DROP


def of_one_window(samples: Sequence[Sample]) -> Sequence[Sample]:
    """The last samples that belong to one window; ``samples`` are in order of time."""
    for n in range(len(samples) - 1, 0, -1):
        if begins_anew(samples[n - 1], samples[n]):
            return samples[n:]
    return samples


def binned(at: datetime, step: timedelta) -> datetime:
    """The start of the step that a moment is in; steps count from 2000-01-01, as date_bin in the queries does."""
    return at - (at - _EPOCH) % step


def increments(samples: Iterable[Sample], step: timedelta) -> list[Increment]:
    """What each step from the first sample to the last added, idle steps too.

    What was added since the sample before counts where it was seen. A window that began in between began at 0.
    """
    made: list[Increment] = []
    for before, after in pairwise(samples):
        begun = after.utilization if begins_anew(before, after) else max(0.0, after.utilization - before.utilization)
        first = made[-1].at + step if made else binned(before.at, step)
        made.extend(Increment(at, 0.0) for at in _steps(first, binned(after.at, step), step))
        made[-1] = Increment(made[-1].at, made[-1].amount + begun)
    return made


def _steps(first: datetime, last: datetime, step: timedelta) -> Iterator[datetime]:
    while first <= last:
        yield first
        first += step
