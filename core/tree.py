"""The tree that pages draw, from rows of a conversation: nodes, folded tool runs, and lanes like ``git log --graph``.

Oldest first; a page that shows the newest first turns the result round. See dashboard.md A4.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Final, NamedTuple
from uuid import UUID

FOLDED_FROM: Final = 9
"""Straight runs of at least so many tool turns are folded."""


class Row(NamedTuple):
    """What the tree must know of one request."""

    id: UUID
    parent: UUID | None
    branch: str
    attempt_of: UUID | None = None
    tool_turn: bool = False
    """Whether the request brought nothing but results of tools."""


@dataclass(slots=True, eq=False)
class Node:
    """One call of the conversation with all its attempts."""

    row: Row
    parent: "Node | None" = None
    attempts: list[Row] = field(default_factory=list)
    """Later attempts, in order."""
    children: list["Node"] = field(default_factory=list)
    """In order of start."""
    depth: int = 0
    place: int = 1
    """Which child of its parent it is, from 1."""

    @property
    def heir(self) -> "Node | None":
        """The child that goes on in this node's lane: the first on the same branch, else the first."""
        same = (child for child in self.children if child.row.branch == self.row.branch)
        return next(same, self.children[0] if self.children else None)


class Line(NamedTuple):
    """One line of the graph: a node, or a folded run of nodes."""

    nodes: tuple[Node, ...]
    lane: int
    """From 0, left to right."""
    parent: int | None
    """The line that it hangs on; its edge runs down this line's lane."""
    ends: bool
    """Whether nothing hangs on it, so that its lane ends here."""

    @property
    def is_fold(self) -> bool:
        """Whether several nodes share this line."""
        return len(self.nodes) > 1


class Graph(NamedTuple):
    """A laid out tree."""

    lines: tuple[Line, ...]
    lanes: int
    """How many lanes it takes."""


def grow(rows: Iterable[Row]) -> tuple[Node, ...]:
    """The nodes in order of start. A parent that is not among the rows makes a root."""
    nodes: dict[UUID, Node] = {}
    order = []
    for row in sorted(rows, key=lambda each: each.id.int):
        first = nodes.get(row.attempt_of) if row.attempt_of is not None else None
        if first is not None:
            first.attempts.append(row)
            nodes[row.id] = first
            continue
        node = nodes[row.id] = Node(row)
        order.append(node)
        parent = nodes.get(row.parent) if row.parent is not None else None
        if parent is not None:
            node.parent, node.depth = parent, parent.depth + 1
            parent.children.append(node)
            node.place = len(parent.children)
    return tuple(order)


def fold(nodes: Sequence[Node], expanded: Collection[UUID] = ()) -> list[tuple[Node, ...]]:
    """The lines' nodes in order: straight runs of tool turns as one, but for those that begin with an expanded id.

    A run is straight where each node has one child, on the same branch; it stands where its first node does.
    """
    lines = []
    taken: set[UUID] = set()
    for node in nodes:
        if node.row.id in taken:
            continue
        run = _run(node)
        if len(run) < FOLDED_FROM or node.row.id in expanded:
            run = [node]
        taken.update(member.row.id for member in run)
        lines.append(tuple(run))
    return lines


def _run(node: Node) -> list[Node]:
    """The straight run of tool turns from this node on; only the node itself where a run is already under way."""
    if not node.row.tool_turn or (node.parent is not None and _joined(node.parent, node)):
        return [node]
    run = [node]
    while len(run[-1].children) == 1 and _joined(run[-1], run[-1].children[0]):
        run.append(run[-1].children[0])
    return run


def _joined(node: Node, child: Node) -> bool:
    return (
        node.row.tool_turn
        and child.row.tool_turn
        and len(node.children) == 1
        and node.row.branch == child.row.branch
        and not child.attempts
        and not node.attempts
    )


def lay_out(lines: Sequence[tuple[Node, ...]]) -> Graph:
    """Give each line a lane, O(n log n): an heir keeps its parent's, others take the lowest free one.

    A lane is taken from the line that it branches off at, so that no two edges run over each other, and is free after
    the last line of its branch.
    """
    index = {node.row.id: number for number, run in enumerate(lines) for node in run}
    lanes: dict[UUID, int] = {}
    free: list[int] = []
    made, result = 0, []

    def take() -> int:
        nonlocal made
        if free:
            return heappop(free)
        made += 1
        return made - 1

    for run in lines:
        first, last = run[0], run[-1]
        lane = lanes.pop(first.row.id) if first.row.id in lanes else take()
        result.append(Line(run, lane, _parent_line(first, index), ends=not last.children))
        heir = last.heir
        for child in last.children:
            lanes[child.row.id] = lane if child is heir else take()
        if heir is None:
            heappush(free, lane)
    return Graph(tuple(result), made)


def _parent_line(node: Node, index: Mapping[UUID, int]) -> int | None:
    return None if node.parent is None else index[node.parent.row.id]
