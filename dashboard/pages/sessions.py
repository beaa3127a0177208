"""``/sessions``: the runs of clients, last active first, and what was talked about in each."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web
from pydantic import Field

from core.access import Permission
from dashboard.conversations.listing import TALKS_SHOWN, find_sessions, talks_of
from dashboard.conversations.now import now_of
from dashboard.conversations.query import SessionsQuery
from dashboard.pages import first_run
from dashboard.pages.conversations import days
from dashboard.pages.list_address import ListAddress, written
from dashboard.pages.shell import page
from dashboard.recordings.query import Texts
from dashboard.render.secrets import Mask, masked
from dashboard.routing import Call, route
from sql.rows.conversations import SessionRow, SessionTalkRow
from sql.rows.directory import AccountRow

SHOWN = ("client",)
"""Filters with a field of their own; the others come by links and are kept."""
FILTER_NAMES = {
    "client": "Client",
    "train_id": "Train",
    "account_id": "Account",
    "date_from": "Since",
    "date_to": "Until",
}
FIELDS = SessionsQuery.model_fields
TITLES = {FIELDS[name].alias or name: title for name, title in FILTER_NAMES.items()}


class ListQuery(SessionsQuery):
    """The list's address: filters, a cursor, and the cursors of the pages that led here."""

    trail: Texts = Field((), description="Cursors of the newer pages, for the way back")


@dataclass(frozen=True, slots=True)
class Line:
    """A session with its conversations; ``more`` says that there are others."""

    row: SessionRow
    train: str
    account: AccountRow | None
    talks: Sequence[SessionTalkRow]
    side_calls: Sequence[SessionTalkRow]
    more: bool

    @property
    def lasted_us(self) -> int:
        """From its first request to its last activity, microseconds."""
        return round((self.row.last_at - self.row.first_at).total_seconds() * 1_000_000)


@route("GET", "/sessions", permission=Permission.READ_BODIES, query=ListQuery, errors=(400, 503), period="all")
async def sessions_page(call: Call[ListQuery]) -> web.Response:
    """Recorded sessions, last active first."""
    query = call.query
    found = await find_sessions(call.database, call.principal, query.within(call.period))
    here = ListAddress("/sessions", query, written(query, FILTER_NAMES), call.period)
    if not (found.rows or here.chosen or query.before or await first_run.anything(call)):
        return first_run.shown(call, section="sessions")
    now = await now_of(call.database, found.trains, [])
    talks = await talks_of(call.database, found.trains, found.rows)
    lines = [
        _line(row, found.trains[row.train], found.account(row), talks[row.train, row.session_id]) for row in found.rows
    ]
    return page(
        call.request,
        "sessions.html",
        section="sessions",
        source="sessions as the clients named them",
        query=query,
        found=found,
        days=days(lines, call.period.zone),
        said=said,
        rebuilding=now.rebuilding,
        chosen=here.chips(TITLES),
        **here.links(query.trail, found.next_cursor, SHOWN),
    )


def _line(row: SessionRow, train: str, account: AccountRow | None, talks: Sequence[SessionTalkRow]) -> Line:
    shown = talks[:TALKS_SHOWN]
    real = [talk for talk in shown if talk.side_call is None]
    beside = [talk for talk in shown if talk.side_call is not None]
    return Line(row, train, account, real, beside, len(talks) > TALKS_SHOWN)


def said(talk: SessionTalkRow) -> str:
    """What a conversation is called here, secrets masked."""
    return masked(talk.title, Mask()).strip() if talk.title else "no text"
