"""The upstream's answers out of any reads of the socket, on the way that passes httptools by, too."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.response_parser import ResponseParser, one_chunk

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
EVENTS = (b"event: ping\ndata: {}\n\n", b"5\n\r\n", b"data: 5\r\n\r\n", b"\n", b"3\r\n\n\r\n")
STREAM = HEAD + b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in EVENTS) + b"0\r\n\r\n"


def pour(reads: list[bytes]) -> tuple[bytes, bool, bool, int]:
    """The body, whether it is complete or broken, and how many reads the parser never saw."""
    parser, body, passed_by = ResponseParser(), b"", 0
    for read in reads:
        piece = one_chunk(read) if parser.between else b""
        passed_by += piece != b""
        body += piece or parser.feed(read)
        if parser.complete or parser.broken:
            break
    return body, parser.complete, parser.broken, passed_by


def cut(stream: bytes, places: set[int]) -> list[bytes]:
    """The stream in reads that end at these places."""
    return [stream[begin:end] for begin, end in pairwise(sorted({0, len(stream)} | places))]


@pytest.mark.parametrize("place", range(1, len(STREAM)))
def test_cut_anywhere(place: int) -> None:
    """In two reads it is what it is in one."""
    assert pour(cut(STREAM, {place}))[:3] == (b"".join(EVENTS), True, False)


def test_byte_by_byte() -> None:
    """A read of one byte is never taken for a chunk."""
    assert pour(cut(STREAM, set(range(len(STREAM))))) == (b"".join(EVENTS), True, False, 0)


def test_an_event_a_read() -> None:
    """As streams come: all but the first events, and what follows one that does not end as events do, are passed by."""
    event = b"data: {}\n\n"
    chunk = b"%x\r\n%b\r\n" % (len(event), event)
    assert pour([HEAD + chunk, chunk, chunk, b"0\r\n\r\n"]) == (event * 3, True, False, 2)
    assert pour([HEAD, b"3\r\nabc\r\n", chunk, chunk]) == (b"abc" + event * 2, False, False, 1)


@pytest.mark.parametrize(
    "reads",
    [
        pytest.param([b"d\r\nab\n\r\n", b"3\r\nabc\r\n", b"\r\n"], id="inside a chunk"),
        pytest.param([b"3\r\nab\n\r\n8\r\n", b"3\r\nabc\r\n", b"\r\n"], id="behind its line"),
        pytest.param([b"3\r\nab\n\r\n1", b"3\r\nabc\r\n", b"0123456789abc\r\n"], id="inside its line"),
    ],
)
def test_a_chunk_that_is_content(reads: list[bytes]) -> None:
    """A read that is a chunk by itself, but does not come where one begins, is what the parser says it is."""
    assert one_chunk(b"3\r\nabc\r\n")
    whole = pour([HEAD + b"".join(reads)])
    assert pour([HEAD + reads[0], *reads[1:]]) == whole
    assert pour([HEAD, *reads]) == whole


CONTENT = st.lists(st.sampled_from([b"\n", b"\r\n", b"1", b"5", b"a;b", b"5\r\n", b"1\r\n\n\r\n"]), min_size=1).map(
    b"".join
)
LINE = st.sampled_from([b"%x", b"%x", b"%x", b"%X", b"0%x", b"%x;e=1"])
END = st.sampled_from([b"", b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n", b"-1\r\n", b"\r\n"])


@settings(max_examples=300)
@given(data=st.data(), chunks=st.lists(st.tuples(LINE, CONTENT), min_size=1, max_size=6), end=END)
def test_bytes_that_look_like_chunks(data: st.DataObject, chunks: list[tuple[bytes, bytes]], end: bytes) -> None:
    """However it is cut, and whatever the chunks hold: what httptools alone makes of the whole."""
    stream, ends = HEAD, {len(HEAD)}
    for line, content in chunks:
        stream += line % len(content) + b"\r\n" + content + b"\r\n"
        ends.add(len(stream))
    stream += end
    places = data.draw(st.sets(st.sampled_from(sorted(ends)) | st.integers(1, len(stream) - 1)))
    assert pour(cut(stream, places))[:3] == pour([stream])[:3]


@given(
    content=st.binary(max_size=300) | st.sampled_from([bytes(4095), bytes(4096), bytes(70_000)]),
    odd=st.binary(max_size=2),
)
def test_one_chunk(content: bytes, odd: bytes) -> None:
    """Only what is one chunk to the last byte, its length written plainly."""
    for read in (
        b"%x\r\n%b\r\n" % (len(content), content),
        b"%x\r\n%b\r\n%b" % (len(content), content, odd),
        odd + content,
    ):
        plain = re.fullmatch(rb"([1-9a-f][0-9a-f]*)\r\n(.*)\r\n", read, re.DOTALL)
        assert one_chunk(read) == (plain[2] if plain and len(plain[2]) == int(plain[1], 16) else b"")
