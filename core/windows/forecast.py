"""When a window will be used up, with the range that holds it in 80 of 100 cases (dashboard.md, E6).

The forecast itself is plain: what is left, at the rate of the last hour. The range comes from 200 runs to the reset,
half of which go on as the last twelve steps did, half as this hour of the week usually goes; each step of a run takes
one step of the past by lot (bootstrap). The lots depend on the seed alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from core.windows.burn import Burn
from core.windows.dice import Dice
from core.windows.past import FULL
from core.windows.sample import Increment

RUNS: Final = 200
LOW, HIGH = 0.1, 0.9
STEP: Final = timedelta(minutes=5)
LONG: Final = timedelta(hours=1)
"""The step of windows of more than a day."""
RECENT: Final = 12
"""Steps that say how it goes just now: an hour, half a day for long windows."""
_FEWEST: Final = 6
"""Steps of the past below which an hour of the week says nothing; the same hour of any day is taken then."""
_NEVER_HOURS: Final = 24.0 * 3650


@dataclass(frozen=True, slots=True)
class Forecast:
    """When a window is used up. None as a moment: not before its reset."""

    exhausted_at: datetime | None
    earliest: datetime | None
    """One run in ten is used up before."""
    latest: datetime | None
    """Nine in ten are used up by then."""
    probability: float
    """Share of the runs that are used up before the reset."""


def step_of(length: timedelta | None) -> timedelta:
    """The steps in which the past of a window of this length is told."""
    return STEP if length is None or length <= timedelta(days=1) else LONG


def forecast(
    now: datetime,
    utilization: float,
    reset_at: datetime,
    burn: Burn | None,
    past: Sequence[Increment],
    *,
    step: timedelta = STEP,
    seed: int = 0,
) -> Forecast | None:
    """The forecast; None where the rate is unknown (fewer than three samples) or the window is over.

    ``past`` are the increments of recent weeks in steps of ``step``, in order of time.
    """
    if burn is None or reset_at <= now:
        return None
    left = FULL - utilization
    if left <= 0:
        return Forecast(now, now, now, 1.0)
    plain = min(_at_rate(now, left, burn.per_hour) or reset_at, reset_at)
    ends = _ends(now, left, reset_at, past, step, seed) or [plain]
    # The plain forecast is one of the possible ends: the range never leaves it out.
    earliest, latest = min(_rank(ends, LOW), plain), max(_rank(ends, HIGH), plain)
    return Forecast(
        _before(plain, reset_at),
        _before(earliest, reset_at),
        _before(latest, reset_at),
        sum(end < reset_at for end in ends) / len(ends),
    )


def _at_rate(now: datetime, left: float, per_hour: float) -> datetime | None:
    hours = left / per_hour if per_hour > 0 else _NEVER_HOURS
    return now + timedelta(hours=hours) if hours < _NEVER_HOURS else None


def _before(end: datetime, reset_at: datetime) -> datetime | None:
    return end if end < reset_at else None


def _rank(ends: Sequence[datetime], share: float) -> datetime:
    return ends[min(int(share * len(ends)), len(ends) - 1)]


def _ends(
    now: datetime, left: float, reset_at: datetime, past: Sequence[Increment], step: timedelta, seed: int
) -> list[datetime]:
    """Where each run is used up, in order; at the reset where it is not. None at all without a past."""
    if not past:
        return []
    moments = [now + n * step for n in range(-((now - reset_at) // step))]
    usual = _usual(past)
    lately = [_lately(now, past, step)] * len(moments)
    ladders = (lately, [usual(at) or lately[0] for at in moments])
    # Dice of their own: a run that ends early does not change the lots of the next.
    thrown = (Dice(seed * RUNS + n) for n in range(RUNS))
    return sorted(_run(ladders[n % 2], moments, left, reset_at, step, dice) for n, dice in enumerate(thrown))


def _run(
    pools: Sequence[Sequence[float]],
    moments: Sequence[datetime],
    left: float,
    reset_at: datetime,
    step: timedelta,
    dice: Dice,
) -> datetime:
    for at, pool in zip(moments, pools, strict=True):
        amount = pool[dice.below(len(pool))]
        if amount >= left:
            return min(at + step * (left / amount), reset_at)
        left -= amount
    return reset_at


def _lately(now: datetime, past: Sequence[Increment], step: timedelta) -> list[float]:
    """The last steps up to now; after the last that was seen nobody worked."""
    amounts = [one.amount for one in past if now - RECENT * step < one.at <= now]
    idle = min(max((now - past[-1].at) // step - 1, 0), RECENT - len(amounts))
    return amounts + [0.0] * max(idle, 0 if amounts else 1)


def _usual(past: Sequence[Increment]) -> Callable[[datetime], Sequence[float]]:
    """What the steps of an hour of the week add; where too little is known of it, of that hour of any day."""
    of_week: dict[tuple[int, int], list[float]] = {}
    of_day: dict[int, list[float]] = {}
    for one in past:
        of_week.setdefault((one.at.weekday(), one.at.hour), []).append(one.amount)
        of_day.setdefault(one.at.hour, []).append(one.amount)

    def usual(at: datetime) -> Sequence[float]:
        found = of_week.get((at.weekday(), at.hour), [])
        return found if len(found) >= _FEWEST else of_day.get(at.hour, [])

    return usual
