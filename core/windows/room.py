"""Whether a job of so much money still fits into a running window (dashboard.md, D9).

What it takes is told by the worth of one per cent, which is a fit; what others will take meanwhile by the forecast. So
the answer is an estimate, and it says what it rests on.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from core.windows.forecast import Forecast
from core.windows.past import FULL
from core.windows.worth import Worth

LOOSE: Final = 0.5
"""A fit that explains less of the ups and downs than this is no ground for a yes."""
RISK: Final = 0.2
"""With a greater chance than this of being used up before its reset a window is tight."""


class Verdict(StrEnum):
    """The answer."""

    YES = "yes"
    TIGHT = "tight"
    NO = "no"


class Doubt(StrEnum):
    """Why it is no yes."""

    TOO_LITTLE = "too little is left"
    OTHERS = "others use it too"
    LOOSE_FIT = "the fit is loose"
    OLD = "the reading is old"
    SPENT_ELSEWHERE = "another window is used up"
    SHORT_ELSEWHERE = "another window has less left"


_REFUSED: Final = frozenset({Doubt.TOO_LITTLE, Doubt.SPENT_ELSEWHERE})


@dataclass(frozen=True, slots=True)
class Other:
    """Another running window of the account; ``of_all`` says whether every model counts in it."""

    window: str
    utilization: float
    refuses: bool
    of_all: bool

    @property
    def spent(self) -> bool:
        """Whether nothing of it is left."""
        return self.refuses or self.utilization >= FULL


@dataclass(frozen=True, slots=True)
class Room:
    """``needed`` and ``left`` are shares of the window.

    ``before`` and ``after``: the chance that it is used up before its reset, without the job and with it.
    """

    verdict: Verdict
    doubts: tuple[Doubt, ...]
    needed: float
    left: float
    before: float
    after: float
    dry_at: datetime | None
    """When it is used up with the job, at the rate of the last hour; None: not before its reset."""
    short: tuple[Other, ...]
    """The other windows that speak against it."""


def needed(usd: float, worth: Worth) -> float:
    """Which share of the window so much money takes."""
    return usd / worth.usd_per_percent / 100


def room(
    taken: float,
    utilization: float,
    fit: Worth,
    forecasts: tuple[Forecast, Forecast],
    others: Iterable[Other],
    *,
    old: bool,
) -> Room:
    """The answer for a job that takes this share. ``forecasts`` are those without the job and with it.

    Other windows are told in shares of their own, and how much of them the job takes is not known: one that is used up
    refuses it; one with less left than the job takes here is a doubt, since no window is known to be smaller.
    """
    before, after = forecasts
    # Of 1 - 0.9 floats keep a little less than a tenth.
    left = max(0.0, round(FULL - utilization, 9))
    found = [other for other in others if other.spent or FULL - other.utilization < taken]
    spent = any(other.spent and other.of_all for other in found)
    fits = round(taken, 9) <= left and left > 0
    doubts = {
        Doubt.TOO_LITTLE: not fits,
        Doubt.OTHERS: fits and after.probability > RISK,
        Doubt.LOOSE_FIT: fit.r_squared < LOOSE,
        Doubt.OLD: old,
        Doubt.SPENT_ELSEWHERE: spent,
        Doubt.SHORT_ELSEWHERE: fits and bool(found) and not spent,
    }
    told = tuple(doubt for doubt, holds in doubts.items() if holds)
    verdict = Verdict.NO if _REFUSED.intersection(told) else Verdict.TIGHT if told else Verdict.YES
    return Room(verdict, told, taken, left, before.probability, after.probability, after.exhausted_at, tuple(found))
