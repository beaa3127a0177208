"""What breaks: the upstream, the client, the way between. Never a clean end on a truncated answer (faults.md)."""

import asyncio
import json
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from core.models import Outcome
from tests.relay import Taped, Wire, Worker, get, post, settings_for
from tests.upstream import FIN, HANG, RESET, SSE, Answer, Step, Upstream, stream, stream_answer

EVENTS = stream("Hel", "lo")
WHOLE = b"".join(EVENTS)


def _cuts() -> list[int]:
    """Every event boundary, and one byte before and behind it."""
    ends = [sum(len(event) for event in EVENTS[:count]) for count in range(len(EVENTS) + 1)]
    return sorted({cut for end in ends for cut in (end - 1, end, end + 1) if 0 < cut <= len(WHOLE)})


async def _end(worker: Worker) -> tuple[Taped, Outcome, str | None]:
    call = (await worker.taped())[-1]
    assert call.end is not None
    return call, call.end.outcome, call.end.note


@pytest.mark.parametrize("step", [RESET, FIN])
@pytest.mark.parametrize("framing", ["chunked", "length"])
async def test_the_upstream_breaks_off(step: Step, framing: Any, worker: Worker, upstream: Upstream) -> None:
    """Cut at every event boundary ±1: the client gets what came, then an error; the record has the same bytes."""
    for cut in _cuts():
        gate = asyncio.Event()
        headers = (SSE, ("content-length", "100000")) if framing == "length" else (SSE,)
        upstream.script(Answer(headers=headers, chunks=(WHOLE[:cut], gate, step), framing=framing))
        async with Wire(worker.port) as wire:
            await wire.send(post())
            await wire.head()
            got = await wire.chunk() if framing == "chunked" else await wire.reader.readexactly(cut)
            gate.set()
            rest = b""
            try:
                rest = await wire.closed()
            except ConnectionError:
                rest = b""
        assert (got, rest) == (WHOLE[:cut], b"")
        call, outcome, _ = await _end(worker)
        assert call.response == WHOLE[:cut]
        assert outcome is Outcome.UPSTREAM_RESET
    assert worker.count("client_truncated") == len(_cuts())


async def test_a_cut_body_without_chunks_is_a_reset(worker: Worker, upstream: Upstream) -> None:
    """An HTTP/1.0 client cannot tell a broken body from a whole one by its framing: it gets a TCP reset."""
    gate = asyncio.Event()
    upstream.script(Answer(chunks=(b"partial", gate, RESET), framing="chunked"))
    async with Wire(worker.port) as wire:
        await wire.send(get().replace(b"HTTP/1.1", b"HTTP/1.0"))
        await wire.head()
        assert await wire.reader.readexactly(7) == b"partial"
        gate.set()
        with pytest.raises(ConnectionResetError):
            await wire.closed()


async def test_chunks_that_are_none(worker: Worker, upstream: Upstream) -> None:
    """An upstream whose framing breaks in the middle is a broken upstream."""
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    upstream.script(Answer(raw=head, chunks=(b"3\r\nabc\r\nzz\r\n", HANG)))
    async with Wire(worker.port) as wire:
        answer = await wire.ask(post())
    assert (answer.body, answer.whole) == (b"abc", False)
    call, outcome, note = await _end(worker)
    assert (bytes(call.response), outcome, note) == (b"abc", Outcome.UPSTREAM_RESET, "not HTTP/1.1")


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx-a: 1\r\n 2\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx-a: 1\x002\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x-a: %b\r\n" % (b"a" * 1000) * 300,
    ],
)
async def test_an_answer_that_is_no_http(raw: bytes, worker: Worker, upstream: Upstream) -> None:
    """What cannot be an answer is a 502 of ours."""
    upstream.script(Answer(raw=raw, chunks=(HANG,)))
    async with Wire(worker.port) as wire:
        answer = await wire.ask(post())
    assert answer.status == 502
    assert json.loads(answer.body)["error"]["type"] == "api_error"
    assert (await _end(worker))[1] is Outcome.UPSTREAM_RESET


async def test_announcements_without_end(worker: Worker, upstream: Upstream) -> None:
    """Interim answers count as a part of the head: of too many the last word is a 502."""
    upstream.script(Answer(raw=b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 10_000, chunks=(HANG,)))
    async with Wire(worker.port) as wire:
        await wire.send(post())
        status = 103
        while status == 103:
            status = (await wire.head())[0]
    assert status == 502
    assert (await _end(worker))[1:] == (Outcome.UPSTREAM_RESET, "response head too large")


@pytest.mark.parametrize("step", [RESET, FIN])
async def test_closed_before_the_head(step: Step, worker: Worker, upstream: Upstream) -> None:
    """An upstream that hangs up without a word is a 502, and the request is not sent a second time."""
    upstream.script(Answer(raw=b"", chunks=(step,)))
    async with Wire(worker.port) as wire:
        answer = await wire.ask(post(b'{"a":1}'))
    assert answer.status == 502
    assert len(upstream.requests) == 1
    call, outcome, note = await _end(worker)
    assert call.request == b'{"a":1}'
    assert (outcome, note) == (Outcome.UPSTREAM_RESET, "closed before the response head")
    assert call.head is not None
    assert (call.head.status, call.head.ours) == (502, True)
    assert call.response == answer.body


async def test_the_keep_alive_race(worker: Worker, upstream: Upstream) -> None:
    """A reused connection that dies under a POST: 502, never a second execution; the next call has a fresh one."""
    upstream.script(Answer(), Answer(raw=b"", chunks=(FIN,)))
    async with Wire(worker.port) as wire:
        assert (await wire.ask(post(b"1"))).status == 200
        assert (await wire.ask(post(b"2"))).status == 502
    async with Wire(worker.port) as wire:
        assert (await wire.ask(post(b"3"))).status == 200
    assert [bytes(request.body) for request in upstream.requests] == [b"1", b"2", b"3"]
    assert [request.connection for request in upstream.requests] == [0, 0, 1]


async def test_an_idle_connection_that_was_closed(worker: Worker, upstream: Upstream) -> None:
    """An idle connection the upstream has closed is not used again."""
    upstream.script(Answer(close=True))
    async with Wire(worker.port) as wire:
        await wire.ask(post(b"1"))
        await asyncio.wait_for(upstream.requests[0].gone.wait(), 30)
        async with asyncio.timeout(30):
            while worker.relay.upstream.connections:
                await asyncio.sleep(0)
        assert (await wire.ask(post(b"2"))).status == 200


async def test_nobody_listens(tmp_path: Path) -> None:
    """A closed port is a 502 with a constant sentence; the whole request is on the tape all the same."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    async with Worker(settings_for(tmp_path, f"http://127.0.0.1:{port}")) as worker:
        async with Wire(worker.port) as wire:
            await wire.send(post(b'{"whole":1}')[:-3])
            await wire.send(b":1}")
            answer = await wire.answer()
        call, outcome, note = await _end(worker)
    assert answer.status == 502
    assert json.loads(answer.body)["error"] == {
        "type": "api_error",
        "message": "The proxy could not reach the upstream.",
    }
    assert json.loads(answer.body)["request_id"] == f"req_{call.start.request_id.hex}"
    assert call.request == b'{"whole":1}'
    assert (outcome, note) == (Outcome.UPSTREAM_UNREACHABLE, "connect refused")


async def test_an_address_that_leads_nowhere(upstream: Upstream, tmp_path: Path) -> None:
    """A name with several addresses is reached by the one that works (localhost: ::1 has no listener here)."""
    url = upstream.url.replace("127.0.0.1", "localhost")
    async with Worker(settings_for(tmp_path, url)) as worker, Wire(worker.port) as wire:
        assert (await wire.ask(post())).status == 200
    assert upstream.requests[0].header("host") == url.removeprefix("http://")


async def test_connecting_is_tried_twice(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """One fresh attempt when connecting failed, and no more."""
    pool = worker.relay.upstream
    connect = pool._connect
    tries: list[int] = []

    async def flaky() -> Any:
        tries.append(1)
        if len(tries) in {1, 3, 4}:
            raise ConnectionRefusedError
        return await connect()

    monkeypatch.setattr(pool, "_connect", flaky)
    async with Wire(worker.port) as wire:
        assert (await wire.ask(get())).status == 200
    pool.close()
    await asyncio.sleep(0)
    async with Wire(worker.port) as wire:
        assert (await wire.ask(get())).status == 502
    assert len(tries) == 4


async def test_a_certificate_nobody_knows(tmp_path: Path) -> None:
    """TLS is checked: an upstream without a certificate we trust gets no byte of a request."""
    async with (
        Upstream(ssl=_self_signed(tmp_path)) as upstream,
        Worker(settings_for(tmp_path / "data", upstream.url)) as worker,
    ):
        async with Wire(worker.port) as wire:
            assert (await wire.ask(post())).status == 502
        assert (await _end(worker))[1:] == (Outcome.UPSTREAM_UNREACHABLE, "tls")
        assert upstream.requests == []


async def test_tls(tmp_path: Path) -> None:
    """An upstream with a certificate that is trusted is spoken to over TLS, request and stream alike."""
    server = _self_signed(tmp_path)
    async with (
        Upstream(ssl=server) as upstream,
        Worker(settings_for(tmp_path / "data", upstream.url)) as worker,
    ):
        worker.relay.upstream._tls = ssl.create_default_context(cafile=tmp_path / "cert.pem")
        upstream.script(stream_answer("Hi"), Answer())
        async with Wire(worker.port) as wire:
            assert (await wire.ask(post(b"x" * 300_000))).body == b"".join(stream("Hi"))
            assert (await wire.ask(post())).status == 200
        assert upstream.connections == 1
        assert upstream.requests[0].body == b"x" * 300_000


def _self_signed(folder: Path) -> ssl.SSLContext:
    """A server's TLS with a certificate of 127.0.0.1 that nobody has signed."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    options = [
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=x",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]
    subprocess.run(["openssl", "req", "-x509", *options, "-keyout", key, "-out", cert], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


async def test_connecting_takes_too_long(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connect that hangs is a 504."""

    async def hang() -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(worker.relay.upstream, "_connect", hang)
    monkeypatch.setattr(worker.relay.upstream, "_connect_timeout", 0.05)
    async with Wire(worker.port) as wire:
        answer = await wire.ask(post())
    assert (answer.status, json.loads(answer.body)["error"]["type"]) == (504, "timeout_error")


async def test_the_upstream_is_silent(upstream: Upstream, tmp_path: Path) -> None:
    """No head in time is a 504; silence in the middle breaks the client off; both are recorded as timeouts."""
    settings = settings_for(tmp_path, upstream.url, first_byte_timeout=0.2, idle_timeout=0.2)
    upstream.script(Answer(raw=b"", chunks=(HANG,)), Answer(chunks=(b"x", HANG), framing="chunked"))
    async with Worker(settings) as worker:
        async with Wire(worker.port) as wire:
            answer = await wire.ask(post())
            assert (answer.status, json.loads(answer.body)["error"]["type"]) == (504, "timeout_error")
        assert (await _end(worker))[1:] == (Outcome.UPSTREAM_TIMEOUT, "no response head in time")
        async with Wire(worker.port) as wire:
            answer = await wire.ask(post())
            assert (answer.body, answer.whole) == (b"x", False)
        note = "silent in the middle of the response"
        assert (await _end(worker))[1:] == (Outcome.UPSTREAM_TIMEOUT, note)
    for request in upstream.requests:
        await asyncio.wait_for(request.gone.wait(), 30)


@pytest.mark.parametrize("cut", range(0, 90, 7))
async def test_the_same_length_twice(cut: int, worker: Worker, upstream: Upstream) -> None:
    """Equal lengths are one, wherever the head is cut; the client is told it once, and the connection is kept."""
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx-a: b\r\ncontent-length:2\r\nx-c: d\r\n\r\nok"
    gate = asyncio.Event()
    upstream.script(Answer(raw=raw[:cut], chunks=(gate, raw[cut:])), Answer())
    async with Wire(worker.port) as wire:
        await wire.send(post())
        await upstream.received(0)
        asyncio.get_running_loop().call_later(0.01, gate.set)
        answer = await wire.answer()
        assert (answer.status, answer.body) == (200, b"ok")
        assert (answer.all("content-length"), answer.header("x-a"), answer.header("x-c")) == (["2"], "b", "d")
        assert (await wire.ask(post())).status == 200
    assert upstream.connections == 1
