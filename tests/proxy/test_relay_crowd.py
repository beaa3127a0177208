"""Connections that nobody uses must not keep out those who would."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from proxy import server
from tests.relay import Wire, Worker, post
from tests.upstream import SSE, Answer, Upstream


async def test_idle_connections_make_room(worker: Worker, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """Near the limit the longest idle are closed: everybody who asks is served, and running calls go on."""
    monkeypatch.setattr(server, "QUIET_SECONDS", 0)
    monkeypatch.setattr(worker.server, "_descriptors", 40)
    gate = asyncio.Event()
    upstream.script(Answer(headers=(SSE,), chunks=(b"begin", gate, b"end"), framing="chunked"))
    async with AsyncExitStack() as stack:
        busy = await stack.enter_async_context(Wire(worker.port))
        await busy.send(post())
        assert await busy.chunk_of_head() == b"begin"
        wires = []
        for number in range(100):
            wires.append(await stack.enter_async_context(Wire(worker.port)))
            if number % 2:  # the others never ask anything
                assert (await wires[-1].ask(post())).status == 200
        assert await wires[0].closed() == b""
        assert await wires[1].closed() == b""
        assert (await wires[-1].ask(post())).status == 200
        gate.set()
        assert await busy.chunk() == b"end"
        assert await busy.chunk() == b""


async def test_who_has_just_come_is_not_sent_away(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody has been idle for long, the call above the limit is refused and every connection stays."""
    monkeypatch.setattr(server, "QUIET_SECONDS", 60)
    monkeypatch.setattr(worker.server, "_descriptors", 10)
    async with AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(Wire(worker.port)) for _ in range(12)]
        assert (await wires[0].ask(post())).status == 529
        assert (await wires[1].ask(post(target=b"/v1/models"))).status == 529
