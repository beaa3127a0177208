"""``/conversations``: what was talked about, last active first. Filters are a plain form, the address is the state."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from aiohttp import web
from markupsafe import Markup
from pydantic import Field

from core.access import Permission
from dashboard.conversations.listing import Page, find_conversations
from dashboard.conversations.now import Now, now_of
from dashboard.conversations.query import ConversationsQuery
from dashboard.pages import first_run
from dashboard.pages.header import TRAINS
from dashboard.pages.list_address import ListAddress, written
from dashboard.pages.shell import page
from dashboard.recordings.query import Texts
from dashboard.render import spark
from dashboard.render.headline import Status
from dashboard.render.secrets import Mask, masked
from dashboard.routing import Call, route
from sql.rows.conversations import ConversationRow
from sql.rows.directory import AccountRow

SHOWN = ("q", "sessionId", "model", "has")
"""Filters with a field of their own; the others come by links and are kept."""
FILTER_NAMES = {
    "q": "Title",
    "has": "Has",
    "train_id": "Train",
    "account_id": "Account",
    "session_id": "Session",
    "model": "Model",
    "date_from": "Since",
    "date_to": "Until",
}
FIELDS = ConversationsQuery.model_fields
TITLES = {FIELDS[name].alias or name: title for name, title in FILTER_NAMES.items()}
HAVING = (
    ("branches", "branches"),
    ("subtasks", "sub-agents"),
    ("errors", "errors"),
    ("compaction", "compaction"),
    ("side_calls", "side calls too"),
)


class ListQuery(ConversationsQuery):
    """The list's address: filters, a cursor, and the cursors of the pages that led here."""

    trail: Texts = Field((), description="Cursors of the newer pages, for the way back")


@dataclass(frozen=True, slots=True)
class Line:
    """A conversation with what its train and account are called."""

    row: ConversationRow
    train: str
    account: AccountRow | None
    running: bool

    @property
    def title(self) -> str:
        """Its first words, secrets masked."""
        return title_of(self.row)

    @property
    def status(self) -> Status:
        """Shape and word of how it stands."""
        return status_of(self.row, running=self.running)

    @property
    def shape(self) -> Markup:
        """Its thumbnail."""
        return spark.drawn(self.row.shape)

    @property
    def lasted_us(self) -> int:
        """From the first request to the last activity, microseconds."""
        return round((self.row.last_at - self.row.first_at).total_seconds() * 1_000_000)


@route("GET", "/conversations", permission=Permission.READ_BODIES, query=ListQuery, errors=(400, 503), period="all")
async def conversations_page(call: Call[ListQuery]) -> web.Response:
    """Recorded conversations, last active first."""
    query = call.query
    found = await find_conversations(call.database, call.principal, query.within(call.period))
    here = ListAddress("/conversations", query, written(query, FILTER_NAMES), call.period)
    if not (found.rows or here.chosen or query.before or await first_run.anything(call)):
        return first_run.shown(call, section="conversations")
    now = await now_of(call.database, found.trains, found.rows)
    return page(
        call.request,
        "conversations.html",
        section="conversations",
        source="conversations as linked when each request was recorded",
        query=query,
        found=found,
        days=days(lines_of(found, now), call.period.zone),
        rebuilding=now.rebuilding,
        trains=sorted(call.request[TRAINS].values()),
        having=HAVING,
        chosen=here.chips(TITLES, {"has": {}}),
        **here.links(query.trail, found.next_cursor, SHOWN),
    )


def lines_of(found: Page[ConversationRow], now: Now) -> list[Line]:
    """The rows with the names of their trains and accounts."""
    running = now.going_on(found.rows)
    return [
        Line(row, found.trains[row.train], found.account(row), row.conversation_id in running) for row in found.rows
    ]


def title_of(row: ConversationRow) -> str:
    """A conversation's title, secrets masked; what has none says what it is."""
    title = masked(row.title, Mask()).strip() if row.title else ""
    return title or (f"side call: {row.side_call}" if row.side_call else "no text")


def status_of(row: ConversationRow, *, running: bool) -> Status:
    """How a conversation stands: by its newest request, and whether anything in it failed."""
    if running:
        return Status("running", "running")
    if (row.latest_status_code or 0) >= 400:
        return Status("error", "failed")
    return Status("warning", "errors") if row.error_count else Status("ok", "ok")


def days(lines: Sequence[Any], zone: tzinfo) -> list[tuple[datetime, list[Any]]]:
    """Lines under the day of their last activity, in the zone."""
    found: list[tuple[datetime, list[Any]]] = []
    for line in lines:
        moment = line.row.last_at.astimezone(zone)
        if not found or found[-1][0].date() != moment.date():
            found.append((moment, []))
        found[-1][1].append(line)
    return found
