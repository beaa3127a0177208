"""What the feed says of a turn: secrets, cuts, and anything a client may send."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.alerts.kinds import Kind
from core.alerts.told import MOST_LINES, Alert
from core.alerts.watch_feed import COMPACTED, LATER, TEXT, TOOLS, Turn, turn
from core.models import RequestType
from core.redact import find_secrets
from tests.talks import CONTINUATION, Wire, result, use, user

SEVEN = UUID(int=7)
NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
SECRET = "sk-ant-api03-" + "a1B2" * 20
PEM = "-----BEGIN RSA PRIVATE KEY-----\n" + "QUJD\n" * 30 + "-----END RSA PRIVATE KEY-----"


@dataclass(frozen=True)
class Start:
    """As much of a recording's start as the feed looks at."""

    method: str = "POST"
    target: str = "/v1/messages"


@dataclass
class Said:
    """As much of a recording."""

    message: Any
    stop_reason: str | None = "end_turn"
    request_type: RequestType = RequestType.INFERENCE
    answered_model: str | None = "claude-opus-5-5"
    model: str | None = None
    start: Start = field(default_factory=Start)


@dataclass
class Link:
    """As much of a link."""

    conversation_id: UUID = SEVEN
    is_subtask: bool = False


def told(messages: list[Any], answer: list[Any], link: Link | None = None, **fields: Any) -> Alert | None:
    """The alert of a call with these messages and answer."""
    more = {name: fields.pop(name) for name in ("session", "agent", "system") if name in fields}
    spoken = Wire().call(messages, answer, **more)
    content = [{"type": "text", "text": one} if isinstance(one, str) else one for one in answer]
    said: Any = Said({"content": content}, **fields)
    place: Any = link or Link()
    return turn(Turn(3, "atlas", spoken.facts.call.id, said, spoken.facts, place, NOW))


def lines(messages: list[Any], answer: list[Any]) -> tuple[str, ...]:
    """What is said of it."""
    alert = told(messages, answer)
    assert alert is not None
    return alert.told.lines


def test_a_turn_is_the_words_the_tools_and_the_answer() -> None:
    """One line a call of a tool, with its most telling argument; what was before the user's words is no part of it."""
    before = [user("old"), {"role": "assistant", "content": [use("t0", command="old")]}, user(result("t0"))]
    calls = [
        use("t1", command="ls\nrm"),
        use("t2", "Read", file_path="/a"),
        use("t3", "Odd", n=1),
        use("t4", "X", z="zz"),
    ]
    messages = [
        *before,
        user("new"),
        {"role": "assistant", "content": calls},
        user(*(result(f"t{n}") for n in (1, 2, 3, 4))),
    ]
    assert lines(messages, ["done"]) == ("User: new", "→ Bash: ls", "→ Read: /a", "→ Odd", "→ X: zz", "Answer: done")


@pytest.mark.parametrize(
    "fields",
    [
        {"stop_reason": "tool_use"},
        {"stop_reason": "pause_turn"},
        {"stop_reason": None},
        {"request_type": RequestType.QUOTA},
        {"start": Start(target="/v1/messages/count_tokens")},
        {"link": Link(is_subtask=True)},
        {"session": "s", "agent": "a1"},
        {"session": "s", "system": "Generate a concise, sentence-case title for this"},
    ],
)
def test_what_is_no_end_of_a_persons_turn_is_not_told(fields: dict[str, Any]) -> None:
    """Tools go on; sub-agents, side calls and counts are not people."""
    assert told([user("hi")], ["well"]) is not None
    assert told([user("hi")], ["well"], **fields) is None


def test_a_turn_that_was_compacted_is_told_without_the_summary() -> None:
    """Its words are in the summary only, which no user said; the tools behind it and the answer are told."""
    call = {"role": "assistant", "content": [use("t1", command="ls")]}
    alert = told([user(CONTINUATION + "It was about trains."), call, user(result("t1"))], ["I go on"])
    assert alert is not None
    assert (alert.told.title, alert.told.cause) == ("atlas: answered after a compaction", COMPACTED)
    assert alert.told.lines == ("→ Bash: ls", "Answer: I go on")
    past = [user(CONTINUATION + "It was about trains."), {"role": "assistant", "content": "I go on"}]
    again = told([*past, user("And then?")], ["Then"])
    assert again is not None
    assert again.told.lines == ("User: And then?", "Answer: Then")
    assert again.dedupe_key != alert.dedupe_key


def test_an_answer_to_a_reminder_is_a_turn_of_its_own() -> None:
    """A task in the background ended: what is said of it is told, as a later answer to the words before."""
    note = "<system-reminder>A background task ended.</system-reminder>"
    begun = [user("Do it"), {"role": "assistant", "content": [use("t1", command="ls")]}, user(result("t1"))]
    first = told(begun, ["It runs"])
    second = told([*begun, {"role": "assistant", "content": "It runs"}, user(note)], ["It ended"])
    assert first is not None
    assert second is not None
    assert (first.told.cause, second.told.cause) == ("", LATER)
    assert (first.told.title, second.told.title) == ("atlas: Do it", "atlas: Do it")
    assert second.told.lines == ("User: Do it", "→ Bash: ls", "Answer: It ended")
    assert first.dedupe_key != second.dedupe_key
    prefilled = told([user("As JSON"), {"role": "assistant", "content": "{"}], ["}"])
    assert prefilled is not None
    assert prefilled.told.cause == ""


def test_secrets_are_masked_and_long_things_cut() -> None:
    """Of words, commands and answers, across lines too; many calls of tools are counted."""
    calls = [use(f"t{n}", command=f"curl -H {SECRET}") for n in range(TOOLS + 5)]
    words = f"{'x' * 690} {SECRET}\n{PEM}\nafter"
    messages = [
        user(words),
        {"role": "assistant", "content": calls},
        user(*(result(f"t{n}") for n in range(TOOLS + 5))),
    ]
    said = lines(messages, [f"{PEM}\nThe key is {SECRET}", "line\n" * 500])
    assert len(said) <= MOST_LINES
    assert said[-2] == "→ and 5 more calls of tools"
    assert max(map(len, said)) <= TEXT + len("Answer: ")
    assert not any(find_secrets(one) or "a1B2" in one or "QUJD" in one for one in said)


def test_the_same_turn_has_one_key_and_another_place_another() -> None:
    """A second try of the answer is the same turn; the same words later, or in another conversation, are not."""
    first, again = told([user("go on")], ["one"]), told([user("go on")], ["two"])
    later = told([user("go on"), {"role": "assistant", "content": "one"}, user("go on")], ["two"])
    other = told([user("go on")], ["one"], link=Link(UUID(int=8)))
    keys = [one.dedupe_key for one in (first, again, later, other) if one is not None]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
    assert first is not None
    assert (first.kind, first.subject, first.train) == (Kind.FEED, str(UUID(int=7)), 3)


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=20), _nested, max_leaves=8
)


@given(st.text(min_size=1), JSON, JSON, st.text())
def test_nothing_a_client_sends_raises(words: str, name: Any, argument: Any, answer: str) -> None:
    """Whatever tools are called and given: what is told fits, and can be written."""
    call = {"type": "tool_use", "id": "t", "name": name, "input": argument}
    alert = told([user(words), {"role": "assistant", "content": [call]}, user(result("t"))], [answer])
    if alert is not None:
        assert "\x00" not in alert.told.model_dump_json()
        assert len(alert.told.lines) <= MOST_LINES
