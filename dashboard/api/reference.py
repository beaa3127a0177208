"""``/api/openapi.json``: what the API is, for machines; ``/docs`` is the same for people."""

from aiohttp import web

from core.access import Permission
from dashboard.openapi import as_text, own_document
from dashboard.routing import Call, Query, route


@route("GET", "/api/openapi.json", permission=Permission.PUBLIC, kind="json")
async def show_openapi(_call: Call[Query]) -> web.Response:
    """OpenAPI 3.1 of this API."""
    return web.Response(body=as_text(own_document()), content_type="application/json")
