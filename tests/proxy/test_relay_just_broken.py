"""A client has gone and its call has not been told yet: uvloop raises on a write then, where asyncio says nothing."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from proxy.response_writer import ResponseWriter


class Ended(asyncio.Protocol):
    """One side of a connection that says when it has ended."""

    def __init__(self) -> None:
        self.news: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: Exception | None) -> None:
        """Now everybody knows."""
        del exc
        self.news.set_result(None)


async def test_a_piece_for_a_client_that_is_gone_raises_nothing() -> None:
    """So that the piece goes on to the tape: what the upstream sent is recorded."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Ended, "127.0.0.1", 0)
    transport, own = await loop.create_connection(Ended, *server.sockets[0].getsockname())
    transport.abort()
    await own.news
    with pytest.raises(RuntimeError):
        transport.write(b"")
    incoming: Any = SimpleNamespace(connection=SimpleNamespace(transport=transport, ending=False))
    writer = ResponseWriter(incoming)
    writer.piece(b"data: {}\n\n")
    assert writer.written == 10
    server.close()
    await server.wait_closed()
