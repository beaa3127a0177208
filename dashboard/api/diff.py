"""``/api/requests/{id}/diff``: what changed from another request to this one."""

import time
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.access import Permission
from dashboard.comparison.answers import DiffAnswer, answer_of
from dashboard.comparison.budget import Budget
from dashboard.comparison.requests import compared
from dashboard.comparison.stored import Side, other_side, side_of
from dashboard.conversations.detail import neighbours_of
from dashboard.problems import Problem
from dashboard.recordings.asked import found_in
from dashboard.recordings.place import place_of
from dashboard.render.messages import sent_in
from dashboard.render.pool import rendered
from dashboard.routing import Call, Query, json_answer, route

FAULTS = {
    "running": (409, "request {id} is still being recorded"),
    "missing": (404, "no request body is stored for {id}"),
    "too_large": (413, "the body of {id} is too large to be compared"),
}


class DiffQuery(Query):
    """What to compare with."""

    against: UUID | None = Field(None, description="Another request; default the parent, else the attempt before")


@route(
    "GET",
    "/api/requests/{id}/diff",
    permission=Permission.READ_BODIES,
    query=DiffQuery,
    returns=DiffAnswer,
    errors=(400, 404, 409, 413, 422, 503),
)
async def diff_requests(call: Call[DiffQuery]) -> web.Response:
    """What changed of options, tools, system and messages, line by line, with secrets masked.

    Bounded in size and time: what is left out is counted, and `complete` says whether all was aligned.
    """
    found = await found_in(call)
    place = place_of(found.row, await neighbours_of(call.database, found.row))
    other = await other_side(call.database, call.principal, found, place, call.query.against)
    if other is None:
        raise Problem(404, "there is no request to compare with: give one as `against`")
    own = await side_of(call.database, found.row.train, found.row)
    for side in (own, other):
        if side.fault is not None:
            status, words = FAULTS[side.fault]
            raise Problem(status, words.format(id=side.id))
    return await rendered(call.request.app, _answer, own, other)


def _answer(own: Side, other: Side) -> web.Response:
    try:
        diff = compared(sent_in(other.body or b""), sent_in(own.body or b""), Budget(time.monotonic))
    except ValueError as exc:
        raise Problem(422, f"a body is no request: {exc}") from exc
    return json_answer(answer_of(own.id, other.id, diff))
