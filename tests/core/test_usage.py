"""Usage is what was reported, field by field; what is not known stays None and nothing raises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import usage
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
