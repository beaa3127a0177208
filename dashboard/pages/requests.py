"""``/requests``: the flat list for operations. Filters are a plain form, the address is the state."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.access import Permission
from core.ids import uuid7_ms
from core.models import Outcome, RequestType
from dashboard.pages import first_run
from dashboard.pages.header import TRAINS
from dashboard.pages.latency import figure_of
from dashboard.pages.list_address import Chosen, ListAddress, written
from dashboard.pages.shell import address, fragment, page
from dashboard.period import Period
from dashboard.recordings.listing import Listing, find_requests
from dashboard.recordings.query import FIRST_ID, RequestsQuery, Texts
from dashboard.render import figures, headline
from dashboard.routing import Call, Query, route
from dashboard.trains import account_names, visible_trains
from sql.rows.directory import AccountRow
from sql.rows.pages_requests import ModelRow
from sql.rows.requests import RequestDetailRow, RequestRow

MODELS_OF = timedelta(days=90)
NEW_COUNTED = 20
STOP_REASONS = ("end_turn", "tool_use", "max_tokens", "stop_sequence", "pause_turn", "refusal")
SHOWN = (
    "outcome", "model", "requestType", "status", "sessionId", "stopReason", "errorType", "client", "minDurationMs",
    "maxDurationMs",
)  # fmt: skip
"""Filters with a field of their own; the others come by links and are kept."""
FILTER_NAMES = {
    "train_id": "Train",
    "account_id": "Account",
    "conversation_id": "Conversation",
    "session_id": "Session",
    "model": "Model",
    "request_type": "Type",
    "outcome": "Outcome",
    "status": "Status",
    "stop_reason": "Stop reason",
    "error_type": "Error type",
    "client": "Client",
    "min_duration_ms": "Took at least",
    "max_duration_ms": "Took less than",
    "since": "Since",
    "until": "Until",
}
FILTER_TITLES = {RequestsQuery.model_fields[name].alias or name: title for name, title in FILTER_NAMES.items()}
OUTCOMES = (
    ("failed", "anything but ok"),
    ("in_flight", "running"),
    *((outcome.value, headline.status(outcome.value).word) for outcome in Outcome),
)


class ListQuery(RequestsQuery):
    """The list's address: filters, a cursor, and the cursors of the pages that led here."""

    trail: Texts = Field((), description="Cursors of the newer pages, for the way back")


class NewerQuery(RequestsQuery):
    """What came in above a row."""

    above: UUID = FIRST_ID


@dataclass(frozen=True, slots=True)
class Line:
    """A row with what its train and account are called."""

    row: RequestRow | RequestDetailRow
    train: str
    account: AccountRow | None

    @property
    def model(self) -> str | None:
        """The model that answered; where none did, the one asked for."""
        return self.row.answered_model or self.row.model


@route("GET", "/", permission=Permission.READ_REQUESTS, errors=(503,))
async def start(_: Call[Query]) -> web.Response:
    """The overview is where everything starts."""
    return web.Response(status=302, headers={"Location": "/overview"})


@route("GET", "/requests", permission=Permission.READ_REQUESTS, query=ListQuery, errors=(400, 503), period="all")
async def list_page(call: Call[ListQuery]) -> web.Response:
    """Recorded requests, newest first."""
    query = call.query
    trains = call.request[TRAINS]
    asked = query.within(call.period)
    first = query.before is None
    listing = await find_requests(call.database, call.principal, asked, sampled=first, known=trains)
    here = ListAddress("/requests", query, filters_of(query), call.period)
    numbers = sorted(trains)
    if not (listing.rows or here.chosen or query.before or await first_run.anything(call)):
        return first_run.shown(call, section="requests")
    models = await call.database.fetch("models_seen", ModelRow, numbers, datetime.now(UTC) - MODELS_OF)
    return page(
        call.request,
        "requests.html",
        section="requests",
        source="recorded requests, as reported and measured",
        query=query,
        chosen=here.chips(FILTER_TITLES, {"outcome": dict(OUTCOMES), **_durations(query)}),
        latency=None if listing.latency is None else figure_of(listing.latency, partial(_narrowed, here)),
        days=_days(lines_of(listing), call.period.zone),
        listing=listing,
        models=[row.model for row in models],
        types=[kind.value for kind in RequestType],
        outcomes=OUTCOMES,
        stop_reasons=STOP_REASONS,
        poll=_poll(query, call.period, listing),
        **here.links(query.trail, listing.next_cursor, SHOWN),
    )


@route("GET", "/requests/new", permission=Permission.READ_REQUESTS, query=NewerQuery, errors=(400, 503))
async def newer_pill(call: Call[NewerQuery]) -> web.Response:
    """How many requests came in since the page was drawn; they wait behind a pill and move nothing."""
    # Only what is newer than the row is read and counted.
    above = datetime.fromtimestamp(uuid7_ms(call.query.above) / 1000, UTC)
    since = max(above, call.query.since or above)
    query = call.query.model_copy(update={"before": None, "per_page": NEW_COUNTED, "page": 1, "since": since})
    listing = await find_requests(call.database, call.principal, query)
    came = sum(1 for row in listing.rows if row.id > call.query.above)
    chosen = {**filters_of(call.query), **call.period.range, **call.period.tz}
    again = address("/requests/new", chosen | {"above": call.query.above})
    return fragment(
        call.request,
        "requests.new.html",
        came=came,
        more=came == NEW_COUNTED,
        newest=address("/requests", chosen),
        poll=again,
    )


@route("GET", "/requests/{id}/row", permission=Permission.READ_REQUESTS, errors=(404, 503))
async def running_row(call: Call[Query]) -> web.Response:
    """One line of the list again: how a running request looks now."""
    trains = await visible_trains(call.database, call.principal)
    try:
        wanted = UUID(call.request.match_info["id"])
    except ValueError:
        raise web.HTTPNotFound from None
    row = await call.database.fetch_one("request_by_id", RequestDetailRow, sorted(trains), wanted)
    if row is None:
        raise web.HTTPNotFound
    accounts = await account_names(call.database, [] if row.account is None else [row.account])
    line = Line(row, trains[row.train], accounts.get(row.account or 0))
    return fragment(call.request, "requests.row.html", line=line, now=datetime.now(UTC))


def filters_of(query: RequestsQuery) -> Chosen:
    """The filters that are set, by their names in the address."""
    return written(query, FILTER_NAMES)


def lines_of(listing: Listing) -> list[Line]:
    """The rows of a listing with the names of their trains and accounts."""
    return [Line(row, listing.trains[row.train], listing.accounts.get(row.account or 0)) for row in listing.rows]


def _durations(query: RequestsQuery) -> dict[str, dict[str, str]]:
    """The durations of the filter in words."""
    given = {"minDurationMs": query.min_duration_ms, "maxDurationMs": query.max_duration_ms}
    return {name: {str(ms): figures.duration(ms * 1000)} for name, ms in given.items() if ms is not None}


def _narrowed(here: ListAddress, shortest: int | None, longest: int | None) -> str:
    """The list of what took that long: the brush of the histogram."""
    given = {"minDurationMs": shortest or None, "maxDurationMs": longest}
    return here.changed({name: "" if value is None else str(value) for name, value in given.items()})


def _days(lines: Sequence[Line], zone: tzinfo) -> list[tuple[datetime, list[Line]]]:
    days: list[tuple[datetime, list[Line]]] = []
    for line in lines:
        moment = line.row.started_at.astimezone(zone)
        if not days or days[-1][0].date() != moment.date():
            days.append((moment, []))
        days[-1][1].append(line)
    return days


def _poll(query: ListQuery, period: Period, listing: Listing) -> str | None:
    """Where the first page asks for newer requests; deeper pages and closed ranges do not ask."""
    if query.before is not None or query.skip or query.until is not None or not period.live:
        return None
    above = listing.rows[0].id if listing.rows else FIRST_ID
    return address("/requests/new", {**filters_of(query), **period.range, **period.tz, "above": above})
