"""What is read of one call: its sub-agents, its summary, its settings, its failure."""

from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import identity
from core.chain import digest, digests
from core.identity import Caller, system_key, terms, tools_key
from core.launches import Pair, pairs
from core.linking import forest
from core.models import Origin, Outcome, Timings
from core.reply import Reply, reply_of
from core.walk import Walk, cut, walk
from tests.talks import Traffic, Wire, assistant, launch, result, text, use, user

BILLING = "x-anthropic-billing-header: cc_version=2.1.328.add; cc_entrypoint=sdk-cli;"


def facts(**body):
    """The facts of a running call of a session."""
    return identity.read(UUID(int=1), 1, orjson.dumps(body), Origin(session_id="s"), "key")


def test_the_billing_header_is_left_out_of_the_system_hash():
    """As a block of its own, or as the first line of the prompt."""
    plain = facts(system=[text("You are."), text("More.")]).system_hash
    assert facts(system=[text(BILLING), text("You are."), text("More.")]).system_hash == plain
    assert facts(system=[text(BILLING + "\nYou are."), {**text("More."), "cache_control": {}}]).system_hash == plain
    assert facts(system="You are.").system_hash == facts(system=[text("You are.")]).system_hash != plain
    assert facts().system_hash == facts(system=[]).system_hash == system_key(())


def test_what_a_system_prompt_says_is_remembered_only_where_it_is_short():
    """Long and short, known and new: the same is read of it."""
    for words in ("You are brief.", "You are naming a coding session", "Be tasked with summarizing conversations."):
        for prompt in (words, words + " " + "x" * 100_000):
            first, again = (facts(system=prompt) for _ in range(2))
            assert first == again
            assert first.system_hash == system_key((prompt,))
            assert first.call.side_call == ("title" if "naming" in words else None)
            assert first.call.summariser is ("summarizing" in words)


def test_tools_are_hashed_without_their_marks():
    """In any order of keys."""
    one = [{"name": "a", "input_schema": {"type": "object"}}]
    other = [{"input_schema": {"type": "object"}, "cache_control": {}, "name": "a"}]
    assert tools_key(one) == tools_key(other) != tools_key([])
    assert tools_key(None) == tools_key([])


def test_pairs_are_those_that_the_end_of_the_transcript_states():
    """The last id in the result of a launch; results of other tools state nothing, older ones were stated before."""
    said = "Report. agentId: fake\nagentId: a1 (use SendMessage with to: 'a1')"
    talk = [
        user("x"), assistant(launch("t0", "p")), user(result("t0", "agentId: a0")),
        assistant(launch("t1", "p"), use("t2")), user(result("t1", [text(said)]), result("t2", "agentId: a2")),
        {"role": "system", "content": ""},
    ]  # fmt: skip
    assert pairs(talk, whole=True) == (Pair("a1", "t1"),)
    assert pairs(talk[4:], whole=False) == (Pair("a1", "t1"), Pair("a2", "t2"))
    assert pairs([], whole=True) == ()


CUT = (
    b'data: {"type":"message_start","message":{"id":"msg_1","content":[]}}\n\n'
    b'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
    b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hel"}}\n\n'
    b'data: {"type":"content_block_stop","index":0}\n\n'
    b'data: {"type":"content_block_start","index":1,'
    b'"content_block":{"type":"tool_use","id":"t1","name":"B","input":{}}}\n\n'
)
STOP = b'data: {"type":"content_block_stop","index":1}\n\n'
STREAM = (("content-type", "text/event-stream"),)


@pytest.mark.parametrize(("stream", "blocks"), [(CUT, 1), (CUT + STOP, 2)])
def test_an_unfinished_tool_use_is_no_item(derived, stream, blocks):
    """Even where nothing of its input came: only its end tells that it was whole."""
    recording = derived(b"{}", stream, headers=STREAM, outcome=Outcome.CLIENT_CANCELLED, cut=50)
    reply = reply_of(recording)
    assert len(reply.blocks()) == blocks
    assert not reply.complete
    # The client could know with the last byte.
    assert reply.failed_at_us == recording.start.at_us + recording.chunks[-1].at_us


def test_an_error_status_fails_with_its_status_line(derived):
    """A client may retry before the body ends."""
    recording = derived(b"{}", b"{}", status=529, timings=Timings(head_us=2000, end_us=9000))
    assert reply_of(recording).failed_at_us == recording.start.at_us + 2000


def test_a_call_without_an_answer_fails_when_it_is_closed(derived):
    """There is nothing else that its client could know by."""
    recording = derived(b"{}", status=None, outcome=Outcome.UPSTREAM_UNREACHABLE)
    assert reply_of(recording).failed_at_us == recording.start.at_us + 9000


def test_a_client_that_hangs_up_after_the_last_event_has_its_answer(derived):
    """The stop reason was said."""
    end = b'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}\n\n'
    assert reply_of(derived(b"{}", CUT + STOP + end, headers=STREAM, outcome=Outcome.CLIENT_CANCELLED)).complete
    error = b'data: {"type":"error","error":{"type":"overloaded_error","message":"x"}}\n\n'
    assert not reply_of(derived(b"{}", CUT + STOP + end + error, headers=STREAM)).complete


def test_facts_never_raise_on_odd_bodies():
    """What is not as it should be says nothing."""
    odd = [
        None,
        1,
        "x",
        [],
        {},
        [None],
        [{"role": "user"}],
        [{"role": "user", "content": [{"type": "text"}, {"type": []}]}],
    ]
    for value in odd:
        made = facts(messages=value, system=value, tools=value, thread=value, max_tokens=value, model=value)
        assert made is not None
        assert made.call.state


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_a_walk_that_goes_on_from_a_head_comes_to_the_same(seed):
    """Cut at every place where a head may end: the facts are those of the whole transcript."""
    for number, call in enumerate(random_bodies(seed)):
        messages, reply = call
        caller, asked = Caller(UUID(int=number), 1, Origin(session_id="s"), "key"), terms({})
        whole = identity.of_transcript(caller, messages, asked, reply)
        for place in {0, cut(messages), *places(messages)}:
            head, _ = walk(messages[:place], Walk())
            assert identity.of_transcript(caller, messages[place:], asked, reply, head) == whole


def places(messages):
    """Where a head may end."""
    roles = [message["role"] for message in messages]
    return [at for at in range(1, len(roles)) if roles[at - 1 : at + 1] == ["user", "assistant"]]


def random_bodies(seed):
    """Transcripts with their answers, as random clients send them."""
    made = []

    class Bodies(Wire):
        def call(self, messages, answer=None, **more):
            made.append(
                (messages, Reply({"content": [text(one) if isinstance(one, str) else one for one in answer or []]}))
            )
            return super().call(messages, answer, **more)

    traffic = Traffic(seed)
    traffic.wire = Bodies()
    traffic.play(12)
    return made


odd_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.text(max_size=8)
    | st.sampled_from(["user", "assistant", "text"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["role", "content", "type", "text", "id", "tool_use_id", "name", "input", "source", "data"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


odd_block = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "tool_use", "tool_result", "image", "thinking", "compaction", "x"]) | odd_json},
    optional={
        name: odd_json | st.lists(st.dictionaries(st.sampled_from(["type", "text", "source"]), odd_json), max_size=2)
        for name in ("id", "tool_use_id", "name", "input", "content", "text", "source", "is_error")
    },
)
odd_messages = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": st.lists(odd_block, max_size=3)}),
    max_size=3,
)


@given(odd_json | odd_messages, odd_json, odd_json | st.lists(odd_block, max_size=3))
def test_no_json_makes_it_raise(messages, system, content):
    """Whatever stands where something else should, in the request and in the answer."""
    body = orjson.dumps({"messages": messages, "system": system, "tools": content, "thread": system}, default=str)
    reply = Reply({"id": system, "content": content}, complete=True)
    made = identity.read(UUID(int=1), 1, body, Origin(session_id="s"), "key", reply)
    if made is not None:
        assert forest([made])


def test_digests_are_those_of_one_by_one():
    """Many names that begin alike are the names that each of them has alone."""
    parts = [b"", b"a", b"4:", b"x" * 1000]
    assert digests((b"state", b"lane"), parts) == [digest(b"state", b"lane", part) for part in parts]
