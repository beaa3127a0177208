"""The proxy's own few routes, each with the permission it needs; one question decides for all of them.

In open mode on loopback everybody who can reach the port is the local user, but only under a local ``Host``: a web
page must not reach these by DNS rebinding. Off loopback all but the public ones ask for the dashboard's key.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import orjson

from core.access import (
    ANONYMOUS,
    LOCAL_NAMES,
    LOCAL_USER,
    KeyLock,
    Permission,
    Principal,
    host_name,
    may,
    shown_keys,
)
from core.refusals import Reason
from core.settings import Settings
from core.version import VERSION
from proxy import counters, metrics
from proxy.admission import Admitted, RawHeaders, RefusedError
from proxy.health import Health
from proxy.token_stats import add_up
from sql.errors import DatabaseError
from sql.rows.token_stats import TokenStatsRow

if TYPE_CHECKING:
    from sql.database import Database

JSON = "application/json"


class Answer(NamedTuple):
    """A whole answer of ours."""

    status: int
    kind: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """What a route may use."""

    health: Health
    run_folder: Path
    database: "Database | None"


Handler = Callable[[Asked], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Route:
    """One of our routes: GET and HEAD on exactly this path."""

    path: str
    permission: Permission
    handler: Handler


async def _health(asked: Asked) -> Answer:
    ok = asked.health.ok
    body = {
        "status": "ok" if ok else "error",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "version": VERSION,
        "database": "connected" if await asked.health.database_answers() else "disconnected",
    }
    return Answer(200 if ok else 503, JSON, orjson.dumps(body))


async def _live(asked: Asked) -> Answer:
    del asked
    return Answer(200, JSON, b'{"status":"ok"}')


async def _token_stats(asked: Asked) -> Answer:
    if asked.database is None:
        raise RefusedError(Reason.DATABASE_AWAY)
    try:
        rows = await asked.database.fetch("token_stats", TokenStatsRow)
    except DatabaseError as exc:
        raise RefusedError(Reason.DATABASE_AWAY) from exc
    return Answer(200, JSON, orjson.dumps(add_up(rows)))


async def _metrics(asked: Asked) -> Answer:
    asked.health.count()
    return Answer(200, metrics.CONTENT_TYPE, metrics.render(counters.total(asked.run_folder)))


ROUTES = (
    Route("/health", Permission.PUBLIC, _health),
    Route("/health/live", Permission.PUBLIC, _live),
    Route("/health/ready", Permission.PUBLIC, _health),
    Route("/token-stats", Permission.READ_STATISTICS, _token_stats),
    Route("/metrics", Permission.READ_METRICS, _metrics),
)


class OwnRoutes:
    """The table, checked once at start."""

    def __init__(self, settings: Settings, asked: Asked, routes: tuple[Route, ...] = ROUTES) -> None:
        """Raises TypeError where a route lacks its permission."""
        for route in routes:
            if not isinstance(route.permission, Permission):
                raise TypeError(f"{route.path} declares no permission")
        self._routes: Mapping[str, Route] = {route.path: route for route in routes}
        self._settings = settings
        self._asked = asked
        self._lock = KeyLock(settings.dashboard_api_key)
        self.paths = frozenset(self._routes)

    async def answer(self, admitted: Admitted, headers: RawHeaders) -> Answer:
        """The answer to one of our paths. Raises RefusedError."""
        route = self._routes[admitted.path]
        if admitted.method not in {"GET", "HEAD"}:
            raise RefusedError(Reason.METHOD_NOT_ALLOWED)
        if self._settings.loopback and host_name(admitted.host) not in LOCAL_NAMES:
            raise RefusedError(Reason.FOREIGN_HOST)
        if not may(self._principal(headers), route.permission):
            raise RefusedError(Reason.UNAUTHORIZED)
        return await route.handler(self._asked)

    def _principal(self, headers: RawHeaders) -> Principal:
        if self._settings.loopback:
            return LOCAL_USER
        fields = ((name.decode("latin-1"), value.decode("utf-8", "surrogateescape")) for name, value in headers)
        return LOCAL_USER if any(map(self._lock.opens_with, shown_keys(fields))) else ANONYMOUS
