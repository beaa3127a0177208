"""What becomes of the alerts that wait for one channel, as dialogues in time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.alerts.kinds import Kind, Tone
from core.alerts.plan import MOST_WAITING, Channel, First, Plan, Waiting, Why, plan
from core.alerts.rules import Quiet, Rule, complete, default
from core.alerts.summary import Summed, told

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
RULES = complete([])
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def at(alert: int, kind: Kind, minutes: float = 0.0, **known: Any) -> Waiting:
    """An alert raised so many minutes after noon."""
    raised = NOON + minutes * MINUTE
    return Waiting(alert, kind, raised, known.pop("due_at", raised), **known)


def decide(waiting: Sequence[Waiting], minutes: float = 0.0, channel: Channel | None = None, *rules: Rule) -> Plan:
    """The plan so many minutes after noon."""
    return plan(waiting, channel or Channel(), complete(rules), NOON + minutes * MINUTE)


def test_what_waits_is_sent_in_the_order_it_was_raised() -> None:
    """A test goes first, somebody waits for it; then what lasts, before conversations; a summary goes last."""
    waiting = [at(1, Kind.SUMMARY), at(2, Kind.FEED), at(3, Kind.WINDOW), at(4, Kind.BUDGET), at(5, Kind.TEST)]
    for order in permutations(waiting):
        assert decide(order) == Plan(send=[5, 3, 4, 2, 1])


def test_a_summary_does_not_wait_for_ever_behind_conversations() -> None:
    """It gathers for a minute; then it goes before them, but behind what lasts and behind digests."""
    waiting = [at(1, Kind.SUMMARY), at(2, Kind.FEED), at(3, Kind.WINDOW), at(4, Kind.DIGEST)]
    assert decide(waiting, 0.9).send == [3, 4, 2, 1]
    assert decide(waiting, 1).send == [3, 4, 1, 2]


def test_quiet_hours_hold() -> None:
    """All of the kind is held until they are over; tests are not, and other kinds have rules of their own."""
    rule = replace(default(Kind.BUDGET), quiet=Quiet(time(11), time(13)))
    waiting = [at(1, Kind.BUDGET), at(2, Kind.WINDOW), at(3, Kind.TEST)]
    assert decide(waiting, 0, None, rule) == Plan(send=[3, 2], hold={1: NOON + HOUR})


def test_after_quiet_hours_what_still_matters_is_told_and_the_rest_summed_up() -> None:
    """An incident that lasts is sent by itself; one that is over, and a turn of a user, are summed up."""
    rules = [replace(default(kind), quiet=Quiet(time(11), time(13))) for kind in (Kind.BUDGET, Kind.FEED, Kind.DIGEST)]
    waiting = [
        at(1, Kind.BUDGET),
        at(2, Kind.BUDGET, recovered_at=NOON + MINUTE),
        at(3, Kind.FEED, 59),
        at(4, Kind.DIGEST),
        at(5, Kind.BUDGET, expires_at=NOON + MINUTE),
    ]
    summed = {2: Why.QUIET, 3: Why.QUIET, 5: Why.QUIET}
    assert decide(waiting, 60, None, *rules) == Plan(send=[1, 4], sum_up=summed)


def test_within_the_interval_it_waits_and_is_summed_up_in_one_at_its_end() -> None:
    """The first is sent, the others wait a minute and are one message then; one alone is sent as it is."""
    first, second, third = (at(number, Kind.UNKNOWN_MODEL) for number in (1, 2, 3))
    assert decide([first, second, third]) == Plan(send=[1], hold={2: NOON + MINUTE, 3: NOON + MINUTE})
    told_at = Channel(told_at={Kind.UNKNOWN_MODEL: NOON + 0.1 * MINUTE})
    until = NOON + 1.1 * MINUTE
    assert decide([second, third], 0.2, told_at) == Plan(hold={2: until, 3: until})
    held = [replace(one, due_at=until) for one in (second, third)]
    late = at(4, Kind.UNKNOWN_MODEL, 1.1)
    summed = {2: Why.OFTEN, 3: Why.OFTEN}
    assert decide([*held, late], 1.1, told_at) == Plan(sum_up=summed, hold={4: NOON + 2.1 * MINUTE})
    assert decide(held[:1], 1.1, told_at) == Plan(send=[2])
    assert decide([replace(held[0], recovered_at=NOON)], 1.1, told_at).drop.keys() == {2}


def test_the_interval_is_of_a_kind() -> None:
    """Another kind that was told a second ago holds nothing up."""
    assert decide([at(1, Kind.LAG)], 0, Channel(told_at={Kind.TAPE: NOON})) == Plan(send=[1])


def test_after_an_hour_without_slack_what_still_matters_is_told_and_the_rest_summed_up() -> None:
    """One by one: incidents that last on and digests. Everything else is one message, whatever its interval."""
    channel = Channel(NOON, NOON + HOUR)
    feed = [at(10 + number, Kind.FEED, number) for number in range(37)]
    waiting = [
        *feed,
        at(1, Kind.UNKNOWN_MODEL, 1),
        at(2, Kind.UNKNOWN_MODEL, 1),
        at(3, Kind.LAG, 2, recovered_at=NOON + 5 * MINUTE),
        at(4, Kind.DIGEST, 3),
        at(5, Kind.WINDOW, 4, expires_at=NOON + 30 * MINUTE),
        at(6, Kind.BURST, 5),
    ]
    made = decide(waiting, 61, channel)
    assert made.send == [1, 2, 4]
    assert made.sum_up == dict.fromkeys([3, 5, 6, *(one.alert for one in feed)], Why.AWAY)
    assert (made.hold, made.drop) == ({}, {})
    # The same while Slack is still away: what is summed up then is one message when it is back.
    assert decide(waiting, 60, Channel(NOON)) == made


def test_a_moment_without_slack_is_not_spoken_of() -> None:
    """After one failed try a user's turn is told as it is; so is what was raised when Slack was back."""
    waiting = [at(1, Kind.FEED)]
    assert decide(waiting, 1, Channel(NOON, NOON + MINUTE)) == Plan(send=[1])
    assert decide([at(1, Kind.FEED, 61)], 62, Channel(NOON, NOON + HOUR)) == Plan(send=[1])


def test_what_nobody_wants_to_hear_any_more_is_dropped_with_the_reason() -> None:
    """Acknowledged, snoozed, switched off, or over before it could be told; a test nobody waits for any more."""
    waiting = [
        at(1, Kind.WINDOW, acknowledged_by="ada"),
        at(2, Kind.WINDOW, snoozed_by="ada"),
        at(3, Kind.LAG),
        at(4, Kind.WINDOW, 19, recovered_at=NOON),
        at(5, Kind.WINDOW, 19, expires_at=NOON),
        at(6, Kind.LAG, 19, first=First("sent", NOON, NOON), expires_at=NOON),
        at(7, Kind.TEST),
    ]
    made = decide(waiting, 20, None, replace(default(Kind.LAG), enabled=False))
    assert made == Plan(
        drop={
            1: "acknowledged by ada before it was sent",
            2: "snoozed by ada",
            3: "its rule is switched off",
            4: "it was over before it could be told",
            5: "it was over before it could be told",
            6: "its rule is switched off",
            7: "nobody waits for this test any more",
        }
    )


def test_what_nobody_was_there_to_tell_is_summed_up_when_it_is_too_late() -> None:
    """No dashboard ran for twenty minutes: what still matters is told, what does not is one message."""
    waiting = [at(1, Kind.FEED), at(2, Kind.WINDOW), at(3, Kind.WINDOW, recovered_at=NOON), at(4, Kind.FEED, 19)]
    assert decide(waiting, 20) == Plan(send=[2, 4], sum_up={1: Why.LATE, 3: Why.LATE})
    recovery = at(5, Kind.LAG, first=First("sent", NOON, NOON), expires_at=NOON + HOUR)
    assert decide([recovery], 59) == Plan(send=[5])
    assert decide([recovery], 60).drop == {5: "what is over was over long ago"}


@pytest.mark.parametrize("interval", [10, 0])
def test_what_lasts_on_is_news_when_it_may_be_told(interval: int) -> None:
    """At the end of a snooze or of quiet hours, however long ago a burst began; half an hour later it is none."""
    quiet = Quiet(time(11), time(12, 30))
    rules = [replace(default(Kind.BURST), minimum_interval=interval * MINUTE, quiet=one) for one in (None, quiet)]
    burst = at(1, Kind.BURST, due_at=NOON + 2 * HOUR)
    for rule in rules:
        assert decide([burst], 120, None, rule) == Plan(send=[1])
        assert decide([burst], 151, None, rule).send == []
        assert decide([replace(burst, recovered_at=NOON)], 120, None, rule).send == []
    assert decide([at(2, Kind.FEED, due_at=NOON + 2 * HOUR)], 120).send == []


@pytest.mark.parametrize(
    ("first", "fate"),
    [
        (First("sent", NOON, NOON), "send"),
        (First("unsure", NOON), "send"),
        (First("sending", NOON), "wait"),
        (First("waiting", NOON), "wait"),
        (First("dropped", NOON), "drop"),
        (First("failed", NOON), "drop"),
        (First("summed", NOON), "drop"),
        (First("summed", NOON, NOON + MINUTE), "drop"),
        (First("summed", NOON + HOUR, NOON + MINUTE), "send"),
    ],
)
def test_a_recovery_is_told_to_whom_the_alert_was_told(first: First, fate: str) -> None:
    """It waits behind its alert, and goes where that goes; intervals and outages hold it not."""
    channel = Channel(NOON - HOUR, NOON, {Kind.LAG: NOON})
    made = decide([at(2, Kind.LAG, first=first, tone=Tone.GOOD)], 0, channel)
    assert (made.send, list(made.drop)) == {"send": ([2], []), "drop": ([], [2]), "wait": ([], [])}[fate]


def test_no_more_than_a_hundred_wait() -> None:
    """The oldest that are about a moment are summed up; incidents that last, and recoveries, are kept."""
    feed = [at(number, Kind.FEED) for number in range(1, 131)]
    made = decide([*feed, at(200, Kind.WINDOW)])
    assert list(made.sum_up) == list(range(1, 32))
    assert set(made.sum_up.values()) == {Why.MANY}
    assert made.send == [200, *range(32, 131)]
    quiet = replace(default(Kind.FEED), quiet=Quiet(time(11), time(13)))
    held = decide(feed, 0, None, quiet)
    assert (len(held.hold), len(held.sum_up), held.sum_due) == (100, 30, NOON + HOUR)


KNOWN = st.builds(
    at,
    st.integers(1, 10**6),
    st.sampled_from(Kind),
    st.floats(-100, 0),
    recovered_at=st.none() | st.just(NOON),
    expires_at=st.none() | st.just(NOON) | st.just(NOON + HOUR),
    first=st.none() | st.builds(First, st.sampled_from(["sent", "waiting", "dropped", "summed"]), st.just(NOON)),
    snoozed_by=st.none() | st.just("ada"),
)


@given(
    st.lists(KNOWN, max_size=130, unique_by=lambda one: one.alert),
    st.sampled_from([Channel(), Channel(NOON - HOUR), Channel(NOON - HOUR, NOON - MINUTE, {Kind.LAG: NOON})]),
)
def test_each_alert_has_one_fate_whatever_the_order(waiting: list[Waiting], channel: Channel) -> None:
    """Nothing is lost: sent, summed up, held, dropped, or waiting behind its alert; never two of them."""
    made = decide(waiting, 0, channel)
    fates = [*made.send, *made.sum_up, *made.hold, *made.drop]
    behind = {one.alert for one in waiting if one.first is not None and one.first.state == "waiting"}
    assert len(fates) == len(set(fates))
    assert {one.alert for one in waiting} - set(fates) <= behind
    assert decide(waiting[::-1], 0, channel) == made
    moments = [one for one in waiting if one.kind in {Kind.FEED, Kind.DIGEST} and one.alert in {*made.send, *made.hold}]
    assert len(moments) <= MOST_WAITING


def summed(kind: Kind, why: Why, count: int, minutes: tuple[int, int] = (2, 58), still_open: int = 0) -> Summed:
    """So many of a kind."""
    first, last = (NOON + minute * MINUTE for minute in minutes)
    return Summed(kind, why, count, first, last, still_open, [Tone.DANGER] * still_open, ["one", "two"][:count])


def test_a_summary_says_how_long_how_many_and_of_what() -> None:
    """In the title; a line a kind, most first, with some of the titles."""
    given_kinds = [summed(Kind.LAG, Why.AWAY, 1, still_open=1), summed(Kind.FEED, Why.AWAY, 36)]
    tone, words = told(given_kinds, Channel(NOON, NOON + HOUR), NOON + 2 * HOUR)
    assert tone is Tone.DANGER
    assert words.title == "While Slack could not be reached from 12:00 to 13:00 UTC, 37 messages waited"
    assert words.lines == (
        "36 × Conversation, 12:02 to 12:58 UTC\n• one\n• two\n• and 34 more",
        "1 × Recorder behind, 12:02 to 12:58 UTC, 1 still open\n• one",
    )
    assert words.path == "/alerts"


def test_a_summary_says_why() -> None:
    """Quiet hours and intervals have words of their own; a night has dates."""
    quiet = [summed(Kind.FEED, Why.QUIET, 3, (0, 1000))]
    assert told(quiet, Channel(), NOON)[1].title == (
        "In the quiet hours, from Nov 20 12:00 to Nov 21 04:40 UTC, 3 messages of “Conversation” waited"
    )
    often = [summed(Kind.UNKNOWN_MODEL, Why.OFTEN, 2, (0, 1))]
    tone, words = told(often, Channel(NOON, NOON + HOUR), NOON)
    assert (tone, words.title) == (Tone.INFO, "2 messages of “Model without a price” from 12:00 to 12:01 UTC")
    late = [summed(Kind.FEED, Why.LATE, 1)]
    assert (
        told(late, Channel(), NOON)[1].title == "Not told in time: 1 message of “Conversation” from 12:02 to 12:58 UTC"
    )
    mixed = [*often, summed(Kind.FEED, Why.MANY, 1)]
    assert told(mixed, Channel(), NOON)[1].title == "3 messages from 12:00 to 12:58 UTC"
