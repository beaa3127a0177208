"""How a browser gets in where a key is needed: it shows the key once and gets the cookie of a session.

The only HTML of this package: a form that works without templates, styles or scripts.
"""

import re
from html import escape

from aiohttp import web

from core.access import Permission
from dashboard.access import GATE
from dashboard.routing import Call, Query, route

LOCAL_PLACE = re.compile(r"/(?![/\\])[!-~]{0,2000}")
"""A path on this site; ``//host`` and ``/\\host`` are other sites to a browser."""

FORM = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>Sign in · Footplate</title>
<main><h1>Footplate</h1>{said}
<form method="post" action="/login">
<input type="hidden" name="next" value="{place}">
<p><label for="key">Dashboard key (DASHBOARD_API_KEY)</label><br>
<input id="key" name="key" type="password" required autofocus autocomplete="current-password" size="48"></p>
<p><button>Sign in</button></p></form></main></html>
"""


class SignInQuery(Query):
    """Where to go afterwards."""

    next: str = "/"


@route("GET", "/login", permission=Permission.PUBLIC, query=SignInQuery)
async def show_sign_in(call: Call[SignInQuery]) -> web.Response:
    """The form that takes the key."""
    if not call.request.app[GATE].needs_key:
        raise web.HTTPSeeOther(_place(call.query.next))
    return _form(_place(call.query.next))


@route("POST", "/login", permission=Permission.PUBLIC, errors=(403, 413))
async def sign_in(call: Call[Query]) -> web.Response:
    """Open a session for the right key."""
    gate = call.request.app[GATE]
    given = await call.request.post()
    key, place = given.get("key"), _place(str(given.get("next", "/")))
    if not isinstance(key, str) or not gate.opens_with(key.strip()):
        return _form(place, "<p role=alert>This is not the key.</p>", status=403)
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


def _form(place: str, said: str = "", status: int = 200) -> web.Response:
    return web.Response(text=FORM.format(place=escape(place), said=said), status=status, content_type="text/html")
