"""Request and answer cross at the same time; an answer that ends first ends the call, and the record says so."""

import asyncio
import socket
from pathlib import Path

import pytest

from core.models import ANSWERED_EARLY, Outcome
from tests.relay import HOST, Taped, Wire, Worker, get, post, settings_for
from tests.upstream import HANG, SSE, Answer, Upstream

BODY = b"x" * 60_000


async def _ended(worker: Worker) -> tuple[Taped, Outcome, str | None, int]:
    (call,) = await worker.taped()
    assert call.end is not None
    return call, call.end.outcome, call.end.note, call.end.request_bytes


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_head_does_not_stop_the_upload(*, chunked: bool, worker: Worker, upstream: Upstream) -> None:
    """An answer that begins before the request is through: the rest of the request still arrives, whole."""
    gate = asyncio.Event()
    upstream.script(Answer(headers=(SSE,), chunks=(b"one", gate, b"two"), framing="chunked", early=True))
    async with Wire(worker.port) as wire:
        if chunked:
            await wire.send(b"POST /v1/messages HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\n" % HOST)
            await wire.send(b"%x\r\n%b\r\n" % (30_000, BODY[:30_000]))
        else:
            await wire.send(post(BODY)[:-30_000])
        assert await wire.chunk_of_head() == b"one"
        await wire.send(b"%x\r\n%b\r\n0\r\n\r\n" % (30_000, BODY[30_000:]) if chunked else BODY[30_000:])
        request = await upstream.received(0)
        gate.set()
        assert await wire.chunk() == b"two"
        assert await wire.chunk() == b""
    call, outcome, note, size = await _ended(worker)
    assert request.body == call.request == BODY
    assert (outcome, note, size) == (Outcome.OK, None, len(BODY))


async def test_an_answer_that_is_complete_first(worker: Worker, upstream: Upstream) -> None:
    """Nobody waits for the rest of the request; what was relayed is recorded, and that it is not all."""
    upstream.script(Answer(status=413, chunks=(b"{}",), early=True))
    async with Wire(worker.port) as wire:
        answer = await wire.ask(post(BODY)[:-30_000])
    assert (answer.status, answer.body) == (413, b"{}")
    assert answer.header("connection") == "close"
    call, outcome, note, size = await _ended(worker)
    assert (outcome, note) == (Outcome.OK, ANSWERED_EARLY)
    assert size == len(call.request)
    assert len(call.request) <= 30_000


async def test_the_client_stops_while_the_answer_runs(worker: Worker, upstream: Upstream) -> None:
    """A request that breaks off under a running answer is broken off upstream, and is the client's doing."""
    upstream.script(Answer(headers=(SSE,), chunks=(b"one", HANG), framing="chunked", early=True))
    async with Wire(worker.port) as wire:
        await wire.send(post(BODY)[:-30_000])
        await wire.chunk_of_head()
        wire.reset()
        await asyncio.wait_for(upstream.requests[0].gone.wait(), 30)
    assert (await _ended(worker))[1] is Outcome.CLIENT_CANCELLED


async def test_a_slow_upload_is_not_the_upstreams_silence(upstream: Upstream, tmp_path: Path) -> None:
    """An upstream that answered early and waits for the rest of the request is not silent."""
    gate = asyncio.Event()
    upstream.script(Answer(headers=(SSE,), chunks=(b"one", gate, b"two"), framing="chunked", early=True))
    async with Worker(settings_for(tmp_path, upstream.url, idle_timeout=0.2)) as worker, Wire(worker.port) as wire:
        await wire.send(post(BODY)[:-30_000])
        assert await wire.chunk_of_head() == b"one"
        await asyncio.sleep(0.6)  # three times the limit
        await wire.send(BODY[30_000:])
        await upstream.received(0)
        gate.set()
        assert await wire.chunk() == b"two"
        assert await wire.chunk() == b""


async def test_a_steady_slow_reader_is_served(upstream: Upstream, tmp_path: Path) -> None:
    """A client that keeps taking a little is not idle, however long the buffers between stay full."""
    piece = b"x" * 65536
    upstream.script(Answer(chunks=tuple([piece] * 200), framing="chunked"))
    async with Worker(settings_for(tmp_path, upstream.url, idle_timeout=0.4)) as worker:
        loop = asyncio.get_running_loop()
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", worker.port))
            await loop.sock_sendall(client, post())
            got = b""
            for _ in range(40):  # 1.6 s, far less than the buffers hold
                got += await loop.sock_recv(client, 8192)
                await asyncio.sleep(0.04)
            (call,) = worker.relay.calls
            assert call._paused_us
            while not got.endswith(b"0\r\n\r\n"):
                data = await loop.sock_recv(client, 1 << 20)
                assert data
                got += data
        assert (await _ended(worker))[1] is Outcome.OK


async def test_the_answer_to_head_keeps_its_framing(worker: Worker, upstream: Upstream) -> None:
    """What GET would say of the body's framing, HEAD says too; no body and no end of one comes."""
    upstream.script(Answer(headers=(SSE,), framing="chunked"), Answer())
    async with Wire(worker.port) as wire:
        answer = await wire.ask(get(method=b"HEAD"), method="HEAD")
        assert answer.header("transfer-encoding") == "chunked"
        assert answer.header("content-length") is None
        assert (await wire.ask(post())).status == 200
