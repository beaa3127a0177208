"""Our own estimate of a window: sums of what we recorded, against a limit that was never told (usage.md, inferred)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

FULL_ENOUGH: Final = 0.05
"""Reported utilisation below which a limit inferred from it would be mostly rounding."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Tokens (input and output) a window seems to hold, and what that was inferred from."""

    tokens: int
    basis: Literal["rejection", "reported"]


def limit(rejected: Iterable[int], tokens: int | None = None, utilization: float | None = None) -> Limit | None:
    """The limit as far as anything was ever seen.

    ``rejected``: our sums of windows that ended in a window's rejection; the highest counts. Else ``tokens``, our sum
    of the running window, at the ``utilization`` reported of it.
    """
    highest = max(rejected, default=0)
    if highest > 0:
        return Limit(highest, "rejection")
    if tokens and utilization is not None and utilization >= FULL_ENOUGH:
        return Limit(round(tokens / utilization), "reported")
    return None
