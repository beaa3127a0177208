"""Streams: each piece at once, nothing waits for the tape, slow readers slow the upstream down."""

import asyncio
import hashlib
import socket
from pathlib import Path

import pytest

from core.models import Outcome
from proxy import forward
from tests.relay import Wire, Worker, get, post, settings_for
from tests.upstream import HANG, SSE, Answer, Chunk, Upstream, event, stream, stream_answer


async def test_each_event_comes_at_once(worker: Worker, upstream: Upstream) -> None:
    """An event reaches the client before the upstream says the next one; pings and comments too."""
    events = (*stream("Hel", "lo"), b": a comment\n\n", event("ping"))
    gates = [asyncio.Event() for _ in events]
    chunks: list[Chunk] = [step for pair in zip(gates, events, strict=True) for step in pair]
    upstream.script(Answer(headers=(SSE,), chunks=chunks, framing="chunked"))
    async with Wire(worker.port) as wire:
        await wire.send(post())
        await wire.head()
        for gate, data in zip(gates, events, strict=True):
            gate.set()
            async with asyncio.timeout(30):
                assert await wire.chunk() == data
        assert await wire.chunk() == b""
    (call,) = await worker.taped()
    assert call.response == b"".join(events)
    assert call.chunks == [len(data) for data in events]


async def test_the_head_comes_before_the_body(worker: Worker, upstream: Upstream) -> None:
    """A head without a body yet is passed on."""
    gate = asyncio.Event()
    upstream.script(Answer(headers=(SSE,), chunks=(gate, b"x"), framing="chunked"))
    async with Wire(worker.port) as wire:
        await wire.send(post())
        assert (await wire.head())[0] == 200
        gate.set()
        assert await wire.chunk() == b"x"


async def test_the_head_waits_for_the_tape(worker: Worker, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody sees an answer whose request is not on disk: the head goes on when the tape is synced, not before."""
    synced = asyncio.get_running_loop().create_future()
    monkeypatch.setattr("proxy.forward.HOLD_SECONDS", 60)
    monkeypatch.setattr(worker.relay.tape, "synced", lambda: synced)
    async with Wire(worker.port) as wire:
        await wire.send(post())
        await upstream.received(0)
        head = asyncio.get_running_loop().create_task(wire.head())
        done, _ = await asyncio.wait([head], timeout=0.2)
        assert not done
        synced.set_result(None)
        assert (await head)[0] == 200
    assert worker.count("head_sync_misses") == 0


async def test_what_came_while_the_head_was_held_is_timed_as_it_came(
    worker: Worker, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record says when the upstream spoke, not when the tape let it through."""
    synced = asyncio.get_running_loop().create_future()
    monkeypatch.setattr("proxy.forward.HOLD_SECONDS", 60)
    monkeypatch.setattr(worker.relay.tape, "synced", lambda: synced)
    upstream.script(Answer(headers=(SSE,), chunks=(b"early",), framing="chunked"))
    async with Wire(worker.port) as wire, asyncio.timeout(30):
        await wire.send(post())
        while not any(connection.has_body for connection in worker.relay.upstream.connections):
            await asyncio.sleep(0)
        synced.set_result(None)
        assert await wire.head()
        assert await wire.chunk() == b"early"
        assert await wire.chunk() == b""
    monkeypatch.undo()
    (call,) = await worker.taped()
    assert call.end is not None
    timings = call.end.timings
    assert timings.first_byte_us is not None
    assert timings.head_us is not None
    assert timings.first_byte_us < timings.head_us + timings.tape_wait_us


async def test_the_head_waits_20_ms_at_most(
    worker: Worker, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that hangs delays no answer for longer, and the miss is counted."""
    assert forward.HOLD_SECONDS == 0.02
    never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(worker.relay.tape, "synced", lambda: never)
    async with Wire(worker.port) as wire:
        assert (await wire.ask(post())).status == 200
    assert worker.count("head_sync_misses") == 1


async def test_a_body_that_ends_with_the_connection(worker: Worker, upstream: Upstream) -> None:
    """An upstream without length or chunks is passed on in chunks, and its clean end is a clean end."""
    upstream.script(Answer(chunks=(b"one", b"two"), framing="eof"))
    async with Wire(worker.port) as wire:
        answer = await wire.ask(post())
        assert (answer.body, answer.whole) == (b"onetwo", True)
        assert (await wire.ask(post())).status == 200
    assert upstream.connections == 2


async def test_a_large_answer(worker: Worker, upstream: Upstream) -> None:
    """Large bodies come whole, in frames the tape can take."""
    body = hashlib.shake_128(b"answer").digest(20_000_000)
    upstream.script(Answer(chunks=(body,)))
    async with Wire(worker.port) as wire:
        answer = await wire.ask(post())
    assert answer.body == body
    (call,) = await worker.taped()
    assert call.response == body


async def test_a_slow_reader_holds_the_upstream_back(worker: Worker, upstream: Upstream) -> None:
    """A client that stops reading stops the upstream: we hold little, and when it reads on nothing is missing."""
    piece = hashlib.shake_128(b"piece").digest(64 * 1024)
    taken: list[int] = []
    upstream.script(Answer(chunks=tuple([piece] * 800), framing="chunked"))
    async with Wire(worker.port) as wire:
        await wire.send(post())
        await wire.head()
        (call,) = worker.relay.calls
        async with asyncio.timeout(20):
            while len(taken) < 5 or taken[-1] != taken[-5]:
                taken.append(call.written)
                await asyncio.sleep(0.05)
        # Sockets of the test take part: 800 pieces would be 50 MB.
        assert taken[-1] < 8_000_000
        assert call._transport is not None
        assert call._transport.get_write_buffer_size() < 600_000
        digest = hashlib.sha256()
        while chunk := await wire.chunk():
            digest.update(chunk)
    assert digest.digest() == hashlib.sha256(piece * 800).digest()


async def test_buffers_are_bounded_on_both_sides(worker: Worker, upstream: Upstream) -> None:
    """256 kB in the kernel each way and 64 kB here, so that a thousand slow readers fit into memory (row 35)."""
    upstream.script(Answer(headers=(SSE,), chunks=(b"x", HANG), framing="chunked"))
    async with Wire(worker.port) as wire:
        await wire.send(post())
        await wire.chunk_of_head()
        (call,) = worker.relay.calls
        (way_out,) = worker.relay.upstream.connections
        for transport in (call._transport, way_out.transport):
            assert transport is not None
            assert transport.get_write_buffer_limits()[1] == 64 * 1024
            sock = transport.get_extra_info("socket")
            for side, most in ((socket.SO_SNDBUF, "wmem_max"), (socket.SO_RCVBUF, "rmem_max")):
                allowed = int(Path("/proc/sys/net/core", most).read_text())
                # Linux books twice what was asked for (socket(7)).
                assert sock.getsockopt(socket.SOL_SOCKET, side) == 2 * min(256 * 1024, allowed)


async def test_a_stalled_reader_is_cut(upstream: Upstream, tmp_path: Path) -> None:
    """A client that takes nothing for the idle timeout is given up; the upstream is freed, the record says so."""
    upstream.script(Answer(chunks=tuple([b"x" * 65536] * 800), framing="chunked"))
    async with Worker(settings_for(tmp_path, upstream.url, idle_timeout=0.3)) as worker, Wire(worker.port) as wire:
        await wire.send(post())
        await wire.head()
        await asyncio.wait_for(upstream.requests[0].gone.wait(), 10)
        (call,) = await worker.taped()
    assert call.end is not None
    assert (call.end.outcome, call.end.note) == (Outcome.CLIENT_TIMEOUT, "client stopped reading")
    assert call.end.delivered_bytes <= call.end.response_bytes == len(call.response)


async def test_pipelined_large_answers(worker: Worker, upstream: Upstream) -> None:
    """Large answers behind one another on one connection, to a client that first reads nothing: all come whole."""
    bodies = [hashlib.shake_128(b"%d" % number).digest(9_000_000) for number in range(4)]
    upstream.script(*(Answer(chunks=(body,), framing="chunked") for body in bodies))
    async with Wire(worker.port) as wire:
        await wire.send(post(b"a") + post(b"b") + post(b"c") + post(b"d"))
        await upstream.received(0)
        for body in bodies:
            assert (await wire.answer()).body == body
    calls = await worker.taped()
    assert [bytes(call.response) for call in calls] == bodies


async def test_a_slow_disk_holds_large_transfers_back(
    worker: Worker, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transfer that is faster than the disk waits for it every 8 MiB, a second at most each time; nothing is lost."""
    waits: list[int] = []
    synced = worker.relay.tape.synced

    def counting() -> asyncio.Future[None]:
        waits.append(1)
        return synced()

    monkeypatch.setattr(worker.relay.tape, "synced", counting)
    body = hashlib.shake_128(b"large").digest(30 << 20)
    upstream.script(Answer(chunks=(body,), framing="chunked"))
    async with Wire(worker.port) as wire:
        assert (await wire.ask(post(body))).body == body
    assert len(waits) >= 7
    (call,) = await worker.taped()
    assert call.request == body
    assert call.response == body
    assert call.end is not None
    assert call.end.lost_frames == 0


async def test_the_end_nobody_reads(upstream: Upstream, tmp_path: Path) -> None:
    """A client that never takes the end of a whole answer is given up after the idle timeout, too."""
    upstream.script(Answer(chunks=(b"x" * 8_000_000,)))
    async with Worker(settings_for(tmp_path, upstream.url, idle_timeout=0.3)) as worker, Wire(worker.port) as wire:
        wire.writer.transport.pause_reading()
        await wire.send(post())
        async with asyncio.timeout(30):
            while worker.server._connections or not upstream.requests:
                await asyncio.sleep(0.02)


async def test_a_slow_upstream_holds_the_client_back(worker: Worker, upstream: Upstream) -> None:
    """An upstream that does not read stops the client's upload: what we hold of it stays small."""
    upstream.script(Answer(read_body=False))
    async with Wire(worker.port) as wire:
        uploading = asyncio.get_running_loop().create_task(wire.send(post(b"x" * (30 << 20))))
        await upstream.received(0, whole=False)
        (call,) = worker.relay.calls
        sizes: list[int] = []
        async with asyncio.timeout(20):
            while len(sizes) < 5 or sizes[-1] != sizes[-5]:
                sizes.append(call._body.size)
                await asyncio.sleep(0.05)
        assert sizes[-1] < 8_000_000
        uploading.cancel()


async def test_fifty_at_once(worker: Worker, upstream: Upstream) -> None:
    """Fifty streams side by side keep their bytes apart."""
    upstream.choose = lambda request: stream_answer(bytes(request.body).decode() * 20)
    bodies = [b"%d" % number for number in range(50)]

    async def one(body: bytes) -> bytes:
        async with Wire(worker.port) as wire:
            return (await wire.ask(post(body))).body

    answers = await asyncio.gather(*map(one, bodies))
    for body, answer in zip(bodies, answers, strict=True):
        assert answer == b"".join(stream(body.decode() * 20))
    calls = await worker.taped()
    assert sorted(bytes(call.request) for call in calls) == sorted(bodies)
    for call in calls:
        assert call.response == b"".join(stream(bytes(call.request).decode() * 20))
        assert call.sequence == list(range(len(call.sequence)))


async def test_open_calls_are_counted(worker: Worker, upstream: Upstream) -> None:
    """/metrics knows how many calls are open."""
    upstream.script(Answer(chunks=(b"x", HANG), framing="chunked"))
    async with Wire(worker.port) as wire, Wire(worker.port) as other:
        await wire.send(post())
        await wire.head()
        worker.server.sweep()
        metrics = (await other.ask(get(b"/metrics", host=b"Host: localhost\r\n"))).body
    assert b"footplate_open_calls 1.0" in metrics
