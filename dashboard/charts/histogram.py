"""How often which size occurs: bars over bins whose edges need not be equally far apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dashboard.charts import axis
from dashboard.render import figures
from dashboard.render.hidden import spelled
from dashboard.render.secrets import safe

_SVG = Markup('<svg class="plot" width="100%" height="{}" role="img" aria-label="{}">{}</svg>')
_BAR = Markup(
    '<g class="column"><title>{}</title><rect class="hit" x="{:.3f}%" y="0" width="{:.3f}%" height="{}"/>{}</g>'
)
_RECT = Markup('<rect fill="url(#p0)" x="{:.3f}%" y="{:.2f}" width="{:.3f}%" height="{:.2f}"/>')
_MARKER = Markup(
    '<line class="marker" x1="{0:.3f}%" x2="{0:.3f}%" y1="4" y2="{1}"/>'
    '<text class="tick strong" x="{0:.3f}%" y="{5}" dx="{2}" text-anchor="{3}">{4}</text>'
)


@dataclass(frozen=True, slots=True)
class Bin:
    """From ``low`` (counted in) to ``high`` (not); None is without end."""

    low: float
    high: float | None
    count: int


def drawn(
    bins: Sequence[Bin],
    write: Callable[[float], str],
    *,
    label: str,
    markers: Sequence[tuple[str, float]] = (),
    height: int = axis.PLOT,
) -> Markup:
    """Equally wide bars with their bins' edges below. A marker (``p95``, value) stands where its value falls."""
    if len(bins) > axis.MOST_MARKS // 2:
        raise ValueError("too many bins for one drawing")
    found = axis.scale(max((each.count for each in bins), default=0), whole=True, height=height)
    step = 100 / max(1, len(bins))
    bars = [_bar(each, place * step, step, found, write, height) for place, each in enumerate(bins)]
    edges = [
        (place / len(bins), write(each.low)) for place, each in enumerate(bins) if place % max(1, len(bins) // 6) == 0
    ]
    marks = [_marker(bins, name, value, height, 12 + 13 * turn) for turn, (name, value) in enumerate(markers)]
    inside = [
        axis.lines(found, lambda tick: figures.compact(round(tick))),
        *bars,
        *marks,
        axis.at(edges, height=height),
    ]
    return _SVG.format(height + axis.FOOT, spelled(safe(label)), Markup("").join(inside))


def _bar(each: Bin, x: float, width: float, found: axis.Scale, write: Callable[[float], str], height: int) -> Markup:
    upper = f"{write(each.low)} to {write(each.high)}" if each.high is not None else f"{write(each.low)} and more"
    words = f"{upper}: {figures.plural(each.count, 'request')}"
    rect = (
        _RECT.format(x + width * 0.06, found.y(each.count), width * 0.88, max(0.5, found.length(each.count)))
        if each.count
        else ""
    )
    return _BAR.format(words, x, width, height, rect)


def _marker(bins: Sequence[Bin], name: str, value: float, height: int, y: int) -> Markup:
    share = place_of(bins, value) * 100
    right = share > 70
    return _MARKER.format(share, height, -4 if right else 4, "end" if right else "start", name, y)


def place_of(bins: Sequence[Bin], value: float) -> float:
    """Where a value stands between the left edge (0) and the right (1); within a bin by its share of it."""
    for place, each in enumerate(bins):
        if each.high is None or value < each.high:
            span = (each.high - each.low) if each.high is not None else each.low or 1
            inside = min(1.0, max(0.0, (value - each.low) / span)) if span else 0.0
            return (place + inside) / len(bins)
    return 1.0
