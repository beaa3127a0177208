"""How large a request may be, by its path, and that what is let in is streamed and never held (wire.md, limits)."""

import asyncio
import hashlib
import json

import pytest

from core.models import Outcome
from tests.relay import HOST, Wire, Worker, post
from tests.upstream import Upstream


@pytest.mark.parametrize("chunked", [False, True])
async def test_32_mib(chunked: bool, worker: Worker, upstream: Upstream) -> None:
    """The largest message passes, streamed; its hash is the same on all three sides."""
    body = hashlib.shake_128(b"32 MiB").digest(32 << 20)
    request = post(body)
    if chunked:
        pieces = (body[start : start + 100_000] for start in range(0, len(body), 100_000))
        framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        request = b"POST /v1/messages HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + framed
    async with Wire(worker.port) as wire:
        assert (await wire.ask(request)).status == 200
    assert upstream.requests[0].body == body
    (call,) = await worker.taped()
    assert call.request == body
    assert call.end is not None
    assert call.end.request_bytes == len(body)


async def test_one_byte_over_the_limit_while_streaming(worker: Worker, upstream: Upstream) -> None:
    """Our own counter says 413 in the middle of a chunked body; the upstream's request is broken off."""
    piece = b"%x\r\n%b\r\n" % (1 << 20, b"x" * (1 << 20))
    async with Wire(worker.port) as wire:
        await wire.send(b"POST /v1/messages HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(32):
            await wire.send(piece)
        await wire.send(b"1\r\nx\r\n0\r\n\r\n")
        answer = await wire.answer()
    assert answer.status == 413
    assert json.loads(answer.body)["error"]["type"] == "request_too_large"
    assert not upstream.requests[0].complete.is_set()
    await asyncio.wait_for(upstream.requests[0].gone.wait(), 30)
    (call,) = await worker.taped()
    assert call.end is not None
    assert (call.end.outcome, call.end.note) == (Outcome.REJECTED, "body over limit")
    assert call.head is not None
    assert (call.head.status, call.head.ours) == (413, True)


@pytest.mark.parametrize(
    ("target", "limit"),
    [
        (b"/v1/messages", 32 << 20),
        (b"/v1/messages/batches", 256 << 20),
        (b"/v1/messages/batches/b/results", 256 << 20),
        (b"/v1/messages/batchesque", 32 << 20),
        (b"/t/dev/v1/files?beta=true", 500 << 20),
        (b"/v1/files/f/content", 500 << 20),
        (b"/api/event_logging/batch", 32 << 20),
    ],
)
async def test_limits_to_the_byte(target: bytes, limit: int, worker: Worker) -> None:
    """What the path allows is waited for; a byte more is refused before the client was told to go on."""
    expects = b"POST %b HTTP/1.1\r\n%bExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    for size, status in ((limit, 100), (limit + 1, 413)):
        async with Wire(worker.port) as wire:
            await wire.send(expects % (target, HOST, size))
            assert (await wire.head())[0] == status


async def test_files_may_be_larger(worker: Worker, upstream: Upstream) -> None:
    """The limit is the path's: 40 MiB are too much for messages and fine for files."""
    async with Wire(worker.port) as wire:
        answer = await wire.ask(post(b"x" * (40 << 20), target=b"/v1/files"))
    assert answer.status == 200
    assert len(upstream.requests[0].body) == 40 << 20
