"""The tree of a conversation, from its rows: what a request stands behind, its path, the forks on the way.

A retry stands behind the attempt it repeats, so that a failure and its repetition are one line and not a fork.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar
from uuid import UUID

TOOL_STOPS: Final = frozenset({"tool_use", "pause_turn"})
"""Stop reasons after which the client goes on without anybody having typed anything."""

CARRIED: Final = frozenset({"reply", "prefix"})
"""Links which say that the whole transcript of the parent, in normal form, begins the child's (conversations.md)."""


class Row(Protocol):
    """What the tree needs of a recorded request. A parent's id is smaller than its child's."""

    @property
    def id(self) -> UUID:
        """The request."""

    @property
    def parent_request_id(self) -> UUID | None:
        """The edge; None for roots."""

    @property
    def attempt_of(self) -> UUID | None:
        """The first attempt, where this is a retry."""

    @property
    def link_method(self) -> str | None:
        """The evidence of the edge."""

    @property
    def branch_id(self) -> str | None:
        """The branch; ``subtask_N`` for everything inside a sub-agent."""

    @property
    def is_subtask(self) -> bool:
        """Whether it belongs to a sub-agent."""

    @property
    def stop_reason(self) -> str | None:
        """Why the answer ended."""

    @property
    def preview(self) -> str | None:
        """The beginning of the user text it added."""


R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class Fork:
    """A place of a path where others went on differently. A way is the request it begins with and its newest leaf."""

    number: int
    """Which of the ways the path takes, counted from 1 in start order."""
    count: int
    before: tuple[int, int] | None
    """The way before this one."""
    after: tuple[int, int] | None


class Tree(Generic[R]):
    """Rows of one conversation in start order, and how they hang together. Rows are named by their place in it.

    What names a parent that is not among the rows (retention, another train's) is a root of its own.
    """

    def __init__(self, rows: Sequence[R]) -> None:
        self.rows = sorted(rows, key=lambda row: row.id)
        self._places = {row.id: place for place, row in enumerate(self.rows)}
        self.parents: list[int | None] = self._find_parents()
        self.children: list[list[int]] = [[] for _ in self.rows]
        self.depths: list[int] = []
        for place, parent in enumerate(self.parents):
            if parent is not None:
                self.children[parent].append(place)
            self.depths.append(0 if parent is None else self.depths[parent] + 1)
        self._newest = self._find_newest()

    def place(self, request: UUID) -> int | None:
        """Where a request stands among the rows."""
        return self._places.get(request)

    def is_launched(self, place: int) -> bool:
        """Whether a sub-agent begins here."""
        row, parent = self.rows[place], self.parents[place]
        return row.is_subtask and (parent is None or self.rows[parent].branch_id != row.branch_id)

    def ways(self, place: int) -> list[int]:
        """The children that go on with the same talk, in start order: no sub-agents."""
        return [child for child in self.children[place] if not self.is_launched(child)]

    def is_prompt(self, place: int) -> bool:
        """Whether somebody said something here; False for retries and for what only brings tool results."""
        row = self.rows[place]
        if row.attempt_of is not None:
            return False
        parent = self._places.get(row.parent_request_id) if row.parent_request_id is not None else None
        if row.preview is not None or parent is None or self.is_launched(place):
            return True
        return self.rows[parent].stop_reason not in TOOL_STOPS

    def carries(self, place: int) -> bool:
        """Whether a request's transcript begins with its parent's, as the evidence of its link says."""
        row, parent = self.rows[place], self.parents[place]
        return parent is not None and (row.attempt_of is not None or row.link_method in CARRIED)

    def newest_leaf(self, place: int = 0) -> int:
        """The newest end of the talk from here on, sub-agents left aside."""
        return self._newest[place]

    def path(self, leaf: int) -> list[int]:
        """From the beginning of the talk (a root, or where a sub-agent begins) to this request."""
        found = [leaf]
        while not self.is_launched(found[-1]):
            parent = self.parents[found[-1]]
            if parent is None:
                break
            found.append(parent)
        return found[::-1]

    def stretches(self) -> list[list[int]]:
        """All requests, each once, as stretches to be told one after the other; the first leads to the newest request.

        Each stretch begins where a sub-agent or another way does, in start order, and goes on to its newest end.
        """
        told: set[int] = set()
        found: list[list[int]] = []
        for place in range(len(self.rows)):
            if place not in told:
                path = self.path(self._newest[place])
                found.append(path[path.index(place) :])
                told.update(found[-1])
        return found

    def fork(self, place: int) -> Fork | None:
        """The alternatives to this request; None where there are none."""
        parent = self.parents[place]
        if parent is None or self.is_launched(place):
            return None
        ways = self.ways(parent)
        if len(ways) < 2:
            return None
        at = ways.index(place)
        before = (ways[at - 1], self._newest[ways[at - 1]]) if at else None
        after = (ways[at + 1], self._newest[ways[at + 1]]) if at + 1 < len(ways) else None
        return Fork(at + 1, len(ways), before, after)

    def _find_parents(self) -> list[int | None]:
        """The row each stands behind. An edge that does not lead back is none, so no walk goes round."""
        last: dict[UUID, int] = {}
        parents: list[int | None] = []
        for place, row in enumerate(self.rows):
            first = row.attempt_of or row.id
            parent = last.get(first)
            if parent is None and row.parent_request_id is not None:
                parent = self._places.get(row.parent_request_id)
            last[first] = place
            parents.append(parent if parent is not None and parent < place else None)
        return parents

    def _find_newest(self) -> list[int]:
        newest = list(range(len(self.rows)))
        for place in range(len(self.rows) - 1, -1, -1):
            parent = self.parents[place]
            if parent is not None and not self.is_launched(place):
                newest[parent] = max(newest[parent], newest[place])
        return newest
