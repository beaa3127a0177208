"""The requests of a conversation, and everything that follows from them alone. Made once for each state of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from uuid import UUID

from core.conversation_tree import Tree
from core.graph import Line, lines
from dashboard.render import headline
from sql.rows.conversations import ConversationRequestRow

TalkTree = Tree[ConversationRequestRow]

GRAPHS_KEPT = 4
"""Ways in which a graph is unfolded that are kept; a reader goes to and fro between a few."""


@dataclass(frozen=True, slots=True)
class Agent:
    """A sub-agent in figures, by its branch."""

    branch: str
    requests: int
    errors: int
    cost: Decimal | None
    purpose: str | None
    running: bool


class Talk:
    """A conversation's requests and their tree. Nothing of it changes, so readers share it."""

    def __init__(self, rows: Sequence[ConversationRequestRow]) -> None:
        self.tree = TalkTree(rows)
        self._lines: dict[frozenset[str], Sequence[Line]] = {}

    @cached_property
    def launches(self) -> Mapping[tuple[UUID, str], str]:
        """The branch of each launch, by launching request and tool_use id."""
        return launch_numbers(self.tree)

    @cached_property
    def purposes(self) -> Mapping[str, str]:
        """What each sub-agent was launched for, by its branch."""
        said = {
            (row.id, str(launch.get("id"))): launch.get("purpose")
            for row in self.tree.rows
            for launch in row.launches or ()
        }
        return {branch: str(said[key]) for key, branch in self.launches.items() if said.get(key)}

    @cached_property
    def agents(self) -> Mapping[str, Agent]:
        """Every sub-agent by its branch, with what it did itself."""
        rows: dict[str, list[ConversationRequestRow]] = {}
        for row in self.tree.rows:
            if row.is_subtask and row.branch_id:
                rows.setdefault(row.branch_id, []).append(row)
        return {branch: _agent(branch, own, self.purposes.get(branch)) for branch, own in rows.items()}

    def lines(self, opened: Sequence[str]) -> Sequence[Line]:
        """The lines of the graph in which these are opened (``core.graph``)."""
        wanted = frozenset(opened)
        found = self._lines.pop(wanted, None)
        if found is None:
            found = lines(self.tree, wanted)
        self._lines[wanted] = found
        for unused in list(self._lines)[:-GRAPHS_KEPT]:
            self._lines.pop(unused, None)
        return found


def _agent(branch: str, rows: Sequence[ConversationRequestRow], purpose: str | None) -> Agent:
    costs = [row.cost_usd for row in rows if row.cost_usd is not None]
    failed = sum(headline.is_error(row.outcome) for row in rows)
    running = any(row.outcome is None for row in rows)
    return Agent(branch, len(rows), failed, sum(costs, Decimal()) if costs else None, purpose, running)


def launch_numbers(tree: TalkTree) -> Mapping[tuple[UUID, str], str]:
    """The branch of each launch, by launching request and tool_use id.

    N of ``subtask_N`` counts launches by launching request and block; sub-agents that forked without a launch count
    behind their parent's launches (conversations.md).
    """
    forked: dict[UUID, set[str]] = {}
    for place, row in enumerate(tree.rows):
        if row.branch_id and row.parent_task_request_id and tree.is_launched(place):
            forked.setdefault(row.parent_task_request_id, set()).add(row.branch_id)
    names: dict[tuple[UUID, str], str] = {}
    number = 0
    for row in tree.rows:
        own = forked.get(row.id, set())
        for launch in row.launches or ():
            number += 1
            own.discard(f"subtask_{number}")
            names[row.id, str(launch.get("id"))] = f"subtask_{number}"
        number += len(own)
    return names
