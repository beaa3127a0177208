"""Pages as data (rule N3): each list as ``PAGE.json``, ``PAGE.jsonl`` and ``PAGE.csv``, each detail as ``PAGE.json``.

The ``.json`` of a page is what the API answers; the two others are the whole list under the page's filters and period.
They are routes of their own before the pages', whose ids would take the suffix for a part of themselves.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field

from core.access import Permission
from dashboard.api import conversations, find, requests, sessions
from dashboard.conversations.answers import ConversationAnswer, SessionAnswer
from dashboard.conversations.listing import (
    TALKS_SHOWN,
    Page,
    branches_of,
    find_conversations,
    find_sessions,
    talks_of,
)
from dashboard.conversations.now import now_of
from dashboard.conversations.query import ConversationsQuery, SessionsQuery
from dashboard.conversations.shape import conversation_answer, session_answer
from dashboard.exports.sending import List, send
from dashboard.recordings.answers import RequestSummary
from dashboard.recordings.listing import Listing, find_requests
from dashboard.recordings.query import RequestsQuery
from dashboard.recordings.shape import summary
from dashboard.routing import Call, Route, json_answer, route
from sql.rows.conversations import ConversationRow, SessionRow

BOM = Field(default=False, description="Begin a CSV with a byte order mark, for Excel")
PLACE = frozenset({"page", "per_page", "limit", "offset", "trail", "bom", "tz"})
"""What an address holds besides filters and period."""


class RequestsFile(RequestsQuery):
    """A list of requests as a file."""

    bom: bool = BOM


class ConversationsFile(ConversationsQuery):
    """A list of conversations as a file."""

    bom: bool = BOM


class SessionsFile(SessionsQuery):
    """A list of sessions as a file."""

    bom: bool = BOM


@route(
    "GET",
    "/requests.{suffix:jsonl|csv}",
    permission=Permission.READ_REQUESTS,
    kind="download",
    query=RequestsFile,
    errors=(400, 503),
    period="all",
)
async def requests_file(call: Call[RequestsFile]) -> web.StreamResponse:
    """Every request of the list."""

    async def answers(batch: Listing) -> Callable[[], list[BaseModel]]:
        return lambda: [summary(row, batch.trains, batch.accounts) for row in batch.rows]

    find_page = partial(find_requests, call.database, call.principal, counted=False)
    return await _sent(call, List("requests", RequestSummary, find_page, answers))


@route(
    "GET",
    "/conversations.{suffix:jsonl|csv}",
    permission=Permission.READ_BODIES,
    kind="download",
    query=ConversationsFile,
    errors=(400, 503),
    period="all",
)
async def conversations_file(call: Call[ConversationsFile]) -> web.StreamResponse:
    """Every conversation of the list."""

    async def answers(batch: Page[ConversationRow]) -> Callable[[], list[BaseModel]]:
        branches = await branches_of(call.database, batch.trains, batch.rows)
        now = await now_of(call.database, batch.trains, batch.rows)
        return lambda: [conversation_answer(batch, row, branches[row.conversation_id], now) for row in batch.rows]

    find_page = partial(find_conversations, call.database, call.principal, counted=False)
    return await _sent(call, List("conversations", ConversationAnswer, find_page, answers))


@route(
    "GET",
    "/sessions.{suffix:jsonl|csv}",
    permission=Permission.READ_BODIES,
    kind="download",
    query=SessionsFile,
    errors=(400, 503),
    period="all",
)
async def sessions_file(call: Call[SessionsFile]) -> web.StreamResponse:
    """Every session of the list."""

    async def answers(batch: Page[SessionRow]) -> Callable[[], list[BaseModel]]:
        talks = await talks_of(call.database, batch.trains, batch.rows)
        return lambda: [session_answer(batch, row, talks[row.train, row.session_id], TALKS_SHOWN) for row in batch.rows]

    find_page = partial(find_sessions, call.database, call.principal, counted=False)
    return await _sent(call, List("sessions", SessionAnswer, find_page, answers))


async def _sent(call: Call[Any], of: List[Any, Any]) -> web.StreamResponse:
    chosen = {name: value for name, value in call.request.query.items() if value and name not in PLACE}
    suffix = call.request.match_info["suffix"]
    return await send(call.request, of, call.query.within(call.period), chosen, suffix=suffix, bom=call.query.bom)


def _as_page(api: Route, path: str) -> Route:
    """The API's answer under the address of its page, period and all."""

    async def answer(call: Call[Any]) -> BaseModel | web.StreamResponse:
        given = call.query.within(call.period) if hasattr(call.query, "within") else call.query
        made = await api.handler(replace(call, query=given))
        return json_answer(made) if isinstance(made, BaseModel) else made

    return replace(api, path=path, kind="download", handler=answer, period="all", returns=None)


requests_json = _as_page(requests.list_requests, "/requests.json")
request_json = _as_page(requests.show_request, "/requests/{id}.json")
conversations_json = _as_page(conversations.list_conversations, "/conversations.json")
conversation_json = _as_page(conversations.show_conversation, "/conversations/{id}.json")
sessions_json = _as_page(sessions.list_sessions, "/sessions.json")
find_json = _as_page(find.find, "/find.json")
