"""How often the forecasts' ranges were right: each window that is over is forecast once more from what was known then.

Forecasts are not stored: they are a function of the samples and the seed, so they can be asked again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from core.windows.burn import burn
from core.windows.forecast import Forecast, forecast
from core.windows.past import FULL, Window
from core.windows.sample import Sample, increments, of_one_window

MOST: Final = 20
"""Windows that are looked at, the latest: each costs a forecast."""
HALF: Final = 0.5
"""Share of its time after which a window is forecast."""


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
    outcomes = [
        outcome for window in windows[-MOST:] if (outcome := _outcome(window, samples, length, step, seed)) is not None
    ]
    if not outcomes:
        return None
    right = sum(held for held, _ in outcomes)
    return Calibration(right, len(outcomes), sum(missed for _, missed in outcomes) / len(outcomes))


def _outcome(
    window: Window, samples: Sequence[Sample], length: timedelta, step: timedelta, seed: int
) -> tuple[bool, float] | None:
    """Whether the range held, and the squared error of the probability."""
    now = window.reset_at - length * (1 - HALF)
    known = [sample for sample in samples if sample.at <= now]
    running = of_one_window(known)
    if not running or running[-1].utilization >= FULL or (running[-1].reset_at or now) <= now:
        return None
    made = forecast(
        now, running[-1].utilization, window.reset_at, burn(known, now), increments(known, step), step=step, seed=seed
    )
    if made is None:
        return None
    during = (one for one in samples if now < one.at < window.reset_at and one.utilization >= FULL)
    full = next(during, None)
    end = full.at if full is not None else window.rejected_at
    return _held(made, end, window.reset_at, step), (made.probability - float(end is not None)) ** 2


def _held(made: Forecast, end: datetime | None, reset_at: datetime, step: timedelta) -> bool:
    """To the step: of each the highest sample is known, so when it became full is not known better."""
    return (made.earliest or reset_at) - step <= (end or reset_at) <= (made.latest or reset_at) + step
