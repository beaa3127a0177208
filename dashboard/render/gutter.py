"""The lanes of the graph as SVG: one mark a line, one edge to its parent. Real rows of the same height stand beside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from markupsafe import Markup

ROW: Final = 30
"""Height of a row, pixels; the style sheet has the same."""
COLUMN: Final = 14
COLUMNS: Final = 8
"""Lanes that have a column of their own; further ones share the one behind them."""
LETTERS: Final = "ABCDEFGH"

Glyph = Literal["prompt", "turn", "fork", "error", "running", "subagent", "run", "joint"]

_SVG = Markup(
    '<svg class="gutter" width="{width}" height="{height}" viewBox="0 0 {width} {height}" aria-hidden="true">'
    "{inside}</svg>"
)
_EDGE = Markup('<path class="edge l{lane}{kind}" d="{d}"/>')
_JOINT = Markup('<path class="joint l{lane}" d="M{a} {b}l10 -5M{a} {c}l10 -5"/>')
_GLYPHS: dict[Glyph, Markup] = {
    "prompt": Markup('<circle class="g full l{lane}" cx="{x}" cy="{y}" r="5"/>'),
    "turn": Markup('<circle class="g l{lane}" cx="{x}" cy="{y}" r="3.5"/>'),
    "fork": Markup('<path class="g full l{lane}" d="M{x} {top}l6 6l-6 6l-6 -6z"/>'),
    "error": Markup('<rect class="g bad" x="{left}" y="{up}" width="9" height="9"/>'),
    "running": Markup('<circle class="g open l{lane}" cx="{x}" cy="{y}" r="4.5"/>'),
    "subagent": Markup('<rect class="g l{lane}" x="{far}" y="{up}" width="13" height="9" rx="4.5"/>'),
    "run": Markup(
        '<circle class="g full l{lane}" cx="{x}" cy="{above}" r="1.7"/>'
        '<circle class="g full l{lane}" cx="{x}" cy="{y}" r="1.7"/>'
        '<circle class="g full l{lane}" cx="{x}" cy="{below}" r="1.7"/>'
    ),
    "joint": Markup('<circle class="g full l{lane}" cx="{x}" cy="{y}" r="5"/>'),
}


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
    edges = [_edge(row, mark) for row, mark in [*enumerate(marks), *crossing] if mark is not None]
    signs = [_sign(row, mark) for row, mark in enumerate(marks) if mark is not None]
    inside = Markup("").join([*edges, *signs])
    return _SVG.format(width=width(lanes), height=len(marks) * ROW, inside=inside)


def _x(lane: int) -> int:
    return min(lane, COLUMNS) * COLUMN + COLUMN // 2 + 4


def _y(row: int) -> int:
    return row * ROW + ROW // 2


def _edge(row: int, mark: Mark) -> Markup:
    """From the parent along the row next to it into the own lane, then straight; up or down alike."""
    if mark.parent is None:
        return Markup("")
    x, y, from_x, from_y = _x(mark.lane), _y(row), _x(mark.parent_lane), _y(mark.parent)
    d = f"M{from_x} {from_y}"
    if x != from_x:
        bend = from_y + (ROW if y > from_y else -ROW)
        middle = (from_y + bend) // 2
        d += f"C{from_x} {middle} {x} {middle} {x} {bend}"
    return _EDGE.format(lane=mark.lane % 8, kind=" launch" if mark.launched else "", d=f"{d}V{y}")


def _sign(row: int, mark: Mark) -> Markup:
    x, y = _x(mark.lane), _y(row)
    sign = _GLYPHS[mark.glyph].format(
        lane=mark.lane % 8, x=x, y=y, top=y - 6, left=x - 4.5, up=y - 4.5, far=x - 6.5, above=y - 6, below=y + 6
    )
    if mark.glyph != "joint":
        return sign
    return sign + _JOINT.format(lane=mark.lane % 8, a=x - 5, b=y + 13, c=y + 17)
