"""Ids order calls by the moment they were accepted, and are UUIDv7."""

from uuid import RFC_4122

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ids import MAX_MS, IdSequence, uuid7, uuid7_ms

milliseconds = st.integers(0, MAX_MS)
ten_bytes = st.binary(min_size=10, max_size=10)


@given(milliseconds, ten_bytes)
def test_an_id_is_a_uuid7_and_tells_its_time(ms, random):
    """Version, variant and time come back."""
    value = uuid7(ms, random)
    assert (value.version, value.variant) == (7, RFC_4122)
    assert uuid7_ms(value) == ms


@given(milliseconds, ten_bytes, ten_bytes)
def test_every_random_bit_but_the_fixed_ones_counts(ms, one, other):
    """74 of the 80 bits are used: what differs in them differs in the id."""
    same = int.from_bytes(one, "big") & (1 << 74) - 1 == int.from_bytes(other, "big") & (1 << 74) - 1
    assert (uuid7(ms, one) == uuid7(ms, other)) is same


@given(st.lists(st.tuples(st.integers(0, 3), ten_bytes), min_size=2, max_size=30))
def test_a_sequence_grows_strictly_whatever_the_clock_does(steps):
    """Standing still, stepping back, all random bits set."""
    sequence = IdSequence()
    ids = [sequence.next(ms, random) for ms, random in steps]
    assert ids == sorted(set(ids))
    assert {value.version for value in ids} == {7}


@pytest.mark.parametrize("low", [b"\xff" * 10, b"\x00\x03" + b"\xff" * 8])
def test_a_sequence_carries_over_full_bits(low):
    """From the low bits into the high ones, and from those into the next millisecond; always a UUIDv7."""
    sequence = IdSequence()
    first = sequence.next(5, low)
    second = sequence.next(5, bytes(10))
    assert second > first
    assert (second.version, second.variant) == (7, RFC_4122)
    assert uuid7_ms(second) - uuid7_ms(first) in (0, 1)


@pytest.mark.parametrize(("ms", "random"), [(-1, bytes(10)), (MAX_MS + 1, bytes(10)), (0, bytes(9)), (0, bytes(11))])
def test_what_does_not_fit_is_refused(ms, random):
    """An id that lied about its time would order wrongly."""
    with pytest.raises(ValueError, match="UUIDv7"):
        uuid7(ms, random)
