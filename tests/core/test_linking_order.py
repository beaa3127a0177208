"""The forest is a function of the set of requests: neither the order of recording nor its portions show in it."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.linking import MemoryLedger, decide, evidence, forest
from tests.captured import FILES, story
from tests.talks import Traffic, Wire, assistant, user

seeds = st.integers(0, 2**32)


def record(frames, rng, ledger=None):
    """Record frames in portions of random size, each as one decision on what is recorded so far."""
    ledger = ledger or MemoryLedger()
    frames = list(frames)
    while frames:
        portion = [frames.pop() for _ in range(min(len(frames), rng.choice([1, 1, 1, 2, 5, 40])))]
        newest = {}
        for facts in portion:
            newest[facts.call.id] = facts
        ledger.write(decide(newest.values(), ledger))
    return ledger


def links(ledger, ids):
    """The links of a ledger."""
    return {known.call.id: known.link for known in ledger.known(ids)}


def frames(calls, rng):
    """The frames of calls in any order, but that a call's start comes before its end; some never show their start."""
    order = [call for call in calls for _ in range(2)]
    rng.shuffle(order)
    seen, result = set(), []
    for call in order:
        first = id(call) not in seen
        seen.add(id(call))
        result.append(call.running if first else call.facts)
    return result[::-1]


def differing(found, wanted):
    """Where two forests differ, for a message that can be read."""
    return {
        request: (found.get(request), wanted[request]) for request in wanted if found.get(request) != wanted[request]
    }


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=seeds, steps=st.integers(1, 40))
def test_the_forest_does_not_depend_on_the_order_in_which_facts_are_given(seed, steps):
    """Shuffled facts, the same links."""
    facts = [call.facts for call in Traffic(seed).play(steps)]
    wanted = forest(facts)
    random.Random(seed).shuffle(facts)
    assert forest(facts) == wanted


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=seeds, steps=st.integers(1, 40))
def test_recording_in_any_order_gives_the_forest(seed, steps):
    """Start and end frames permuted, in portions: after the last the links are those of one forest of all."""
    calls = Traffic(seed).play(steps)
    rng = random.Random(seed)
    ledger = record(frames(calls, rng), rng)
    wanted = forest(call.facts for call in calls)
    assert differing(links(ledger, wanted), wanted) == {}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=seeds, steps=st.integers(1, 40))
def test_long_transcripts_are_linked_as_short_ones(seed, steps):
    """Where it is first asked which keys are there at all, as of transcripts of many items, the forest is the same."""
    facts = [call.facts for call in Traffic(seed).play(steps)]
    wanted = forest(facts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evidence, "_AT_FIRST", 1)
        patch.setattr(evidence, "_AT_A_TIME", 1)
        assert differing(forest(facts), wanted) == {}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=seeds, steps=st.integers(1, 30))
def test_recording_agrees_with_the_forest_at_every_moment(seed, steps):
    """Also while calls are running and before their parents are recorded."""
    calls = Traffic(seed).play(steps)
    rng = random.Random(seed)
    ledger, recorded = MemoryLedger(), {}
    for facts in reversed(frames(calls, rng)):
        recorded[facts.call.id] = facts
        ledger.write(decide([facts], ledger))
        if rng.random() < 0.2:
            wanted = forest(recorded.values())
            assert differing(links(ledger, wanted), wanted) == {}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("file", FILES)
def test_captures_recorded_in_any_order_give_the_forest(file, seed):
    """Start and end frames of every captured file permuted."""
    lines = [line for line in story(file) if line.facts]
    rng = random.Random(seed)
    result = [frame for line in lines for frame in (line.running, line.facts)]
    rng.shuffle(result)
    last = {line.facts.call.id: line.facts for line in lines}
    ledger = record([*last.values(), *result], rng)
    wanted = forest(last.values())
    assert differing(links(ledger, wanted), wanted) == {}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=seeds, steps=st.integers(2, 20))
def test_corrections_at_any_moment_give_the_forest(seed, steps):
    """Made before, between and after the recording of what they name, changed and taken back."""
    calls = Traffic(seed).play(steps)
    rng = random.Random(seed)
    ids = [call.facts.call.id for call in calls]
    ledger, recorded = MemoryLedger(), {}
    for facts in reversed(frames(calls, rng)):
        recorded[facts.call.id] = facts
        ledger.write(decide([facts], ledger))
        if rng.random() < 0.3:
            child = rng.choice(ids)
            if rng.random() < 0.3:
                ledger.said.pop(child, None)
            else:
                ledger.said[child] = rng.choice([None, *ids])
            if child in recorded:
                ledger.write(decide([recorded[child]], ledger))
    wanted = forest(recorded.values(), ledger.said)
    assert differing(links(ledger, wanted), wanted) == {}


def test_whoever_decides_twice_changes_nothing():
    """A replay of recorded calls writes no link."""
    calls = Traffic(7).play(40)
    ledger = record([call.facts for call in calls], random.Random(7))
    assert decide([call.facts for call in calls], ledger).links == {}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=seeds, steps=st.integers(5, 30))
def test_what_retention_left_keeps_its_conversations(seed, steps):
    """After the oldest half is dropped a replay renames no orphan's conversation, and later turns still join."""
    calls = [call.facts for call in Traffic(seed).play(steps)]
    rng = random.Random(seed)
    half = len(calls) // 2
    ledger = record(calls[: half + half // 2], rng)
    before = {call.call.id: links(ledger, [call.call.id])[call.call.id] for call in calls[half : half + half // 2]}
    dropped = {call.call.id for call in calls[:half]}
    ledger.forget(dropped)
    ledger.write(decide(calls[half : half + half // 2], ledger))
    after = links(ledger, before)
    for request, link in before.items():
        found = after[request]
        if link.conversation_id in dropped and found.parent_request_id is None and found.attempt_of is None:
            assert found.conversation_id == link.conversation_id
    record(calls[half + half // 2 :], rng, ledger)


def test_conversations_that_join_leave_an_alias():
    """The later root's id stands for the whole; when they part again it is taken back."""
    wire = Wire()
    wire.call([user("hi")], ["Hello."])
    wire.call([user("hi"), assistant("Hello."), user("x")], ["Sure."])
    first, second = (call.facts for call in wire.calls)
    ledger = record([second], random.Random(1))
    decision = decide([first], ledger)
    assert decision.aliases == {second.call.id: first.call.id}
    ledger.write(decision)
    ledger.said[second.call.id] = None
    assert decide([second], ledger).aliases == {second.call.id: None}
