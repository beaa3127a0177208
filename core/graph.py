"""A conversation as ``git log --graph`` would draw it: a line a request, sub-agents and long tool runs drawn together.

``lines`` decides what is a line, ``lanes`` in which lane each stands. Nothing here is drawn.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final, Generic, Literal, TypeVar

from core.conversation_tree import Row, Tree

R = TypeVar("R", bound=Row)
Kind = Literal["request", "subagent", "run"]

LONGEST_RUN: Final = 8
"""Tool turns in a row that are all shown; a longer run is one line."""

ALL: Final = "all"
"""Names every sub-agent and run at once among those that are opened."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the graph. ``members`` are places in the tree, in start order; a request has itself only."""

    kind: Kind
    members: tuple[int, ...]
    parent: int | None = None
    """The line it stands behind."""
    lane: int = 0
    number: int = 1
    """Which child of its parent, counted from 1."""
    siblings: int = 1
    forks: int = 0
    """How many ways go on from here, sub-agents not counted."""

    @property
    def head(self) -> int:
        """The first request."""
        return self.members[0]


def lines(tree: Tree[R], opened: Collection[str] = ()) -> list[Line]:
    """The lines of a conversation in start order, with their lanes.

    ``opened`` names the sub-agents (``subtask_N``) whose requests are shown, and runs by the id of their first request.
    """
    return lanes(_Folding(tree, opened).lines(), tree)


def lanes(found: Sequence[Line], tree: Tree[R]) -> list[Line]:
    """The same lines with lanes: the first child keeps its parent's, others take the lowest that is free.

    A lane is taken from the parent's line on, so that no edge crosses a foreign line, and is free after the last line
    of its branch. O(n log n).
    """
    children: list[list[int]] = [[] for _ in found]
    foreign = [(False, False, 0)] * len(found)
    for place, line in enumerate(found):
        if line.parent is not None:
            children[line.parent].append(place)
            foreign[place] = _foreign(line, found[line.parent], tree)
    taken = _taken(children, foreign)
    numbers = [1] * len(found)
    for own in children:
        for number, child in enumerate(own, 1):
            numbers[child] = number
    return [
        Line(
            line.kind,
            line.members,
            line.parent,
            taken[place],
            numbers[place],
            len(children[line.parent]) if line.parent is not None else 1,
            sum(not foreign[child][0] for child in children[place]),
        )
        for place, line in enumerate(found)
    ]


def _taken(children: Sequence[list[int]], foreign: Sequence[tuple[bool, bool, int]]) -> list[int]:
    """The lane of each line."""
    taken = [-1] * len(children)
    free: list[int] = []
    widest = 0
    for place, own in enumerate(children):
        if taken[place] < 0:
            taken[place], widest = _lowest(free, widest)
        ordered = sorted(own, key=foreign.__getitem__)
        for number, child in enumerate(ordered):
            if number == 0 and not foreign[child][0]:
                taken[child] = taken[place]
            else:
                taken[child], widest = _lowest(free, widest)
        if not ordered or taken[ordered[0]] != taken[place]:
            heappush(free, taken[place])
    return taken


def _lowest(free: list[int], widest: int) -> tuple[int, int]:
    return (heappop(free), widest) if free else (widest, widest + 1)


def _foreign(child: Line, parent: Line, tree: Tree[R]) -> tuple[bool, bool, int]:
    """Children that keep the lane come first: no sub-agents, then those of the parent's branch, then the earliest."""
    launched = child.kind == "subagent" or tree.is_launched(child.head)
    other = tree.rows[child.head].branch_id != tree.rows[parent.members[-1]].branch_id
    return launched, other, child.head


class _Folding(Generic[R]):
    """Which requests are drawn together."""

    def __init__(self, tree: Tree[R], opened: Collection[str]) -> None:
        self._tree = tree
        self._opened = opened
        self._owner: dict[int, str] = {}
        """The sub-agent, drawn as one line, that hides a request."""
        for place in range(len(tree.rows)):
            self._assign(place)

    def lines(self) -> list[Line]:
        """All lines without their lanes."""
        groups = self._groups()
        line_of = {member: number for number, (_, members) in enumerate(groups) for member in members}
        made = []
        for kind, members in groups:
            parent = self._tree.parents[members[0]]
            made.append(Line(kind, tuple(members), None if parent is None else line_of[parent]))
        return made

    def _is_open(self, name: str) -> bool:
        return name in self._opened or ALL in self._opened

    def _assign(self, place: int) -> None:
        parent = self._tree.parents[place]
        above = self._owner.get(parent) if parent is not None else None
        if above is not None:
            self._owner[place] = above
        elif self._tree.rows[place].is_subtask:
            branch = self._tree.rows[place].branch_id or ""
            if not self._is_open(branch):
                self._owner[place] = branch

    def _groups(self) -> list[tuple[Kind, list[int]]]:
        """Lines as lists of requests, in the order of their first ones."""
        found: dict[str | int, tuple[Kind, list[int]]] = {}
        runs = self._runs()
        for place in range(len(self._tree.rows)):
            owner = self._owner.get(place)
            run = runs.get(place)
            if owner is not None:
                found.setdefault(owner, ("subagent", []))[1].append(place)
            elif run is not None:
                found.setdefault(run, ("run", []))[1].append(place)
            else:
                found[place] = ("request", [place])
        return list(found.values())

    def _runs(self) -> dict[int, int]:
        """For each request in a long straight run of tool turns, the first of the run."""
        runs: dict[int, list[int]] = {}
        begins: dict[int, int] = {}
        for place, parent in enumerate(self._tree.parents):
            if not self._is_plain(place):
                continue
            first = begins.get(parent, place) if parent is not None else place
            begins[place] = first
            runs.setdefault(first, []).append(place)
        long = {first for first, members in runs.items() if len(members) > LONGEST_RUN and self._folds(first)}
        return {place: first for place, first in begins.items() if first in long}

    def _folds(self, first: int) -> bool:
        return not self._is_open(str(self._tree.rows[first].id))

    def _is_plain(self, place: int) -> bool:
        """Whether a request is a tool turn with one way in and one way on, and nothing that one would look for."""
        tree, parent = self._tree, self._tree.parents[place]
        if parent is None or place in self._owner or tree.is_prompt(place) or tree.is_launched(place):
            return False
        straight = len(tree.children[place]) == 1 and len(tree.children[parent]) == 1
        return straight and tree.rows[place].link_method != "compaction"
