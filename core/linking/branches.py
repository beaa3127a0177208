"""From edges to conversations: who belongs to which, on which branch, in which sub-agent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from core.errors import FootplateError
from core.identity import Call
from core.layered import Layered
from core.linking.ledger import Known
from core.linking.link import LaunchRef, Link, Method
from core.valueclass import replace

MAIN: Final = "main"


class UnsettledError(FootplateError):
    """What is added changes the place of requests that were taken to be settled: paint the whole conversation."""


def paint(known: Iterable[Known], settled: Mapping[UUID, "Tree"] | None = None) -> Mapping[UUID, Link]:
    """The links of whole conversations, given their edges, attempts and launches.

    Of ``settled`` conversations only requests later than those of their trees are given, and only theirs are the links.
    What retention took away leaves orphans: they keep the conversation that they were stored with, and their branch.
    Raises UnsettledError.
    """
    trees = dict(settled or {})
    every = {one.call.id: one for one in known}
    added: dict[UUID, list[Known]] = {}
    belongs: dict[UUID, UUID] = {}
    for request in sorted(every):
        link = every[request].link
        before = link.attempt_of or link.parent_request_id
        present = link.conversation_id in every or link.conversation_id in trees
        conversation = kept = request if present else link.conversation_id
        if before is not None:
            of_trees = next((one for one, tree in trees.items() if before in tree), kept)
            conversation = belongs.get(before, of_trees)
        belongs[request] = conversation
        added.setdefault(conversation, []).append(every[request])
    grown = ((trees[one].over() if one in trees else Tree(one)).grow(members) for one, members in added.items())
    return {link.id: link for links in grown for link in links}


class _Place(NamedTuple):
    """Where a request stands: its branch outside of sub-agents, and the sub-agent it belongs to."""

    branch: str
    task: LaunchRef | None


class _Heirs(NamedTuple):
    """Which children of a node may keep its branch."""

    own: UUID | None = None
    """The earliest of its lane."""
    first: UUID | None = None
    """The earliest."""
    summarised: bool = False
    """Whether its lane has a summariser there."""

    def keeper(self) -> UUID | None:
        """The child that keeps its parent's branch: the earliest in the parent's lane, else of any lane."""
        return self.own or (None if self.summarised else self.first)


class Settled(NamedTuple):
    """A long conversation, the oldest of which is painted already."""

    tree: "Tree"
    latest: UUID
    """The last request of the tree; who is changed must come after it."""
    behind: Sequence[Known]
    """All requests after that one, as they are recorded."""


@dataclass(slots=True)
class Tree:
    """One conversation; grows by requests in the order of their ids."""

    conversation_id: UUID
    _known: Layered[UUID, Known] = field(default_factory=Layered)
    _places: Layered[UUID, _Place] = field(default_factory=Layered)
    _heirs: Layered[UUID, _Heirs] = field(default_factory=Layered)
    _names: Layered[str, int] = field(default_factory=Layered)
    """With each the last number that was tried for it."""
    _numbers: Layered[LaunchRef, int] = field(default_factory=Layered)
    _last_launch: LaunchRef | None = None

    def over(self) -> "Tree":
        """One that goes on from here, while this stays as it is."""
        return replace(
            self,
            _known=Layered(self._known),
            _places=Layered(self._places),
            _heirs=Layered(self._heirs),
            _names=Layered(self._names),
            _numbers=Layered(self._numbers),
        )

    def __contains__(self, request: object) -> bool:
        return request in self._known

    def grow(self, members: Iterable[Known]) -> list[Link]:
        """Add requests that are later than all before; their links. Raises UnsettledError."""
        added = list(members)
        for known in added:
            self._add(known)
        self._require_settled()
        for known in added:
            self._places.put(known.call.id, self._place(known))
        self._number(added)
        return [self._link(known) for known in added]

    def _add(self, known: Known) -> None:
        parent = known.link.parent_request_id
        self._known.put(known.call.id, known)
        if known.link.attempt_of is not None or parent is None or parent not in self._known:
            return
        node = self._node(parent)
        of_node, heirs = self._known.get(node), self._heirs.get(node) or _Heirs()
        same = of_node is not None and of_node.call.lane == known.call.lane
        if counts_as_child(known):
            own = heirs.own or (known.call.id if same else None)
            heirs = heirs._replace(own=own, first=heirs.first or known.call.id)
        elif same and known.call.summariser:
            heirs = heirs._replace(summarised=True)
        self._heirs.put(node, heirs)

    def _require_settled(self) -> None:
        """A child that kept its parent's branch goes on to do so."""
        for node, heirs in self._heirs.own.items():
            before = self._heirs.before(node)
            if before is not None and before.keeper() not in (None, heirs.keeper()):
                raise UnsettledError("an earlier child loses its parent's branch")

    def _node(self, request: UUID) -> UUID:
        """The first attempt of a request: attempts are one node of the tree."""
        known = self._known.get(request)
        first = None if known is None else known.link.attempt_of
        return first if first is not None and first in self._known else request

    def _place(self, known: Known) -> _Place:
        link, call = known.link, known.call
        of_first = None if link.attempt_of is None else self._places.get(link.attempt_of)
        if of_first is not None:
            return of_first
        parent = None if link.parent_request_id is None else self._places.get(link.parent_request_id)
        if parent is None or link.parent_request_id is None:
            return _Place(MAIN, None) if call.id == self.conversation_id else self._orphan(link)
        task = link.launch or parent.task
        if task is not None:
            return _Place(parent.branch, task)
        if link.link_method is Method.COMPACTION:
            return _Place(self._name(compact_name(call)), None)
        heirs = self._heirs.get(self._node(link.parent_request_id))
        if call.summariser or (heirs is not None and heirs.keeper() == call.id):
            return parent
        return _Place(self._name(branch_name(call)), None)

    def _orphan(self, link: Link) -> _Place:
        if link.parent_task_request_id is not None:
            return _Place(MAIN, link.launch or LaunchRef(link.parent_task_request_id, 0))
        self._names.put(link.branch_id, self._names.get(link.branch_id) or 1)
        return _Place(link.branch_id, None)

    def _name(self, wanted: str) -> str:
        name, number = wanted, self._names.get(wanted) or 1
        while name == MAIN or name in self._names:
            number += 1
            name = f"{wanted}_{number}"
        self._names.put(name, 1)
        self._names.put(wanted, number)
        return name

    def _number(self, added: Iterable[Known]) -> None:
        """Number the launches of the conversation, by launching request and block."""
        launches = {LaunchRef(known.call.id, block) for known in added for block in range(len(known.call.launches))}
        tasks = (self._places.get(known.call.id) for known in added)
        launches.update(place.task for place in tasks if place is not None and place.task is not None)
        for launch in sorted(one for one in launches if one not in self._numbers):
            if self._last_launch is not None and launch < self._last_launch:
                raise UnsettledError("a launch is numbered before earlier ones")
            self._numbers.put(launch, len(self._numbers) + 1)
            self._last_launch = launch

    def _link(self, known: Known) -> Link:
        place = self._places.get(known.call.id)
        if place is None:
            raise AssertionError("whoever was added has a place")
        task = place.task
        return replace(
            known.link,
            conversation_id=self.conversation_id,
            branch_id=place.branch if task is None else f"subtask_{self._numbers.get(task)}",
            is_subtask=task is not None,
            parent_task_request_id=task.request if task is not None else None,
            parent_message_hash=self._parent_hash(known.link),
        )

    def _parent_hash(self, link: Link) -> str | None:
        if link.parent_request_id is None:
            return None
        parent = self._known.get(link.parent_request_id)
        return parent.call.state.hex() if parent is not None else link.parent_message_hash


def counts_as_child(child: Known) -> bool:
    """Whether a child can take its parent's branch on: not a sub-agent, a summariser, or what follows a compaction."""
    return child.link.launch is None and not child.call.summariser and child.link.link_method is not Method.COMPACTION


def branch_name(call: Call) -> str:
    """The name of a branch that opens with this request."""
    return f"branch_{_utc(call):%Y%m%d%H%M%S}"


def compact_name(call: Call) -> str:
    """The name of a branch that opens after a compaction."""
    return f"compact_{_utc(call):%H%M%S}"


def _utc(call: Call) -> datetime:
    return datetime.fromtimestamp(call.started_us // 1_000_000, UTC)
