"""A use over its window: against the time that has gone, beside the even pace, where it leads, earlier windows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dashboard.charts import axis
from dashboard.render.hidden import spelled
from dashboard.render.secrets import safe

Point = tuple[float, float]
"""Share of the window's time that has gone (0 to 1), share of the limit that was used (0 to 1 and beyond)."""

MOST_POINTS = 200
QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)
CROWDED = 1.3
"""Use beyond which quarters would stand on one another."""
MOST_GHOSTS = 8
GHOST_POINTS = 30
WIDTH = 1000.0
_SVG = Markup('<svg class="plot curve" width="100%" height="{}" role="img" aria-label="{}">{}</svg>')
_PLANE = Markup(
    '<svg x="0" y="0" width="100%" height="{0}" viewBox="0 0 1000 {0}" preserveAspectRatio="none">{1}</svg>'
)
_LINE = Markup('<polyline class="{}" points="{}"/>')
_AREA = Markup('<polygon class="{}" points="{}"/>')
_UPRIGHT = Markup('<line class="{0}" x1="{1:.3f}%" x2="{1:.3f}%" y1="{2}" y2="{3}"/>')
_LEVEL = Markup('<line class="{0}" x1="0" x2="100%" y1="{1:.1f}" y2="{1:.1f}"/>')
_WORD = Markup('<text class="tick {}" x="{:.3f}%" y="{:.1f}" dx="{}" text-anchor="{}">{}</text>')
_DOT = Markup('<circle class="now" cx="{:.3f}%" cy="{:.1f}" r="4"/>')


@dataclass(frozen=True, slots=True)
class Fan:
    """Where it leads from the last point: shares of the window at which the limit is reached, None for "not in it".

    Without any of them the use at the window's end is what ``ends`` says: low, likely, high.
    """

    earliest: float | None
    likely: float | None
    latest: float | None
    ends: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """What is drawn. ``points`` in order of time; ``moved`` are shares of time at which the end was moved."""

    points: tuple[Point, ...]
    now: float | None = None
    fan: Fan | None = None
    ghosts: tuple[tuple[Point, ...], ...] = ()
    moved: tuple[tuple[float, str], ...] = ()
    levels: tuple[float, ...] = (1.0,)
    words: tuple[tuple[float, str], ...] = ()
    """What stands below, by share of the time."""
    estimated: bool = False


def drawn(curve: Curve, *, label: str, write: Callable[[float], str] = lambda share: f"{share * 100:.0f} %") -> Markup:
    """The drawing."""
    peak = max((used for _, used in curve.points), default=0.0)
    found = axis.Scale(max(1.0, peak), QUARTERS) if peak <= CROWDED else axis.scale(peak)
    plane = _PLANE.format(axis.PLOT, Markup("").join(_plane(curve, found)))
    beside = [*_levels(curve, found), *_moves(curve), *_now(curve, found)]
    inside = Markup("").join([axis.lines(found, write), plane, *beside, axis.at(curve.words)])
    return _SVG.format(axis.PLOT + axis.FOOT, spelled(safe(label)), inside)


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """At most so many points: evenly taken, the first and the last always among them."""
    if len(points) <= most:
        return list(points)
    step = (len(points) - 1) / (most - 1)
    return [points[round(place * step)] for place in range(most)]


def _plane(curve: Curve, found: axis.Scale) -> list[Markup]:
    ghosts = [
        _LINE.format("ghost", _joined(thinned(ghost, GHOST_POINTS), found))
        for ghost in curve.ghosts[-MOST_GHOSTS:]
        if ghost
    ]
    pace = _LINE.format("even", _joined([(0.0, 0.0), (1.0, 1.0)], found))
    own = _LINE.format(
        "used guessed" if curve.estimated else "used", _joined(thinned(curve.points, MOST_POINTS), found)
    )
    return [*ghosts, pace, *_fan(curve, found), own]


def _fan(curve: Curve, found: axis.Scale) -> list[Markup]:
    if curve.fan is None or not curve.points:
        return []
    start = curve.points[-1]
    fan, ends = curve.fan, curve.fan.ends
    high = _reached(fan.earliest, ends and ends[2])
    low = _reached(fan.latest, ends and ends[0])
    likely = _reached(fan.likely, ends and ends[1])
    parts = []
    if high and low:
        corner = [(1.0, high[1])] if high[0] < low[0] else []
        parts.append(_AREA.format("fan", _joined([start, high, *corner, low], found)))
    if likely:
        parts.append(_LINE.format("likely", _joined([start, likely], found)))
    return parts


def _reached(share: float | None, end: float | None) -> Point | None:
    if share is not None:
        return (min(1.0, max(0.0, share)), 1.0)
    return (1.0, end) if end is not None else None


def _joined(points: Sequence[Point], found: axis.Scale) -> str:
    return " ".join(f"{min(1.0, max(0.0, share)) * WIDTH:.1f},{found.y(used):.1f}" for share, used in points)


def _levels(curve: Curve, found: axis.Scale) -> list[Markup]:
    return [_LEVEL.format("limit" if level >= 1 else "limit soft", found.y(level)) for level in curve.levels]


def _moves(curve: Curve) -> list[Markup]:
    parts = []
    for share, words in curve.moved:
        right = share > 0.6
        parts.append(_UPRIGHT.format("moved", share * 100, axis.HEAD, axis.PLOT))
        parts.append(
            _WORD.format("strong", share * 100, axis.HEAD + 12, -4 if right else 4, "end" if right else "start", words)
        )
    return parts


def _now(curve: Curve, found: axis.Scale) -> list[Markup]:
    parts = [] if curve.now is None else [_UPRIGHT.format("marker", curve.now * 100, axis.HEAD, axis.PLOT)]
    if curve.points:
        parts.append(_DOT.format(curve.points[-1][0] * 100, found.y(curve.points[-1][1])))
    return parts
