"""What stands above a long graph: its branches in figures, and a strip that shows where its prompts and errors lie."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Final

from markupsafe import Markup

from core.conversation_tree import Tree
from core.graph import Line
from dashboard.render import figures, gutter, headline
from sql.rows.conversations import ConversationRequestRow

FROM: Final = 200
"""Rows of a graph from which on the strip is drawn."""
BINS: Final = 60
_STEP: Final = 10
_HEIGHT: Final = 26
_SVG = Markup(
    '<svg class="minimap" viewBox="0 0 {width} {height}" preserveAspectRatio="none" aria-hidden="true">'
    "{shown}{bins}</svg>"
)
_SHOWN = Markup('<rect class="shown" x="{:g}" y="0" width="{:g}" height="{}"/>')
_BIN = Markup(
    '<a href="{href}" tabindex="-1"><title>{title}</title>'
    '<rect class="hit" x="{x}" y="0" width="{step}" height="{height}"/>{marks}</a>'
)
_PROMPTS = Markup('<rect class="prompts" x="{:g}" y="{:g}" width="6" height="{:g}"/>')
_ERROR = Markup('<rect class="error" x="{:g}" y="0" width="6" height="6"/>')
_JOINT = Markup('<path class="joint" d="M{0:g} 0V{1}M{2:g} 0V{1}"/>')


@dataclass(frozen=True, slots=True)
class BranchFigures:
    """One branch of a conversation, or all sub-agents together (``name`` is None)."""

    name: str | None
    lane: int
    letter: str
    requests: int
    errors: int
    cost: Decimal | None
    sub_agents: int = 0


def branches(tree: Tree[ConversationRequestRow], lines: Sequence[Line]) -> list[BranchFigures]:
    """The branches in the order in which they were opened; what sub-agents did comes last."""
    lanes: dict[str, int] = {}
    for line in lines:
        lanes.setdefault(tree.rows[line.head].branch_id or "", line.lane)
    rows: dict[str | None, list[ConversationRequestRow]] = {}
    agents: list[ConversationRequestRow] = []
    for row in tree.rows:
        (agents if row.is_subtask else rows.setdefault(row.branch_id or "", [])).append(row)
    found = [_figures(name, lanes.get(name or "", 0), own) for name, own in rows.items()]
    if agents:
        found.append(_figures(None, 0, agents, len({row.branch_id for row in agents})))
    return found


def _figures(name: str | None, lane: int, rows: Sequence[ConversationRequestRow], sub_agents: int = 0) -> BranchFigures:
    costs = [row.cost_usd for row in rows if row.cost_usd is not None]
    errors = sum(headline.is_error(row.outcome) for row in rows)
    cost = sum(costs, Decimal()) if costs else None
    return BranchFigures(name, lane, gutter.letter(lane), len(rows), errors, cost, sub_agents)


def minimap(
    tree: Tree[ConversationRequestRow], lines: Sequence[Line], first: int, end: int, address: Callable[[int], str]
) -> Markup:
    """All rows of a graph from the oldest to the newest; ``first:end`` are those on the page. Empty for a short one.

    ``address`` says where the page with a row is.
    """
    if len(lines) <= FROM:
        return Markup("")
    bins = min(BINS, len(lines))
    bounds = [number * len(lines) // bins for number in range(bins + 1)]
    width = bins * _STEP
    said = [line.kind == "request" and tree.is_prompt(line.head) for line in lines]
    prompts = [sum(said[begin:stop]) for begin, stop in pairwise(bounds)]
    most = max(1, *prompts)
    made = []
    for number, (begin, stop) in enumerate(pairwise(bounds)):
        rows = [tree.rows[place] for line in lines[begin:stop] for place in line.members]
        made.append(_bin(rows, prompts[number], number * _STEP, most, address(stop - 1)))
    shown = _SHOWN.format(first * width / len(lines), (end - first) * width / len(lines), _HEIGHT)
    return _SVG.format(width=width, height=_HEIGHT, shown=shown, bins=Markup("").join(made))


def _bin(rows: Sequence[ConversationRequestRow], prompts: int, x: int, most: int, href: str) -> Markup:
    errors = sum(headline.is_error(row.outcome) for row in rows)
    joints = sum(row.link_method == "compaction" for row in rows)
    height = prompts * (_HEIGHT - 9) / most
    marks = [_PROMPTS.format(x + 2, _HEIGHT - height, height)] if prompts else []
    marks += [_ERROR.format(x + 2)] if errors else []
    marks += [_JOINT.format(x + 4, _HEIGHT, x + 6)] if joints else []
    said = [figures.plural(len(rows), "request"), figures.plural(prompts, "prompt")]
    said += [figures.plural(errors, "error")] if errors else []
    said += [figures.plural(joints, "compaction")] if joints else []
    title = f"{figures.clock(rows[0].started_at)}: {', '.join(said)}"
    return _BIN.format(href=href, title=title, x=x, step=_STEP, height=_HEIGHT, marks=Markup("").join(marks))
