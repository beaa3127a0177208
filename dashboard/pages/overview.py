"""``/overview``: how much, how dear, how well, and what wants somebody; the first page once anything is recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from core.access import Permission, may
from dashboard.charts.figure import Figure
from dashboard.forms import form_of
from dashboard.overview import attention, budgets, snoozes
from dashboard.overview.cards import Failed, read_parts
from dashboard.overview.tiles import tiles
from dashboard.pages import first_run
from dashboard.pages.conversations import title_of
from dashboard.pages.header import TRAINS, wanted_trains
from dashboard.pages.settings import own_path
from dashboard.pages.shell import address, page
from dashboard.pages.table_file import as_csv
from dashboard.pages.usage_names import Listed, naming_of
from dashboard.period import Period
from dashboard.problems import Problem
from dashboard.routing import Call, Query, route
from dashboard.totals import latency, pictures
from dashboard.totals.comparison import Earlier, earlier_of, relative, why_not
from dashboard.totals.slots import hour_of
from dashboard.totals.sums import Sums, sums_of
from dashboard.totals.usage import DIMENSIONS, Dimension, Span, Usage, read_sum, read_usage, span_of
from dashboard.totals.wording import MEASURES, TITLES, MeasureName
from dashboard.windows import wording
from dashboard.windows.glance import AccountGlance, five_hours, glances
from sql.rows.usage import LatencyRow
from sql.rows.usage_pages import DearConversationRow, StateOfNowRow, UsageSumRow

IN_FLIGHT = timedelta(days=2)
"""How far back a call that still runs may have begun."""
TOP = 8


class OverviewQuery(Query):
    """What the chart shows."""

    by: Dimension = "train"
    measure: MeasureName = "cost"


class ChartQuery(OverviewQuery):
    """Which chart's table is wanted."""

    chart: str = "usage"


@dataclass(frozen=True, slots=True)
class Scope:
    """What the page is about: trains, a period, and what they are compared with."""

    trains: Mapping[int, str]
    named: list[str]
    period: Period
    span: Span
    earlier: Earlier
    before: UsageSumRow

    @property
    def numbers(self) -> list[int]:
        """The trains' numbers."""
        return sorted(self.trains)

    @property
    def listed(self) -> Listed:
        """The list of the requests behind it."""
        return Listed(self.span, self.period, self.named)

    @property
    def kept(self) -> dict[str, str]:
        """Train, period and zone, for other addresses."""
        return {"trainId": ",".join(self.named)} | self.period.range | self.period.tz

    @property
    def incomparable(self) -> str | None:
        """Why nothing is compared; None where it is."""
        if self.period.since is None:
            return "all that was recorded has nothing before it"
        return why_not(self.earlier, self.before.first_hour, self.span.now)

    @property
    def compared(self) -> Sums | None:
        """What the same weekdays had; None where nothing is compared."""
        return None if self.incomparable else sums_of(self.before)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The usage and its charts."""

    usage: Usage
    stacked: Figure
    hours: Figure


@route(
    "GET",
    "/overview",
    permission=Permission.READ_STATISTICS,
    query=OverviewQuery,
    errors=(400, 503),
    period="7d",
)
async def overview_page(call: Call[OverviewQuery]) -> web.Response:
    """Tiles, what needs attention, windows, what runs, charts and the dearest conversations."""
    scope = await scope_of(call)
    if scope.before.first_hour is None and not await first_run.anything(call):
        return first_run.shown(call, section="overview")
    found = await read_parts(
        call.request,
        {
            "drawn": lambda: drawn(call, scope),
            "waits": lambda: _waits(call, scope),
            "now": lambda: _now(call, scope),
            "top": lambda: _top(call, scope),
            "windows": lambda: _windows(call, scope),
            "budgets": lambda: budgets.stands(call.database, scope.trains, scope.span.now),
        },
    )
    return page(
        call.request,
        "overview.html",
        section="overview",
        scope=scope,
        tiles=_tiles(scope, found),
        found=found,
        failed=Failed,
        attention=_attention(call, scope, found),
        key_of=snoozes.key_of,
        title_of=title_of,
        choices=_choices(call.query, scope),
        query=call.query,
        words=wording,
        now=scope.span.now,
        five_hours=five_hours,
        more=address("/overview/more", scope.kept),
        later=lambda name: address(f"/overview/figures/{name}", scope.kept),
    )


@route(
    "GET",
    "/overview.csv",
    permission=Permission.READ_STATISTICS,
    kind="download",
    query=ChartQuery,
    errors=(400, 404, 503),
    period="7d",
)
async def overview_csv(call: Call[ChartQuery]) -> web.Response:
    """The table behind one of the charts."""
    made = await drawn(call, await scope_of(call))
    chart = {"usage": made.stacked, "hours": made.hours}.get(call.query.chart)
    if chart is None:
        raise Problem(404, "there is no chart of this name")
    return as_csv(chart.table, f"{call.query.chart}-{call.query.measure}")


async def scope_of(call: Call[Any]) -> Scope:
    """Which trains and hours the address means. Two queries, or one where the trains are known."""
    named = wanted_trains(call.request)
    known = call.request.get(TRAINS) or await first_run.visible(call)
    trains = {number: name for number, name in known.items() if not named or name in named}
    period = call.period
    guess = span_of(period.since, period.end, period.zone, period.now, None)
    earlier = earlier_of(guess.since, period.end)
    before = await read_sum(call.database, sorted(trains), earlier.since, earlier.end)
    span = span_of(period.since, period.end, period.zone, period.now, before.first_hour)
    return Scope(trains, named, period, span, earlier, before)


async def drawn(call: Call[Any], scope: Scope) -> Drawn:
    """The charts."""
    query = call.query
    usage = await read_usage(call.database, scope.numbers, scope.span, query.by, hours=True)
    names = naming_of(query.by, usage, scope.trains, scope.listed)
    measure = MEASURES[query.measure]
    change = None
    if (before := scope.compared) is not None:
        change = relative(measure.value(usage.total), measure.value(before))
    kept = {**scope.kept, "by": query.by, "measure": query.measure}
    return Drawn(
        usage,
        pictures.stacked(
            usage,
            names,
            measure,
            key="usage",
            csv=address("/overview.csv", kept),
            label=scope.period.label,
            change=change,
        ),
        pictures.by_hour(usage, measure, key="hours", csv=address("/overview.csv", {**kept, "chart": "hours"})),
    )


def _choices(query: OverviewQuery, scope: Scope) -> dict[str, list[tuple[str, str, bool]]]:
    """Links that change what the chart shows."""
    kept = {**scope.kept, "by": query.by, "measure": query.measure}
    return {
        "by": [
            (TITLES[name].lower(), address("/overview", {**kept, "by": name}) + "#usage", name == query.by)
            for name in DIMENSIONS
        ],
        "measure": [
            (known.title.lower(), address("/overview", {**kept, "measure": name}) + "#usage", name == query.measure)
            for name, known in MEASURES.items()
        ],
    }


async def _waits(call: Call[Any], scope: Scope) -> tuple[latency.Times, latency.Times]:
    rows = await call.database.fetch("usage_latency", LatencyRow, scope.numbers, scope.span.since, scope.span.end, None)
    return latency.durations(rows), latency.first_tokens(rows)


async def _now(call: Call[Any], scope: Scope) -> StateOfNowRow | None:
    now, span = scope.span.now, scope.span
    burst = (hour_of(now - attention.BURST_LOOKED_AT), attention.BURST_LEAST, attention.BURST_SHARE)
    values = (scope.numbers, now - IN_FLIGHT, *burst, span.since, span.until)
    return await call.database.fetch_one("state_of_now", StateOfNowRow, *values)


async def _windows(call: Call[Any], scope: Scope) -> list[AccountGlance]:
    """The accounts that the trains used; all where no train is named."""
    whole = call.principal.trains is None and not scope.named
    return await glances(call.database, scope.numbers, scope.span.now, whole=whole)


async def _top(call: Call[Any], scope: Scope) -> list[DearConversationRow] | None:
    """The dearest conversations; None for who may not read what was said."""
    if not may(call.principal, Permission.READ_BODIES):
        return None
    return await call.database.fetch(
        "dearest_conversations", DearConversationRow, scope.numbers, scope.span.since, scope.span.end, TOP
    )


def _tiles(scope: Scope, found: Mapping[str, Any]) -> Any:
    """The tiles, or why there are none."""
    made, waits = found["drawn"], found["waits"]
    if isinstance(made, Failed):
        return made
    none = latency.Times(())
    times = (none, none) if isinstance(waits, Failed) else waits
    return tiles(made.usage, scope.compared, times, scope.listed, address("/cost", scope.kept))


@route("POST", "/attention/{key}/snooze", permission=Permission.READ_STATISTICS, errors=(400,))
async def snooze(call: Call[Query]) -> web.Response:
    """Leave an item out for a while, of this browser's pages only; the key ``none`` shows all again."""
    key, now = call.request.match_info["key"], datetime.now(UTC)
    known = {} if key == "none" else snoozes.read(call.request.cookies, now) | {key: now + snoozes.LENGTH}
    back = own_path((await form_of(call.request)).get("next", "/overview"))
    answer = web.Response(status=303, headers={"Location": back})
    made = snoozes.written(snoozes.read({snoozes.COOKIE: snoozes.written(known)}, now))
    lasting = int(snoozes.LENGTH.total_seconds())
    answer.set_cookie(snoozes.COOKIE, made, max_age=lasting, path="/", samesite="Lax", httponly=True)
    return answer


@dataclass(frozen=True, slots=True)
class Attention:
    """What wants somebody: the worst items, how many more, those that sleep, whether some could not be looked for."""

    items: list[attention.Item]
    left: int
    snoozed: snoozes.Snoozed
    blind: bool


def _attention(call: Call[Any], scope: Scope, found: Mapping[str, Any]) -> Attention:
    items, blind = _items(scope, found)
    divided = snoozes.divided(items, snoozes.read(call.request.cookies, scope.span.now))
    return Attention(*attention.chosen(divided.awake), divided, blind)


def _items(scope: Scope, found: Mapping[str, Any]) -> tuple[list[attention.Item], bool]:
    """All items, and whether some could not be looked for."""
    now, windows = found["now"], found["windows"]
    items = attention.of_windows(windows, scope.span.now) if isinstance(windows, list) else []
    stood = found["budgets"]
    items += budgets.items(stood, address("/cost", scope.kept)) if isinstance(stood, list) else []
    if not isinstance(now, StateOfNowRow):
        return items, True
    hour = hour_of(now.burst_hour or scope.span.now)
    inside = f"{hour:%Y-%m-%dT%H:%M:%SZ}..{hour + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    items += attention.of_now(now, scope.span.now, scope.listed({"outcome": "failed", "range": inside}))
    link = address("/cost", scope.kept) + "#unpriced"
    items += attention.unpriced(now.unpriced_models, now.unpriced_requests, link)
    return items, isinstance(windows, Failed) or isinstance(stood, Failed)
