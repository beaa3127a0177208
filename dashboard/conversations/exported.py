"""A conversation as one file that people read: each request once, a window of bodies in memory at a time."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp_jinja2
from aiohttp import web

from dashboard.conversations import thread as window
from dashboard.conversations.detail import Conversation
from dashboard.conversations.talk import Talk
from dashboard.render import blocks, figures, thread, written
from dashboard.render.hidden import sendable
from dashboard.render.pool import rendered
from dashboard.render.secrets import Mask, masked
from dashboard.render.thread import Draw, Turn
from sql.database import Database


@dataclass(frozen=True, slots=True)
class Part:
    """Some turns of a stretch; ``begins`` with the first of them."""

    turns: list[Turn]
    begins: bool
    branch: str
    behind: int | None
    """The number of the request that it goes on from; None for a beginning."""
    masked: int


async def parts(
    app: web.Application, database: Database, train: int, talk: Talk, draw: Draw = blocks.rendered
) -> AsyncIterator[Part]:
    """All of a conversation: the path to its newest request first, then each other way and sub-agent in start order."""
    tree = talk.tree
    for stretch in tree.stretches():
        path = tree.path(stretch[-1])
        first = at = len(path) - len(stretch)
        parent = tree.parents[stretch[0]]
        row = tree.rows[stretch[0]]
        while at < len(path):
            part = window.window_from(tree, path, at)
            stored = await window.stored(database, train, part)
            made = await rendered(app, thread.drawn, part, stored, talk.launches, draw, "")
            turns = made.turns[max(0, at - part.first) :]
            behind = None if parent is None else parent + 1
            yield Part(turns, at == first, row.branch_id or "main", behind, made.masked)
            at = part.end


def summary(found: Conversation) -> Mapping[str, Any]:
    """What stands above an export."""
    row = found.row
    return {
        "Conversation": row.conversation_id,
        "Train": found.train,
        "From": figures.stamp(row.first_at),
        "To": figures.stamp(row.last_at),
        "Requests": figures.count(row.message_count),
        "Branches": figures.count(row.side_branches),
        "Sub-agents": figures.count(row.subtask_count),
        "Compactions": figures.count(row.compaction_count),
        "Tokens in": figures.count(row.total_input_tokens),
        "Tokens out": figures.count(row.output_tokens),
        "Models": ", ".join(row.models),
    }


def _title(found: Conversation) -> str:
    return masked(found.row.title, Mask()) if found.row.title else "A conversation"


async def as_markdown(
    app: web.Application, database: Database, found: Conversation, talk: Talk
) -> AsyncIterator[bytes]:
    """The file, piece by piece."""
    about = [f"- {name}: {written.plain(str(value))}" for name, value in summary(found).items()]
    yield _encoded("\n".join([written.title(_title(found)), "", *about, ""]))
    hidden = 0
    async for part in parts(app, database, found.row.train, talk, written.written):
        hidden += part.masked
        if part.begins:
            where = f", goes on from {part.behind}" if part.behind else ""
            yield _encoded(f"\n## {written.plain(part.branch)}{where}\n")
        for turn in part.turns:
            yield _encoded(f"\n{written.turn(turn)}\n")
    yield _encoded(f"\n---\n\n*Exported by Footplate; {figures.plural(hidden, 'secret')} masked.*\n")


async def as_html(
    app: web.Application, database: Database, found: Conversation, talk: Talk, css: str
) -> AsyncIterator[bytes]:
    """The file, piece by piece: it holds its own style and loads nothing."""
    template = aiohttp_jinja2.get_env(app).get_template("conversation.export.html").module
    yield _encoded(template.head(_title(found)))  # type: ignore[attr-defined] # macros
    yield f"<style>{css}</style>".encode()  # our own file: an escaped style sheet is none
    yield _encoded(template.begin(_title(found), summary(found)))  # type: ignore[attr-defined] # macros
    hidden = 0
    async for part in parts(app, database, found.row.train, talk):
        hidden += part.masked
        yield _encoded(template.part(part))  # type: ignore[attr-defined] # macros
    yield _encoded(template.foot(hidden))  # type: ignore[attr-defined] # macros


def _encoded(text: str) -> bytes:
    return sendable(text).encode()
