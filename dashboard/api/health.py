"""``/health``: whether the dashboard can do its work. Public: it says nothing of any train."""

from datetime import UTC, datetime
from typing import Literal

from aiohttp import web

from core.access import Permission
from core.version import VERSION
from dashboard.recordings.answers import Answer
from dashboard.routing import Call, Query, route


class HealthAnswer(Answer):
    """State of this process."""

    status: Literal["ok", "error"]
    timestamp: datetime
    version: str
    database: Literal["connected", "disconnected"]


class LiveAnswer(Answer):
    """The process runs."""

    status: Literal["ok"]
    timestamp: datetime
    version: str


@route("GET", "/health", permission=Permission.PUBLIC, returns=HealthAnswer, errors=(503,), failure=HealthAnswer)
async def show_health(call: Call[Query]) -> web.Response:
    """200 while the database answers; 503, with the same body, while it does not: there is nothing to show then."""
    return await _health(call)


@route("GET", "/health/ready", permission=Permission.PUBLIC, returns=HealthAnswer, errors=(503,), failure=HealthAnswer)
async def show_ready(call: Call[Query]) -> web.Response:
    """The same as /health."""
    return await _health(call)


@route("GET", "/health/live", permission=Permission.PUBLIC, returns=LiveAnswer)
async def show_live(_call: Call[Query]) -> LiveAnswer:
    """200 as long as the process runs, database or not."""
    return LiveAnswer(status="ok", timestamp=datetime.now(UTC), version=VERSION)


async def _health(call: Call[Query]) -> web.Response:
    alive = await call.database.alive()
    answer = HealthAnswer(
        status="ok" if alive else "error",
        timestamp=datetime.now(UTC),
        version=VERSION,
        database="connected" if alive else "disconnected",
    )
    return web.Response(
        body=answer.model_dump_json().encode(),
        status=200 if alive else 503,
        content_type="application/json",
        headers={} if alive else {"Retry-After": "2"},
    )
