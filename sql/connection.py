"""Opening one connection: how long to try, how often, and how jsonb is read and written on it."""

import asyncio
from typing import Any

import asyncpg
from asyncpg.protocol import protocol

from sql import jsonb
from sql.arrays import ask_quickly

CONNECT_SECONDS = 1.5
"""Less than the 2 s a caller waits for a connection, so that the reason is told and not only that time was up."""
PAUSE_SECONDS = 1.0
"""After a failure nobody of this process tries for so long: a server short of connections must not be stormed."""


class Connector:
    """``connect`` of a pool: as ``asyncpg.connect``, but it fails at once during the pause after a failure."""

    def __init__(self) -> None:
        self._paused_until = 0.0
        ask_quickly(vars(protocol))

    async def __call__(self, *args: Any, **options: Any) -> "asyncpg.Connection[asyncpg.Record]":
        """A new connection. Raises what asyncpg raises, ConnectionError during the pause."""
        clock = asyncio.get_running_loop().time
        if clock() < self._paused_until:
            raise ConnectionError("connecting failed a moment ago")
        try:
            # Over unix and TCP sockets alike it covers the whole start-up, not only the socket's connect.
            return await asyncpg.connect(*args, **(options | {"timeout": CONNECT_SECONDS}))
        except Exception:
            self._paused_until = clock() + PAUSE_SECONDS
            raise


async def prepare(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Make jsonb values Python values on this connection."""
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=jsonb.encode, decoder=jsonb.decode, format="text"
    )


async def nothing_to_reset(_connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """We set nothing on a session, so a round trip per release is spared; asyncpg still rolls back before this."""
