"""How a browser gets in where a key is needed: it shows the key once and gets the cookie of a session."""

import re
from math import ceil

from aiohttp import web

from core.access import Permission
from dashboard.access import GATE
from dashboard.forms import form_of
from dashboard.pages.shell import page
from dashboard.problems import Problem
from dashboard.routing import Call, Query, route

LOCAL_PLACE = re.compile(r"/(?![/\\])[!-~]{0,2000}")
"""A path on this site; ``//host`` and ``/\\host`` are other sites to a browser."""


class SignInQuery(Query):
    """Where to go afterwards."""

    next: str = "/"


@route("GET", "/login", permission=Permission.PUBLIC, query=SignInQuery)
async def show_sign_in(call: Call[SignInQuery]) -> web.Response:
    """The form that takes the key."""
    if not call.request.app[GATE].needs_key:
        raise web.HTTPSeeOther(_place(call.query.next))
    return page(call.request, "login.html", section="", place=_place(call.query.next), wrong=False)


@route("POST", "/login", permission=Permission.PUBLIC, errors=(400, 403, 413, 429))
async def sign_in(call: Call[Query]) -> web.Response:
    """Open a session for the right key. Who was wrong too often waits, also with the right one."""
    gate = call.request.app[GATE]
    address = call.request.remote or ""
    seconds = gate.attempts.wait(address)
    if seconds:
        headers = {"Retry-After": str(ceil(seconds))}
        raise Problem(429, f"too many wrong keys came from here: try again in {ceil(seconds)} s", headers=headers)
    given = await form_of(call.request)
    place = _place(given.get("next", "/"))
    if not gate.opens_with(given.get("key", "").strip()):
        gate.attempts.failed(address)
        return page(call.request, "login.html", section="", status=403, place=place, wrong=True)
    response = web.Response(status=303, headers={"Location": place})
    gate.remember(call.request, response)
    return response


@route("POST", "/logout", permission=Permission.PUBLIC, errors=(403,))
async def sign_out(call: Call[Query]) -> web.Response:
    """Close this browser's session."""
    response = web.Response(status=303, headers={"Location": "/login"})
    call.request.app[GATE].forget(call.request, response)
    return response


def _place(wanted: str) -> str:
    return wanted if LOCAL_PLACE.fullmatch(wanted) else "/"
