"""What a word or an id leads to: pages, trains, one request, conversation or session. By key, never by a scan."""

from collections.abc import Iterable
from urllib.parse import quote
from uuid import UUID

from pydantic import BaseModel, Field

from core.access import Principal
from dashboard.conversations.detail import find_conversation
from dashboard.pages.navigation import NAVIGATION
from dashboard.recordings.detail import find_request
from dashboard.render import figures, headline
from dashboard.render.hidden import spelled
from dashboard.render.secrets import safe
from dashboard.trains import visible_trains
from sql.database import Database
from sql.rows.conversations import SessionRow

MOST_TRAINS = 8
LONGEST_WORD = 256


class Match(BaseModel):
    """Somewhere to go."""

    kind: str = Field(description="page, train, request, conversation, session or search")
    title: str
    detail: str = Field(description="What tells it from others of its kind")
    address: str = Field(description="Path of its page")


async def find_matches(database: Database, principal: Principal, text: str) -> list[Match]:
    """Where this may lead, the surest first; without a text the pages."""
    word = text.strip()[:LONGEST_WORD]
    if not word:
        return list(_pages(""))
    trains = await visible_trains(database, principal)
    things = await _things(database, principal, trains, word)
    named = sorted(name for name in trains.values() if word.lower() in name.lower())[:MOST_TRAINS]
    in_trains = [
        Match(kind="train", title=_shown(name), detail="requests of this train", address=_to("/requests", trainId=name))
        for name in named
    ]
    search = Match(
        kind="search",
        title=f"“{_shown(word)}”",
        detail="in the titles of conversations",
        address=_to("/conversations", q=word),
    )
    return [*things, *_pages(word), *in_trains, search]


async def _things(database: Database, principal: Principal, trains: dict[int, str], word: str) -> list[Match]:
    """What has this very id."""
    found: list[Match] = []
    wanted = _uuid(word)
    if wanted is not None and (request := await find_request(database, principal, wanted)):
        row = request.row
        how = headline.status(row.outcome).word
        detail = f"{row.answered_model or row.model or row.path} · {how} · {figures.when(row.started_at)} UTC"
        found.append(Match(kind="request", title="Request", detail=_shown(detail), address=f"/requests/{row.id}"))
    if wanted is not None and (talk := await find_conversation(database, principal, wanted)):
        detail = (
            f"{figures.plural(talk.row.message_count, 'request')} · last active {figures.when(talk.row.last_at)} UTC"
        )
        found.append(
            Match(kind="conversation", title="Conversation", detail=detail, address=f"/conversations/{talk.id}")
        )
    if "\0" not in word and (session := await database.fetch_one("session_found", SessionRow, sorted(trains), word)):
        detail = f"{figures.plural(session.request_count, 'request')} · last active {figures.when(session.last_at)} UTC"
        place = _to("/conversations", has="side_calls", sessionId=word)
        found.append(Match(kind="session", title="Session", detail=detail, address=place))
    return found


def _pages(word: str) -> Iterable[Match]:
    for place in NAVIGATION:
        if word.lower() in place.title.lower():
            yield Match(kind="page", title=place.title, detail="page", address=place.address)


def _uuid(word: str) -> UUID | None:
    try:
        return UUID(word)
    except ValueError:
        return None


def _shown(text: str) -> str:
    return str(spelled(safe(text)))


def _to(path: str, **values: str) -> str:
    return f"{path}?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in values.items())
