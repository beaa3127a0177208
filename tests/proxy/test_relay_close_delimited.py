"""An answer that only the connection's end ends (HTTP/1.0, no length): cut short it must end with a reset."""

import asyncio
import hashlib

import pytest

from core.models import Outcome
from proxy import connection as client_side
from tests.relay import Wire, Worker
from tests.upstream import HANG, SSE, Answer, Upstream

ASK = b"GET /v1/models HTTP/1.0\r\nHost: proxy.test\r\n\r\n"


async def test_a_half_closed_client_that_is_given_up(
    worker: Worker, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that half-closed and is then taken for gone gets a reset, no clean end of half an answer."""
    monkeypatch.setattr(client_side, "HALF_CLOSE_SECONDS", 0.2)
    upstream.script(Answer(headers=(SSE,), chunks=(b"half", HANG), framing="chunked"))
    async with Wire(worker.port) as wire:
        await wire.send(ASK)
        await wire.head()
        assert await wire.reader.readexactly(4) == b"half"
        wire.writer.write_eof()
        with pytest.raises(ConnectionResetError):
            await wire.closed()


async def test_a_slow_reader_gets_it_whole(worker: Worker, upstream: Upstream) -> None:
    """The whole answer ends cleanly, although what is not yet taken would be lost by a reset."""
    piece = b"x" * 65536
    upstream.script(Answer(headers=(SSE,), chunks=[piece] * 100, framing="chunked"))
    async with Wire(worker.port) as wire:
        await wire.send(ASK)
        await wire.head()
        await asyncio.sleep(0.2)
        digest, size = hashlib.sha256(), 0
        async with asyncio.timeout(20):
            while data := await wire.reader.read(30_000):
                digest.update(data)
                size += len(data)
    assert size == 100 * len(piece)
    assert digest.digest() == hashlib.sha256(piece * 100).digest()
    (call,) = await worker.taped()
    assert call.end is not None
    assert call.end.outcome is Outcome.OK
