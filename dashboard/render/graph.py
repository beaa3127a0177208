"""The rows of a conversation's graph: what stands beside each mark, in words."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from markupsafe import Markup

from core.conversation_tree import Tree
from core.graph import Line
from dashboard.render import figures, gutter, headline, links
from dashboard.render.gutter import Glyph, Mark
from dashboard.render.secrets import Mask, masked
from sql.rows.conversations import ConversationRequestRow, ToolCallRow

WINDOW = 500
"""Rows on one page."""
NAMED = 4
"""Tools named in a row."""
_STOPS = {
    "end_turn": "answered",
    "max_tokens": "cut at max_tokens",
    "refusal": "refused",
    "stop_sequence": "stop sequence",
}
_GLYPH_WORDS: dict[Glyph, str] = {
    "prompt": "user prompt", "turn": "turn", "fork": "branch point", "error": "error", "cancelled": "cancelled",
    "running": "running", "subagent": "sub-agent", "run": "folded run", "joint": "after a compaction",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the graph."""

    place: int
    """Which line it is."""
    line: Line
    glyph: Glyph
    letter: str
    number: str
    """The request's number in the conversation, or the first and last of several."""
    hidden: str
    """What the lanes say, for those who do not see them."""
    title: str
    detail: str
    request: ConversationRequestRow
    """The request; of several the first."""
    last: ConversationRequestRow
    opens: str | None
    """The name under which it is opened."""
    branch: str | None
    """The branch, where it begins here."""
    why: str | None
    tokens: int | None
    cost: Decimal | None
    duration_us: int | None
    errors: int
    prompt: bool
    """Whether somebody said something here, whatever its sign is."""
    failed: bool
    """Whether a call of it failed, or a tool that it asked for."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A window of the graph: rows ``first:end`` of all, newest first, and the gutter beside them."""

    rows: list[Row]
    gutter: Markup
    width: int
    total: int
    first: int
    end: int
    lanes: int


@dataclass(frozen=True, slots=True)
class Said:
    """What the rows of requests do not say themselves."""

    tools: Mapping[UUID, Sequence[ToolCallRow]] = field(default_factory=dict)
    purposes: Mapping[str, str] = field(default_factory=dict)
    """What each sub-agent was launched for, by branch."""


def drawn(tree: Tree[ConversationRequestRow], lines: Sequence[Line], end: int, said: Said) -> Drawing:
    """The window of at most ``WINDOW`` lines that ends before line ``end``."""
    first = max(0, end - WINDOW)
    shown = range(end - 1, first - 1, -1)
    makers = _Rows(tree, lines, said)
    rows = [makers.row(number) for number in shown]
    lanes = 1 + max((line.lane for line in lines), default=0)
    marks: list[Mark | None] = [
        _mark(tree, lines, number, end, row.glyph) for number, row in zip(shown, rows, strict=True)
    ]
    # Edges that begin or end outside are drawn as far as they are seen.
    crossing = [
        (end - 1 - number, _mark(tree, lines, number, end, "turn"))
        for number in range(end, len(lines))
        if (parent := lines[number].parent) is not None and parent < end
    ]
    gutter_svg = gutter.drawn(marks, lanes, crossing)
    return Drawing(rows, gutter_svg, gutter.width(lanes), len(lines), first, end, lanes)


def _mark(tree: Tree[ConversationRequestRow], lines: Sequence[Line], number: int, end: int, glyph: Glyph) -> Mark:
    line = lines[number]
    launched = line.kind == "subagent" or tree.is_launched(line.head)
    if line.parent is None:
        return Mark(line.lane, glyph, None, line.lane)
    return Mark(line.lane, glyph, end - 1 - line.parent, lines[line.parent].lane, launched)


class _Rows:
    def __init__(self, tree: Tree[ConversationRequestRow], lines: Sequence[Line], said: Said) -> None:
        self._tree = tree
        self._lines = lines
        self._said = said
        self._mask = Mask()

    def row(self, number: int) -> Row:
        line = self._lines[number]
        members = [self._tree.rows[place] for place in line.members]
        head, last = members[0], members[-1]
        errors = sum(headline.is_error(row.outcome) for row in members)
        glyph = self._glyph(line, head)
        title, detail = self._words(line, glyph, members, errors)
        numbers = str(line.head + 1)
        opens = head.branch_id if line.kind == "subagent" else str(head.id) if line.kind == "run" else None
        return Row(
            number,
            line,
            glyph,
            gutter.letter(line.lane),
            numbers if len(members) == 1 else f"{numbers}–{line.members[-1] + 1}",
            self._hidden(line, glyph),
            title,
            detail,
            head,
            last,
            opens,
            self._branch(line, head),
            self._why(line, head),
            _sum(_tokens(row) for row in members),
            _sum(row.cost_usd for row in members),
            head.duration_us if line.kind == "request" else None,
            errors,
            line.kind == "request" and self._tree.is_prompt(line.head),
            errors > 0 or any(call.is_error for row in members for call in self._said.tools.get(row.id, ())),
        )

    def _glyph(self, line: Line, head: ConversationRequestRow) -> Glyph:
        if line.kind != "request":
            return line.kind
        if head.outcome is None:
            return "running"
        if head.outcome != "ok":
            return "error" if headline.is_error(head.outcome) else "cancelled"
        if line.forks > 1:
            return "fork"
        if head.link_method == "compaction":
            return "joint"
        return "prompt" if self._tree.is_prompt(line.head) else "turn"

    def _words(
        self, line: Line, glyph: Glyph, members: Sequence[ConversationRequestRow], errors: int
    ) -> tuple[str, str]:
        head = members[0]
        tools = _tools(call for row in members for call in self._said.tools.get(row.id, ()))
        if line.kind == "run":
            return figures.plural(len(members), "tool turn"), _joined(tools, errors and figures.plural(errors, "error"))
        if line.kind == "subagent":
            purpose = self._said.purposes.get(head.branch_id or "") or head.preview or "sub-agent"
            return masked(purpose, self._mask), _joined(figures.plural(len(members), "request"), tools)
        if glyph in {"error", "cancelled"}:
            known = headline.status(head.outcome)
            # A stream that broke off began with 200: that says nothing.
            said = head.error_type or (str(head.status_code) if (head.status_code or 0) >= 400 else "")
            return f"{known.word}{f' {said}' if said else ''}", masked(head.preview or "", self._mask)
        return self._turn(line, head, tools)

    def _turn(self, line: Line, head: ConversationRequestRow, tools: str) -> tuple[str, str]:
        ends = "running" if head.outcome is None else _STOPS.get(head.stop_reason or "", head.stop_reason or "")
        if head.link_method == "compaction":
            return "Goes on from a summary", self._saved(line)
        if any(self._tree.rows[child].link_method == "compaction" for child in self._tree.children[line.head]):
            return "Asks for a summary", ends
        if self._tree.is_prompt(line.head):
            return masked(head.preview, self._mask) if head.preview else "Prompt without words", tools or ends
        return tools or ends or "answered", ""

    def _saved(self, line: Line) -> str:
        parent, row = self._tree.parents[line.head], self._tree.rows[line.head]
        before = None if parent is None else self._tree.rows[parent].total_input_tokens
        after = row.total_input_tokens
        if before is None or after is None:
            return ""
        sign = "\u2212" if after < before else "+"
        saved = figures.compact(abs(before - after))
        return f"{sign}{saved} input tokens · {figures.compact(before)} → {figures.compact(after)}"

    def _hidden(self, line: Line, glyph: Glyph) -> str:
        place = f"Branch {gutter.letter(line.lane)}"
        if line.parent is None:
            return f"{place}, beginning, {_GLYPH_WORDS[glyph]}:"
        parent = self._lines[line.parent]
        child = "only child" if line.siblings == 1 else f"{_ordinal(line.number)} of {line.siblings} children"
        depth = self._tree.depths[line.head]
        return f"{place}, {child} of request {parent.members[-1] + 1}, depth {depth}, {_GLYPH_WORDS[glyph]}:"

    def _branch(self, line: Line, head: ConversationRequestRow) -> str | None:
        if line.kind == "subagent":
            return head.branch_id
        parent = self._tree.parents[line.head]
        if parent is not None and self._tree.rows[parent].branch_id == head.branch_id:
            return None
        return head.branch_id

    def _why(self, line: Line, head: ConversationRequestRow) -> str | None:
        if line.kind == "run":
            return None
        if head.attempt_of is not None:
            return "again"
        # What nearly every row would say is said by none.
        return None if head.link_method == "reply" else links.SHORT.get(head.link_method or "", head.link_method)


def _tools(calls: Iterable[ToolCallRow]) -> str:
    made = list(calls)
    counted = Counter(call.name for call in made).most_common()
    failed = Counter(call.name for call in made if call.is_error)
    shown = [_counted(name, count, failed[name]) for name, count in counted[:NAMED]]
    more = [f"+{len(counted) - NAMED}"] if len(counted) > NAMED else []
    return ", ".join([*shown, *more])


def _counted(name: str, count: int, failed: int) -> str:
    times = "" if count == 1 else f" ×{count}"
    how = "" if not failed else " failed" if failed == count else f" ({failed} failed)"
    return f"{name}{times}{how}"


def _joined(*parts: Any) -> str:
    return " · ".join(str(part) for part in parts if part)


def _tokens(row: ConversationRequestRow) -> int | None:
    """Input of every kind and output, as the list of conversations counts."""
    told = row.total_input_tokens
    return row.output_tokens if told is None else told + (row.output_tokens or 0)


def _sum(values: Iterable[Any]) -> Any:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
