"""What a body asks is the same however much of it was known: warm, cold and in one piece."""

import random
from collections.abc import Iterator
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import asked, lanes
from core.asked import NOTHING, Asked
from core.identity import Caller, Facts, of_transcript
from core.lanes import Lanes
from core.models import Origin
from core.reply import Reply
from core.transcript import Transcript
from tests.captured import FILES, FOLDER
from tests.conversations import conversation
from tests.talks import SECOND, assistant, result, text, use, user

CALLER = Caller(UUID(int=1), 1, Origin(session_id="s"), "key")
REPLY = Reply({"id": "msg_1", "content": [text("a"), text("b"), use("toolu_9")]}, complete=True)


def whole(body: bytes) -> tuple[Transcript, Facts | None]:
    """What a body says, read in one piece."""
    return told(asked.read(body))


def told(said: Asked) -> tuple[Transcript, Facts | None]:
    """All that is derived of what was asked."""
    if said.terms is None:
        return said.transcript, None
    head = said.head.walk if said.head.messages else None
    return said.transcript, of_transcript(CALLER, said.messages, said.terms, REPLY, head)


def unfolded(body: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[Transcript, Facts | None]:
    """The same without any head."""
    with monkeypatch.context() as patch:
        patch.setattr(asked, "cut", lambda *_: 0)
        return whole(body)


def check(bodies: Iterator[bytes], monkeypatch: pytest.MonkeyPatch) -> int:
    """Read bodies of one lane one after the other; how many of them went on from a head."""
    memory, warm = Lanes(), 0
    for body in bodies:
        match = memory.match("lane", body)
        said, match = match.read()
        warm += match.unread < len(body)
        memory.keep(match)
        assert told(said) == whole(body) == unfolded(body, monkeypatch)
    return warm


def short(monkeypatch: pytest.MonkeyPatch, last: int) -> None:
    """Lanes that look into short bodies too and leave fewer messages to the next turn."""
    monkeypatch.setattr(lanes, "WHOLE", 0)
    monkeypatch.setattr(lanes, "LAST", last)
    monkeypatch.setattr(asked, "LAST", last)


@pytest.mark.parametrize("last", [1, 2, 4])
@pytest.mark.parametrize("file", FILES)
def test_captured_sessions_say_the_same_warm_and_cold(file: str, last: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever real clients send in one lane, in their order and backwards."""
    short(monkeypatch, last)
    captures = [orjson.loads(line) for line in (FOLDER / f"{file}.jsonl").read_bytes().splitlines()]
    bodies = [orjson.dumps(one["body"]) for one in captures if one["body"] is not None]
    check(iter([*bodies, *reversed(bodies), *bodies]), monkeypatch)


def test_long_conversations_are_read_from_where_they_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn of a conversation costs its middle: nearly all of them go on from a head."""
    assert check(conversation(40, 2000, tools=6000), monkeypatch) > 30


def talk(chance: random.Random) -> Iterator[dict[str, object]]:
    """Messages as no client sends them, too."""
    kinds = [
        lambda: user(chance.choice(["quota", "hi", "<system-reminder>x</system-reminder>", "é\u2028"])),
        lambda: user([result(f"toolu_{chance.randrange(6)}", "agentId: a1"), text("more")]),
        lambda: assistant([text("x"), use(f"toolu_{chance.randrange(6)}")]),
        lambda: assistant(chance.choice(["said", ""])),
        lambda: {"role": "system", "content": "remember"},
        lambda: chance.choice([None, 1, {}, {"role": []}, {"role": "user"}]),
    ]
    weights = [4, 4, 6, 3, 1, 1]
    while True:
        yield chance.choices(kinds, weights)[0]()


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), last=st.integers(1, 4))
def test_random_sessions_say_the_same_warm_and_cold(seed: int, last: int) -> None:
    """Turns that go on, go back, change their end, their system prompt or their keys, or are cut off."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        short(monkeypatch, last)
        check(random_bodies(random.Random(seed)), monkeypatch)


def random_bodies(chance: random.Random) -> Iterator[bytes]:
    """What one lane may bring."""
    source, messages = talk(chance), []
    for turn in range(12):
        messages += [next(source) for _ in range(chance.randrange(5))]
        if chance.random() < 0.2:
            del messages[chance.randrange(len(messages) + 1) :]
        rest: dict[str, object] = {"system": "s", "tools": [{"name": "t", "cache_control": 1}], "max_tokens": 1}
        if chance.random() < 0.2:
            rest["system"] = [text(f"turn {turn}")]
        if chance.random() < 0.1:
            rest["thread"] = {"type": "continue", "previous_message_id": "msg_0"}
        body = orjson.dumps({"model": "m", "messages": messages, **rest})
        if chance.random() < 0.2:
            body = chance.choice(
                [
                    body[:-1] + b',"messages":[]}',
                    body[:-1] + b',"messages":' + orjson.dumps(messages[:1]) + b"}",
                    body[:-1] + b',"mess\\u0061ges":[{"role":"user","content":"other"}]}',
                    b'{"messages":[{"role":"user","content":"first"}],' + body[1:],
                    body.replace(b'"messages":[', b'"messages": [ '),
                    body[: len(body) // 2],
                    body.replace(b"said", b"\xff"),
                    body.replace(b'"m"', b"NaN"),
                    b"\xef\xbb\xbf" + body,
                    b"[" + body + b"]",
                ]
            )
        yield body


def test_another_key_of_that_name_is_what_counts() -> None:
    """Of two lists of messages the last counts, for the API as for us; the one that is divided is the first."""
    first = orjson.dumps([user("one"), assistant("two"), user("three")])
    body = b'{"messages":%b,"model":"m","messages":[]}' % first
    begin = body.index(b"[") + 1
    end = begin + len(first) - 2
    assert asked.shell(body[:begin], bytes(32), body[end:]) is None
    assert asked.shell(body[:begin], bytes(32), b"]}") is not None


def test_messages_are_one_list() -> None:
    """What only looks like the middle of a list is none."""
    around = asked.shell(b'{"messages":[', bytes(32), b"]}")
    assert around is not None
    for odd in (b'1],"x":[2', b"1],[2", b"]", b"{", b'"'):
        assert asked.go_on(around, odd, NOTHING) is None
    assert asked.go_on(around, b"", NOTHING) is not None


def test_a_head_ends_behind_a_user_message() -> None:
    """The launches that a result answers stand in the same run of assistant messages, whatever stands between."""
    messages = [user("a"), {"role": "system", "content": []}, assistant("b"), user("c"), assistant("d"), user("e")]
    body = orjson.dumps({"messages": messages, "max_tokens": SECOND})
    assert asked.read(body).head == NOTHING
