"""From edges to conversations: who belongs to which, on which branch, in which sub-agent."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from core.identity import Call
from core.linking.ledger import Known
from core.linking.link import LaunchRef, Link, Method

MAIN: Final = "main"


def paint(known: Iterable[Known]) -> Mapping[UUID, Link]:
    """The links of whole conversations, given their edges, attempts and launches.

    What retention took away leaves orphans: they keep the conversation that they were stored with, and their branch.
    """
    every = {one.call.id: one for one in known}
    conversations: dict[UUID, _Conversation] = {}
    belongs: dict[UUID, UUID] = {}
    for request in sorted(every):
        link = every[request].link
        before = link.attempt_of or link.parent_request_id
        kept = request if link.conversation_id in every else link.conversation_id
        conversation = belongs[request] = belongs.get(before, kept) if before is not None else kept
        conversations.setdefault(conversation, _Conversation(conversation)).add(every[request])
    return {link.id: link for conversation in conversations.values() for link in conversation.links()}


@dataclass(slots=True)
class _Place:
    """Where a request stands: its branch outside of sub-agents, and the sub-agent it belongs to."""

    branch: str
    task: LaunchRef | None


class _Conversation:
    """One tree; requests are added in the order of their ids."""

    def __init__(self, conversation_id: UUID) -> None:
        self._id = conversation_id
        self._known: dict[UUID, Known] = {}
        self._places: dict[UUID, _Place] = {}
        self._children: dict[UUID, list[Known]] = defaultdict(list)
        self._names: set[str] = {MAIN}

    def add(self, known: Known) -> None:
        link = known.link
        self._known[known.call.id] = known
        if link.attempt_of is None and link.parent_request_id in self._known:
            self._children[self._node(link.parent_request_id)].append(known)

    def _node(self, request: UUID) -> UUID:
        """The first attempt of a request: attempts are one node of the tree."""
        first = self._known[request].link.attempt_of
        return first if first is not None and first in self._known else request

    def links(self) -> Iterable[Link]:
        keepers = {node: self._keeper(node) for node in self._children}
        for request, known in self._known.items():
            self._places[request] = self._place(known, keepers)
        numbers = self._numbers()
        return [self._link(known, self._places[request], numbers) for request, known in self._known.items()]

    def _keeper(self, node: UUID) -> UUID | None:
        """The child that keeps its parent's branch: the earliest in the parent's lane, else of any lane."""
        lane = self._known[node].call.lane
        children = [child for child in self._children[node] if counts_as_child(child)]
        own = next((child.call.id for child in children if child.call.lane == lane), None)
        if own is not None:
            return own
        if any(child.call.lane == lane and child.call.summariser for child in self._children[node]):
            return None
        return children[0].call.id if children else None

    def _place(self, known: Known, keepers: Mapping[UUID, UUID | None]) -> _Place:
        link, call = known.link, known.call
        if link.attempt_of in self._places:
            return self._places[link.attempt_of]
        if link.parent_request_id not in self._places:
            return _Place(MAIN, None) if call.id == self._id else self._orphan(link)
        parent = self._places[link.parent_request_id]
        task = link.launch or parent.task
        if task is not None:
            return _Place(parent.branch, task)
        if link.link_method is Method.COMPACTION:
            return _Place(self._name(compact_name(call)), None)
        if call.summariser or keepers[self._node(link.parent_request_id)] == call.id:
            return parent
        return _Place(self._name(branch_name(call)), None)

    def _orphan(self, link: Link) -> _Place:
        if link.parent_task_request_id is not None:
            return _Place(MAIN, link.launch or LaunchRef(link.parent_task_request_id, 0))
        self._names.add(link.branch_id)
        return _Place(link.branch_id, None)

    def _name(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self._names:
            number += 1
            name = f"{wanted}_{number}"
        self._names.add(name)
        return name

    def _numbers(self) -> Mapping[LaunchRef, int]:
        """The number of each launch of the conversation, by launching request and block."""
        launches = {
            LaunchRef(request, index)
            for request, known in self._known.items()
            for index in range(len(known.call.launches))
        }
        launches.update(place.task for place in self._places.values() if place.task is not None)
        return {launch: number for number, launch in enumerate(sorted(launches), 1)}

    def _link(self, known: Known, place: _Place, numbers: Mapping[LaunchRef, int]) -> Link:
        link, task = known.link, place.task
        return replace(
            link,
            conversation_id=self._id,
            branch_id=place.branch if task is None else f"subtask_{numbers[task]}",
            is_subtask=task is not None,
            parent_task_request_id=task.request if task is not None else None,
            parent_message_hash=self._parent_hash(link),
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
