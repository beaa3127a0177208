"""Bars over time, stacked by what they are made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dashboard.charts import axis
from dashboard.charts.palette import Look
from dashboard.render.hidden import spelled
from dashboard.render.secrets import safe

MOST_BUCKETS = 62
MOST_SERIES = 8
FILLED = 0.82
"""How much of its column a bar takes."""
LETTERED = 15.0
"""Pixels of height from which on a part carries its letter."""
LETTERS_TO = 16
_SVG = Markup('<svg class="plot" width="100%" height="{}" role="img" aria-label="{}">{}</svg>')
_COLUMN = Markup(
    '<g class="column"><title>%s</title><rect class="hit" x="%.3f%%" y="0" width="%.3f%%" height="%s"/>%s</g>'
)
_PART = Markup('<rect fill="%s" x="%.3f%%" y="%.2f" width="%.3f%%" height="%.2f"/>')
_LETTER = Markup('<text class="letter" x="%.3f%%" y="%.1f" text-anchor="middle">%s</text>')


@dataclass(frozen=True, slots=True)
class Bucket:
    """A span of time: its word under the axis, what it is in full, and what is special about it (``23 h``)."""

    label: str
    title: str
    note: str = ""

    @property
    def words(self) -> str:
        """In full, with what is special."""
        return f"{self.title} ({self.note})" if self.note else self.title


@dataclass(frozen=True, slots=True)
class Series:
    """One part of the stacks: a value a bucket, None where it is unknown."""

    name: str
    look: Look
    values: tuple[float | None, ...]

    @property
    def total(self) -> float:
        """The sum of what is known."""
        return sum(value for value in self.values if value is not None)


def stacked(
    buckets: Sequence[Bucket],
    series: Sequence[Series],
    write: Callable[[float], str],
    *,
    label: str,
    whole: bool = False,
) -> Markup:
    """The drawing. Raises ValueError for more buckets or series than ``axis.MOST_MARKS`` allows."""
    if len(buckets) > MOST_BUCKETS or len(series) > MOST_SERIES:
        raise ValueError("too many bars for one drawing")
    totals = [sum(each.values[place] or 0 for each in series) for place in range(len(buckets))]
    found = axis.scale(max(totals, default=0), whole=whole)
    columns = [_column(buckets, series, place, found, write) for place in range(len(buckets))]
    words = axis.below([bucket.label for bucket in buckets])
    inside = Markup("").join([axis.lines(found, write), *columns, words])
    return _SVG.format(axis.PLOT + axis.FOOT, spelled(safe(label)), inside)


def _column(
    buckets: Sequence[Bucket], series: Sequence[Series], place: int, found: axis.Scale, write: Callable[[float], str]
) -> Markup:
    step = 100 / len(buckets)
    x, width = step * (place + (1 - FILLED) / 2), step * FILLED
    parts, foot = [], 0.0
    for each in series:
        value = each.values[place]
        if not value or value < 0:
            continue
        top = foot + value
        y, height = found.y(top), found.length(value)
        parts.append(_PART % (each.look.fill, x, y, width, max(0.5, height)))
        if height >= LETTERED and len(series) > 1 and len(buckets) <= LETTERS_TO:
            parts.append(_LETTER % (x + width / 2, y + height / 2 + 4, each.look.letter))
        foot = top
    told = _told(buckets[place], series, place, write)
    return _COLUMN % (told, step * place, step, axis.PLOT, Markup("").join(parts))


def _told(bucket: Bucket, series: Sequence[Series], place: int, write: Callable[[float], str]) -> str:
    known = [(each.name, each.values[place]) for each in series]
    if all(value is None for _, value in known):
        return f"{bucket.words}: nothing known"
    total = write(sum(value or 0 for _, value in known))
    shares = [f"{spelled(safe(name))} {write(value)}" for name, value in known if value]
    return f"{bucket.words}: {total}" + (f" ({', '.join(shares)})" if len(series) > 1 and shares else "")
