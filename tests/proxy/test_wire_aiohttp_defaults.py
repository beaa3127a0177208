"""What aiohttp does by default and must not do here (wire.md): each on bare aiohttp first, then on ours.

Where bare aiohttp stops doing it, the first half fails: then the override can go.
"""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from proxy import connection as client_side
from proxy import upstream as way_out
from tests.relay import HOST, Wire, Worker, get, post, settings_for
from tests.upstream import HANG, Answer, Upstream

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
CHUNKED = b"Transfer-Encoding: chunked\r\n"


async def _hello(request: web.BaseRequest) -> web.StreamResponse:
    await request.read()
    return web.Response(text="hello")


@asynccontextmanager
async def bare(handler: Handler = _hello) -> AsyncIterator[int]:
    """Aiohttp's low-level server as it comes; its port."""
    server = web.Server(handler)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    yield listener.sockets[0].getsockname()[1]
    listener.close()
    await server.shutdown(0.1)


@pytest.mark.parametrize(
    "bad",
    [
        b"GET / HTTP/1.1\r\n" + HOST + b"Authorization: Bearer canary\x01\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X-A: canary" + b"a" * 33_000 + b"\r\n\r\n",
    ],
)
async def test_echo_of_broken_heads(bad: bytes, worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    """Bare aiohttp echoes a malformed or over-long header into the 400 body and the log. Ours says a constant."""
    with caplog.at_level(logging.DEBUG):
        async with bare() as port, Wire(port) as wire:
            assert b"canary" in (await wire.ask(bad)).body
        assert "canary" in caplog.text
        caplog.clear()
        async with Wire(worker.port) as wire:
            assert b"canary" not in (await wire.ask(bad)).body
        assert "canary" not in caplog.text


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /v1/models HTTP/0.9\r\n" + HOST + b"\r\n", 505),
        (b"GET /v1/models HTTP/2.0\r\n" + HOST + b"\r\n", 505),
        (b"POST /v1/messages HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (get(b"/v1/models", b"Authorization: a", b"Authorization: b"), 400),
        (get(b"/v1/models", b"x-api-key: a", b"x-api-key: b"), 400),
        (get(b"/v1/models", b"X-A: \xff"), 400),
        (get(b"http://evil.test/v1/models"), 400),
        (get(b"//evil.test/v1/models"), 400),
    ],
)
async def test_accepted_by_default(request_bytes: bytes, status: int, worker: Worker) -> None:
    """Bare aiohttp answers these 200. Ours refuses."""
    async with bare() as port, Wire(port) as wire:
        assert (await wire.ask(request_bytes)).status == 200
    async with Wire(worker.port) as wire:
        assert (await wire.ask(request_bytes)).status == status


async def test_expectations(worker: Worker) -> None:
    """Bare aiohttp's low-level server ignores Expect (its router answers 100 before any check). Ours decides."""
    waits = b"POST /v1/messages HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    async with bare() as port, Wire(port) as wire:
        await wire.send(waits)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wire.reader.read(1), 0.2)
    async with Wire(worker.port) as wire:
        await wire.send(waits)
        assert await wire.reader.readexactly(12) == b"HTTP/1.1 100"
    async with Wire(worker.port) as wire:
        refused = waits.replace(b"/v1/messages", b"/admin")
        assert (await wire.ask(refused)).status == 404


async def test_heads_that_never_end(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bare aiohttp waits an hour for the rest of a head. Ours answers 408 after 10 s (here: at once), and closes."""
    assert web.Server(_hello)().keepalive_timeout > 3000
    assert client_side.HEAD_SECONDS == 10.0
    monkeypatch.setattr(client_side, "HEAD_SECONDS", 0.0)
    async with Wire(worker.port) as wire:
        await wire.send(b"POST /v1/messages HTTP/1.1\r\nHost:")
        async with asyncio.timeout(30):
            while not any(connection._head_bytes for connection in worker.server._connections):
                await asyncio.sleep(0)
        worker.server.sweep()
        assert (await wire.answer()).status == 408
        assert await wire.closed() == b""


async def test_connections_that_say_nothing(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection on which no head ever begins is closed after the same time, without a word."""
    monkeypatch.setattr(client_side, "HEAD_SECONDS", 0.0)
    async with Wire(worker.port) as wire:
        async with asyncio.timeout(30):
            while not worker.server._connections:
                await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        worker.server.sweep()
        assert await wire.closed() == b""


async def test_vanished_clients(worker: Worker, upstream: Upstream) -> None:
    """Bare aiohttp lets a handler run on when its client is gone. Ours is cancelled, and frees the upstream."""
    assert not web.Server(_hello).handler_cancellation
    began, cancelled = asyncio.Event(), asyncio.Event()

    async def waits(request: web.BaseRequest) -> web.StreamResponse:
        began.set()
        try:
            await asyncio.sleep(0.3)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return await _hello(request)

    async with bare(waits) as port, Wire(port) as wire:
        await wire.send(get())
        await began.wait()
        wire.reset()
        await asyncio.sleep(0.1)
        assert not cancelled.is_set()
    upstream.script(Answer(raw=b"", chunks=(HANG,)))
    async with Wire(worker.port) as wire:
        await wire.send(get())
        request = await upstream.received(0)
        wire.reset()
        await asyncio.wait_for(request.gone.wait(), 30)


async def test_broken_chunks_behind_a_good_beginning(worker: Worker, upstream: Upstream) -> None:
    """Bare aiohttp's C parser forgets a body whose framing breaks: its handler waits on. Ours answers 400."""
    begins = b"POST /v1/messages HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n3\r\nabc\r\n"
    began = asyncio.Event()

    async def reads(request: web.BaseRequest) -> web.StreamResponse:
        await request.content.readany()
        began.set()
        return await _hello(request)

    async with bare(reads) as port, Wire(port) as wire:
        await wire.send(begins)
        await began.wait()
        await wire.send(b"zz\r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wire.reader.read(1), 0.3)
    async with Wire(worker.port) as wire:
        await wire.send(begins)
        await upstream.received(0, whole=False)
        assert (await wire.ask(b"zz\r\n")).status == 400


async def test_trailers_do_not_become_the_next_request(worker: Worker, upstream: Upstream) -> None:
    """Bare aiohttp makes the last trailer a header of the request behind it. Ours ends the connection before that."""
    begins = b"POST /v1/messages HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n3\r\nabc\r\n0\r\n"
    data = begins + b"X-Api-Key: smuggled\r\n\r\n" + post(b"{}")
    keys: list[str | None] = []

    async def reads(request: web.BaseRequest) -> web.StreamResponse:
        keys.append(request.headers.get("x-api-key"))
        return await _hello(request)

    async with bare(reads) as port, Wire(port) as wire:
        await wire.ask(data)
        await wire.answer()
    assert keys == [None, "smuggled"]
    async with Wire(worker.port) as wire:
        answer = await wire.ask(data)
        assert (answer.status, answer.header("connection")) == (200, "close")
        assert await wire.closed() == b""
    assert [bytes(request.body) for request in upstream.requests] == [b"abc"]
    assert upstream.requests[0].header("x-api-key") is None


async def test_half_closed_clients(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bare aiohttp drops a client that says it sends no more. Ours answers it."""
    monkeypatch.setattr(client_side, "HALF_CLOSE_SECONDS", 5)
    async with bare() as port, Wire(port) as wire:
        await wire.send(get())
        wire.writer.write_eof()
        assert await wire.closed() == b""
    async with Wire(worker.port) as wire:
        await wire.send(get())
        wire.writer.write_eof()
        assert (await wire.answer()).status == 200


async def test_inflating(worker: Worker, upstream: Upstream) -> None:
    """Bare aiohttp inflates request bodies. Ours passes them; a ``content-encoding`` that lies does no harm."""
    packed = gzip.compress(b"hello")

    async def echo(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=await request.read())

    async with bare(echo) as port, Wire(port) as wire:
        assert (await wire.ask(post(packed, b"Content-Encoding: gzip"))).body == b"hello"
    for body in (packed, b"no gzip at all"):
        async with Wire(worker.port) as wire:
            assert (await wire.ask(post(body, b"Content-Encoding: gzip"))).status == 200
    assert [bytes(request.body) for request in upstream.requests] == [packed, b"no gzip at all"]


async def test_header_limits(worker: Worker) -> None:
    """Bare aiohttp refuses one field over 8 kB. Ours takes 32 kB a head: a long list of betas must pass."""
    request = get(b"/v1/models", b"anthropic-beta: " + b"a" * 20_000)
    async with bare() as port, Wire(port) as wire:
        assert (await wire.ask(request)).status == 400
    async with Wire(worker.port) as wire:
        assert (await wire.ask(request)).status == 200


async def test_body_limit(worker: Worker) -> None:
    """Aiohttp's 1 MiB (``client_max_size``) does not bite."""

    async def refuses(request: web.BaseRequest) -> web.StreamResponse:
        assert isinstance(request, web.Request)
        return web.Response(body=await request.read())

    app = web.Application()
    app.router.add_post("/{tail:.*}", refuses)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with Wire(runner.addresses[0][1]) as wire:
        assert (await wire.ask(post(b"x" * (2 << 20)))).status == 413
    await runner.cleanup()
    async with Wire(worker.port) as wire:
        assert (await wire.ask(post(b"x" * (2 << 20)))).status == 200


async def test_the_environment_is_not_asked(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No proxy of the environment, no redirect, no cookie jar: what the upstream says goes to the client."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    moved = Answer(status=307, headers=(("location", "/v1/elsewhere"), ("set-cookie", "a=1")), chunks=())
    upstream.script(moved, Answer())
    async with Worker(settings_for(tmp_path, upstream.url)) as worker, Wire(worker.port) as wire:
        answer = await wire.ask(get())
        assert (answer.status, answer.header("location")) == (307, "/v1/elsewhere")
        assert (await wire.ask(get())).status == 200
    assert [request.target for request in upstream.requests] == ["/v1/models", "/v1/models"]
    assert upstream.requests[1].header("cookie") is None


async def test_idle_connections_do_not_grow_old(
    worker: Worker, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection idle for 15 s is not used again: the upstream may be just closing it."""
    assert way_out.IDLE_SECONDS == 15.0
    async with Wire(worker.port) as wire:
        assert (await wire.ask(get())).status == 200
        monkeypatch.setattr(way_out, "IDLE_SECONDS", -1.0)
        assert (await wire.ask(get())).status == 200
        await worker.idle()
        worker.server.sweep()
        await asyncio.wait_for(upstream.requests[1].gone.wait(), 30)
    assert upstream.connections == 2
