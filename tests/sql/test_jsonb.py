"""Whatever JSON holds fits jsonb: what the type refuses becomes U+FFFD, everything else comes back."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sql import jsonb

CASES: list[tuple[Any, Any]] = [
    ({"a": "x\x00y"}, {"a": "x\ufffdy"}),
    (["\ud83d", "\ude00 x"], ["\ufffd", "\ufffd x"]),
    (["\\u0000", "\\\\ud83d", '"\x00"'], ["\\u0000", "\\\\ud83d", '"\ufffd"']),
    (["😀", "ü"], ["😀", "ü"]),
    ({"\x00key": 1}, {"\ufffdkey": 1}),
    (10**30, 1e30),  # the database keeps the digits, Python's reader of them does not
    ([None, True, 1.5, -0.0], [None, True, 1.5, -0.0]),
    (json.loads("[" * 400 + "]" * 400), json.loads("[" * 400 + "]" * 400)),
]


@pytest.mark.parametrize(("value", "kept"), CASES)
def test_unfit_characters_are_replaced(value: Any, kept: Any) -> None:
    """NUL and lone surrogates only; an escaped backslash before u0000 is text."""
    assert jsonb.decode(jsonb.encode(value)) == kept


strings = st.text(st.one_of(st.sampled_from('\x00\\u"d8\ud83d\ude00'), st.characters()), max_size=12)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(-(1 << 63), (1 << 63) - 1), strings),
        lambda part: st.lists(part, max_size=4),
    )
)
def test_any_value_is_written_as_it_reads(value: Any) -> None:
    """The text holds no escape that jsonb refuses, and means the value with its unfit characters replaced."""
    assert jsonb.decode(jsonb.encode(value)) == replaced(value)


def replaced(value: Any) -> Any:
    """The value with every string made readable. A pair of surrogates that stand side by side is one character."""
    if isinstance(value, list):
        return [replaced(part) for part in value]
    if isinstance(value, str):
        return jsonb.readable(value.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    return value


def test_readable_text_keeps_all_but_nul_and_surrogates() -> None:
    """For text columns, which refuse the same characters."""
    assert jsonb.readable("a\x00\ud800\udfffü😀") == "a\ufffd\ufffd\ufffdü😀"
