"""Rendering off the event loop: two threads, so that one heavy page leaves room for the others."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from aiohttp import web

THREADS = 2
POOL = web.AppKey("render_pool", ThreadPoolExecutor)
P = ParamSpec("P")
R = TypeVar("R")


async def opened(app: web.Application) -> AsyncIterator[None]:
    """A cleanup context: the pool lives as long as the application runs."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="render") as pool:
        app[POOL] = pool
        yield


async def rendered(app: web.Application, make: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """What ``make`` returns, made in the pool."""
    return await asyncio.get_running_loop().run_in_executor(app[POOL], partial(make, *args, **kwargs))
