"""``/overview/more``: what the overview shows once it is there: savings, speed, conversations a week, cost by key.

Each is read by itself, so that the page does not wait for them.
"""

from typing import Any, Literal

from aiohttp import web

from core.access import Permission
from dashboard.charts.table import Table
from dashboard.overview import keys, savings, weeks
from dashboard.overview.cards import read_parts
from dashboard.pages.overview import Scope, scope_of
from dashboard.pages.shell import address, fragment, page, wants_fragment
from dashboard.pages.table_file import as_csv
from dashboard.problems import Problem
from dashboard.routing import Call, Query, route
from dashboard.usage.price_list import prices_now

PART = "overview.more.part.html"


class TableQuery(Query):
    """Which table."""

    table: Literal["weeks", "keys", "models"] = "weeks"


@route("GET", "/overview/more", permission=Permission.READ_STATISTICS, errors=(400, 503), period="7d")
async def overview_more(call: Call[Query]) -> web.Response:
    """The part that htmx asks for; a page of its own without scripts."""
    scope = await scope_of(call)
    found = await read_parts(
        call.request,
        {
            "used": lambda: _used(call, scope),
            "rate": lambda: savings.rate(call.database, scope.numbers, scope.span.now),
            "weeks": lambda: _weeks(call, scope),
            "keys": lambda: _keys(call, scope),
        },
    )
    files = {name: _file(scope, name) for name in ("keys", "models")}
    values: dict[str, Any] = {"found": found, "scope": scope, "files": files, "savings": savings, "keys": keys}
    if wants_fragment(call.request):
        return fragment(call.request, PART, **values)
    return page(call.request, "overview.more.html", section="overview", part=PART, **values)


@route("GET", "/overview/more.csv", permission=Permission.READ_STATISTICS, kind="download", query=TableQuery,
       errors=(400, 503), period="7d")  # fmt: skip
async def overview_more_csv(call: Call[TableQuery]) -> web.Response:
    """The table behind one of them."""
    scope, name = await scope_of(call), call.query.table
    made: Table
    if name == "weeks":
        made = (await _weeks(call, scope)).table
    elif name == "keys":
        made = keys.table(await _keys(call, scope))
    else:
        made = (await _used(call, scope)).table
    return as_csv(made, f"overview-{name}")


@route("GET", "/overview/figures/{name}", permission=Permission.READ_STATISTICS, errors=(400, 404, 503), period="7d")
async def overview_figure(call: Call[Query]) -> web.Response:
    """One figure for a tile: ``saved``, ``speed`` or ``rate``."""
    name = call.request.match_info["name"]
    if name not in ("saved", "speed", "rate"):
        raise Problem(404, "there is no figure of this name")
    scope = await scope_of(call)
    if not wants_fragment(call.request):
        return web.Response(status=303, headers={"Location": address("/overview/more", scope.kept)})
    values: dict[str, Any] = {"name": name, "savings": savings}
    if name == "rate":
        values["rate"] = await savings.rate(call.database, scope.numbers, scope.span.now)
    else:
        values["used"] = await _used(call, scope)
    return fragment(call.request, "overview.figure.part.html", **values)


async def _used(call: Call[Any], scope: Scope) -> savings.Used:
    prices, span = await prices_now(call.database), scope.span
    return await savings.used(call.database, scope.numbers, span.since, span.until, prices)


async def _weeks(call: Call[Any], scope: Scope) -> Any:
    span = scope.span
    return await weeks.begun(call.database, scope.numbers, span.zone, span.now, _file(scope, "weeks"))


async def _keys(call: Call[Any], scope: Scope) -> list[keys.Line]:
    return await keys.by_key(call.database, scope.trains, scope.span.since, scope.span.until)


def _file(scope: Scope, table: str) -> str:
    return address("/overview/more.csv", {**scope.kept, "table": table})
