"""What a request provides for others to link to, and what would change its own link: facts named by 16 bytes."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple
from uuid import UUID

from core.chain import digest, digests
from core.identity import Call, Facts
from core.linking.link import Evidence, Method, Past
from core.normal_form import ASSISTANT, USER, Item


class Kind(StrEnum):
    """Which sort of fact a key names."""

    STATE = "state"
    """A request's transcript, in its lane."""
    REPLY = "reply"
    """A transcript with the answer behind it, in any lane."""
    TURN = "turn"
    """The last item of an answer."""
    MESSAGE = "message"
    """The id of an answer."""
    SUMMARY = "summary"
    """A summariser of the lane."""
    FAMILY = "family"
    """Whatever takes part in telling which launch a sub-agent came from, by session (else by prompt)."""
    LAUNCH = "launch"
    """What makes a family worth reading: a launch, or a sub-agent that forked without one."""

    __hash__ = str.__hash__  # that of an Enum is worked out in Python, and every look-up has one


class LinkKey(NamedTuple):
    """One fact that a request provides. Fields that a kind does not use are None or 0."""

    kind: Kind
    key: bytes
    """16 bytes."""
    request: UUID
    lane: bytes
    client: str
    started_us: int
    state: bytes | None = None
    """STATE: the 32 bytes that the key names with the lane. MESSAGE: the longest known state of the answer."""
    messages: int = 0
    """STATE: how many messages were sent. SUMMARY: its characters."""
    answered: bool = False
    """STATE: whether the answer is whole and has items."""
    failed: bool = False
    """STATE: whether the call failed, so that a later one may be its attempt."""
    first: bytes | None = None
    """TURN: 16 bytes that name the transcript's first item."""
    text: str | None = None
    """SUMMARY: the summary, white space folded."""


TRAIN_SUMMARIES: Final = digest(b"summaries of the train")


def state_key(lane: bytes, state: bytes, *, side: bool) -> bytes:
    """The key of a request's own state; the lane is part of it, or "hi" would name thousands."""
    return digest(b"side" if side else b"state", lane, state)


def state_keys(lane: bytes, states: Iterable[bytes]) -> list[bytes]:
    """The ``state_key`` of each of these states, none of a side call."""
    return digests((b"state", lane), states)


def reply_key(state: bytes) -> bytes:
    """The key of a reply state; also that under which any state is wanted."""
    return state[:16]


def message_key(message_id: str) -> bytes:
    """The key of an answer's id."""
    return digest(b"message", message_id.encode(errors="replace"))


def summary_key(lane: bytes) -> bytes:
    """The key of a lane's summarisers."""
    return digest(b"summary", lane)


def request_key(request: UUID) -> bytes:
    """The key under which a correction waits for the request it names."""
    return digest(b"request", request.bytes)


def turn_key(lane: bytes, last: Item, user: Item | None) -> bytes | None:
    """The key of an answer's last item: a tool_use alone, else with the last user item before it, in its lane."""
    if last.kind == "tool_use" and last.ref is not None:
        return digest(b"tool", last.data)
    return None if user is None else digest(b"turn", lane, user.data, last.data)


def first_item(states: tuple[bytes, ...]) -> bytes | None:
    """The name of a transcript's first item."""
    return states[0][:16] if states else None


class Turn(NamedTuple):
    """An assistant run inside a transcript ends here."""

    place: int
    """How many items lie before the end of the run."""
    key: bytes


def turns(facts: Facts, least: int) -> Iterator[Turn]:
    """The ends of assistant runs of a transcript from the end down to place ``least``."""
    items = facts.items
    for place in range(len(items), max(least, 1) - 1, -1):
        if items[place - 1].role != ASSISTANT or (place < len(items) and items[place].role == ASSISTANT):
            continue
        key = turn_key(facts.call.lane, items[place - 1], last_user(items, place - 1))
        if key is not None:
            yield Turn(place, key)


def last_user(items: tuple[Item, ...], before: int) -> Item | None:
    """The last user item before a place."""
    for at in range(before - 1, -1, -1):
        if items[at].role == USER:
            return items[at]
    return None


def ends(items: tuple[Item, ...], least: int = 1) -> list[int]:
    """The places from ``least`` on where a request could have ended: none ends between two results of one answer."""
    results = [item.kind == "tool_result" for item in items]
    inside = zip(results[least - 1 :], results[least:], strict=False)
    found = [place for place, (before, after) in enumerate(inside, start=least) if not (before and after)]
    return [*found, len(items)] if least <= len(items) else found


def scopes(call: Call) -> tuple[bytes, ...]:
    """Where the launches and the sub-agents of a request meet: its session, else each prompt."""
    if call.session_id is not None:
        return (session_scope(call.session_id),)
    prompts = {launch.prompt for launch in call.launches} | ({call.prompt} if call.prompt is not None else set())
    return tuple(prompt_scope(prompt) for prompt in sorted(prompts))


def own_scope(call: Call) -> bytes | None:
    """Where a sub-agent that begins with this request looks for its launch."""
    if call.session_id is not None:
        return session_scope(call.session_id)
    return prompt_scope(call.prompt) if call.prompt is not None else None


@lru_cache(maxsize=256)
def session_scope(session_id: str) -> bytes:
    """The key of a session's family."""
    return digest(b"session", session_id.encode(errors="replace"))


def prompt_scope(prompt: bytes) -> bytes:
    """The key of the family of a prompt, for calls without a session."""
    return digest(b"prompt", prompt)


def plain_keys(facts: Facts, past: Past | None) -> tuple[LinkKey, ...]:
    """What a request provides whatever its parent is. ``past`` is a thread's."""
    call = facts.call
    states = (call.state,) if past is None else (call.state, past.state)
    side = call.side_call is not None
    failed, answered = call.failed_at_us is not None, facts.answered
    whose = (call.id, call.lane, call.client, call.started_us)
    rows = [
        LinkKey(Kind.STATE, state_key(call.lane, state, side=side), *whose, state, call.messages, answered, failed)
        for state in dict.fromkeys(states)
    ]
    if side:
        return tuple(rows)
    own = facts.replies
    replies = dict.fromkeys(own if past is None else own + past.replies)
    rows += [LinkKey(Kind.REPLY, reply_key(state), *whose) for state in replies]
    rows += [LinkKey(Kind.TURN, key, *whose, first=first_item(facts.states)) for key in answer_turns(facts)]
    if facts.message_id is not None:
        longest = past.replies if past is not None and past.replies else own
        rows.append(LinkKey(Kind.MESSAGE, message_key(facts.message_id), *whose, longest[0] if longest else None))
    if facts.summary is not None:
        key, size = summary_key(call.lane), len(facts.summary)
        rows.append(LinkKey(Kind.SUMMARY, key, *whose, messages=size, text=facts.summary))
    return tuple(rows)


def family_keys(facts: Facts, evidence: Evidence | None, *, forks: bool) -> tuple[LinkKey, ...]:
    """What a request provides for telling which launch a sub-agent came from.

    ``forks``: whether it left its parent for an agent of its own.
    """
    call = facts.call
    if call.side_call is not None:
        return ()
    whose = (call.id, call.lane, call.client, call.started_us)
    own, launched = own_scope(call), {prompt_scope(launch.prompt) for launch in call.launches}
    rows = []
    for scope in scopes(call):
        launches = bool(call.launches) if call.session_id is not None else scope in launched
        joins = evidence is None and scope == own
        if launches or facts.pairs or joins or forks:
            rows.append(LinkKey(Kind.FAMILY, scope, *whose))
        if launches or forks:
            rows.append(LinkKey(Kind.LAUNCH, scope, *whose))
    return tuple(rows)


def answer_turns(facts: Facts) -> tuple[bytes, ...]:
    """The turn keys of a request's own answer, one for each way it may be sent back."""
    keys: dict[bytes, None] = {}
    for said in facts.said:
        key = turn_key(facts.call.lane, said.items[-1], last_user(facts.items, said.keep))
        if key is not None:
            keys[key] = None
    return tuple(keys)


def announces(row: LinkKey) -> tuple[bytes, ...]:
    """Under which keys a fact is wanted."""
    if row.kind is Kind.STATE:
        return (reply_key(row.state),) if row.state is not None else ()
    if row.kind is Kind.SUMMARY:
        return (row.key, TRAIN_SUMMARIES)
    return (row.key,) if row.kind in {Kind.REPLY, Kind.TURN, Kind.MESSAGE} else ()


def is_opening(facts: Facts) -> bool:
    """Whether a transcript is the first words of a user and nothing else, so that nothing recorded lies in it."""
    call, items = facts.call, facts.items
    talks = call.previous_message_id is not None or call.continuation or call.messages != 1
    return not talks and len(items) == 1 and items[0].role == USER


def wants(
    facts: Facts, evidence: Evidence | None, correction: UUID | None, runs: Iterable[Turn] | None = None
) -> tuple[bytes, ...]:
    """The keys that would change a request's link, if one before it provided them: a better place, or a better tie.

    ``evidence`` is what decided it; ``runs`` are all ``turns``, where they are told already. A request whose state is
    the same finds this one by its own ``state`` row, so an end is wanted only after an answer.
    """
    call, items = facts.call, facts.items
    keys: dict[bytes, None] = {}
    if call.side_call is not None or (is_opening(facts) and correction is None):
        return ()
    if correction is not None:
        keys[request_key(correction)] = None
    if call.previous_message_id is not None:
        keys[message_key(call.previous_message_id)] = None
    decided = evidence is not None and evidence.method in {Method.THREAD, Method.MANUAL}
    if not decided:
        least = evidence.place if evidence is not None else 0
        states, places = facts.states, ends(items, max(least, 1))
        if places and items[-1].role != ASSISTANT:
            del places[-1]
        keys.update((reply_key(states[place - 1]), None) for place in places)
        above = evidence is not None and evidence.method is Method.REPLY  # a reply goes before a turn
        runs = turns(facts, least + above) if runs is None else runs
        keys.update((run.key, None) for run in runs if run.place >= least + above)
        if least == 0 and call.continuation:
            keys[summary_key(call.lane)] = None
            keys[TRAIN_SUMMARIES] = None
    return tuple(keys)
