"""``/api/conversations``: the list, one with its tree, an export."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Literal

import orjson
from aiohttp import web
from pydantic import Field

from core.access import Permission
from dashboard.conversations import exported
from dashboard.conversations.address import found_conversation, moved_to
from dashboard.conversations.answers import ConversationsAnswer, ConversationTree, ExportedRequest
from dashboard.conversations.detail import Conversation
from dashboard.conversations.held import talk_of
from dashboard.conversations.listing import branches_of, find_conversations
from dashboard.conversations.now import now_of
from dashboard.conversations.query import ConversationsQuery
from dashboard.conversations.shape import (
    conversation_answer,
    conversation_fields,
    cursor_page,
    rebuild_answers,
    request_fields,
    tree_json,
)
from dashboard.conversations.talk import Talk
from dashboard.pages.shell import ASSETS
from dashboard.recordings.bodies import MOST_SHOWN_BYTES, readable_value
from dashboard.render.pool import rendered
from dashboard.render.secrets import said
from dashboard.routing import Call, Query, route
from sql.rows.conversations import AnswerRow

BATCH = 50
"""Answers of an export that are in memory at once."""


class ExportQuery(Query):
    """How an export is written."""

    format: Literal["jsonl", "json", "md", "html"] = Field(
        "jsonl", description="Lines or a list of JSON with whole answers; Markdown or one HTML file to read. All masked"
    )


@route(
    "GET",
    "/api/conversations",
    permission=Permission.READ_BODIES,
    query=ConversationsQuery,
    returns=ConversationsAnswer,
    errors=(400, 503),
)
async def list_conversations(call: Call[ConversationsQuery]) -> ConversationsAnswer:
    """Conversations, last active first, without their requests.

    Side calls (titles, quota probes …) are listed only with `has=side_calls`. Numbered pages end at row 2000;
    `before=<next_cursor>` goes on from there at the same cost.
    """
    page = await find_conversations(call.database, call.principal, call.query)
    branches = await branches_of(call.database, page.trains, page.rows)
    now = await now_of(call.database, page.trains, page.rows)
    return ConversationsAnswer(
        conversations=[conversation_answer(page, row, branches[row.conversation_id], now) for row in page.rows],
        rebuilding=rebuild_answers(now),
        pagination=cursor_page(page, call.query),
    )


@route(
    "GET",
    "/api/conversations/{id}",
    permission=Permission.READ_BODIES,
    returns=ConversationTree,
    errors=(404, 503),
)
async def show_conversation(call: Call[Query]) -> web.Response:
    """One conversation with its tree: every request in start order.

    The id it had before it was joined to another one answers 308 to the id it has now.
    """
    found = await found_conversation(call)
    if moved := moved_to(call.request, found, "/api/conversations/"):
        return moved
    rows = (await talk_of(call, found.row)).tree.rows
    branches = await branches_of(call.database, {found.row.train: found.train}, [found.row])
    counted = found.row.message_count + found.row.attempt_count
    tree = ConversationTree(
        **conversation_fields(found.row, found.train, found.account, branches[found.id], found.now),
        rebuilding=rebuild_answers(found.now),
        requests=[],
        requests_omitted=max(0, counted - len(rows)),
    )
    body = await rendered(call.request.app, tree_json, tree, rows)
    return web.Response(body=body, content_type="application/json")


@route(
    "GET",
    "/api/conversations/{id}/export",
    permission=Permission.READ_BODIES,
    kind="download",
    query=ExportQuery,
    errors=(400, 404, 503),
)
async def export_conversation(call: Call[ExportQuery]) -> web.StreamResponse:
    """A conversation as one file: each request with its answer, a JSON object each, or written out to be read.

    Request bodies repeat one another, so each JSON object says where the exact bytes are instead. Markdown and HTML
    show what each request added; secrets are masked, long results shortened, and nothing in them loads anything.
    """
    found = await found_conversation(call)
    if moved := moved_to(call.request, found, "/api/conversations/", "/export"):
        return moved
    talk = await talk_of(call, found.row)
    name = f"conversation-{found.id}.{call.query.format}"
    # Recorded content: always an attachment of no type, so that no browser opens it here.
    headers = {"Content-Type": "application/octet-stream", "Content-Disposition": f'attachment; filename="{name}"'}
    answer = web.StreamResponse(headers=headers)
    await answer.prepare(call.request)
    async for piece in _PIECES[call.query.format](call, found, talk):
        await answer.write(piece)
    return answer


async def _jsonl(call: Call[ExportQuery], found: Conversation, talk: Talk) -> AsyncIterator[bytes]:
    async for line in _exported(call, found, talk):
        yield line + b"\n"


async def _json(call: Call[ExportQuery], found: Conversation, talk: Talk) -> AsyncIterator[bytes]:
    before = b"[\n"
    async for line in _exported(call, found, talk):
        yield before + line
        before = b",\n"
    yield b"\n]\n"


def _markdown(call: Call[ExportQuery], found: Conversation, talk: Talk) -> AsyncIterator[bytes]:
    return exported.as_markdown(call.request.app, call.database, found, talk)


def _html(call: Call[ExportQuery], found: Conversation, talk: Talk) -> AsyncIterator[bytes]:
    css = call.request.app[ASSETS].text("app.css")
    return exported.as_html(call.request.app, call.database, found, talk, css)


_PIECES: Mapping[str, Callable[[Call[ExportQuery], Conversation, Talk], AsyncIterator[bytes]]] = {
    "jsonl": _jsonl,
    "json": _json,
    "md": _markdown,
    "html": _html,
}


async def _exported(call: Call[ExportQuery], found: Conversation, talk: Talk) -> AsyncIterator[bytes]:
    rows = talk.tree.rows
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        arguments = (found.row.train, [row.id for row in batch], MOST_SHOWN_BYTES)
        answers = {row.id: row.message for row in await call.database.fetch("answers_of", AnswerRow, *arguments)}
        for row in batch:
            where = f"/api/requests/{row.id}/raw/"
            line = ExportedRequest(
                **request_fields(row),
                answer=said(readable_value(answers.get(row.id)).value),
                request_body_raw=where + "request",
                response_body_raw=where + "response",
            )
            yield orjson.dumps(line.model_dump(mode="json"))
