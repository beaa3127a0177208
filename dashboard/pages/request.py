"""``/requests/{id}``: everything recorded of one call, a tab a view. Only what the tab needs is read and drawn."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.access import Permission
from core.kept import cause
from dashboard.comparison.stored import other_side, side_of
from dashboard.conversations.detail import neighbours_of
from dashboard.pages import request_tabs as tabs
from dashboard.pages.shell import fragment, page
from dashboard.problems import Problem
from dashboard.recordings.asked import found_in
from dashboard.recordings.detail import Bodies, Found, bodies_of
from dashboard.recordings.place import Place, parent_items, place_of
from dashboard.render import diff as compare_tab
from dashboard.render import headline, waterfall
from dashboard.render.messages import WINDOW
from dashboard.render.pool import rendered
from dashboard.render.prompt import TOOLS
from dashboard.render.sequel import sequel
from dashboard.render.stream import PAGE
from dashboard.routing import Call, Query, route
from sql.rows.requests import RequestDetailRow

TabName = Literal["readable", "prompt", "diff", "request", "response", "stream", "headers", "timing", "code"]
TABS: tuple[tuple[TabName, str], ...] = (
    ("readable", "Readable"),
    ("prompt", "Prompt"),
    ("diff", "Diff"),
    ("request", "Raw request"),
    ("response", "Raw response"),
    ("stream", "Stream"),
    ("headers", "Headers"),
    ("timing", "Timing"),
    ("code", "cURL/SDK"),
)
DAY = 24 * 3600


class DetailQuery(Query):
    """Which tab, how much of the context, and where a long one begins."""

    tab: TabName = "readable"
    context: Literal["new", "full"] = Field("new", description="Messages to read: what is new, or all")
    first: Annotated[int, Field(ge=1, le=10_000_000)] | None = Field(None, description="First message or chunk shown")
    against: UUID | None = Field(None, description="The request that this one is compared with")
    tool: Annotated[int, Field(ge=1, le=10_000_000)] = Field(1, description="First tool shown")


@dataclass(frozen=True, slots=True)
class Segment:
    """A class of input tokens in the gauge; ``x`` and ``width`` in thousandths."""

    kind: str
    name: str
    tokens: int | None
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Asked:
    """One call for a tab: the request, where it stands, what of it is wanted."""

    call: Call[DetailQuery]
    found: Found
    place: Place | None

    @property
    def app(self) -> web.Application:
        """The application, for the rendering pool."""
        return self.call.request.app

    @property
    def pictures(self) -> str:
        """Where the request's pictures are served."""
        return f"/requests/{self.found.row.id}/images/"

    async def bodies(self) -> Bodies:
        """The bodies of the request."""
        return await bodies_of(self.call.database, self.found.row)


@route("GET", "/requests/{id}", permission=Permission.READ_BODIES, query=DetailQuery, errors=(400, 404, 503))
async def detail_page(call: Call[DetailQuery]) -> web.Response:
    """One recorded call."""
    found = await found_in(call)
    row = found.row
    place = place_of(row, await neighbours_of(call.database, row))
    values = await _SHOWN[call.query.tab](Asked(call, found, place))
    # A page of hundreds of messages takes long enough to keep others waiting.
    return await rendered(
        call.request.app,
        page,
        call.request,
        f"request.{call.query.tab}.html",
        section="requests",
        found=found,
        row=row,
        model=row.answered_model or row.model,
        tab=call.query.tab,
        tabs=TABS,
        path=f"/requests/{row.id}",
        ribbon=headline.sentence(ending_of(row)),
        gauge=segments(row),
        place=place,
        sequel=sequel(row, place),
        lost_to=cause(row.note, row.outcome).value,
        **values,
    )


@route("GET", "/requests/{id}/ended", permission=Permission.READ_REQUESTS, errors=(404, 503))
async def ended(call: Call[Query]) -> web.Response:
    """Asked by the page of a running call: reloads it when the call has ended."""
    row = (await found_in(call)).row
    answer = fragment(call.request, "request.ended.html", row=row)
    if row.outcome is not None:
        answer.headers["HX-Refresh"] = "true"
    return answer


@route("GET", "/requests/{id}/images/{place}", permission=Permission.READ_BODIES, kind="download", errors=(404, 503))
async def picture(call: Call[Query]) -> web.Response:
    """A recorded picture, if its bytes are one. What a caller claims to be a picture is never served as he says."""
    found = await found_in(call)
    bodies = await bodies_of(call.database, found.row)
    made = await rendered(call.request.app, tabs.picture, bodies, call.request.match_info["place"])
    if made is None:
        raise Problem(404, "there is no picture here")
    content, content_type = made
    headers = {"Cache-Control": f"private, max-age={DAY}", "Content-Disposition": "inline"}
    return web.Response(body=content, content_type=content_type, headers=headers)


def ending_of(row: RequestDetailRow) -> headline.Ending:
    """The columns that say how a call ended."""
    return headline.Ending(
        row.outcome,
        row.status_code,
        row.error_type,
        row.stop_reason,
        row.note,
        row.duration_us,
        row.ttft_us,
        row.response_bytes,
        row.delivered_bytes,
        row.output_tokens,
    )


def segments(row: RequestDetailRow) -> list[Segment]:
    """The classes of input tokens, as reported; a class that was not reported has no bar."""
    classes = (
        ("fresh", "fresh input", row.input_tokens),
        ("write", "cache write", row.cache_creation_input_tokens),
        ("read", "cache read", row.cache_read_input_tokens),
    )
    whole = sum(tokens or 0 for _, _, tokens in classes) or 1
    made, x = [], 0.0
    for kind, name, tokens in classes:
        width = (tokens or 0) * 1000 / whole
        made.append(Segment(kind, name, tokens, round(x, 2), round(width, 2)))
        x += width
    return made


async def _readable(asked: Asked) -> dict[str, Any]:
    query, row = asked.call.query, asked.found.row
    context = tabs.Context(query.context == "full", query.first, parent_items(row, asked.place))
    bodies = await asked.bodies()
    read = await rendered(asked.app, tabs.readable, row, bodies, asked.pictures, context)
    return {"read": read, "whole": context.whole, "window": WINDOW}


async def _prompt(asked: Asked) -> dict[str, Any]:
    query = asked.call.query
    bodies = await asked.bodies()
    made = await rendered(asked.app, tabs.prompt, asked.found.row, bodies, asked.pictures, query.first, query.tool)
    return {"prompt": made[0], "body": made[1], "window": WINDOW, "tools_window": TOOLS}


async def _diff(asked: Asked) -> dict[str, Any]:
    call, found = asked.call, asked.found
    other = await other_side(call.database, call.principal, found, asked.place, call.query.against)
    if other is None:
        if call.query.against is not None:
            raise Problem(404, "there is no request of this id to compare with, or it is not yours to see")
        return {"diff": None, "other": None}
    own = await side_of(call.database, found.row.train, found.row)
    return {"diff": await rendered(asked.app, compare_tab.drawn, own, other), "other": other}


async def _request(asked: Asked) -> dict[str, Any]:
    return {"body": await rendered(asked.app, tabs.request, asked.found.row, await asked.bodies())}


async def _response(asked: Asked) -> dict[str, Any]:
    bodies = await asked.bodies()
    body = await rendered(asked.app, tabs.response, asked.found.row, bodies)
    return {"body": body, "rebuilt": await rendered(asked.app, tabs.rebuilt, bodies)}


async def _stream(asked: Asked) -> dict[str, Any]:
    made = await rendered(asked.app, tabs.chunks, asked.found.row, await asked.bodies(), asked.call.query.first or 1)
    return {"chunks": made, "page_size": PAGE}


async def _headers(_: Asked) -> dict[str, Any]:
    return {}


async def _timing(asked: Asked) -> dict[str, Any]:
    row, bodies = asked.found.row, await asked.bodies()
    phases = waterfall.phases(row.timings, row.duration_us)
    figures = waterfall.figures_of(row.timings, row.ttft_us)
    return {"phases": phases, "figures": figures, "arrival": await rendered(asked.app, tabs.arrival, bodies.response)}


async def _code(asked: Asked) -> dict[str, Any]:
    own = await side_of(asked.call.database, asked.found.row.train, asked.found.row)
    return {"code": await rendered(asked.app, tabs.code, asked.found.row, own.body, own.size)}


_SHOWN: dict[TabName, Callable[[Asked], Awaitable[dict[str, Any]]]] = {
    "readable": _readable,
    "prompt": _prompt,
    "diff": _diff,
    "request": _request,
    "response": _response,
    "stream": _stream,
    "headers": _headers,
    "timing": _timing,
    "code": _code,
}
