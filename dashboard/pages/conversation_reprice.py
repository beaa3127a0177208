"""``/conversations/{id}/cost/models``: what a conversation would have cost on other models, and its part of budgets."""

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from core.access import Permission, may
from dashboard.conversations.address import found_conversation, moved_to
from dashboard.conversations.held import MOST_REQUESTS
from dashboard.conversations.repriced import SOURCE, against, panel, remarks, shares
from dashboard.overview import budgets
from dashboard.pages.conversations import title_of
from dashboard.pages.shell import fragment, page, wants_fragment
from dashboard.pages.table_file import as_csv
from dashboard.render.pool import rendered
from dashboard.routing import Call, Query, route
from dashboard.usage.price_list import prices_now
from sql.rows.conversation_cost import ConversationUsageRow

PART = "conversation.reprice.part.html"


@route("GET", "/conversations/{id}/cost/models", permission=Permission.READ_BODIES, errors=(400, 404, 503))
async def conversation_models(call: Call[Query]) -> web.Response:
    """A part of the view Cost, which htmx asks for; a page of its own without scripts."""
    found = await found_conversation(call)
    if moved := moved_to(call.request, found, "/conversations/", "/cost/models"):
        return moved
    train, now = found.row.train, datetime.now(UTC)
    rows = await call.database.fetch("conversation_usage", ConversationUsageRow, train, found.id, MOST_REQUESTS)
    made = await rendered(call.request.app, panel, rows, await prices_now(call.database), now)
    seen = may(call.principal, Permission.READ_STATISTICS)
    stood = await budgets.stands(call.database, {train: found.train}, now) if seen else []
    values: dict[str, Any] = {
        "panel": made,
        "known": SOURCE,
        "shares": shares(rows, stood),
        "seen": seen,
        "against": against,
        "remarks": remarks,
        "path": f"/conversations/{found.id}",
    }
    if wants_fragment(call.request):
        return fragment(call.request, PART, level=4, **values)
    values |= {"title": title_of(found.row), "what": "On other models", "part": PART, "level": 3}
    return page(call.request, "conversation.part.html", section="conversations", **values)


@route(
    "GET", "/conversations/{id}/cost/models.csv", permission=Permission.READ_BODIES, kind="download", errors=(404, 503)
)
async def conversation_models_csv(call: Call[Query]) -> web.Response:
    """The same as a table."""
    found = await found_conversation(call)
    key = (found.row.train, found.id, MOST_REQUESTS)
    rows = await call.database.fetch("conversation_usage", ConversationUsageRow, *key)
    made = await rendered(call.request.app, panel, rows, await prices_now(call.database), datetime.now(UTC))
    return as_csv(made.table, f"conversation-{found.id}-models")
