"""Any recorded bytes give an answer that is valid JSON."""

import json
from datetime import UTC, datetime

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.recordings.bodies import chunks_of, readable, readable_value

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
NOW = datetime(2026, 11, 20, tzinfo=UTC)


@given(st.binary())
def test_random_bytes_never_raise(body):
    """Whatever the bytes, there is a value that can be written as JSON."""
    shown = readable(body)
    assert json.loads(orjson.dumps(shown.value)) == shown.value


@given(JSON)
def test_json_is_shown_as_it_is(value):
    """JSON comes back as the same value; where it cannot (NaN, lone surrogates) the state says so."""
    shown = readable(json.dumps(value).encode())
    assert shown.state in {"json", "repaired"}
    if shown.state == "json":
        assert json.dumps(shown.value, sort_keys=True) == json.dumps(value, sort_keys=True)
    orjson.dumps(shown.value)


@given(JSON)
def test_values_of_the_database_are_writable(value):
    """A value that Postgres gave as JSON is written as it is, or repaired."""
    orjson.dumps(readable_value(value).value)


@settings(max_examples=200)
@given(st.text() | st.binary(), st.data())
def test_chunks_joined_are_the_whole(text, data):
    """However a body was cut, also inside a character, its pieces joined read as the whole."""
    body = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=8)))
    ends = [*cuts, len(body)]
    sizes = [end - start for start, end in zip([0, *cuts], ends, strict=True)]
    chunks = chunks_of(body, sizes, list(range(len(sizes))), NOW)
    assert "".join(chunk.content for chunk in chunks) == body.decode("utf-8", "replace")
    assert [chunk.size for chunk in chunks] == sizes
