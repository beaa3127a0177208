"""The message rebuilt from a stream is the message the non-streaming API would have returned."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.message import MessageBuilder

HEAD = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "stop_sequence": None}


def build(*events):
    """A builder that has seen these events."""
    builder = MessageBuilder()
    for event in events:
        builder.add(event)
    return builder


def start(**more):
    """A message_start event as the API sends it."""
    message = {**HEAD, "content": [], "stop_reason": None, "usage": {"input_tokens": 3, "output_tokens": 1}, **more}
    return {"type": "message_start", "message": message}


def block(index, content, *deltas):
    """The events of one content block."""
    return (
        {"type": "content_block_start", "index": index, "content_block": content},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    )


def ending(reason="end_turn", **more):
    """message_delta and message_stop."""
    delta = {"stop_reason": reason, "stop_sequence": None}
    return (
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 9}, **more},
        {"type": "message_stop"},
    )


def fragments(kind, field, *texts):
    """Deltas of one kind."""
    return [{"type": kind, field: text} for text in texts]


TOOL = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {}}
CASES = {
    "text": (
        [{"type": "text", "text": ""}, *fragments("text_delta", "text", "Hel", "", "lo")],
        {"type": "text", "text": "Hello"},
    ),
    "text begun in its start": (
        [{"type": "text", "text": "A"}, *fragments("text_delta", "text", "B")],
        {"type": "text", "text": "AB"},
    ),
    "citations": (
        [
            {"type": "text", "text": "", "citations": []},
            {"type": "citations_delta", "citation": {"type": "char_location", "cited_text": "x"}},
            {"type": "text_delta", "text": "so"},
            {"type": "citations_delta", "citation": {"type": "page_location"}},
        ],
        {
            "type": "text",
            "text": "so",
            "citations": [{"type": "char_location", "cited_text": "x"}, {"type": "page_location"}],
        },
    ),
    "tool input": (
        [TOOL, *fragments("input_json_delta", "partial_json", "", '{"comm', 'and": "ls"}')],
        {**TOOL, "input": {"command": "ls"}},
    ),
    "tool without arguments": ([TOOL, *fragments("input_json_delta", "partial_json", "")], TOOL),
    "tool input given at once": ([{**TOOL, "input": {"a": 1}}], {**TOOL, "input": {"a": 1}}),
    "tool input that is no JSON": (
        [TOOL, *fragments("input_json_delta", "partial_json", '{"a": ', "tru")],
        {**TOOL, "_partial_json": '{"a": tru'},
    ),
    "tool input nested too deep to store": (
        [TOOL, *fragments("input_json_delta", "partial_json", "[" * 300, "]" * 300)],
        {**TOOL, "_partial_json": "[" * 300 + "]" * 300},
    ),
    "thinking": (
        [
            {"type": "thinking", "thinking": "", "signature": ""},
            *fragments("thinking_delta", "thinking", "let ", "me"),
            {"type": "signature_delta", "signature": "EqQB"},
        ],
        {"type": "thinking", "thinking": "let me", "signature": "EqQB"},
    ),
    "thinking whose progress is counted": (
        [
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "", "estimated_tokens": 50},
            {"type": "signature_delta", "signature": "S"},
        ],
        {"type": "thinking", "thinking": "", "signature": "S"},
    ),
    "compaction": (
        [
            {"type": "compaction", "content": None},
            {"type": "compaction_delta", "content": "The story so far", "encrypted_content": "e=="},
            {"type": "compaction_delta", "content": None},
        ],
        {"type": "compaction", "content": "The story so far", "encrypted_content": "e=="},
    ),
    "unknown delta": (
        [{"type": "text", "text": "a"}, {"type": "new_delta", "x": 1}, {}, {"type": "text_delta"}],
        {"type": "text", "text": "a", "_deltas": [{"type": "new_delta", "x": 1}, {}, {"type": "text_delta"}]},
    ),
}  # fmt: skip
VERBATIM = [
    {"type": "redacted_thinking", "data": "abc="},
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
    {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"type": "web_search_result"}]},
    {"type": "mcp_tool_use", "id": "mcptoolu_1", "server_name": "s", "name": "n", "input": {}},
    {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "is_error": False, "content": []},
    {"type": "container_upload", "file_id": "file_1"},
    {"type": "hologram", "anything": [1, {"b": None}]},
]


@pytest.mark.parametrize("case", CASES)
def test_a_block_is_its_start_and_its_deltas(case):
    """Each kind of delta goes where the non-streaming answer has it; what is unknown is kept."""
    (first, *deltas), wanted = CASES[case]
    message = build(start(), *block(0, first, *deltas), *ending()).message()
    assert message == {
        **HEAD, "content": [wanted], "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 9},
    }  # fmt: skip


def test_blocks_of_any_type_stay_verbatim():
    """Nothing has to be known of a block to keep it."""
    events = [event for index, content in enumerate(VERBATIM) for event in block(index, content)]
    assert build(start(), *events, *ending()).message()["content"] == VERBATIM


def test_the_ending_brings_its_fields_to_the_message():
    """Known and unknown ones, from the delta and beside it; null takes nothing away."""
    builder = build(
        start(container=None),
        {"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": {"category": "x"}}},
        {
            "type": "message_delta",
            "delta": {"stop_reason": None, "container": {"id": "c"}, "news": 1, "content": "no"},
            "usage": {"output_tokens": 7},
            "context_management": {"applied_edits": []},
            "later_field": None,
        },
        {"type": "message_stop"},
    )
    assert builder.message() == {
        **HEAD,
        "content": [],
        "stop_reason": "refusal",
        "stop_details": {"category": "x"},
        "container": {"id": "c"},
        "news": 1,
        "context_management": {"applied_edits": []},
        "later_field": None,
        "usage": {"input_tokens": 3, "output_tokens": 7},
    }
    assert builder.stopped


def test_a_fallback_names_the_model_that_answered():
    """As the SDK's own accumulator has it."""
    content = {"type": "fallback", "from": {"model": "claude-x"}, "to": {"model": "claude-y"}}
    message = build(start(), *block(0, content), *ending()).message()
    assert message["model"] == "claude-y"
    assert message["content"] == [content]


def test_indexes_order_the_blocks_and_none_overwrites_another():
    """Out of order, twice, missing or nonsense: every block and every fragment is in the message."""
    text = [
        {"type": "content_block_start", "index": 2, "content_block": {"type": "text", "text": "c"}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "a"}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "b"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "+"}},
        {"type": "content_block_delta", "index": 2, "delta": {"type": "text_delta", "text": "-"}},
        {"type": "content_block_start", "content_block": {"type": "text", "text": "d"}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "!"}},
        {"type": "content_block_delta", "index": "x", "delta": {"type": "text_delta", "text": "e"}},
        {"type": "content_block_delta", "index": 9, "delta": {"type": "thinking_delta", "thinking": "f"}},
        {"type": "content_block_delta", "index": 10, "delta": {"type": "odd", "g": 1}},
    ]
    assert build(start(), *text).message()["content"] == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b+"},
        {"type": "text", "text": "c-"},
        {"type": "text", "text": "d!"},
        {"type": "text", "text": "e"},
        {"type": "thinking", "thinking": "f"},
        {"type": "unknown", "_deltas": [{"type": "odd", "g": 1}]},
    ]


def test_a_second_or_late_start_wipes_nothing():
    """Its new fields are taken, its figures count as the earlier ones."""
    first, second = start(), start(id="msg_2", extra=1)
    events = [*block(0, {"type": "text", "text": "kept"}), *ending()]
    for order in ([first, *events, second], [*events, first, second]):
        message = build(*order).message()
        assert message["id"] == "msg_1"
        assert message["extra"] == 1
        assert message["content"] == [{"type": "text", "text": "kept"}]
        assert message["stop_reason"] == "end_turn"
        assert message["usage"] == {"input_tokens": 3, "output_tokens": 9}


def test_a_cut_stream_gives_the_message_so_far():
    """Unfinished tool input as text; nothing is stopped; before any event there is no message."""
    assert build().message() is None
    assert build({"type": "ping"}, {"type": "message_stop"}, {"type": "future_event", "index": 1}).message() is None
    builder = build(start(), *block(0, TOOL, *fragments("input_json_delta", "partial_json", '{"command": "l'))[:-1])
    assert builder.message()["content"] == [{**TOOL, "_partial_json": '{"command": "l'}]
    assert builder.message()["stop_reason"] is None
    assert not builder.stopped


def test_an_error_event_is_kept_whole():
    """Beside the message so far."""
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_1"}
    builder = build(start(), error)
    assert builder.error == error
    assert builder.message()["id"] == "msg_1"


def test_asking_twice_gives_equal_messages_and_changes_nothing():
    """The dashboard asks in the middle of a stream."""
    events = [start(), *block(0, TOOL, *fragments("input_json_delta", "partial_json", "{}")), *ending()]
    builder = MessageBuilder()
    for event in events:
        builder.add(event)
        assert builder.message() == builder.message()
    assert builder.message() == build(*events).message()


json_values = st.recursive(
    st.none() | st.integers(-(1 << 63), (1 << 63) - 1) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)
KINDS = ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "error"]
DELTAS = ["text_delta", "thinking_delta", "input_json_delta", "citations_delta", "signature_delta", "compaction_delta"]
payloads = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS) | json_values},
    optional={
        "index": json_values,
        "message": json_values | st.fixed_dictionaries({"content": json_values, "usage": json_values}),
        "content_block": json_values | st.fixed_dictionaries({"type": st.just("fallback"), "to": json_values}),
        "delta": json_values
        | st.fixed_dictionaries(
            {"type": st.sampled_from(DELTAS)},
            optional=dict.fromkeys(["text", "thinking", "partial_json", "citation", "signature"], json_values),
        ),
        "usage": json_values,
        "error": json_values,
    },
)


@given(st.lists(payloads, max_size=8))
def test_no_shape_of_event_raises(events):
    """And what comes of it can be written as JSON."""
    orjson.dumps(build(*events).message(), default=str)
