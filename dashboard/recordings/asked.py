"""The request that a call of ours asks for by the id in its path."""

from typing import Any
from uuid import UUID

from dashboard.problems import Problem
from dashboard.recordings.detail import Found, find_request
from dashboard.routing import Call


async def found_in(call: Call[Any], name: str = "id") -> Found:
    """The request. Raises Problem 404 where there is none, or none that the caller may see: nobody learns which."""
    try:
        wanted = UUID(call.request.match_info[name])
    except ValueError:
        raise Problem(404, "there is no such request, or it is not yours to see") from None
    found = await find_request(call.database, call.principal, wanted)
    if found is None:
        raise Problem(404, "there is no such request, or it is not yours to see")
    return found
