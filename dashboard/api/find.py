"""``/api/find``: where a word or an id leads."""

from pydantic import BaseModel, Field

from core.access import Permission
from dashboard.finding import Match, find_matches
from dashboard.recordings.query import Text
from dashboard.routing import Call, Query, route


class FindQuery(Query):
    """What is looked for."""

    q: Text | None = Field(None, description="Part of a page's or train's name, or a whole id")


class FindAnswer(BaseModel):
    """Where it may lead."""

    matches: list[Match]


@route("GET", "/api/find", permission=Permission.READ_BODIES, query=FindQuery, returns=FindAnswer, errors=(400, 503))
async def find(call: Call[FindQuery]) -> FindAnswer:
    """Pages and trains of this name, and the request, conversation or session of this id."""
    return FindAnswer(matches=await find_matches(call.database, call.principal, call.query.q or ""))
