"""``/requests``: the flat list for operations. Filters are a plain form, the address is the state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.access import Permission
from core.ids import uuid7_ms
from core.models import Outcome, RequestType
from dashboard.pages import first_run
from dashboard.pages.shell import address, fragment, page
from dashboard.recordings.listing import Listing, find_requests
from dashboard.recordings.query import FIRST_ID, RequestsQuery, Texts
from dashboard.render import headline
from dashboard.routing import Call, Query, route
from dashboard.trains import account_names, visible_trains
from sql.rows.directory import AccountRow
from sql.rows.pages_requests import ModelRow, RecordedRow
from sql.rows.requests import RequestDetailRow, RequestRow

MODELS_OF = timedelta(days=90)
LONGEST_TRAIL = 40
NEW_COUNTED = 20
FILTER_NAMES = {
    "train_id": "Train",
    "account_id": "Account",
    "conversation_id": "Conversation",
    "session_id": "Session",
    "model": "Model",
    "request_type": "Type",
    "outcome": "Outcome",
    "status": "Status",
    "since": "Since",
    "until": "Until",
}
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
    """The list is where everything starts for now."""
    return web.Response(status=302, headers={"Location": "/requests"})


@route("GET", "/requests", permission=Permission.READ_REQUESTS, query=ListQuery, errors=(400, 503))
async def list_page(call: Call[ListQuery]) -> web.Response:
    """Recorded requests, newest first."""
    query = call.query
    listing = await find_requests(call.database, call.principal, query)
    chosen = filters_of(query)
    trains = await visible_trains(call.database, call.principal)
    numbers = sorted(trains)
    if not listing.rows and not chosen and query.before is None:
        found = await call.database.fetch_one("anything_recorded", RecordedRow, numbers)
        if found is None or not found.recorded:
            return first_run.shown(call, section="requests")
    models = await call.database.fetch("models_seen", ModelRow, numbers, datetime.now(UTC) - MODELS_OF)
    return page(
        call.request,
        "requests.html",
        section="requests",
        query=query,
        chosen=_chips(chosen),
        days=_days(lines_of(listing)),
        listing=listing,
        trains=sorted(trains.values()),
        models=[row.model for row in models],
        types=[kind.value for kind in RequestType],
        outcomes=OUTCOMES,
        ranges=_ranges(chosen),
        newer=_newer(query, chosen),
        older=_older(query, chosen, listing.next_cursor),
        newest=address("/requests", chosen),
        poll=_poll(query, chosen, listing),
        as_json=address("/api/requests", {**chosen, "before": query.before or "", **_size(query)}),
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
    chosen = filters_of(call.query)
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


def filters_of(query: RequestsQuery) -> dict[str, Any]:
    """The filters that are set, by their names in the address."""
    given = {name: getattr(query, name) for name in FILTER_NAMES}
    texts = {name: _written(value) for name, value in given.items() if value not in (None, ())}
    return {RequestsQuery.model_fields[name].alias or name: text for name, text in texts.items()}


def lines_of(listing: Listing) -> list[Line]:
    """The rows of a listing with the names of their trains and accounts."""
    return [Line(row, listing.trains[row.train], listing.accounts.get(row.account or 0)) for row in listing.rows]


def _written(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _chips(chosen: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Each filter's name and value, and the address without it."""
    names = {RequestsQuery.model_fields[name].alias or name: title for name, title in FILTER_NAMES.items()}
    words = {"outcome": dict(OUTCOMES)}
    return [
        (names[key], words.get(key, {}).get(value, value), address("/requests", _without(chosen, key)))
        for key, value in chosen.items()
    ]


def _without(chosen: Mapping[str, str], key: str) -> dict[str, str]:
    return {name: value for name, value in chosen.items() if name != key}


def _days(lines: Sequence[Line]) -> list[tuple[datetime, list[Line]]]:
    days: list[tuple[datetime, list[Line]]] = []
    for line in lines:
        moment = line.row.started_at.astimezone(UTC)
        if not days or days[-1][0].date() != moment.date():
            days.append((moment, []))
        days[-1][1].append(line)
    return days


def _ranges(chosen: Mapping[str, str]) -> list[tuple[str, str]]:
    """Links to the last hour, day and week: absolute times, so that the address means the same tomorrow."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    spans = (("last hour", timedelta(hours=1)), ("last 24 h", timedelta(days=1)), ("last 7 days", timedelta(days=7)))
    kept = _without(_without(chosen, "until"), "since")
    return [(words, address("/requests", kept | {"since": _written(now - span)})) for words, span in spans]


def _older(query: ListQuery, chosen: Mapping[str, str], cursor: UUID | None) -> str | None:
    if cursor is None:
        return None
    trail = (*query.trail, str(query.before or "newest"))[-LONGEST_TRAIL:]
    return address("/requests", {**chosen, "before": cursor, "trail": ",".join(trail), **_size(query)})


def _newer(query: ListQuery, chosen: Mapping[str, str]) -> str | None:
    if query.before is None or not query.trail:
        return None
    *trail, before = query.trail
    back = {} if before == "newest" else {"before": before}
    return address("/requests", {**chosen, **back, "trail": ",".join(trail), **_size(query)})


def _size(query: ListQuery) -> dict[str, int]:
    return {} if query.size == 50 else {"per_page": query.size}


def _poll(query: ListQuery, chosen: Mapping[str, str], listing: Listing) -> str | None:
    """Where the first page asks for newer requests; deeper pages and closed ranges do not ask."""
    if query.before is not None or query.skip or query.until is not None:
        return None
    above = listing.rows[0].id if listing.rows else FIRST_ID
    return address("/requests/new", {**chosen, "above": above})
