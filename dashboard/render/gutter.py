"""The lanes of the graph as SVG: one mark a line, one edge to its parent. Real rows of the same height stand beside."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from markupsafe import Markup

ROW: Final = 30
"""Height of a row, pixels; the style sheet has the same."""
COLUMN: Final = 14
COLUMNS: Final = 8
"""Lanes that have a column of their own; further ones share the one behind them."""
LETTERS: Final = "ABCDEFGH"

Glyph = Literal["prompt", "turn", "fork", "error", "cancelled", "running", "subagent", "run", "joint"]

_SVG = Markup(
    '<svg class="gutter" width="{width}" height="{height}" viewBox="0 0 {width} {height}" aria-hidden="true">'
    "{inside}</svg>"
)
_PATH = Markup('<path class="{}" d="{}"/>')


def _circle(x: int, y: int, radius: float) -> str:
    return f"M{x - radius:g} {y}a{radius} {radius} 0 1 0 {2 * radius:g} 0a{radius} {radius} 0 1 0 {-2 * radius:g} 0"


_GLYPHS: dict[Glyph, tuple[str, Callable[[int, int], str]]] = {
    "prompt": ("full", lambda x, y: _circle(x, y, 5)),
    "turn": ("", lambda x, y: _circle(x, y, 3.5)),
    "fork": ("full", lambda x, y: f"M{x} {y - 6}l6 6l-6 6l-6 -6z"),
    "error": ("bad", lambda x, y: f"M{x - 4.5} {y - 4.5}h9v9h-9z"),
    "cancelled": ("", lambda x, y: f"{_circle(x, y, 4.5)}M{x - 3} {y + 3}l6 -6"),
    "running": ("open", lambda x, y: _circle(x, y, 4.5)),
    "subagent": ("", lambda x, y: f"M{x - 2} {y - 4.5}h4a4.5 4.5 0 0 1 0 9h-4a4.5 4.5 0 0 1 0 -9z"),
    "run": ("full dots", lambda x, y: "".join(_circle(x, y + step, 2.6) for step in (-7, 0, 7))),
    "joint": ("full", lambda x, y: _circle(x, y, 5)),
}
"""How each sign is filled, and its path around a point: all signs of a kind in a lane are one path."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands in a row: its lane, its sign, and the row of its parent (which may lie outside of the window)."""

    lane: int
    glyph: Glyph
    parent: int | None
    parent_lane: int
    launched: bool = False


def letter(lane: int) -> str:
    """What a lane is called; a colour and a dash pattern go with each."""
    return LETTERS[lane % len(LETTERS)]


def width(lanes: int) -> int:
    """Pixels of a gutter for so many lanes."""
    return (min(lanes, COLUMNS + 1)) * COLUMN + 12


def drawn(marks: Sequence[Mark | None], lanes: int, crossing: Sequence[tuple[int, Mark]] = ()) -> Markup:
    """The gutter of these rows, top to bottom; ``crossing`` are edges whose own row lies outside, with that row."""
    edges: dict[str, list[str]] = {}
    signs: dict[str, list[str]] = {}
    for row, mark in [*enumerate(marks), *crossing]:
        if mark is not None and mark.parent is not None:
            kind = f"edge l{mark.lane % 8}{' launch' if mark.launched else ''}"
            edges.setdefault(kind, []).append(_edge(row, mark, mark.parent))
    for row, mark in enumerate(marks):
        if mark is not None:
            x, y = _x(mark.lane), _y(row)
            filled, sign = _GLYPHS[mark.glyph]
            signs.setdefault(f"g {filled} l{mark.lane % 8}", []).append(sign(x, y))
            if mark.glyph == "joint":
                joint = f"M{x - 5} {y + 13}l10 -5M{x - 5} {y + 17}l10 -5"
                signs.setdefault(f"joint l{mark.lane % 8}", []).append(joint)
    paths = [_PATH.format(kind, "".join(parts)) for kind, parts in [*edges.items(), *signs.items()]]
    return _SVG.format(width=width(lanes), height=len(marks) * ROW, inside=Markup("").join(paths))


def _x(lane: int) -> int:
    return min(lane, COLUMNS) * COLUMN + COLUMN // 2 + 4


def _y(row: int) -> int:
    return row * ROW + ROW // 2


def _edge(row: int, mark: Mark, parent: int) -> str:
    """From the parent along the row next to it into the own lane, then straight; up or down alike."""
    x, y, from_x, from_y = _x(mark.lane), _y(row), _x(mark.parent_lane), _y(parent)
    bent = ""
    if x != from_x:
        bend = from_y + (ROW if y > from_y else -ROW)
        middle = (from_y + bend) // 2
        bent = f"C{from_x} {middle} {x} {middle} {x} {bend}"
    return f"M{from_x} {from_y}{bent}V{y}"
