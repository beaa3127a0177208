"""``/cost``: what was spent, by whatever dimension; what is billed kept apart from what a subscription covers."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from aiohttp import web

from core.access import Permission, may
from dashboard.charts.figure import Figure
from dashboard.charts.table import Column, Table, Value
from dashboard.overview import budgets
from dashboard.overview.cards import read_parts
from dashboard.pages import first_run
from dashboard.pages.overview import Scope, scope_of
from dashboard.pages.shell import address, page
from dashboard.pages.table_file import as_csv, as_json, as_jsonl
from dashboard.pages.usage_names import naming_of
from dashboard.problems import Problem
from dashboard.routing import Call, Query, route
from dashboard.totals import pictures
from dashboard.totals.classes import CLASSES, split
from dashboard.totals.comparison import Change, relative
from dashboard.totals.pictures import Naming
from dashboard.totals.slots import Unit
from dashboard.totals.sums import Sums
from dashboard.totals.usage import DIMENSIONS, Dimension, Usage, read_usage, span_of
from dashboard.totals.wording import COST_FORMULA, MEASURES, TITLES, MeasureName, count_cell, money_cell, percent_cell
from sql.rows.usage import UnpricedRow

MoneyKind = Literal["all", "billed", "subscription"]
MONEY: Mapping[MoneyKind, str] = {"all": "all", "billed": "billed by use", "subscription": "subscriptions"}
STEPS: tuple[Unit, ...] = ("day", "week", "month")


class CostQuery(Query):
    """What the chart and the table show."""

    by: Dimension = "train"
    step: Literal["day", "week", "month"] | None = None
    money: MoneyKind = "all"
    measure: MeasureName = "cost"


class CostFileQuery(CostQuery):
    """Which table is wanted."""

    table: str = "breakdown"


@dataclass(frozen=True, slots=True)
class Line:
    """A name of the breakdown."""

    title: str
    link: str | None
    sums: Sums
    share: float | None
    change: Change | None


@dataclass(frozen=True, slots=True)
class Breakdown:
    """All that is drawn of the sums."""

    usage: Usage
    whole: Usage
    """Whatever the choice of money: of everything."""
    chart: Figure
    classes: Figure
    lines: list[Line]
    table: Table


@route("GET", "/cost", permission=Permission.READ_STATISTICS, query=CostQuery, errors=(400, 503), period="30d")
async def cost_page(call: Call[CostQuery]) -> web.Response:
    """Sums, chart, breakdown, unpriced models, budgets."""
    scope = await _scope(call)
    if scope.before.first_hour is None and not await first_run.anything(call):
        return first_run.shown(call, section="cost")
    found = await read_parts(
        call.request,
        {
            "made": lambda: _breakdown(call, scope),
            "unpriced": lambda: _unpriced(call, scope),
            "budgets": lambda: _budgets(call, scope),
        },
    )
    kept = _kept(call.query, scope)
    return page(
        call.request,
        "cost.html",
        section="cost",
        scope=scope,
        found=found,
        query=call.query,
        choices=_choices(call.query, scope),
        money=MONEY,
        classes=CLASSES,
        formula=COST_FORMULA,
        csv=address("/cost.csv", kept),
        json=address("/cost.json", kept),
        jsonl=address("/cost.jsonl", kept),
        listed=scope.listed,
        prices=address("/prices", scope.period.tz),
        may_change=may(call.principal, Permission.ADMINISTER),
    )


@route(
    "GET",
    "/cost.csv",
    permission=Permission.READ_STATISTICS,
    kind="download",
    query=CostFileQuery,
    errors=(400, 404, 503),
    period="30d",
)
async def cost_csv(call: Call[CostFileQuery]) -> web.Response:
    """One of the page's tables, exact."""
    return as_csv(await _wanted(call), f"cost-{call.query.table}-by-{call.query.by}")


@route(
    "GET",
    "/cost.json",
    permission=Permission.READ_STATISTICS,
    kind="download",
    query=CostFileQuery,
    errors=(400, 404, 503),
    period="30d",
)
async def cost_json(call: Call[CostFileQuery]) -> web.Response:
    """The same as JSON."""
    return as_json(await _wanted(call))


@route(
    "GET",
    "/cost.jsonl",
    permission=Permission.READ_STATISTICS,
    kind="download",
    query=CostFileQuery,
    errors=(400, 404, 503),
    period="30d",
)
async def cost_jsonl(call: Call[CostFileQuery]) -> web.Response:
    """The same as JSON lines."""
    return as_jsonl(await _wanted(call), f"cost-{call.query.table}-by-{call.query.by}")


async def _wanted(call: Call[CostFileQuery]) -> Table:
    made = await _breakdown(call, await _scope(call))
    tables = {"breakdown": made.table, "usage": made.chart.table, "classes": made.classes.table}
    if call.query.table not in tables:
        raise Problem(404, "there is no table of this name")
    return tables[call.query.table]


async def _scope(call: Call[Any]) -> Scope:
    scope = await scope_of(call)
    span, step = scope.span, call.query.step
    if step is None and span.unit != "hour":
        return scope
    cut = span_of(span.since, span.end, span.zone, span.now, span.since, step or "day")
    return Scope(scope.trains, scope.named, scope.period, cut, scope.earlier, scope.before)


def _kept(query: CostQuery, scope: Scope) -> dict[str, str]:
    own = {"by": query.by, "step": query.step or "", "money": "" if query.money == "all" else query.money}
    own["measure"] = "" if query.measure == "cost" else query.measure
    return {"trainId": ",".join(scope.named), **scope.period.range, **scope.period.tz, **own}


def _choices(query: CostQuery, scope: Scope) -> dict[str, list[tuple[str, str, bool]]]:
    kept = _kept(query, scope)

    def choice(name: str, value: str, words: str, *, current: bool) -> tuple[str, str, bool]:
        return words, address("/cost", {**kept, name: value}), current

    return {
        "by": [choice("by", name, TITLES[name].lower(), current=name == query.by) for name in DIMENSIONS],
        "step": [choice("step", name, f"by {name}", current=name == scope.span.unit) for name in STEPS],
        "money": [choice("money", name, words, current=name == query.money) for name, words in MONEY.items()],
        "measure": [
            choice("measure", name, known.title.lower(), current=name == query.measure)
            for name, known in MEASURES.items()
        ],
    }


async def _breakdown(call: Call[Any], scope: Scope) -> Breakdown:
    query = call.query
    whole = await read_usage(call.database, scope.numbers, scope.span, query.by)
    usage = whole if query.money == "all" else whole.only(subscription=query.money == "subscription")
    before = await _before(call, scope)
    names = naming_of(query.by, whole, scope.trains, scope.listed)
    measure, kept = MEASURES[query.measure], _kept(query, scope)
    change = relative(measure.value(usage.total), measure.value(before.total)) if before else None
    chart = pictures.stacked(
        usage, names, measure, key="usage", csv=address("/cost.csv", {**kept, "table": "usage"}),
        label=scope.period.label, change=change,
    )  # fmt: skip
    lines = _lines(usage, names, before)
    classes = split(usage.total, key="classes", csv=address("/cost.csv", {**kept, "table": "classes"}))
    return Breakdown(usage, whole, chart, classes, lines, _table(lines, query.by))


async def _before(call: Call[Any], scope: Scope) -> Usage | None:
    """The same weekdays before, by the same names; None where nothing is compared."""
    if scope.incomparable:
        return None
    span = span_of(scope.earlier.since, scope.earlier.end, scope.span.zone, scope.span.now, None, "month")
    before = await read_usage(call.database, scope.numbers, span, call.query.by)
    return before if call.query.money == "all" else before.only(subscription=call.query.money == "subscription")


def _lines(usage: Usage, names: Naming, before: Usage | None) -> list[Line]:
    whole = usage.total.cost_usd
    return [
        Line(
            names.title(name),
            names.link(name),
            sums,
            float(sums.cost / whole) if whole and sums.cost is not None else None,
            _change(sums, before.names.get(name)) if before else None,
        )
        for name, sums in usage.names.items()
    ]


def _change(now: Sums, before: Sums | None) -> Change | None:
    if before is None or not before.cost_usd:
        return Change("new", 1) if now.cost_usd else None
    return relative(now.cost, before.cost)


def _table(lines: list[Line], by: Dimension) -> Table:
    columns = (
        Column(TITLES[by], by, number=False),
        Column("Requests", "requests", count_cell),
        *(Column(each.title, each.key, count_cell, about=each.about) for each in CLASSES),
        Column("Cost", "cost_usd", money_cell, about=COST_FORMULA),
        Column("Share", "share_of_cost", percent_cell),
        Column("Change", "change", number=False),
        Column("Estimated", "estimated_requests", count_cell),
        Column("Unpriced", "unpriced_requests", count_cell),
    )
    return Table(columns, tuple(_row(line) for line in lines))


def _row(line: Line) -> tuple[Value, ...]:
    sums = line.sums
    change = "" if line.change is None else f"{line.change.shape} {line.change.words}"
    cost: Decimal | None = sums.cost
    counts = (each.value(sums) for each in CLASSES)
    return (line.title, sums.requests, *counts, cost, line.share, change, sums.estimated, sums.unpriced)


async def _budgets(call: Call[Any], scope: Scope) -> list[tuple[budgets.Stand, Figure | None]]:
    """The budgets of these trains and how they went. Two queries."""
    found = await budgets.stands(call.database, scope.trains, scope.span.now)
    drawn = await budgets.courses(call.database, found, scope.span.now)
    return [(one, drawn.get(one.row.budget)) for one in found]


async def _unpriced(call: Call[Any], scope: Scope) -> list[UnpricedRow]:
    return await call.database.fetch("usage_unpriced", UnpricedRow, scope.numbers, scope.span.since, scope.span.until)
