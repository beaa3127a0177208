"""``/conversations/{id}/cost/sources``: what the cost of a conversation is made of, source by source."""

from typing import Any

from aiohttp import web

from core.access import Permission
from dashboard.charts import waterfall
from dashboard.charts.figure import ESTIMATED, Figure, Key
from dashboard.charts.palette import Look
from dashboard.charts.table import Column, Table
from dashboard.conversations import sources
from dashboard.conversations.address import found_conversation, moved_to
from dashboard.conversations.detail import Conversation
from dashboard.conversations.held import MOST_REQUESTS, talk_of
from dashboard.pages.conversations import title_of
from dashboard.pages.shell import fragment, page, wants_fragment
from dashboard.pages.table_file import as_csv
from dashboard.render import figures
from dashboard.render.pool import rendered
from dashboard.routing import Call, Query, route
from dashboard.totals.wording import money_cell, percent, percent_cell
from dashboard.usage.price_list import prices_now
from sql.rows.conversation_cost import ConversationUsageRow
from sql.rows.conversations import RequestBytesRow

PART = "conversation.sources.part.html"
CLASSES = (
    ("Read from the cache", Look(1, "D")), ("Written to the cache", Look(3, "B")), ("Fresh input", Look(0, "A")),
    ("Output", Look(2, "E")),
)  # fmt: skip
"""In the order of a prompt; with the looks that classes of tokens have everywhere."""
MOST_LINES = 14
OTHERS = "All other sources ({})"
SOURCE = ESTIMATED.told(
    "What each request cost is recorded. The API reports how many tokens of its prompt were read from the cache,"
    " written to it and fresh; which words those were is told from their order, and how long each is by its characters,"
    " scaled so that they sum to what was reported. Thinking is as reported."
)


@route("GET", "/conversations/{id}/cost/sources", permission=Permission.READ_BODIES, errors=(400, 404, 503))
async def conversation_sources(call: Call[Query]) -> web.Response:
    """A part of the view Cost, which htmx asks for; a page of its own without scripts."""
    found = await found_conversation(call)
    if moved := moved_to(call.request, found, "/conversations/", "/cost/sources"):
        return moved
    path = f"/conversations/{found.id}"
    made = await _told(call, found)
    values: dict[str, Any] = {"figure": _figure(made, path), "remarks": sources.remarks(made), "path": path}
    if wants_fragment(call.request):
        return fragment(call.request, PART, level=4, **values)
    values |= {"title": title_of(found.row), "what": "What it was paid for", "part": PART, "level": 3}
    return page(call.request, "conversation.part.html", section="conversations", **values)


@route(
    "GET", "/conversations/{id}/cost/sources.csv", permission=Permission.READ_BODIES, kind="download", errors=(404, 503)
)
async def conversation_sources_csv(call: Call[Query]) -> web.Response:
    """Every source with what each class of tokens cost."""
    found = await found_conversation(call)
    return as_csv(_table(await _told(call, found)), f"conversation-{found.id}-sources")


async def _told(call: Call[Any], found: Conversation) -> sources.Told:
    tree = (await talk_of(call, found.row)).tree
    train = found.row.train
    rows = await call.database.fetch("conversation_usage", ConversationUsageRow, train, found.id, MOST_REQUESTS)
    ids = sources.wanted(tree, sources.readers(tree))
    bodies = await call.database.fetch("request_bodies_of", RequestBytesRow, train, ids)
    prices = await prices_now(call.database)
    return await rendered(call.request.app, sources.told, tree, rows, {row.id: row.body for row in bodies}, prices)


def _table(made: sources.Told) -> Table:
    whole = sum(sum(parts) for parts in made.usd.values())
    columns = (
        Column("Source", "source", number=False),
        *(Column(name, name.lower().replace(" ", "_") + "_usd", money_cell) for name, _ in CLASSES),
        Column("Together", "cost_usd", money_cell, about=SOURCE.about),
        Column("Share", "share", percent_cell),
    )
    rows = tuple((name, *parts, sum(parts), sum(parts) / whole if whole else None) for name, parts in made.ranked)
    return Table(columns, rows)


def _figure(made: sources.Told, path: str) -> Figure | None:
    """The waterfall; None where nothing has a known cost."""
    lines = [waterfall.Line(name, parts) for name, parts in made.ranked]
    whole = sum(line.total for line in lines)
    if not whole:
        return None
    finding = _finding(lines, whole)
    shown = lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], _rest(lines[MOST_LINES - 1 :])]
    drawing = waterfall.drawn(shown, CLASSES, figures.money, label=f"What it was paid for. {finding}")
    sums = [sum(line.parts[place] for line in lines) for place in range(len(CLASSES))]
    keys = tuple(Key(name, look, figures.money(usd)) for (name, look), usd in zip(CLASSES, sums, strict=True))
    return Figure(
        "sources", "Sources, by class of token", finding, drawing, _table(made), SOURCE, keys,
        csv=f"{path}/cost/sources.csv",
    )  # fmt: skip


def _rest(lines: list[waterfall.Line]) -> waterfall.Line:
    columns = zip(*(line.parts for line in lines), strict=True)
    return waterfall.Line(OTHERS.format(len(lines)), tuple(sum(column) for column in columns))


def _finding(lines: list[waterfall.Line], whole: float) -> str:
    first = lines[0]
    prompts = sum(sum(line.parts[: sources.OUTPUT]) for line in lines)
    named = f"{first.name} made up {percent(first.total / whole)} of {figures.money(whole)}"
    sent, written = percent(prompts / whole), percent(1 - prompts / whole)
    return f"{named}; {sent} was paid for what was sent, {written} for answers."
