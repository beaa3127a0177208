"""Which launch each sub-agent came from: decided for a whole session, or for all calls of one prompt without one."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple
from uuid import UUID

from core.identity import Call
from core.linking.keys import own_scope, prompt_scope, session_scope
from core.linking.ledger import Known
from core.linking.link import LaunchRef

_WITHIN_US: Final = 86_400_000_000
"""How long after its launch a sub-agent can begin."""


class Member(NamedTuple):
    """One request of a family."""

    known: Known
    begins: bool
    """Whether a sub-agent may begin here: no parent was found and it is no later attempt."""
    forks: bool
    """Whether it left its parent, which was found, for an agent of its own."""


class _Offer(NamedTuple):
    ref: LaunchRef
    call: Call


def launches_of(members: Iterable[Member], scopes: Collection[bytes]) -> Mapping[UUID, LaunchRef | None]:
    """The launch of each request where a sub-agent may begin, in these families, all of whose members are given."""
    return _Families(sorted(members, key=lambda member: member.known.call.id)).assign(scopes)


class _Families:
    def __init__(self, members: list[Member]) -> None:
        self._members = members
        self._offers: dict[tuple[bytes, bytes], list[_Offer]] = defaultdict(list)
        self._by_tool: dict[tuple[str | None, str], _Offer] = {}
        self._stated: dict[tuple[str | None, str], str] = {}
        self._taken: set[LaunchRef] = set()
        self._of_agent: dict[tuple[bytes | None, str], LaunchRef] = {}
        self._forks: dict[UUID, int] = defaultdict(int)
        for member in members:
            self._offer(member.known)

    def _offer(self, known: Known) -> None:
        call = known.call
        for block, launch in enumerate(call.launches):
            offer = _Offer(LaunchRef(call.id, block), call)
            self._offers[_scope(call, launch.prompt), launch.prompt].append(offer)
            self._by_tool.setdefault((call.session_id, launch.tool_id), offer)
        for pair in known.pairs:
            self._stated.setdefault((call.session_id, pair.agent_id), pair.tool_id)

    def assign(self, scopes: Collection[bytes]) -> dict[UUID, LaunchRef | None]:
        heads = [
            member
            for member in self._members
            if (member.begins or member.forks) and own_scope(member.known.call) in scopes
        ]
        # What a result states is taken, whoever began before it was stated.
        self._taken.update(ref for member in heads if (ref := self._by_statement(member.known.call)) is not None)
        return {member.known.call.id: self._launch(member) for member in heads}

    def _by_statement(self, call: Call) -> LaunchRef | None:
        if call.agent_id is None:
            return None
        tool_id = self._stated.get((call.session_id, call.agent_id))
        offer = self._by_tool.get((call.session_id, tool_id)) if tool_id is not None else None
        return offer.ref if offer is not None and offer.ref.request < call.id else None

    def _launch(self, member: Member) -> LaunchRef | None:
        call = member.known.call
        scope = own_scope(call)
        agent = (scope, call.agent_id) if call.agent_id is not None else None
        ref = self._of_agent.get(agent) if agent is not None else None
        if ref is None:
            ref = self._by_statement(call) or (self._fork(member) if member.forks else self._by_prompt(call))
        if ref is not None:
            self._taken.add(ref)
            if agent is not None:
                self._of_agent[agent] = ref
        return ref

    def _fork(self, member: Member) -> LaunchRef | None:
        call, evidence = member.known.call, member.known.link.evidence
        if evidence is None or evidence.parent is None:
            return None
        if call.prompt is not None:  # a person may have said by which answer it was launched
            offers = self._offers.get((_scope(call, call.prompt), call.prompt), ())
            free = (offer.ref for offer in offers if offer.call.id == evidence.parent and offer.ref not in self._taken)
            launched = next(free, None)
            if launched is not None:
                return launched
        self._forks[evidence.parent] += 1
        return LaunchRef(evidence.parent, FORKED + self._forks[evidence.parent])

    def _by_prompt(self, call: Call) -> LaunchRef | None:
        if call.prompt is None:
            return None
        offers = [
            offer
            for offer in self._offers.get((_scope(call, call.prompt), call.prompt), ())
            if offer.call.id < call.id
            and call.started_us - offer.call.started_us <= _WITHIN_US
            and offer.call.agent_id == call.parent_agent_id
        ]
        free = [offer for offer in offers if offer.ref not in self._taken]
        if not free and call.agent_id is not None:
            return None
        best = max(free or offers, key=lambda offer: _order(call, offer), default=None)
        return best.ref if best is not None else None


FORKED: Final = 1_000_000
"""Blocks above this are sub-agents that forked without a launch; they count after their parent's launches."""


def _order(call: Call, offer: _Offer) -> tuple[bool, bool, UUID, int]:
    """The latest response first, of it the lowest block; without a session those of the same client go before."""
    return (offer.call.lane == call.lane, offer.call.client == call.client, offer.call.id, -offer.ref.block)


def _scope(call: Call, prompt: bytes) -> bytes:
    return session_scope(call.session_id) if call.session_id is not None else prompt_scope(prompt)
