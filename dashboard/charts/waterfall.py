"""A whole as lines that begin where the one before ended, each of parts: what adds up to it, by source and class."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dashboard.charts.palette import Look
from dashboard.render.hidden import spelled
from dashboard.render.secrets import safe

LINE = 36
"""Pixels of a line: its words, its bar."""
MOST_LINES = 24
NARROW = 0.002
"""Share of the width below which a bar would not be seen."""
_SVG = Markup('<svg class="plot strip-bar waterfall" width="100%" height="{}" role="img" aria-label="{}">{}</svg>')
_LINE = Markup(
    '<g class="column"><title>{0}</title><rect class="hit" x="0" y="{1}" width="100%" height="{2}"/>'
    '<text class="name" x="0" y="{3}">{4}</text><text class="name amount" x="100%" y="{3}" text-anchor="end">{5}</text>'
    "{6}</g>"
)
_PART = Markup('<rect fill="{}" x="{:.3f}%" y="{}" width="{:.3f}%" height="12"/>')
_JOINT = Markup('<line class="grid" x1="{0:.3f}%" x2="{0:.3f}%" y1="{1}" y2="{2}"/>')
_NAME = 44
"""Characters of a name on a line; the table has it whole."""


@dataclass(frozen=True, slots=True)
class Line:
    """What adds to the whole: its name, and its value by class."""

    name: str
    parts: tuple[float, ...]

    @property
    def total(self) -> float:
        """All of it."""
        return sum(self.parts)


def drawn(
    lines: Sequence[Line],
    classes: Sequence[tuple[str, Look]],
    write: Callable[[float], str],
    *,
    label: str,
) -> Markup:
    """The drawing. Raises ValueError for more than ``MOST_LINES`` lines."""
    if len(lines) > MOST_LINES:
        raise ValueError("too many lines for one drawing")
    whole, before, made = sum(line.total for line in lines) or 1.0, 0.0, []
    for place, line in enumerate(lines):
        top = place * LINE
        parts = _bar(line, classes, before / whole, whole, top + 19)
        before += line.total
        if place + 1 < len(lines):
            parts.append(_JOINT.format(100 * before / whole, top + 19, top + LINE + 19))
        words = (_told(line, classes, write), top, LINE, top + 13, _short(line.name), write(line.total))
        made.append(_LINE.format(*words, Markup("").join(parts)))
    return _SVG.format(len(lines) * LINE, spelled(safe(label)), Markup("").join(made))


def _bar(line: Line, classes: Sequence[tuple[str, Look]], begin: float, whole: float, top: int) -> list[Markup]:
    """The parts of a line behind one another; one too small to be seen is drawn as small as can be."""
    parts, x = [], begin
    for (_, look), value in zip(classes, line.parts, strict=True):
        if value > 0:
            width = max(value / whole, NARROW)
            parts.append(_PART.format(look.fill, 100 * min(x, 1 - width), top, 100 * width))
            x += value / whole
    return parts


def _told(line: Line, classes: Sequence[tuple[str, Look]], write: Callable[[float], str]) -> str:
    named = zip(classes, line.parts, strict=True)
    parts = [f"{name.lower()} {write(value)}" for (name, _), value in named if value > 0]
    return f"{spelled(safe(line.name))}: {write(line.total)}" + (f" ({', '.join(parts)})" if parts else "")


def _short(name: str) -> str:
    shown = spelled(safe(name))
    return shown if len(shown) <= _NAME else shown[: _NAME - 1] + "…"
