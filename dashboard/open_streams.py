"""Answers that last: how many there are, and that they end when the process is told to stop."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from dashboard.problems import Problem

MOST = 32
"""Open at once; each may hold a recorded stream of 8 MB."""
TRY_AGAIN = {"Retry-After": "5"}


class OpenStreams:
    """Counts the answers that are open, and tells them to end."""

    def __init__(self) -> None:
        self.open = 0
        self._stop = asyncio.Event()

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Take a place for as long as the block runs. Raises Problem 429 when there is none."""
        if self.open >= MOST:
            raise Problem(429, f"{MOST} streams are open here already", headers=TRY_AGAIN)
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1

    async def stopped_within(self, seconds: float) -> bool:
        """Wait so long; True as soon as the process is to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return False
        return True

    async def end(self, _app: web.Application) -> None:
        """Tell all of them to end; a signal of ``on_shutdown``."""
        self._stop.set()


STREAMS = web.AppKey("open_streams", OpenStreams)
