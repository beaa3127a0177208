"""``/dev/gallery``: everything a page is built from, in each of its states, to look at and to test.

Only where one local user is at home (no key, this machine's own name): elsewhere there is nothing at this address.
"""

from aiohttp import web

from core.access import Permission
from dashboard.access import GATE
from dashboard.gallery.drawings import every_figure, every_meter, every_trend
from dashboard.gallery.rows import ACCOUNT, MOMENT, every_row
from dashboard.gallery.talk import every_block
from dashboard.overview.cards import Failed
from dashboard.pages import first_run
from dashboard.pages.request_tabs import Body
from dashboard.pages.requests import Line
from dashboard.pages.shell import page
from dashboard.problems import Problem
from dashboard.recordings.listing import Listing
from dashboard.render.pool import rendered
from dashboard.routing import Call, Query, route

PROBLEMS = {
    400: "bad query parameter: status",
    401: "a key is needed: header x-dashboard-key, x-api-key or authorization: bearer",
    403: "you may not do this",
    404: "there is no such request, or it is not yours to see",
    500: "something went wrong here; the log has it under this answer's id",
    503: "the database does not answer just now",
}
BODIES = ("running", "missing", "not_recorded", "empty", "too_large", "partial")
TONES = ("ok", "warning", "error", "running", "cancelled")


@route("GET", "/dev/gallery", permission=Permission.READ_REQUESTS, errors=(404,))
async def gallery(call: Call[Query]) -> web.Response:
    """Every component in every state."""
    _only_at_home(call)
    rows = every_row()
    talk = await rendered(call.request.app, every_block)
    return page(
        call.request,
        "gallery.html",
        section="",
        source="made up; nothing here was recorded",
        lines=[Line(row, "atlas", ACCOUNT) for row in rows],
        moment=MOMENT,
        found=Listing(rows, {}, {}, 10_000, total_capped=True, more=True),
        talk=talk,
        charts_shown=every_figure(),
        meters=every_meter(),
        trends=every_trend(),
        bodies=[_body(state) for state in BODIES],
        tones=TONES,
        problems=PROBLEMS,
        fault=Failed("the database does not answer just now", "0199aaaa"),
    )


@route("GET", "/dev/gallery/first-run", permission=Permission.READ_REQUESTS, errors=(404,))
async def gallery_first_run(call: Call[Query]) -> web.Response:
    """What a stranger sees while nothing is recorded."""
    _only_at_home(call)
    return first_run.shown(call, section="requests")


@route("GET", "/dev/gallery/{status}", permission=Permission.READ_REQUESTS, errors=(404,))
async def gallery_problem(call: Call[Query]) -> web.Response:
    """An error page of this status."""
    _only_at_home(call)
    asked = call.request.match_info["status"]
    status = int(asked) if asked.isascii() and asked.isdigit() and len(asked) == 3 else 404
    details = [{"parameter": "status", "message": "is 429 or 4xx"}] if status == 400 else None
    if status not in PROBLEMS:
        raise web.HTTPNotFound
    raise Problem(status, PROBLEMS[status], details)


def _only_at_home(call: Call[Query]) -> None:
    if call.request.app[GATE].needs_key:
        raise web.HTTPNotFound


def _body(state: str) -> Body:
    """A body of which only the notice is drawn."""
    return Body(state, octets=9_000_000, partial=state == "partial", lost=3)
