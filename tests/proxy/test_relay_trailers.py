"""Trailers of a chunked request go no further, and are on the record as their names allow."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from core.redact import NOT_KEPT
from proxy.trailers import MOST, Trailers
from tests.relay import HOST, Wire, Worker, post
from tests.upstream import Answer, Upstream

HEAD = b"POST /v1/messages HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
TRAILERS = b"X-Sum: canary\r\nanthropic-beta:  a \r\nX-Api-Key: sk-ant-canary\r\nEmpty:\r\n"
BODY = b'4;ext="1"\r\nWiki\r\n00c\r\n0\r\nX: no\r\n\r\n\r\n0\r\n' + TRAILERS + b"\r\n"
FIELDS = [(b"X-Sum", b"canary"), (b"anthropic-beta", b"a"), (b"X-Api-Key", b"sk-ant-canary"), (b"Empty", b"")]


async def test_they_are_dropped_and_recorded(worker: Worker, upstream: Upstream) -> None:
    """However the request comes in pieces: one request upstream without them, and names and values as headers' are."""
    data = b"\r\n" + HEAD + BODY
    cuts = [len(data), len(HEAD) - 2, len(HEAD), len(HEAD) + 3, len(data) - len(TRAILERS), len(data) - 3]
    for number, cut in enumerate(cuts):
        async with Wire(worker.port) as wire:
            await wire.send(data[:cut])
            if cut > len(HEAD) + 2:
                await upstream.received(number, whole=False)
            answer = await wire.ask(data[cut:])
        assert (answer.status, answer.header("connection")) == (200, "close")
    assert [bytes(request.body) for request in upstream.requests] == [b"Wiki0\r\nX: no\r\n\r\n"] * len(cuts)
    assert all(b"canary" not in request.raw_head + request.raw_body for request in upstream.requests)
    for call in await worker.taped():
        assert call.end is not None
        names, values = zip(*call.end.trailers, strict=True)
        assert names == ("X-Sum", "anthropic-beta", "X-Api-Key", "Empty")
        assert (values[0], values[1], values[2][:10]) == (NOT_KEPT, "a", "[redacted:")


async def test_they_belong_to_their_request(worker: Worker, upstream: Upstream) -> None:
    """A request before a chunked one, and one with a length that looks alike, have none."""
    gate = asyncio.Event()
    upstream.script(Answer(), Answer(before=gate))
    async with Wire(worker.port) as wire:
        await wire.ask(post(BODY))
        await wire.send(post(b"first"))
        await upstream.received(1)
        await wire.send(HEAD + BODY)
        gate.set()
        assert [(await wire.answer()).status for _ in range(2)] == [200, 200]
    calls = await worker.taped()
    assert len(upstream.requests) == 3
    assert [len(call.end.trailers) for call in calls if call.end] == [0, 0, 4]


def test_cut_at_every_position() -> None:
    """Whole, in two pieces, byte by byte: the same fields; what comes behind the end is not looked at."""
    for pieces in (
        [BODY],
        [BODY[at : at + 1] for at in range(len(BODY))],
        *([BODY[:at], BODY[at:]] for at in range(len(BODY))),
    ):
        trailers = Trailers()
        for piece in pieces:
            trailers.feed(piece)
        trailers.feed(b"Host: behind\r\n\r\n")
        assert trailers.fields == FIELDS


def test_what_is_kept_is_bounded() -> None:
    """A crowd of trailers, a line that does not end and a megabyte in chunks of one byte cost little."""
    trailers = Trailers()
    trailers.feed(b"1\r\nx\r\n" * 200_000 + b"0\r\n" + b"X-A: aaaa\r\n" * 100_000)
    assert 1000 < len(trailers.fields) <= MOST // 9
    endless = Trailers()
    for _ in range(1000):
        endless.feed(b"0;" + b"x" * 1000)
    assert endless.fields == []
    assert len(endless._line) <= 2 * MOST


@given(st.lists(st.binary(max_size=40)))
def test_random_bytes_never_raise(pieces: list[bytes]) -> None:
    """The parser may refuse what we walk over."""
    trailers = Trailers()
    for piece in pieces:
        trailers.feed(piece)
