"""What a request's own transcript says of its parent (conversations.md, finding the parent).

``search`` is a conversation with the ledger: it yields look-ups and is sent their answers, so that the look-ups of many
requests travel together.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

from core.chain import chain
from core.identity import Call, Facts, replies
from core.linking.keys import (
    Kind,
    LinkKey,
    Turn,
    ends,
    first_item,
    is_opening,
    message_key,
    reply_key,
    state_key,
    state_keys,
    turns,
)
from core.linking.ledger import Names, Probe, SummaryProbe
from core.linking.link import Evidence, Method, Past
from core.normal_form import ASSISTANT

DAY_MS: Final = 86_400_000
_SUMMARY_DAYS: Final = 7
_LEAST_SUMMARY: Final = 40
"""Characters of a summary that is looked for outside its lane."""
_AT_FIRST: Final = 4
"""Places that the next turn of a talk reaches back, as a rule."""
_AT_A_TIME: Final = 16
"""Places of each later look-up."""

T = TypeVar("T")
Probes = list[Probe]
Question = list[Probe] | list[SummaryProbe] | list[Names]
"""Never empty; the answer has as many elements."""
Search = Generator[Question, Any, T]


class Finding(NamedTuple):
    """What the look-ups gave."""

    evidence: Evidence | None
    past: Past | None = None
    runs: Sequence[Turn] | None = None
    """All ``turns`` of the transcript, where they were told."""


def search(facts: Facts, corrected: bool, correction: UUID | None) -> Search[Finding]:
    """The best evidence for a request's parent. ``correction`` counts where ``corrected`` says that there is one."""
    call = facts.call
    if call.side_call is not None or (is_opening(facts) and not corrected):
        return Finding(None)
    past = None
    thread: Evidence | None = None
    if call.previous_message_id is not None:
        (row,) = yield [_probe(facts, Kind.MESSAGE, message_key(call.previous_message_id))]
        if row is not None:
            thread, past = Evidence(row.request, Method.THREAD, len(facts.items)), _past(facts, row)
    if corrected and (correction is None or correction < call.id):
        return Finding(Evidence(correction, Method.MANUAL, len(facts.items)), past)
    if thread is not None:
        return Finding(thread, past)
    found, runs = yield from _talk(facts)
    if found is None and call.continuation:
        found = yield from _compaction(facts)
    return Finding(found, past, runs)


def _past(facts: Facts, row: LinkKey) -> Past | None:
    if row.state is None:
        return None
    states = chain(row.state, facts.items)
    return Past(states[-1] if states else row.state, replies(row.state, states, facts.said))


def _probe(facts: Facts, kind: Kind, key: bytes, **given: Any) -> Probe:
    call = facts.call
    return Probe(kind, key, call.id, call.lane, call.client, **given)


def _talk(facts: Facts) -> Search[tuple[Evidence | None, Sequence[Turn] | None]]:
    """The latest place where a recorded call ends: on this chain, or by its last item alone. And all ``turns``."""
    places, runs = ends(facts.items)[::-1], None
    found, beats_turns = yield from _chain(facts, places[:_AT_FIRST])
    rest = places[_AT_FIRST:] if found is None else []
    if len(rest) > _AT_A_TIME:
        runs = list(turns(facts, 1))
        rest, provided = yield from _provided(facts, rest, runs)
    if rest:
        found, beats_turns = yield from _chain(facts, rest)
    least = found.place + beats_turns if found is not None else 1
    likely = turns(facts, least) if runs is None else [run for run in provided if run.place >= least]
    return (yield from _turn(facts, found, likely)), runs


def _provided(facts: Facts, places: Sequence[int], runs: Sequence[Turn]) -> Search[tuple[list[int], list[Turn]]]:
    """Those of these places and turns that anybody provides a key of; of a transcript that nobody knows none."""
    lane, states = facts.call.lane, facts.states
    requests = dict(zip(state_keys(lane, (states[place - 1] for place in places)), places, strict=True))
    answers = {reply_key(states[place - 1]): place for place in places if facts.items[place - 1].role == ASSISTANT}
    of_requests, of_answers, of_runs = yield [
        Names(Kind.STATE, [*requests]),
        Names(Kind.REPLY, [*answers]),
        Names(Kind.TURN, [run.key for run in runs]),
    ]
    ended = {requests[key] for key in of_requests} | {answers[key] for key in of_answers}
    return sorted(ended, reverse=True), [run for run in runs if run.key in of_runs]


def _chain(facts: Facts, places: Sequence[int]) -> Search[tuple[Evidence | None, bool]]:
    """The first of these places where a recorded call ends, and whether that goes before a turn there."""
    for window in _windows(places):
        rows = iter((yield [probe for place in window for probe in _at(facts, place)]))
        for place in window:
            found = _best_at(facts, place, rows)
            if found is not None:
                return found
    return None, False


def _windows(given: Iterable[T]) -> Iterator[tuple[T, ...]]:
    rest = iter(given)
    while window := tuple(islice(rest, _AT_A_TIME)):
        yield window


def _at(facts: Facts, place: int) -> Probes:
    """The look-ups of one place: the answers that end there, the requests with fewer messages, any requests.

    Answers end with an assistant item; where none can end, fewer messages say nothing (but at the very end they do).
    """
    call, state = facts.call, facts.states[place - 1]
    key = state_key(call.lane, state, side=False)
    given: dict[str, Any] = {}
    if call.session_id is None:
        goes_on = place < len(facts.items) and facts.items[place].role == ASSISTANT
        given = {"since": _before(call, 1), "unanswered": not goes_on}
    after_answer = facts.items[place - 1].role == ASSISTANT
    probes = []
    if after_answer:
        probes.append(_probe(facts, Kind.REPLY, reply_key(state)))
    if after_answer or place == len(facts.items):
        probes.append(_probe(facts, Kind.STATE, key, fewer_than=call.messages, **given))
    if place < len(facts.items):
        probes.append(_probe(facts, Kind.STATE, key, **given))
    return probes


def _best_at(facts: Facts, place: int, rows: Iterator[LinkKey | None]) -> tuple[Evidence, bool] | None:
    end, after_answer = place == len(facts.items), facts.items[place - 1].role == ASSISTANT
    reply = next(rows) if after_answer else None
    fewer = next(rows) if after_answer or end else None
    prefix = None if end else next(rows)
    if fewer is not None and (end or reply is not None):
        return Evidence(fewer.request, Method.PREFIX, place), True
    if reply is not None:
        return Evidence(reply.request, Method.REPLY, place), True
    return (Evidence(prefix.request, Method.PREFIX, place), False) if prefix is not None else None


def _turn(facts: Facts, found: Evidence | None, runs: Iterable[Turn]) -> Search[Evidence | None]:
    """A recorded answer's last item at the end of one of these runs, else what was found."""
    first = first_item(facts.states) if facts.call.continuation else None
    for window in _windows(runs):
        rows = yield [_probe(facts, Kind.TURN, turn.key, first=first) for turn in window]
        for turn, row in zip(window, rows, strict=True):
            if row is not None:
                return Evidence(row.request, Method.TURN, turn.place)
    return found


def _compaction(facts: Facts) -> Search[Evidence | None]:
    """The summariser whose summary a transcript begins with."""
    call, text = facts.call, facts.continued
    own, newest = yield [SummaryProbe(call.lane, call.id, text=text), SummaryProbe(call.lane, call.id)]
    if own is None:
        since = _before(call, _SUMMARY_DAYS)
        (own,) = yield [SummaryProbe(None, call.id, since, text, _LEAST_SUMMARY)]
    found = own or newest
    return None if found is None else Evidence(found.request, Method.COMPACTION, 0)


def _before(call: Call, days: int) -> UUID:
    """The first id of the moment so many days before a request, as ids tell the time: no clock comes after them."""
    return UUID(int=max((call.id.int >> 80) - days * DAY_MS, 0) << 80)
