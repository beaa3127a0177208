"""Where values stand: round ticks, heights in pixels, the lines and words of the axes."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

MOST_MARKS = 500
"""Marks of one drawing. A finer question belongs to a shorter period."""
PLOT = 168
"""Height of the plot, pixels, without its axis."""
FOOT = 22
"""Height below it for the words of the axis."""
HEAD = 14
"""Room above the highest tick, so that its word is not cut off."""
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_GRID = Markup('<line class="grid" x1="0" x2="100%" y1="{0:.1f}" y2="{0:.1f}"/>')
_WORD = Markup('<text class="tick" x="-8" y="{:.1f}" text-anchor="end">{}</text>')
_BELOW = Markup('<text class="tick%s" x="%.3f%%" y="%s" text-anchor="%s">%s</text>')


@dataclass(frozen=True, slots=True)
class Scale:
    """From 0 at the foot to ``top`` at the head."""

    top: float
    ticks: tuple[float, ...]
    height: int = PLOT

    def y(self, value: float) -> float:
        """The pixel of a value, counted from above; what lies beyond stands at the edge."""
        share = min(1.0, max(0.0, value / self.top))
        return HEAD + (self.height - HEAD) * (1 - share)

    def length(self, value: float) -> float:
        """How many pixels high a value is."""
        return self.y(0) - self.y(value)


def scale(most: float, *, whole: bool = False, height: int = PLOT) -> Scale:
    """Ticks at round numbers from 0 to at least ``most``: three to six lines. ``whole`` has no fractions."""
    if not math.isfinite(most) or most <= 0:
        return Scale(1.0, (0.0, 1.0), height)
    rough = most / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in _STEPS if power * factor >= rough)
    if whole:
        step = max(1.0, math.ceil(step))
    count = math.ceil(most / step - 1e-9)
    return Scale(step * count, tuple(step * number for number in range(count + 1)), height)


def lines(found: Scale, write: Callable[[float], str]) -> Markup:
    """Grid lines and the words beside them."""
    parts = [_GRID.format(found.y(tick)) + _WORD.format(found.y(tick) + 4, write(tick)) for tick in found.ticks]
    return Markup("").join(parts)


def below(words: Sequence[str], *, most: int = 10, height: int = PLOT) -> Markup:
    """Words under equal columns, as many as fit; every second of those is left out where it is narrow."""
    step = max(1, math.ceil(len(words) / most))
    shown = [place for place in range(0, len(words), step) if words[place]]
    parts = [
        _BELOW % (" odd" if turn % 2 else "", (place + 0.5) * 100 / len(words), height + 16, "middle", words[place])
        for turn, place in enumerate(shown)
    ]
    return Markup("").join(parts)


def at(words: Sequence[tuple[float, str]], *, height: int = PLOT) -> Markup:
    """Words at shares of the width, 0 to 1; the outermost stay inside."""
    parts = []
    for turn, (share, word) in enumerate(words):
        anchor = "start" if share < 0.04 else "end" if share > 0.96 else "middle"
        parts.append(_BELOW % (" odd" if turn % 2 else "", share * 100, height + 16, anchor, word))
    return Markup("").join(parts)
