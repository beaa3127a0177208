"""The thumbnail of a conversation in a list: 80 × 16, its lanes, errors, compactions and sub-agents."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

WIDTH, HEIGHT = 80, 16
LANES = 4
"""Lanes that are told apart; further ones share the last."""
_EDGE = 3
_SVG = Markup('<svg class="spark" viewBox="0 0 80 16" width="80" height="16" aria-hidden="true">{}</svg>')
_PATH = Markup('<path class="{}" d="{}"/>')
_MARKS: Mapping[str, tuple[str, Callable[[float, float], str]]] = {
    "error": ("s-error", lambda x, y: f"M{x - 2:.1f} {y - 2:.1f}h4v4h-4z"),
    "compaction": ("s-joint", lambda x, y: f"M{x - 2:.1f} {y - 2:.1f}l2 5M{x:.1f} {y - 2:.1f}l2 5"),
    "subagent": ("s-agent", lambda x, y: f"M{x:.1f} {y - 2:.1f}h1a2 2 0 0 1 0 4h-1a2 2 0 0 1 0 -4z"),
}
"""What some kinds of elements are marked with: the class, and the path around a point."""


def drawn(shape: Any) -> Markup:
    """The thumbnail of a ``shape`` (conversations.shape); what is none of it is left out, so any JSON can be drawn.

    All lines of a lane are one path, and all marks of a kind: a list draws a thousand elements.
    """
    elements = [element for element in shape if isinstance(element, dict)] if isinstance(shape, list) else []
    step = (WIDTH - 2 * _EDGE) / max(1, len(elements) - 1)
    places = [(_EDGE + number * step, _height(element)) for number, element in enumerate(elements)]
    lines: dict[str, list[str]] = {}
    marks: dict[str, list[str]] = {}
    for number, element in enumerate(elements):
        if line := _line(places, number, element.get("parent")):
            lines.setdefault(f"s{_lane(element) % 8}", []).append(line)
        kind = element.get("kind")
        if isinstance(kind, str) and kind in _MARKS:
            name, mark = _MARKS[kind]
            marks.setdefault(name, []).append(mark(*places[number]))
    if len(places) == 1:
        marks.setdefault("s-dot", []).append(f"M{_EDGE - 2} {places[0][1]:g}a2 2 0 1 0 4 0a2 2 0 1 0 -4 0")
    paths = [_PATH.format(name, "".join(parts)) for name, parts in [*lines.items(), *marks.items()]]
    return _SVG.format(Markup("").join(paths))


def _lane(element: Mapping[str, Any]) -> int:
    lane = element.get("lane")
    return max(lane, 0) if isinstance(lane, int) else 0


def _height(element: Mapping[str, Any]) -> float:
    return 3.5 + min(_lane(element), LANES - 1) * 3.2


def _line(places: Sequence[tuple[float, float]], number: int, parent: Any) -> str:
    """From the parent into the own lane; empty where there is none before it."""
    if not isinstance(parent, int) or not 0 <= parent < number:
        return ""
    (x, y), (right, bottom) = places[parent], places[number]
    turn = f"H{right:.1f}" if y == bottom else f"L{min(x + 3, right):.1f} {bottom:g}H{right:.1f}"
    return f"M{x:.1f} {y:g}{turn}"
