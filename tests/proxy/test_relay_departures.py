"""The client goes, half-goes, or breaks its request: the upstream is freed, the record has everything so far."""

import asyncio
from typing import Any

import pytest

from core.models import Outcome
from proxy import connection as client_side
from proxy import request_body, tcp
from tests.relay import HOST, Taped, Wire, Worker, post
from tests.upstream import HANG, SSE, Answer, Upstream, stream

EVENTS = stream("Hel", "lo")
WHOLE = b"".join(EVENTS)


async def _end(worker: Worker) -> tuple[Taped, Outcome, str | None]:
    call = (await worker.taped())[-1]
    assert call.end is not None
    return call, call.end.outcome, call.end.note


@pytest.mark.parametrize("how", ["reset", "close"])
async def test_gone_before_the_first_byte(how: str, worker: Worker, upstream: Upstream) -> None:
    """The upstream is freed at once, whether the client reset or closed; the record has the request."""
    assert client_side.HALF_CLOSE_SECONDS <= 0.05
    upstream.script(Answer(raw=b"", chunks=(HANG,)))
    async with Wire(worker.port) as wire:
        await wire.send(post(b'{"a":1}'))
        request = await upstream.received(0)
        _go(wire, how)
        await asyncio.wait_for(request.gone.wait(), 30)
    call, outcome, note = await _end(worker)
    assert (bytes(call.request), outcome, note) == (b'{"a":1}', Outcome.CLIENT_CANCELLED, "client gone")
    assert call.head is None


@pytest.mark.parametrize("how", ["reset", "close"])
async def test_gone_in_the_middle(how: str, worker: Worker, upstream: Upstream) -> None:
    """At each event: the upstream is freed, and everything received so far is on the tape."""
    for count in range(1, len(EVENTS)):
        upstream.script(Answer(headers=(SSE,), chunks=(*EVENTS[:count], HANG), framing="chunked"))
        async with Wire(worker.port) as wire:
            await wire.send(post())
            await wire.head()
            got = b""
            while got != b"".join(EVENTS[:count]):
                got += await wire.chunk()
            _go(wire, how)
            await asyncio.wait_for(upstream.requests[-1].gone.wait(), 30)
        call, outcome, _ = await _end(worker)
        assert call.response == got
        assert outcome is Outcome.CLIENT_CANCELLED


def _go(wire: Wire, how: str) -> None:
    if how == "reset":
        wire.reset()
    else:
        wire.writer.close()


async def test_gone_while_events_flow(worker: Worker, upstream: Upstream) -> None:
    """A client that closes while events keep coming is noticed by what its side says to them."""
    upstream.script(Answer(headers=(SSE,), chunks=[b"x" * 100] * 100_000, framing="chunked"))
    async with Wire(worker.port) as wire:
        await wire.send(post())
        await wire.chunk_of_head()
        wire.writer.close()
        await asyncio.wait_for(upstream.requests[0].gone.wait(), 30)
    assert (await _end(worker))[1] is Outcome.CLIENT_CANCELLED


async def test_a_client_that_only_half_closes_is_served(
    worker: Worker, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A FIN behind the request is no farewell while the client takes what it is sent: it gets the whole stream.

    Bare aiohttp closes such a connection; the answer is lost.
    """
    # Longer than in real life: a busy machine must not decide this test.
    monkeypatch.setattr(client_side, "HALF_CLOSE_SECONDS", 5)
    upstream.script(Answer(headers=(SSE,), chunks=EVENTS, framing="chunked"))
    async with Wire(worker.port) as wire:
        await wire.send(post())
        wire.writer.write_eof()
        answer = await wire.answer()
        assert await wire.closed() == b""
    assert (answer.body, answer.whole) == (WHOLE, True)
    assert (await _end(worker))[1] is Outcome.OK


async def test_a_half_closed_client_may_wait(
    worker: Worker, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it has taken something, a half-closed client may wait for the rest as long as any other."""
    monkeypatch.setattr(client_side, "HALF_CLOSE_SECONDS", 0.3)
    looks: list[int] = []
    looked = asyncio.Event()
    look = tcp.state

    def counting(transport: Any) -> tuple[int, int]:
        looks.append(1)
        if len(looks) == 4:
            looked.set()
        return look(transport)

    monkeypatch.setattr(tcp, "state", counting)
    upstream.script(Answer(headers=(SSE,), chunks=(b"one", looked, b"two"), framing="chunked"))
    async with Wire(worker.port) as wire:
        await wire.send(post())
        wire.writer.write_eof()
        answer = await wire.answer()
    assert (answer.body, answer.whole) == (b"onetwo", True)


async def test_the_client_stops_half_way(worker: Worker, upstream: Upstream) -> None:
    """A request that breaks off is broken off upstream, and the record says so."""
    for goodbye in ("reset", "close", "eof"):
        async with Wire(worker.port) as wire:
            await wire.send(post(b"x" * 100)[:-50])
            request = await upstream.received(len(upstream.requests), whole=False)
            if goodbye == "eof":
                wire.writer.write_eof()
            else:
                _go(wire, goodbye)
            await asyncio.wait_for(request.gone.wait(), 30)
        call, outcome, _ = await _end(worker)
        assert not request.complete.is_set()
        assert outcome is Outcome.CLIENT_CANCELLED
        assert call.request == b"x" * 50


async def test_bad_chunks_half_way(worker: Worker, upstream: Upstream) -> None:
    """Chunk framing that breaks while streaming: 400, the upstream's request is broken off, the record says so.

    Bare aiohttp forgets the body it was reading; its handler waits until the client goes.
    """
    async with Wire(worker.port) as wire:
        await wire.send(b"POST /v1/messages HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        request = await upstream.received(0, whole=False)
        answer = await wire.ask(b"zz\r\n")
        await asyncio.wait_for(request.gone.wait(), 30)
    assert answer.status == 400
    assert not request.complete.is_set()
    assert (await _end(worker))[1:] == (Outcome.REJECTED, "bad chunk framing")


async def test_a_body_that_dribbles(worker: Worker, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body slower than 1 kB/s for 30 s is a 408."""
    assert (request_body.SLOW_AFTER_US, request_body.SLOW_BYTES_PER_SECOND) == (30_000_000, 1024)
    monkeypatch.setattr("proxy.request_body.SLOW_AFTER_US", 0)
    async with Wire(worker.port) as wire:
        await wire.send(post(b"x" * 100)[:-50])
        await upstream.received(0, whole=False)
        async with asyncio.timeout(30):
            while worker.relay.calls:
                worker.server.sweep()
                await asyncio.sleep(0.01)
        answer = await wire.answer()
    assert answer.status == 408
    assert (await _end(worker))[1:] == (Outcome.CLIENT_TIMEOUT, "request body too slow")
