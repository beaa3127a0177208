"""What runs beside the web server: it may fail, and is begun again; the pages never go with it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

from dashboard import log

PAUSE_SECONDS: Final = 5.0

Work = Callable[[], Awaitable[None]]


@asynccontextmanager
async def beside(works: Mapping[str, Work]) -> AsyncIterator[None]:
    """Does these works, each by its name, as long as the block lasts; then they are cancelled and waited for."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(keep(name, work)) for name, work in works.items()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def keep(name: str, work: Work, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """Does a work until cancelled. Whatever it fails with is logged, by class and place, and it is begun again."""
    while True:
        try:
            await work()
        except Exception as exc:  # noqa: BLE001  the border: the pages go on
            log.write_failure(exc, request_id=None, route=name)
        await pause(PAUSE_SECONDS)
