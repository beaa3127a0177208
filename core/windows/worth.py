"""What one per cent of a window costs: how well its utilisation follows our own cost (dashboard.md, %↔$).

Only a comparison: it never fills an official bar, and is shown with its R².
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

FEWEST: Final = 8
"""Steps with both figures below which nothing is said."""


@dataclass(frozen=True, slots=True)
class Worth:
    """``usd_per_percent`` at API prices; ``r_squared`` is the share of the ups and downs it explains, 0 to 1."""

    usd_per_percent: float
    r_squared: float
    steps: int


def worth(steps: Sequence[tuple[float, float]]) -> Worth | None:
    """The fit of (cost in USD, utilisation added) over steps of time: a line through 0, since nothing costs nothing.

    Steps in which nobody worked say nothing. None where there are too few others, or they have no common direction.
    """
    told = [(cost, added * 100) for cost, added in steps if cost > 0 or added > 0]
    squares = sum(cost * cost for cost, _ in told)
    slope = sum(cost * percent for cost, percent in told) / squares if squares else 0.0
    if len(told) < FEWEST or slope <= 0:
        return None
    mean = sum(percent for _, percent in told) / len(told)
    around = sum((percent - mean) ** 2 for _, percent in told)
    missed = sum((percent - slope * cost) ** 2 for cost, percent in told)
    explained = 1 - missed / around if around else float(missed == 0)
    return Worth(1 / slope, min(max(explained, 0.0), 1.0), len(told))
