"""How often the forecasts' ranges were right: each window that is over is forecast once more from what was known then.

Forecasts are not stored: they are a function of the samples and the seed, so they can be asked again.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from core.windows.burn import burn
from core.windows.forecast import Forecast, forecast
from core.windows.past import FULL, Window
from core.windows.sample import Increment, Sample, binned, increments

MOST: Final = 20
"""Windows that are looked at, the latest: each costs a forecast."""
HALF: Final = 0.5
"""Share of its time after which a window is forecast."""
_HOUR: Final = 4000
"""Samples an hour has at most: more need not be looked through for its rate."""
_LATE: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Calibration:
    """``right`` of ``windows`` forecasts held what happened in their range; ``brier``: 0 for a seer, 0.25 for dice."""

    right: int
    windows: int
    brier: float


def calibration(
    windows: Sequence[Window], samples: Sequence[Sample], length: timedelta, step: timedelta, seed: int
) -> Calibration | None:
    """The forecasts of the last windows that are over; None where none of them could be forecast.

    ``windows`` and ``samples`` are in order of time.
    """
    steps = increments(samples, step)
    halves = [window.reset_at - length * (1 - HALF) for window in windows[-MOST:]]
    asked = [
        _outcome(
            window, now, samples, steps[: bisect_left(steps, binned(now, step), key=lambda one: one.at)], step, seed
        )
        for window, now in zip(windows[-MOST:], halves, strict=True)
    ]
    outcomes = [outcome for outcome in asked if outcome is not None]
    if not outcomes:
        return None
    right = sum(held for held, _ in outcomes)
    return Calibration(right, len(outcomes), sum(missed for _, missed in outcomes) / len(outcomes))


def _outcome(
    window: Window, now: datetime, samples: Sequence[Sample], past: Sequence[Increment], step: timedelta, seed: int
) -> tuple[bool, float] | None:
    """Whether the range that was forecast at ``now`` held, and the squared error of the probability."""
    known = samples[: bisect_right(samples, now, key=lambda one: one.at)]
    last = known[-1] if known else None
    if (
        last is None
        or last.utilization >= FULL
        or (last.reset_at or now) <= now
        or (window.rejected_at or _LATE) <= now
    ):
        return None
    made = forecast(now, last.utilization, window.reset_at, burn(known[-_HOUR:], now), past, step=step, seed=seed)
    if made is None:
        return None
    during = (one for one in samples if now < one.at < window.reset_at and one.utilization >= FULL)
    full = next(during, None)
    end = full.at if full is not None else window.rejected_at
    return _held(made, end, window.reset_at, step), (made.probability - float(end is not None)) ** 2


def _held(made: Forecast, end: datetime | None, reset_at: datetime, step: timedelta) -> bool:
    """To the step: of each the highest sample is known, so when it became full is not known better."""
    return (made.earliest or reset_at) - step <= (end or reset_at) <= (made.latest or reset_at) + step
