"""``/conversations/{id}``: one conversation as thread, graph and raw edges. Only what a view needs is read."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from aiohttp import web
from pydantic import BeforeValidator, Field

from core.access import Permission
from core.graph import ALL, Line
from dashboard.conversations import thread as window
from dashboard.conversations.address import found_conversation, moved_to
from dashboard.conversations.detail import Conversation
from dashboard.conversations.held import MOST_REQUESTS, talk_of
from dashboard.conversations.talk import Talk, TalkTree
from dashboard.pages import conversation_cost
from dashboard.pages.conversations import status_of, title_of
from dashboard.pages.shell import address, fragment, page, wants_fragment
from dashboard.recordings.query import Text, split
from dashboard.render import graph, links, overview, spark, thread
from dashboard.render.pool import rendered
from dashboard.routing import Call, Query, route
from sql.rows.conversations import ToolCallRow

View = Literal["thread", "graph", "cost", "raw"]
VIEWS: tuple[tuple[View, str], ...] = (("thread", "Thread"), ("graph", "Graph"), ("cost", "Cost"), ("raw", "Raw"))
MANY_OPENED = 200


class ConversationQuery(Query):
    """Which view, and where in it."""

    view: View = "thread"
    leaf: UUID | None = Field(None, description="The request that the path ends with")
    branch: Text | None = Field(None, description="The branch whose newest request the path ends with")
    at: UUID | None = Field(None, description="The request the window begins with")
    number: Annotated[int, Field(ge=1)] | None = Field(None, description="The same by its number in the conversation")
    until: UUID | None = Field(None, description="The request the window ends before")
    open: Annotated[tuple[Text, ...], BeforeValidator(split), Field(max_length=MANY_OPENED)] = Field(
        (), description="Sub-agents and runs of the graph that are shown in full"
    )
    peek: UUID | None = Field(None, description="The request shown beside the graph")
    end: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Row of the graph or the table the page ends with"
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """A conversation and its requests."""

    found: Conversation
    talk: Talk

    @property
    def path(self) -> str:
        """Its address."""
        return f"/conversations/{self.found.id}"


@route(
    "GET",
    "/conversations/{id}",
    permission=Permission.READ_BODIES,
    query=ConversationQuery,
    errors=(400, 404, 503),
)
async def conversation_page(call: Call[ConversationQuery]) -> web.Response:
    """One conversation."""
    found = await found_conversation(call)
    if moved := moved_to(call.request, found, "/conversations/"):
        return moved
    shown = Shown(found, await talk_of(call, found.row))
    tree = shown.talk.tree
    view = call.query.view
    values = await _VIEWS[view](call, shown) if tree.rows else {}
    values |= {"shown": shown, "tree": tree, "path": shown.path, "row": found.row, "query": call.query}
    if wants_fragment(call.request):
        part = (
            "conversation.peek.part.html" if view == "graph" and wants_peek(call) else f"conversation.{view}.part.html"
        )
        return fragment(call.request, part, **values)
    return page(
        call.request,
        f"conversation.{view}.html" if tree.rows else "conversation.html",
        section="conversations",
        found=found,
        title=title_of(found.row),
        stands=status_of(found.row, running=bool(found.now.running)),
        running=found.now.calls_of(found.row),
        rebuilding=found.now.rebuilding,
        shape=spark.drawn(found.row.shape),
        view=view,
        views=VIEWS,
        lasted_us=round((found.row.last_at - found.row.first_at).total_seconds() * 1_000_000),
        cut=len(tree.rows) >= MOST_REQUESTS,
        **values,
    )


async def _thread(call: Call[ConversationQuery], shown: Shown) -> dict[str, Any]:
    query, tree = call.query, shown.talk.tree
    leaf = _leaf(query, tree)
    path = tree.path(leaf)
    part = _window(query, tree, path)
    stored = await window.stored(call.database, shown.found.row.train, part)
    made = await rendered(call.request.app, thread.drawn, part, stored, shown.talk.launches)
    launched = tree.is_launched(path[0])
    base = {"leaf": tree.rows[leaf].id}
    first, after = part.places[0], path[part.end] if part.end < len(path) else None
    return {
        "made": made,
        "part": part,
        "leaf": tree.rows[leaf],
        "agents": shown.talk.agents,
        "agent": shown.talk.agents.get(tree.rows[path[0]].branch_id or "") if launched else None,
        "launcher": tree.parents[path[0]] if launched else None,
        "earlier": address(shown.path, {**base, "until": tree.rows[first].id}) if part.first else None,
        "beginning": address(shown.path, {**base, "at": tree.rows[path[0]].id}) if part.first else None,
        "later": address(shown.path, {**base, "at": tree.rows[after].id}) if after is not None else None,
        "newest": address(shown.path, base),
    }


def _leaf(query: ConversationQuery, tree: TalkTree) -> int:
    """Where the path ends: as asked, and on from there to the newest; else the newest of the conversation."""
    if query.leaf is not None and (place := tree.place(query.leaf)) is not None:
        return place
    if query.branch is not None:
        places = [place for place, row in enumerate(tree.rows) if row.branch_id == query.branch]
        if places:
            return tree.newest_leaf(places[-1]) if not tree.rows[places[-1]].is_subtask else places[-1]
    if (place := _begins_with(query, tree)) is not None:
        return tree.newest_leaf(place)
    return tree.newest_leaf(0)


def _begins_with(query: ConversationQuery, tree: TalkTree) -> int | None:
    """The request that is asked for to stand first."""
    if query.at is not None:
        return tree.place(query.at)
    return query.number - 1 if query.number is not None and query.number <= len(tree.rows) else None


def _window(query: ConversationQuery, tree: TalkTree, path: list[int]) -> window.Window:
    at = _begins_with(query, tree)
    if at is not None and at in path:
        return window.window_from(tree, path, path.index(at))
    until = tree.place(query.until) if query.until is not None else None
    end = path.index(until) if until is not None and until in path else len(path)
    return window.window_before(tree, path, end or len(path))


async def _graph(call: Call[ConversationQuery], shown: Shown) -> dict[str, Any]:
    query, tree = call.query, shown.talk.tree
    at = {"view": "graph", "open": ",".join(query.open)}
    values: dict[str, Any] = {
        "peek": await _peek(call, shown),
        "unpeeked": address(shown.path, at | {"end": query.end}),
    }
    if wants_peek(call):
        return values
    found = shown.talk.lines(query.open)
    end = min(query.end or len(found), len(found))

    def page_of(number: int) -> str:
        last = min(number + 1 + graph.WINDOW // 2, len(found))
        return f"{address(shown.path, at | {'end': last})}#r{found[number].head + 1}"

    unpeeked = values["unpeeked"]
    drawing = await rendered(call.request.app, graph.drawn, tree, found, end, await _said(call, shown, found, end))
    return values | {
        "drawing": drawing,
        "branches": overview.branches(tree, found),
        "minimap": overview.minimap(tree, found, drawing.first, end, page_of),
        "opened": [name for name in query.open if name != ALL],
        "everything": ALL in query.open,
        "open_all": address(shown.path, {"view": "graph", "open": ALL}),
        "close_all": address(shown.path, {"view": "graph"}),
        "older": address(shown.path, {**at, "end": drawing.first}) if drawing.first else None,
        "newer": address(shown.path, {**at, "end": min(end + graph.WINDOW, len(found))}) if end < len(found) else None,
        "opening": lambda name: address(shown.path, at | {"open": ",".join((*query.open, name)), "end": query.end}),
        "peeking": lambda request: f"{unpeeked}&peek={request.id}",
    }


async def _said(call: Call[ConversationQuery], shown: Shown, found: Sequence[Line], end: int) -> graph.Said:
    """What the rows of the window do not say themselves."""
    rows = shown.talk.tree.rows
    ids = [rows[place].id for line in found[max(0, end - graph.WINDOW) : end] for place in line.members]
    tools: dict[UUID, list[ToolCallRow]] = {}
    for tool in await call.database.fetch("tool_calls_of", ToolCallRow, shown.found.row.train, ids):
        tools.setdefault(tool.id, []).append(tool)
    return graph.Said(tools, shown.talk.purposes)


def wants_peek(call: Call[ConversationQuery]) -> bool:
    """Whether htmx asks for what stands beside the graph alone."""
    return call.query.peek is not None and wants_fragment(call.request)


async def _peek(call: Call[ConversationQuery], shown: Shown) -> dict[str, Any] | None:
    """One request beside the graph: what it added and what was answered."""
    tree = shown.talk.tree
    place = tree.place(call.query.peek) if call.query.peek is not None else None
    if place is None:
        return None
    path = tree.path(place)
    part = window.window_of(tree, path, len(path) - 1)
    stored = await window.stored(call.database, shown.found.row.train, part)
    made = await rendered(call.request.app, thread.drawn, part, stored, shown.talk.launches)
    return {"turn": made.turns[0], "masked": made.masked, "agents": shown.talk.agents, "place": place}


async def _cost(_: Call[ConversationQuery], shown: Shown) -> dict[str, Any]:
    return conversation_cost.values(shown.talk.tree, shown.path, shown.talk.purposes)


async def _raw(call: Call[ConversationQuery], shown: Shown) -> dict[str, Any]:
    total = len(shown.talk.tree.rows)
    end = min(call.query.end or total, total)
    first = max(0, end - graph.WINDOW)
    at = {"view": "raw"}
    return {
        "places": range(first, end),
        "total": total,
        "first": first,
        "why": links.why,
        "short": links.SHORT,
        "older": address(shown.path, {**at, "end": first}) if first else None,
        "newer": address(shown.path, {**at, "end": min(end + graph.WINDOW, total)}) if end < total else None,
    }


_VIEWS: dict[View, Callable[[Call[ConversationQuery], Shown], Awaitable[dict[str, Any]]]] = {
    "thread": _thread,
    "graph": _graph,
    "cost": _cost,
    "raw": _raw,
}
