"""Which conversations a decision has to paint anew: most requests only go on where their parent stands."""

from collections.abc import Mapping
from uuid import UUID

from core.linking.branches import Settled, UnsettledError, paint
from core.linking.ledger import Known
from core.linking.link import Link, Method
from core.linking.world import World
from core.valueclass import replace


def place(world: World) -> Mapping[UUID, Link]:
    """The links that a decision changed, complete with conversation and branch.

    A request that is new, launches nobody and is its parent's only child stands where its parent does. Whatever else
    happens to a conversation has it read and painted as a whole.
    """
    placing = _Placing(world)
    for request in sorted(world.relinked):
        placing.add(world.relinked[request])
    return placing.links()


class _Placing:
    def __init__(self, world: World) -> None:
        self._world = world
        self._stored = world.stored(world.relinked)
        self._before = world.known({one for known in world.relinked.values() for one in _leads_to(known.link)})
        self._shared = self._find_parents()
        self._links: dict[UUID, Link] = {}
        self._whole: set[UUID] = set()
        """Conversations to be painted as a whole."""

    def _find_parents(self) -> set[UUID]:
        """The parents of decided requests that have another child; whoever never keeps their branch may count."""
        found: set[UUID] = set()
        once: set[UUID] = set()
        for known in self._world.relinked.values():
            parent = known.link.parent_request_id
            if parent is not None and known.link.attempt_of is None:
                (found if parent in once else once).add(parent)
        return found | self._world.parents(once - found)

    def add(self, known: Known) -> None:
        """Place one request; all before it are placed."""
        request, stored = known.call.id, self._stored.get(known.call.id)
        if stored is not None and _shape(stored) == _shape(known):
            self._links[request] = known.link
            return
        lead = next((one for one in _leads_to(known.link) if one in self._before), None)
        before = self._link(lead) if lead is not None else None
        conversation = request if before is None else before.conversation_id
        if stored is None and before is None:
            self._links[request] = known.link  # as it was made
        elif stored is None and before is not None and self._goes_on(known, before):
            self._links[request] = replace(
                known.link,
                conversation_id=conversation,
                branch_id=before.branch_id,
                is_subtask=before.is_subtask,
                parent_task_request_id=before.parent_task_request_id,
                parent_message_hash=self._parent_hash(known),
            )
        else:
            self._links[request] = replace(known.link, conversation_id=conversation)
            self._whole |= {conversation} if stored is None else {conversation, stored.link.conversation_id}

    def _link(self, request: UUID) -> Link:
        return self._links.get(request) or self._before[request].link

    def _parent_hash(self, known: Known) -> str | None:
        parent = self._before.get(known.link.parent_request_id) if known.link.parent_request_id is not None else None
        return parent.call.state.hex() if parent is not None else None

    def _goes_on(self, known: Known, before: Link) -> bool:
        """Whether a new request stands where the one before it does, and changes no other's place."""
        link = known.link
        if known.call.launches or before.conversation_id in self._whole:
            return False
        if link.attempt_of is not None:
            return True
        if link.launch is not None or link.link_method is Method.COMPACTION:
            return False
        parent = self._before[before.id].call
        alone = before.attempt_of is None and parent.failed_at_us is None and before.id not in self._shared
        return before.is_subtask or alone

    def links(self) -> Mapping[UUID, Link]:
        """What changed."""
        if self._whole:
            settled = self._settled()
            try:
                self._paint(settled)
            except UnsettledError:
                self._paint({})
        return {
            request: link
            for request, link in self._links.items()
            if request not in self._stored or self._stored[request].link != link
        }

    def _settled(self) -> dict[UUID, Settled]:
        """Of the conversations to be painted those that changed only where nothing is settled yet."""
        earliest: dict[UUID, UUID] = {}
        for request, link in sorted(self._links.items(), reverse=True):
            earliest[link.conversation_id] = request
            if request in self._stored:
                earliest[self._stored[request].link.conversation_id] = request
        found = ((one, self._world.settled(one)) for one in self._whole)
        return {one: settled for one, settled in found if settled is not None and earliest[one] > settled.latest}

    def _paint(self, settled: Mapping[UUID, Settled]) -> None:
        members = self._world.conversations(self._whole - settled.keys())
        members |= {known.call.id: known for of in settled.values() for known in of.behind}
        members |= {
            request: self._world.relinked[request]
            for request, link in self._links.items()
            if link.conversation_id in self._whole
        }
        members |= {one: self._world.relinked[one] for one in members.keys() & self._world.relinked.keys()}
        self._links.update(paint(members.values(), {one: of.tree for one, of in settled.items()}))
        self._stored.update(self._world.stored(members))


def _leads_to(link: Link) -> tuple[UUID, ...]:
    """The requests whose place decides this one's: of an attempt the first, else the parent."""
    return tuple(one for one in (link.attempt_of, link.parent_request_id) if one is not None)


def _shape(known: Known) -> tuple[object, ...]:
    """What a conversation is painted by, as far as it can change."""
    link = known.link
    return (link.parent_request_id, link.link_method, link.attempt_of, link.launch, known.call.launches)
