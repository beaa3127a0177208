"""Usage is what was reported, field by field; what is not known stays None and nothing raises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import usage
from core.message import MessageBuilder
from core.models import Usage

START = {
    "input_tokens": 412,
    "cache_creation_input_tokens": 30,
    "cache_read_input_tokens": 20480,
    "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
    "output_tokens": 1,
    "service_tier": "standard",
    "inference_geo": "us",
    "speed": "fast",
}
DELTA = {
    "input_tokens": None,
    "output_tokens": 171,
    "output_tokens_details": {"thinking_tokens": 40},
    "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1, "code_execution_requests": 3},
    "iterations": [{"type": "message", "input_tokens": 412}],
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*START, *DELTA]), inner, max_size=4),
    max_leaves=20,
)


def test_every_column_has_its_place():
    """The names are the API's; the raw object is kept beside them."""
    merged = usage.merge(START, DELTA)
    assert usage.read(merged, complete=True) == Usage(
        input_tokens=412,
        output_tokens=171,
        cache_creation_input_tokens=30,
        cache_read_input_tokens=20480,
        ephemeral_5m_input_tokens=10,
        ephemeral_1h_input_tokens=20,
        thinking_tokens=40,
        web_search_requests=2,
        web_fetch_requests=1,
        code_execution_requests=3,
        service_tier="standard",
        inference_geo="us",
        speed="fast",
        complete=True,
        raw=merged,
    )


def test_figures_are_cumulative_never_added():
    """The last non-null of each field wins, inside objects too; lists are replaced."""
    merged = usage.merge(
        {"output_tokens": 5, "server_tool_use": {"a": 1, "b": 2}, "iterations": [1, 2]},
        {"output_tokens": 9, "server_tool_use": {"a": None, "b": 3, "c": 4}, "iterations": [3], "new": None},
    )
    assert merged == {
        "output_tokens": 9,
        "server_tool_use": {"a": 1, "b": 3, "c": 4},
        "iterations": [3],
        "new": None,
    }


@pytest.mark.parametrize("bad", ["12", -1, 1.0, 1.5, True, None, [], {}, 10**13, float("inf")])
def test_what_is_no_whole_number_is_unknown(bad):
    """Unknown, not 0; a zero is a zero."""
    read = usage.read({"input_tokens": bad, "output_tokens": 0, "cache_creation": bad}, complete=True)
    assert read.input_tokens is None
    assert read.ephemeral_5m_input_tokens is None
    assert read.output_tokens == 0


@pytest.mark.parametrize("nothing", [None, [], "usage", 7])
def test_without_a_usage_object_nothing_is_known_and_nothing_complete(nothing):
    """Whatever the answer's end was."""
    assert usage.read(nothing, complete=True) == Usage()


@given(json_values, json_values)
def test_no_shape_raises(earlier, later):
    """The provider's JSON is read leniently."""
    if isinstance(earlier, dict) and isinstance(later, dict):
        earlier = usage.merge(earlier, later)
    usage.read(earlier, complete=False)


def streamed(*deltas):
    """The usage of a stream as its message has it: a start, then the deltas of it, then perhaps the end."""
    builder = MessageBuilder()
    builder.add({"type": "message_start", "message": {"type": "message", "role": "assistant", "usage": START}})
    for delta in deltas:
        builder.add({"type": "message_delta", "delta": {}, "usage": delta})
    message = builder.message()
    assert message is not None
    return usage.read(message["usage"], complete=False)


RULES = [
    ("the start alone, where a stream broke off", [], {"output_tokens": 1, "input_tokens": 412}),
    ("values are cumulative, the last one counts", [{"output_tokens": 5}, {"output_tokens": 9}], {"output_tokens": 9}),
    ("a null changes nothing", [{"output_tokens": 5}, {"output_tokens": None}], {"output_tokens": 5}),
    ("a field left out changes nothing", [{"output_tokens": 5}, {}], {"output_tokens": 5, "input_tokens": 412}),
    ("the last value counts, be it smaller", [{"input_tokens": 500}, {"input_tokens": 7}], {"input_tokens": 7}),
    ("a zero is a value", [{"cache_read_input_tokens": 0}], {"cache_read_input_tokens": 0}),
    ("only the start tells lifetimes", [{"cache_creation_input_tokens": 90}],
     {"cache_creation_input_tokens": 90, "ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20}),
    ("only the start tells tier, place and speed", [{"output_tokens": 2}],
     {"service_tier": "standard", "inference_geo": "us", "speed": "fast"}),
    ("a null tier does not unsay it", [{"service_tier": None, "speed": None}],
     {"service_tier": "standard", "speed": "fast"}),
    ("thinking is told beside the output it is part of",
     [{"output_tokens": 9, "output_tokens_details": {"thinking_tokens": 4}}],
     {"output_tokens": 9, "thinking_tokens": 4}),
    ("server tools are counted up, field by field",
     [{"server_tool_use": {"web_search_requests": 1}}, {"server_tool_use": {"web_search_requests": 2}},
      {"server_tool_use": {"web_search_requests": None, "web_fetch_requests": 3, "code_execution_requests": 1}}],
     {"web_search_requests": 2, "web_fetch_requests": 3, "code_execution_requests": 1}),
    ("an object that becomes null stays", [{"server_tool_use": {"web_search_requests": 1}}, {"server_tool_use": None}],
     {"web_search_requests": 1}),
    ("what was never told is unknown", [{"output_tokens": 3}], {"thinking_tokens": None, "web_search_requests": None}),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "deltas", "expected"), RULES, ids=[rule[0] for rule in RULES])
def test_a_streams_usage(rule, deltas, expected):
    """Each rule of usage.md, through the events of a stream."""
    read = streamed(*deltas)
    assert {name: getattr(read, name) for name in expected} == expected
    assert not read.complete


def work(kind, output, model=None, **more):
    """One of a message's iterations as it is reported."""
    return {"type": kind, "input_tokens": 7, "output_tokens": output, **({"model": model} if model else {}), **more}


ITERATIONS = [
    ("none", None, ()),
    ("one", [work("message", 3)], [("message", None, 3, False)]),
    ("a declined attempt", [work("message", 0, "a"), work("fallback_message", 3, "b")],
     [("message", "a", 0, True), ("fallback_message", "b", 3, False)]),
    ("an attempt that said something", [work("message", 1, "a"), work("fallback_message", 3, "b")],
     [("message", "a", 1, False), ("fallback_message", "b", 3, False)]),
    ("no fallback served: nothing was declined for another", [work("message", 0, "a"), work("message", 0, "b")],
     [("message", "a", 0, False), ("message", "b", 0, False)]),
    ("a compaction without output is no attempt", [work("compaction", 0), work("fallback_message", 3, "b")],
     [("compaction", None, 0, False), ("fallback_message", "b", 3, False)]),
    ("an advisor", [work("message", 1, "a"), work("advisor_message", 5, "b")],
     [("message", "a", 1, False), ("advisor_message", "b", 5, False)]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given_", "expected"), ITERATIONS, ids=[case[0] for case in ITERATIONS])
def test_the_work_behind_a_message(name, given_, expected):
    """Each entry with its own model and figures; the last list that a stream tells is the one."""
    read = streamed({"iterations": [work("message", 99)]}, {"output_tokens": 3, "iterations": given_})
    if given_ is None:
        assert usage.iterations(usage.read({"input_tokens": 1, "iterations": None}, complete=True)) == ()
        return
    found = usage.iterations(read)
    assert found is not None
    assert [(one.kind, one.model, one.usage.output_tokens, one.declined) for one in found] == expected


@pytest.mark.parametrize("bad", [7, {}, [1], [{"input_tokens": 1}], [{"input_tokens": -1, "output_tokens": 1}], [[]]])
def test_iterations_that_cannot_be_read_are_unknown(bad):
    """Not an empty list: that would mean one piece of work."""
    assert usage.iterations(usage.read({"iterations": bad}, complete=True)) is None
    assert usage.iterations(Usage()) == ()
