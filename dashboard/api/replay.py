"""``/api/requests/{id}/replay``: a recorded stream played again."""

from collections.abc import Sequence
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from core.access import Permission
from dashboard.open_streams import STREAMS
from dashboard.problems import Problem
from dashboard.recordings import replay
from dashboard.recordings.asked import found_in
from dashboard.recordings.detail import Found, response_of
from dashboard.render.pool import rendered
from dashboard.render.steps import Step, steps_of
from dashboard.routing import Call, Query, route
from sql.rows.requests import ResponseBodyRow


class ReplayQuery(Query):
    """How fast, where to begin, and what of each event."""

    speed: Annotated[float, Field(ge=0.5, le=32)] = Field(1.0, description="How many times as fast as it was recorded")
    after: Annotated[int, Field(ge=0, le=100_000_000)] = Field(
        0, description="Number of the last event that is not wanted any more; the header Last-Event-ID says the same"
    )
    view: Literal["exact", "text"] = Field(
        "exact", description="`exact`: the recorded events; `text`: what a page draws of them, secrets masked"
    )


@route(
    "GET",
    "/api/requests/{id}/replay",
    permission=Permission.READ_BODIES,
    kind="events",
    query=ReplayQuery,
    errors=(400, 404, 409, 413, 429, 503),
)
async def replay_request(call: Call[ReplayQuery]) -> web.StreamResponse:
    """The recorded stream as server-sent events, with the pauses it had.

    Each event's `id` is its number, so a reader resumes by itself; `event: replay_end` is the last.
    """
    streams = call.request.app[STREAMS]
    with streams.one_more():
        found = await found_in(call)
        made = await rendered(call.request.app, _steps, await _stream_of(call, found))
        frames = await rendered(call.request.app, _frames, made, call.query.view, _after(call))
        response = web.StreamResponse(headers=replay.HEADERS)
        await response.prepare(call.request)
        player = replay.Player(response, streams, call.query.speed)
        await player.play(frames, replay.ending(made, found.row.outcome))
    return response


async def _stream_of(call: Call[ReplayQuery], found: Found) -> ResponseBodyRow:
    if found.row.outcome is None:
        raise Problem(409, "the call is still running; it can be replayed when it has ended")
    if not found.row.stream:
        raise Problem(404, "this answer was no stream")
    kept = await response_of(call.database, found.row)
    if kept is None:
        raise Problem(404, "no answer is stored for this request")
    return kept


def _steps(kept: ResponseBodyRow) -> list[Step]:
    made = steps_of(kept)
    if not made:
        raise Problem(404, "there are no events in this answer")
    return made


def _frames(made: Sequence[Step], view: str, after: int) -> list[replay.Frame]:
    return (replay.exact if view == "exact" else replay.drawn)(made, after)


def _after(call: Call[ReplayQuery]) -> int:
    """Where to go on: what the reader's own last event says counts more than the address it was opened with."""
    last = call.request.headers.get("Last-Event-ID", "")
    return int(last) if last.isascii() and last.isdecimal() and len(last) <= 9 else call.query.after
