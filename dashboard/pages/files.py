"""Styles, scripts and the mark: the same for everybody, so public."""

from aiohttp import web

from core.access import Permission
from dashboard.pages.shell import ASSETS
from dashboard.routing import Call, Query, route


@route("GET", "/static/{name}", permission=Permission.PUBLIC, kind="asset", errors=(404,))
async def static_file(call: Call[Query]) -> web.Response:
    """A file under its hashed name, to be kept for a year."""
    return await call.request.app[ASSETS].serve(call.request)
