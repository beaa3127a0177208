"""The conversation that a path names, also by an id it no longer has."""

from typing import Any
from uuid import UUID

from aiohttp import web

from dashboard.conversations.detail import Conversation, find_conversation
from dashboard.problems import Problem
from dashboard.routing import Call


async def found_conversation(call: Call[Any]) -> Conversation:
    """The conversation that the path names. Raises Problem 404."""
    try:
        wanted = UUID(call.request.match_info["id"])
    except ValueError:
        wanted = None
    found = None if wanted is None else await find_conversation(call.database, call.principal, wanted)
    if found is None:
        raise Problem(404, "there is no such conversation, or it is not yours to see")
    return found


def moved_to(request: web.Request, found: Conversation, before: str, behind: str = "") -> web.Response | None:
    """The way to a conversation that was asked for by another id than its own, with the same query."""
    if UUID(request.match_info["id"]) == found.id:
        return None
    query = f"?{request.query_string}" if request.query_string else ""
    return web.Response(status=308, headers={"Location": f"{before}{found.id}{behind}{query}"})
