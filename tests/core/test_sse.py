"""However a stream is cut, the same events come out; no bytes raise."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import LimitExceededError
from core.sse import Event, EventDecoder, decode

STREAM = (
    b'\xef\xbb\xbfevent: message_start\ndata: {"type":"message_start"}\n\n'
    b": a comment\r\n\r\n"
    b"event: ping\rdata: {}\r\r"
    b"data:no space\r\ndata: two lines\r\ndata:\r\n\r\n"
    b"id: 7\nretry: 10\nunknown: x\ndata\n\n"
    b"event: without data\n\n"
    b"event:x\nevent: last name wins\ndata:  two spaces\n\n\n"
    b"data: caf\xc3\xa9 \xff\x00\n\r\n"
    b"data: cut off"
)
NAMES_AND_DATA = [
    ("message_start", b'{"type":"message_start"}'),
    ("ping", b"{}"),
    ("", b"no space\ntwo lines\n"),
    ("", b""),
    ("last name wins", b" two spaces"),
    ("", b"caf\xc3\xa9 \xff\x00"),
    ("", b"cut off"),
]


def events_of(pieces):
    """The events of a stream that arrives in these pieces."""
    decoder = EventDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.finish()


def test_the_format_is_read_as_browsers_do():
    """Comments, unknown fields, CR, LF, CRLF, a BOM, several data lines; only the rest without a blank line is more."""
    events = decode(STREAM)
    assert [(event.name, event.data) for event in events] == NAMES_AND_DATA
    assert [event.terminated for event in events] == [True] * 6 + [False]


def test_cut_at_every_position():
    """Two pieces, the cut inside a CRLF and inside the BOM included, give the same events at the same offsets."""
    whole = decode(STREAM)
    for cut in range(len(STREAM) + 1):
        assert events_of([STREAM[:cut], STREAM[cut:]]) == whole


def test_byte_by_byte():
    """One byte a piece, with empty pieces between."""
    pieces = [piece for at in range(len(STREAM)) for piece in (STREAM[at : at + 1], b"")]
    assert events_of(pieces) == decode(STREAM)


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"data:x", b"data", b"event: e", b":", b"\xef\xbb\xbf", b" "])))
@example([b"data:x", b"\r", b"\n", b"\n"])
@example([b"data:x", b"\r", b"\r\n", b"data:x", b"\n"])
def test_any_grammar_in_any_chunking(pieces):
    """Pieces and whole agree for streams made of the format's own parts."""
    assert events_of(pieces) == decode(b"".join(pieces))


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_random_bytes_never_raise_and_chunking_never_matters(pieces):
    """Nor do their events run past the stream or backwards."""
    events = events_of(pieces)
    assert events == decode(b"".join(pieces))
    ends = [event.end for event in events]
    assert ends == sorted(ends)
    assert all(end <= sum(map(len, pieces)) for end in ends)


def test_the_end_of_an_event_names_the_byte_that_completed_it():
    """The first byte of its blank line's terminator: what came after it moved nothing."""
    stream = b"data: 1\r\n\r\ndata: 2\n\ndata: 3"
    assert [event.end for event in decode(stream)] == [10, 20, len(stream)]


def test_a_line_of_four_megabytes_is_one_event():
    """In pieces of 1 kB; each byte is looked at once."""
    piece = b"x" * 1024
    decoder = EventDecoder()
    assert decoder.feed(b"data: ") == []
    for _ in range(4096):
        assert decoder.feed(piece) == []
    (event,) = decoder.feed(b"\n\n")
    assert len(event.data) == 4 << 20


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        (Event("ping", b"{}", 0), {"type": "ping"}),
        (Event("ping", b'{"type":"pong"}', 0), {"type": "pong"}),
        (Event("", b'{"a":1}', 0), {"a": 1}),
        (Event("x", b'{"a":1}', 0), {"type": "x", "a": 1}),
    ],
)
def test_without_a_type_the_name_is_the_type(event, payload):
    """And the type in the data wins over the name."""
    assert event.payload() == payload


@pytest.mark.parametrize("data", [b"", b"[]", b"1", b"null", b"{", b"\xff", b"[" * 100_000, b"{}x"])
def test_data_that_is_no_object_is_a_value_error(data):
    """One kind of error for the caller to catch."""
    with pytest.raises(ValueError, match=r"."):
        Event("x", data, 0).payload()


def test_data_that_could_not_be_written_again_is_over_the_limit():
    """What orjson reads has 1,024 levels at most, what it writes 254."""
    with pytest.raises(LimitExceededError):
        Event("x", b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", 0).payload()
