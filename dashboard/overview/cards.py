"""The parts of a page, read beside one another. One that fails is a card that says so; the others stand."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from dashboard import log
from dashboard.access import declared_route
from dashboard.problems import REQUEST_ID, Problem
from sql.errors import DatabaseAwayError


@dataclass(frozen=True, slots=True)
class Failed:
    """A part that could not be read; ``error_id`` is what the log has it under."""

    reason: str
    error_id: str


Part = Callable[[], Awaitable[Any]]


async def read_parts(request: web.Request, parts: Mapping[str, Part]) -> dict[str, Any]:
    """Each part's value, or Failed."""
    found: dict[str, Any] = {}

    async def read(name: str, part: Part) -> None:
        try:
            found[name] = await part()
        except DatabaseAwayError:
            found[name] = Failed("the database did not answer in time", request.get(REQUEST_ID, ""))
        except Problem:
            raise
        except Exception as exc:  # noqa: BLE001  the border of a card: it may not take the page with it
            declared = declared_route(request)
            log.write_failure(exc, request_id=request.get(REQUEST_ID), route=declared.path if declared else None)
            found[name] = Failed("something went wrong here", request.get(REQUEST_ID, ""))

    async with asyncio.TaskGroup() as group:
        for name, part in parts.items():
            group.create_task(read(name, part))
    return found
