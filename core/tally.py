"""Adding up a conversation request by request, in the order of their ids."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from core.ids import uuid7_ms
from core.layered import Layered
from core.linking.link import LaunchRef, Method
from core.models import Outcome
from core.rollup import Branch, Member, Rollup
from core.shape import Shape
from core.valueclass import replace

_TOKENS: Final = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_COUNTED: Final = (
    *_TOKENS, "messages", "attempts", "errors", "in_flight", "compactions", "unpriced", "estimated", "branches",
)  # fmt: skip
_SLOT_MS: Final = 300_000
_NO_ERROR: Final = frozenset({Outcome.OK, Outcome.CLIENT_CANCELLED, None})


def rollup(conversation: UUID, given: Iterable[Member]) -> Rollup:
    """The roll-up of a conversation, all of whose requests are given; there is one at least."""
    members = list(given)
    if len(members) == 1 and _is_opening(members[0]):
        return _of_one(conversation, members[0])
    tally = Tally(conversation)
    tally.add(members)
    return tally.rollup()


def _is_opening(member: Member) -> bool:
    link = member.link
    if link.attempt_of is not None or link.is_subtask or link.launch is not None or member.call.launches:
        return False
    return link.link_method is not Method.COMPACTION


def _of_one(conversation: UUID, member: Member) -> Rollup:
    """What ``Tally`` makes of one such request, in a third of the time: most conversations begin with it."""
    call, link, figures = member
    ended_us, failed = figures.ended_us or call.started_us, _is_error(member)
    return Rollup(
        conversation_id=conversation,
        title=figures.title,
        side_call=call.side_call,
        account=figures.account,
        first_us=call.started_us,
        last_us=ended_us,
        message_count=int(call.side_call is None),
        attempt_count=0,
        error_count=int(failed),
        in_flight=int(figures.outcome is None),
        branch_count=1,
        subtask_count=0,
        subtask_slots={},
        compaction_count=0,
        input_tokens=figures.input_tokens,
        output_tokens=figures.output_tokens,
        cache_creation_input_tokens=figures.cache_creation_input_tokens,
        cache_read_input_tokens=figures.cache_read_input_tokens,
        models=() if figures.model is None else (figures.model,),
        session_ids=() if call.session_id is None else (call.session_id,),
        latest_request=call.id,
        latest_us=call.started_us,
        latest_status=figures.status,
        latest_model=figures.model,
        shape=({"lane": 0, "parent": None, "kind": "error" if failed else "turn"},),
        branches=(Branch(link.branch_id, link.parent_message_hash, call.id, call.started_us, 1),),
        cost_usd=figures.cost_usd,
        unpriced_count=int(figures.unpriced),
        estimated_count=int(figures.estimated),
        whole=True,
    )


class _Lane(NamedTuple):
    branch: Branch
    number: int
    apart: bool
    """Whether it is a sub-agent's, or nobody opened it: a compaction did. Inside of a sub-agent that opens none."""


@dataclass(slots=True)
class Tally:
    """What the requests of a conversation come to."""

    conversation_id: UUID
    _whole: bool = True
    """Whether this is over no other."""
    _first: Member | None = None
    _latest: Member | None = None
    _title: str | None = None
    _account: int | None = None
    _first_us: int = 0
    _last_us: int = 0
    _cost: Decimal | None = None
    _counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTED, 0))
    _models: dict[str, None] = field(default_factory=dict)
    _sessions: dict[str, None] = field(default_factory=dict)
    _slots: dict[int, int] = field(default_factory=dict)
    _launches: Layered[LaunchRef, None] = field(default_factory=Layered)
    _lanes: Layered[str, _Lane] = field(default_factory=Layered)
    _shape: Shape = field(default_factory=Shape)

    def over(self) -> "Tally":
        """One that goes on from here, while this stays as it is."""
        return replace(
            self,
            _whole=False,
            _counts=dict(self._counts),
            _models=dict(self._models),
            _sessions=dict(self._sessions),
            _slots=dict(self._slots),
            _launches=Layered(self._launches),
            _lanes=Layered(self._lanes),
            _shape=self._shape.over(),
        )

    def add(self, given: Iterable[Member]) -> None:
        """Add requests, all later than those before."""
        for member in sorted(given, key=lambda one: one.call.id):
            self._add(member)

    def has_branch(self, branch_id: str) -> bool:
        """Whether a request is on that branch."""
        return branch_id in self._lanes

    def _add(self, member: Member) -> None:
        call, link, figures = member
        if self._first is None:
            self._first, self._first_us, self._last_us = member, call.started_us, figures.ended_us or call.started_us
        self._latest = member
        self._title = self._title or figures.title
        self._account = figures.account if self._account is None else self._account
        self._first_us = min(self._first_us, call.started_us)
        self._last_us = max(self._last_us, figures.ended_us or call.started_us)
        if figures.cost_usd is not None:
            self._cost = (self._cost or Decimal(0)) + figures.cost_usd
        self._count(member)
        if figures.model is not None:
            self._models.setdefault(figures.model)
        if call.session_id is not None:
            self._sessions.setdefault(call.session_id)
        launched = [LaunchRef(call.id, block) for block in range(len(call.launches))]
        for launch in launched if link.launch is None else [*launched, link.launch]:
            slot = uuid7_ms(launch.request) // _SLOT_MS
            self._slots[slot] = self._slots.get(slot, 0) + (launch not in self._launches)
            self._launches.put(launch, None)
        if link.attempt_of is not None:
            self._shape.add_attempt(call.id, link.attempt_of, failed=_is_error(member))
        else:
            self._add_node(member)

    def _count(self, member: Member) -> None:
        call, link, figures = member
        node, counts = link.attempt_of is None, self._counts
        counts["messages"] += node and call.side_call is None
        counts["attempts"] += not node
        counts["errors"] += _is_error(member)
        counts["in_flight"] += figures.outcome is None
        counts["compactions"] += node and link.link_method is Method.COMPACTION
        counts["unpriced"] += figures.unpriced
        counts["estimated"] += figures.estimated
        for name in _TOKENS:
            counts[name] += getattr(figures, name)

    def _add_node(self, member: Member) -> None:
        call, link = member.call, member.link
        apart = link.is_subtask or link.link_method is Method.COMPACTION
        lane = self._lanes.get(link.branch_id)
        if lane is None:
            branch = Branch(link.branch_id, link.parent_message_hash, call.id, call.started_us, 1)
            lane = _Lane(branch, len(self._lanes), apart)
            self._counts["branches"] += not apart
        else:
            self._counts["branches"] -= apart and not lane.apart
            first = lane.branch
            branch = Branch(
                first.branch_id, first.parent_hash, first.first_request, first.created_us, first.message_count + 1
            )
            lane = _Lane(branch, lane.number, apart or lane.apart)
        self._lanes.put(link.branch_id, lane)
        self._shape.add(call.id, link.parent_request_id, lane.number, _kind(member), failed=_is_error(member))

    def rollup(self, touched: Collection[str] = ()) -> Rollup:
        """The roll-up; over another only with the branches of what was added, and with these."""
        first, latest, counts = self._first, self._latest, self._counts
        if first is None or latest is None:
            raise ValueError("a conversation has a request at least")
        return Rollup(
            conversation_id=self.conversation_id,
            title=self._title,
            side_call=first.call.side_call,
            account=self._account,
            first_us=self._first_us,
            last_us=self._last_us,
            message_count=counts["messages"],
            attempt_count=counts["attempts"],
            error_count=counts["errors"],
            in_flight=counts["in_flight"],
            branch_count=counts["branches"],
            subtask_count=len(self._launches),
            subtask_slots={slot: self._slots[slot] for slot in sorted(self._slots)},
            compaction_count=counts["compactions"],
            **{name: counts[name] for name in _TOKENS},
            models=tuple(self._models),
            session_ids=tuple(self._sessions),
            latest_request=latest.call.id,
            latest_us=latest.call.started_us,
            latest_status=latest.figures.status,
            latest_model=latest.figures.model,
            shape=self._shape.elements(),
            branches=self._branches(touched),
            cost_usd=self._cost,
            unpriced_count=counts["unpriced"],
            estimated_count=counts["estimated"],
            whole=self._whole,
        )

    def _branches(self, touched: Collection[str]) -> tuple[Branch, ...]:
        lanes = (self._lanes.get(name) for name in dict.fromkeys((*self._lanes.own, *touched)))
        return tuple(lane.branch for lane in lanes if lane is not None)


def _is_error(member: Member) -> bool:
    return member.figures.outcome not in _NO_ERROR


def _kind(node: Member) -> str:
    if node.link.link_method is Method.COMPACTION:
        return "compaction"
    return "subagent" if node.link.is_subtask else "turn"
