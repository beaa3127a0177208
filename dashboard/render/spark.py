"""The thumbnail of a conversation in a list: 80 × 16, its lanes, errors, compactions and sub-agents."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

WIDTH, HEIGHT = 80, 16
LANES = 4
"""Lanes that are told apart; further ones share the last."""
_EDGE = 3
_SVG = Markup('<svg class="spark" viewBox="0 0 80 16" width="80" height="16" aria-hidden="true">{}</svg>')
_LINE = Markup('<path class="s{}" d="M{:.1f} {:g}{}"/>')
_MARKS = {
    "error": Markup('<rect class="s-error" x="{x:g}" y="{y:g}" width="4" height="4"/>'),
    "compaction": Markup('<path class="s-joint" d="M{x:g} {y:g}l2 5M{right:g} {y:g}l2 5"/>'),
    "subagent": Markup('<rect class="s-agent" x="{x:g}" y="{y:g}" width="5" height="4" rx="2"/>'),
    "dot": Markup('<circle class="s-dot" cx="{right:g}" cy="{bottom:g}" r="2"/>'),
}


def drawn(shape: Any) -> Markup:
    """The thumbnail of a ``shape`` (conversations.shape); what is none of it is left out, so any JSON can be drawn."""
    elements = [element for element in shape if isinstance(element, dict)] if isinstance(shape, list) else []
    step = (WIDTH - 2 * _EDGE) / max(1, len(elements) - 1)
    places = [(_EDGE + number * step, _height(element)) for number, element in enumerate(elements)]
    lines = [_line(places, number, element.get("parent"), element) for number, element in enumerate(elements)]
    marks = [_mark(element.get("kind"), *places[number]) for number, element in enumerate(elements)]
    if places:
        marks += [_drawn("dot", *places[0])] if len(places) == 1 else []
    return _SVG.format(Markup("").join([*lines, *marks]))


def _height(element: dict[str, Any]) -> float:
    lane = element.get("lane")
    number = min(max(lane, 0), LANES - 1) if isinstance(lane, int) else 0
    return 3.5 + number * 3.2


def _line(places: Sequence[tuple[float, float]], number: int, parent: Any, element: dict[str, Any]) -> Markup:
    if not isinstance(parent, int) or not 0 <= parent < number:
        return Markup("")
    (x, y), (right, bottom) = places[parent], places[number]
    lane = element.get("lane")
    shown = lane % 8 if isinstance(lane, int) else 0
    turn = f"H{right:.1f}" if y == bottom else f"L{min(x + 3, right):.1f} {bottom:g}H{right:.1f}"
    return _LINE.format(shown, x, y, turn)


def _mark(kind: Any, x: float, y: float) -> Markup:
    return _drawn(kind, x, y) if kind in ("error", "compaction", "subagent") else Markup("")


def _drawn(kind: str, x: float, y: float) -> Markup:
    return _MARKS[kind].format(x=round(x - 2, 1), y=round(y - 2, 1), right=round(x, 1), bottom=y)
