"""The door: one middleware finds the principal of every call and asks ``core.access.may`` for its route.

Without a key there is one local user, and only under a name of this machine: a web page elsewhere must not reach the
dashboard by rebinding its own name to 127.0.0.1 (security.md). With ``DASHBOARD_API_KEY`` a caller shows the key, or a
browser the cookie of a session that was opened with it.
"""

import time
from urllib.parse import quote, urlsplit

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

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
from core.settings import Settings
from dashboard.attempts import Attempts
from dashboard.problems import Problem
from dashboard.routing import PRINCIPAL, Route
from dashboard.sessions import Sessions

KEY_HOLDER = Principal("key holder", frozenset(Permission))
SECURE_COOKIE, PLAIN_COOKIE = "__Host-footplate", "footplate"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Gate:
    """Says who calls."""

    def __init__(self, settings: Settings) -> None:
        self._lock = KeyLock(settings.dashboard_api_key)
        self._secure = (settings.public_url or "").startswith("https://")
        self.sessions = Sessions(time.monotonic)
        self.attempts = Attempts(time.monotonic)

    @property
    def needs_key(self) -> bool:
        """Whether a key was set: then nobody is let in without it, not even from this machine."""
        return self._lock.has_key

    def opens_with(self, key: str) -> bool:
        """Whether this is the key."""
        return self._lock.opens_with(key)

    def principal(self, request: web.Request) -> Principal:
        """Who calls. Raises Problem 403 for a foreign host name, 401 for a wrong key."""
        if not self.needs_key:
            if asked_name(request) not in LOCAL_NAMES:
                raise Problem(403, "this dashboard answers only as localhost, 127.0.0.1 or [::1]")
            return LOCAL_USER
        key = shown_key(request)
        if key is not None:
            return KEY_HOLDER if self.opens_with(key) else ANONYMOUS
        session_id = request.cookies.get(SECURE_COOKIE) or request.cookies.get(PLAIN_COOKIE)
        return KEY_HOLDER if session_id is not None and self.sessions.holds(session_id) else ANONYMOUS

    def remember(self, request: web.Request, response: web.StreamResponse) -> None:
        """Open a session and put its cookie on the response."""
        secure = self._secure or request.secure
        response.set_cookie(
            SECURE_COOKIE if secure else PLAIN_COOKIE,
            self.sessions.open(),
            path="/",
            secure=secure,
            httponly=True,
            samesite="Lax",
        )

    def forget(self, request: web.Request, response: web.StreamResponse) -> None:
        """Close the session of this browser and take its cookie back."""
        for name in (SECURE_COOKIE, PLAIN_COOKIE):
            session_id = request.cookies.get(name)
            if session_id is not None:
                self.sessions.close(session_id)
                response.del_cookie(name, path="/", secure=name == SECURE_COOKIE, httponly=True, samesite="Lax")


GATE = web.AppKey("gate", Gate)
ROUTES = web.AppKey("routes", dict[object, Route])
"""The declared route of each aiohttp handler."""


@web.middleware
async def check_access(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a call through to its route if its principal holds the route's permission."""
    principal = request.app[GATE].principal(request)
    request[PRINCIPAL] = principal
    declared = declared_route(request)
    permission = Permission.PUBLIC if declared is None or declared.permission is None else declared.permission
    if not may(principal, permission):
        raise _refusal(request, principal, declared)
    if request.method not in SAFE_METHODS:
        _check_same_site(request)
    return await handler(request)


def declared_route(request: web.Request) -> Route | None:
    """The route this call goes to; None where no route has this path."""
    return request.app[ROUTES].get(request.match_info.handler)


def asked_name(request: web.Request) -> str | None:
    """The name in the Host header; None where it is none."""
    return host_name(request.headers.get(hdrs.HOST, ""))


def shown_key(request: web.Request) -> str | None:
    """The key a caller shows; None where none is there."""
    return next(shown_keys(request.headers.items()), None)


def _refusal(request: web.Request, principal: Principal, declared: Route | None) -> Problem:
    if principal is not ANONYMOUS:
        return Problem(403, "you may not do this")
    headers: dict[str, str] = {hdrs.WWW_AUTHENTICATE: 'Bearer realm="footplate"'}
    if declared is not None and declared.kind == "page" and request.method == "GET" and shown_key(request) is None:
        return Problem(303, "sign in first", headers={hdrs.LOCATION: "/login?next=" + quote(request.path_qs, safe="")})
    return Problem(401, "a key is needed: header x-dashboard-key, x-api-key or authorization: bearer", headers=headers)


def _check_same_site(request: web.Request) -> None:
    """Refuse a change that a page of another site asked for. Programs send neither header and are let through."""
    site = request.headers.get("Sec-Fetch-Site", "none")
    if site not in {"same-origin", "none"}:
        raise Problem(403, "a change must come from this site's own pages")
    origin = request.headers.get(hdrs.ORIGIN)
    if origin == "null" and site == "same-origin":
        # Our own no-referrer makes browsers send this with our own forms (Fetch, "serializing a request origin").
        return
    if origin is not None and _site(origin) != request.headers.get(hdrs.HOST, "").lower():
        raise Problem(403, "a change must come from this site's own pages")


def _site(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:  # a bracket that nothing closes
        return None
