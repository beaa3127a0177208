"""Waiting for the database: by the backoff, but not a second longer than it is away.

A backoff of 10 s would leave a server that is back idle for that long (faults.md, 1: catching up starts within 2 s). So
a server that did not answer at all is asked once a second; one that answers and still refuses gets the whole wait.
"""

import asyncio

from sql.database import Database

ASK_SECONDS = 1.0


class StoppedError(Exception):
    """The recorder was asked to stop while it waited for the database; nothing is lost."""


async def wait_out(database: Database, stop: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until a database that was away answers. Raises StoppedError."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    away = not await database.alive()
    while (left := until - loop.time()) > 0:
        await pause(stop, min(left, ASK_SECONDS))
        if away and await database.alive():
            return


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but not longer than until the recorder is asked to stop. Raises StoppedError then."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
    raise StoppedError
