"""Known traps of conversations.md: openings, retries, what clients change between turns, other calls and days."""

import random

import pytest

from core import asked
from tests.talks import SECOND, assistant, result, text, use, user
from tests.told import DAY, ROOT, Client, reminder


@pytest.mark.parametrize("sessions", [False, True], ids=["distinct answers", "identical answers, but session ids"])
def test_concurrent_identical_openings(sessions):
    """200 clients say the same at the same time, interleaved for three turns: nobody is swapped, nothing merges."""
    wire, count = Client(), 200
    rng = random.Random(5)
    talks = [[user("hi")] for _ in range(count)]
    turns = [client for client in range(count) for _ in range(3)]
    rng.shuffle(turns)
    made = {client: [] for client in range(count)}
    for client in turns:
        answer = "Hello." if sessions else f"Hello, {client}."
        number = wire.call(*talks[client], answer=[answer], after_us=7, session=f"s{client}" if sessions else None)
        made[client].append(number)
        talks[client] += [assistant(answer), user("go on")]
    edges = wire.edges()
    for numbers in made.values():
        assert [edges[one] for one in numbers] == [ROOT, (numbers[0], "reply"), (numbers[1], "reply")]
    assert wire.conversations() == count
    assert set(wire.branches()) == {"main"}


def test_eight_unrelated_hi():
    """The same word from one key, with the same answer: eight conversations."""
    wire = Client()
    for _ in range(8):
        wire.call(user("hi"))
    assert wire.edges() == [ROOT] * 8
    assert wire.attempts() == [None] * 8


def test_sdk_retries():
    """The count says which failure a retry follows; a first try of the same words is a new call."""
    wire = Client()
    wire.fail(user("hi"), retry=0)
    wire.fail(user("hi"), retry=1)
    wire.call(user("hi"), retry=2)
    wire.call(user("hi"), retry=0)
    assert wire.attempts() == [None, 0, 0, None]
    assert wire.conversations() == 2


def test_sdk_retries_of_two_programs_do_not_cross():
    """Two failures at once; each is claimed once, by a retry with the next count."""
    wire = Client()
    wire.fail(user("hi"), retry=0)
    wire.fail(user("hi"), retry=0)
    wire.fail(user("hi"), retry=1)
    wire.call(user("hi"), retry=1)
    wire.call(user("hi"), retry=2)
    assert wire.attempts() == [None, None, 1, 0, 1]


@pytest.mark.parametrize(
    ("changed", "attempt"),
    [
        ({}, 0),
        ({"retry": 2}, None),
        ({"system": "another"}, None),
        ({"tools": [{"name": "t"}]}, None),
        ({"model": "other"}, None),
        ({"client": "key-b"}, None),
        ({"after_us": 601 * SECOND}, None),
        ({"after_us": 500}, None),
    ],
    ids=str,
)
def test_a_retry_without_a_session_is_the_same_in_everything(changed, attempt):
    """System, tools, model, key and count; after the failure, within ten minutes."""
    wire = Client()
    wire.fail(user("hi"), retry=0)
    wire.call(user("hi"), **{"retry": 1, **changed})
    assert wire.attempts()[1] == attempt


def test_claude_code_retries_with_another_model_and_without_stream():
    """Retry count always 0, model changed on fallback, system changed: in a session the state decides."""
    wire = Client()
    wire.fail(user("hi"), session="s", retry=0, stream=True)
    wire.fail(user("hi"), session="s", retry=0, model="smaller", system="x")
    wire.call(user("hi"), session="s", retry=0, stream=False)
    wire.call(user("hi"), session="s2", retry=0)
    assert wire.attempts() == [None, 0, 0, None]


def test_attempts_share_the_edge_and_children_point_to_the_attempt_that_answered():
    """Parent, method and branch of the first; the next turn contains the answer of the last."""
    wire = Client()
    wire.call(user("hi"), session="s")
    talk = [user("hi"), assistant("Hello."), user("more")]
    wire.fail(*talk, session="s")
    wire.call(*talk, answer=["Sure."], session="s")
    wire.call(*talk, assistant("Sure."), user("and"), session="s")
    assert wire.edges() == [ROOT, (0, "reply"), (0, "reply"), (2, "reply")]
    assert wire.attempts() == [None, None, 1, None]
    assert wire.branches() == ["main"] * 4


def test_the_same_again_after_a_good_answer_is_a_sibling():
    """Regenerated: its own evidence, a branch of its own."""
    wire = Client()
    wire.call(user("hi"), session="s")
    talk = [user("hi"), assistant("Hello."), user("more")]
    wire.call(*talk, session="s")
    wire.call(*talk, session="s")
    assert wire.edges() == [ROOT, (0, "reply"), (0, "reply")]
    assert wire.branches() == ["main", "main", "branch_20260528202643"]


def test_dropped_thinking():
    """The answer's thinking is not sent back; an answer of thinking alone has no reply state."""
    wire = Client()
    thinking = {"type": "thinking", "thinking": "hm", "signature": "x"}
    wire.call(user("hi"), answer=[thinking, "Hello."], session="s")
    wire.call(user("hi"), assistant("Hello."), user("more"), answer=[thinking], session="s")
    wire.call(user("hi"), assistant("Hello."), user("more"), user("well?"), session="s")
    assert wire.edges() == [ROOT, (0, "reply"), (1, "prefix")]


def test_reminders_sent_as_string_once_and_as_block_next():
    """In the text, in a block, in a tool result, moved, with the white space before them."""
    wire = Client()
    wire.call({"role": "user", "content": f"{reminder()}\nhi"}, answer=[use("t1")])
    wire.call(user(reminder("other"), "hi"), assistant(use("t1")), user(result("t1", f"ok\n\n{reminder()}")))
    wire.call(
        user("hi", reminder()),
        assistant(use("t1")),
        user(result("t1", [text("ok\r\n"), text(reminder())])),
        assistant("Hello."),
        {"role": "user", "content": "more"},
    )
    assert wire.edges() == [ROOT, (0, "reply"), (1, "reply")]


def test_the_same_tool_message_sent_twice():
    """A tool_use or tool_result whose id was seen counts once."""
    wire = Client()
    wire.call(user("hi"), answer=[use("t1")], session="s")
    twice = [assistant(use("t1")), user(result("t1")), assistant(use("t1")), user(result("t1"))]
    wire.call(user("hi"), *twice, session="s")
    wire.call(user("hi"), *twice[:2], assistant("Hello."), user("more"), session="s")
    assert wire.edges() == [ROOT, (0, "reply"), (1, "reply")]


def test_an_aborted_answer_kept_by_the_client():
    """A partial answer is an answer, word for word."""
    wire = Client()
    wire.fail(user("hi"), answer=["Hel"])
    wire.call(user("hi"), assistant("Hel"), user("go on"))
    assert wire.edges() == [ROOT, (0, "reply")]


def test_an_aborted_answer_dropped_by_the_client():
    """The request itself lies on the chain, in its lane."""
    wire = Client()
    wire.fail(user("hi"), answer=["Hel"])
    wire.call(user("hi"), user("no, this"))
    wire.call(user("hi"), user("no, this"), client="key-b")
    assert wire.edges() == [ROOT, (0, "prefix"), ROOT]


def test_a_cut_tool_use_is_no_item():
    """What was not finished was never run."""
    wire = Client()
    half = {**use("t1"), "_partial_json": '{"com'}
    wire.fail(user("hi"), answer=["I will.", half], session="s")
    wire.call(user("hi"), assistant("I will."), user("go on"), session="s")
    assert wire.edges() == [ROOT, (0, "reply")]


@pytest.mark.parametrize(
    ("answer", "goes_on", "after_us", "edge"),
    [
        (["Hello."], user("b"), SECOND, ROOT),  # a good answer that nobody went on with: two user turns at once
        (None, user("b"), SECOND, (0, "prefix")),  # still running, or lost
        ([{"type": "thinking", "thinking": "x"}], user("b"), SECOND, (0, "prefix")),
        (["Hello."], assistant("Goodbye."), SECOND, (0, "prefix")),  # the answer was edited
        (["Hello."], assistant("Goodbye."), 2 * DAY, ROOT),
        (None, user("b"), 2 * DAY, ROOT),
    ],
)
def test_without_a_session_a_prefix_needs_a_reason(answer, goes_on, after_us, edge):
    """Same key, 24 hours, and no whole answer, or the transcript goes on with an assistant item."""
    wire = Client()
    wire.call(user("a"), answer=answer)
    wire.call(user("a"), goes_on, user("c"), after_us=after_us)
    assert wire.edges() == [ROOT, edge]


def test_an_edited_early_message():
    """The chain is broken from the start, but the latest answer is still there after its user text."""
    wire = Client()
    wire.call(user("hi"), session="s")
    wire.call(user("hi"), assistant("Hello."), user("more"), answer=["Sure."], session="s")
    edited = [user("HI"), assistant("Hello."), user("more"), assistant("Sure."), user("and")]
    wire.call(*edited, session="s")
    wire.call(*edited, session="other")
    assert wire.edges() == [ROOT, (0, "reply"), (1, "turn"), ROOT]


def test_a_prefilled_assistant_turn():
    """Sent back joined to the prefill, or behind it."""
    wire = Client()
    wire.call(user("json"), assistant("{ "), answer=['"a": 1}'])
    wire.call(user("json"), assistant('{ "a": 1}'), user("more"))
    wire.call(user("json"), assistant("{ ", '"a": 1}'), user("other"))
    assert wire.edges() == [ROOT, (0, "reply"), (0, "reply")]


def test_texts_of_one_answer_joined():
    """A client that keeps one string of several text blocks."""
    wire = Client()
    wire.call(user("hi"), answer=["One. ", "Two."])
    wire.call(user("hi"), assistant("One. Two."), user("more"))
    assert wire.edges() == [ROOT, (0, "reply")]


def test_two_user_turns_at_once():
    """In a session the second waits for no answer: a sibling of what follows the answer."""
    wire = Client()
    wire.call(user("a"), session="s")
    wire.call(user("a"), user("b"), session="s")
    wire.call(user("a"), assistant("Hello."), user("b"), session="s")
    assert wire.edges() == [ROOT, (0, "prefix"), (0, "reply")]
    assert wire.branches() == ["main", "main", "branch_20260528202643"]


def test_cleared_tool_results():
    """The id of the last tool_use survives what is cleared before it, in any lane."""
    wire = Client()
    wire.call(user("hi"), answer=[use("t1")], session="s")
    wire.call(user("hi"), assistant(use("t1")), user(result("t1", "long")), answer=[use("t2")], session="s")
    cleared = [user("hi"), assistant(use("t1")), user(result("t1", "[cleared]")), assistant(use("t2"))]
    wire.call(*cleared, user(result("t2")), session="s")
    wire.call(*cleared, user(result("t2")), user("x"), session="fork")
    assert wire.edges() == [ROOT, (0, "reply"), (1, "turn"), (1, "turn")]


def test_a_turn_of_reminders_only():
    """A task notification adds no item: the answer lies at the very end, and the next turn follows the last answer."""
    wire = Client()
    wire.call(user("hi"), answer=["Started."], session="s")
    notified = [user("hi"), assistant("Started."), user(reminder("task done"))]
    wire.call(*notified, answer=["It is done."], session="s")
    wire.call(*notified, assistant("It is done."), user("thanks"), session="s")
    assert wire.edges() == [ROOT, (0, "reply"), (1, "reply")]
    assert wire.branches() == ["main"] * 3


def test_a_turn_of_reminders_only_whose_answer_was_lost():
    """It has fewer messages than what follows, so it goes before the answer that lies at the same place."""
    wire = Client()
    wire.call(user("hi"), answer=["Started."], session="s")
    notified = [user("hi"), assistant("Started."), user(reminder("one"))]
    wire.call(*notified, answer=None, session="s")
    wire.call(*notified, user(reminder("two")), answer=None, session="s")
    wire.call(*notified, user("well?"), session="s")
    assert wire.edges() == [ROOT, (0, "reply"), (1, "prefix"), (1, "prefix")]


def test_count_tokens_with_the_same_messages_just_before(derived):
    """It takes no part, nor do calls whose body can not be read; the message call after it does."""
    body = b'{"messages":[{"role":"user","content":"hi"}]}'
    counted, called = derived(body, target="/v1/messages/count_tokens?beta=true"), derived(body)
    assert asked.facts(counted, asked.read(body)) is None
    assert asked.facts(called, asked.read(body)).items
    for odd in (b"", b"{", b"[]", b'{"messages":[{"role":"user","content":[{"a":' + b"[" * 300 + b"]" * 300 + b"}]}]}"):
        assert asked.facts(called, asked.read(odd)) is None


@pytest.mark.parametrize("hours", [4, 24 * 4, 24 * 40])
def test_a_conversation_that_crosses_midnight_a_month_a_restart(hours):
    """The transcript is the identity, so time does not matter."""
    wire = Client()
    wire.call(user("hi"))
    wire.call(user("hi"), assistant("Hello."), user("more"), after_us=hours * 3600 * SECOND)
    assert wire.edges() == [ROOT, (0, "reply")]
    assert wire.branches() == ["main", "main"]
