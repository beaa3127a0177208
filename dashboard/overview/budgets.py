"""Budgets as they stand: how much is used of each, whether it lasts, and how it went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from markupsafe import Markup

from core.budgets import Budget, Length, State, Unit, Used, state
from dashboard.charts import curve, meter
from dashboard.charts.figure import ESTIMATED, MEASURED, Figure, Provenance
from dashboard.charts.table import Column, Table, Value
from dashboard.overview.attention import Item
from dashboard.render import figures
from dashboard.totals.wording import COST_FORMULA, MEASURES, percent, percent_cell
from sql.database import Database
from sql.rows.usage_pages import BudgetNow, BudgetStep

WARN, ALERT = 0.75, 0.95
MOST_DRAWN = 12
"""Budgets with a curve of their own; the others have their bar."""


@dataclass(frozen=True, slots=True)
class Stand:
    """A budget and how it stands."""

    row: BudgetNow
    train: str
    state: State
    now: datetime

    @property
    def usd(self) -> bool:
        """Whether it is in money."""
        return self.row.unit == Unit.USD

    @property
    def title(self) -> str:
        """Whose it is and how much: ``atlas: $500 a month``."""
        whose = f"{self.train}, key {self.row.key_id}" if self.row.key_id else self.train
        return f"{whose}: {self.written(self.row.amount)} a {self.row.period}"

    @property
    def share(self) -> float:
        """How much of it is used, 0 to 1 and beyond."""
        return float(self.state.percent) / 100

    @property
    def elapsed(self) -> float:
        """How much of its period has gone."""
        return (self.now - self.row.starts_at) / (self.row.ends_at - self.row.starts_at)

    @property
    def source(self) -> Provenance:
        """How its use is known."""
        tokens = MEASURED.told("Input and output tokens, as the API reported them.")
        return ESTIMATED.told(COST_FORMULA) if self.usd else tokens

    @property
    def meter(self) -> Markup:
        """Its bar."""
        share = meter.Share(self.share, "measured", self.elapsed, (WARN, ALERT))
        return meter.drawn(share, label=f"{self.title}, {percent(self.share)} used", warn=WARN, alert=ALERT)

    def written(self, amount: Decimal) -> str:
        """An amount in its unit."""
        return figures.money(amount) if self.usd else f"{figures.compact(round(amount))} tokens"

    @property
    def empty_at(self) -> datetime | None:
        """When it is used up at the pace of the period so far; None where it lasts, or is used up."""
        if not 0 < self.share < 1 or self.elapsed <= 0:
            return None
        whole = self.row.ends_at - self.row.starts_at
        moment = self.row.starts_at + whole * (self.elapsed / self.share)
        return moment if moment < self.row.ends_at else None

    @property
    def outlook(self) -> str:
        """Whether it lasts."""
        if self.share >= 1:
            return "used up"
        if self.empty_at is None:
            return "lasts at the pace so far"
        there = self.empty_at.astimezone(ZoneInfo(self.row.zone))
        return f"used up about {there:%a} {there.day} {there:%b %H:%M} at the pace so far"


async def stands(database: Database, trains: Mapping[int, str], now: datetime) -> list[Stand]:
    """The budgets of these trains. One query."""
    rows = await database.fetch("budgets_now", BudgetNow, sorted(trains), now)
    return [Stand(row, trains[row.train], _state(row), now) for row in rows]


def _state(row: BudgetNow) -> State:
    budget = Budget(Unit(row.unit), row.amount, Length(row.period), ZoneInfo(row.zone), row.hard)
    return state(budget, Used(row.cost_usd, row.tokens, row.unpriced))


async def courses(database: Database, found: Sequence[Stand], now: datetime) -> dict[int, Figure]:
    """The curve of each budget, the first ``MOST_DRAWN``. One query."""
    drawn = found[:MOST_DRAWN]
    if not drawn:
        return {}
    numbers, trains = [one.row.budget for one in drawn], sorted({one.row.train for one in drawn})
    steps: dict[int, list[BudgetStep]] = {}
    for step in await database.fetch("budget_courses", BudgetStep, numbers, trains, now):
        steps.setdefault(step.budget, []).append(step)
    return {one.row.budget: _course(one, steps.get(one.row.budget, [])) for one in drawn}


def _course(one: Stand, steps: Sequence[BudgetStep]) -> Figure:
    row, zone = one.row, ZoneInfo(one.row.zone)
    whole, length = row.ends_at - row.starts_at, timedelta(hours=1) if row.period == Length.DAY else timedelta(days=1)
    points, rows, used = [(0.0, 0.0)], list[tuple[Value, ...]](), Decimal(0)
    for step in steps:
        used += step.cost_usd if one.usd else Decimal(step.tokens)
        until = min(step.at + length, one.now)
        points.append(((until - row.starts_at) / whole, float(used / row.amount)))
        there = step.at.astimezone(zone)
        rows.append((f"{there:%Y-%m-%d %H:%M}", used, float(used / row.amount)))
    points.append((min(1.0, one.elapsed), one.share))
    ends = one.share / one.elapsed if one.elapsed > 0 else one.share
    share = None if one.empty_at is None else (one.empty_at - row.starts_at) / whole
    fan = None if one.share >= 1 else curve.Fan(None, share, None, (one.share, min(1.0, ends), min(1.0, ends)))
    words = tuple((at, _axis(row.starts_at + at * whole, zone, row.period)) for at in (0.0, 0.25, 0.5, 0.75, 1.0))
    used_up = f"{percent(one.share)} after {percent(one.elapsed)} of the {row.period}"
    finding = f"{one.written(one.state.used)} used, {used_up}; {one.outlook}."
    drawing = curve.drawn(
        curve.Curve(tuple(points), one.elapsed, fan, levels=(1.0, ALERT, WARN), words=words), label=finding
    )
    write = MEASURES["cost" if one.usd else "tokens"].write
    columns = (
        Column("From", "from", number=False),
        Column("Used so far", "used", lambda value: write(float(value)) if isinstance(value, Decimal) else ""),
        Column("Of the budget", "share", percent_cell),
    )
    note = f"{'hours' if row.period == Length.DAY else 'days'} in {row.zone}; dotted: the even pace"
    return Figure(
        f"budget-{row.budget}",
        f"How the {row.period} went",
        finding,
        drawing,
        Table(columns, tuple(rows)),
        one.source,
        note=note,
    )


def _axis(moment: datetime, zone: ZoneInfo, period: str) -> str:
    there = moment.astimezone(zone)
    return f"{there:%H:%M}" if period == Length.DAY else f"{there.day} {there:%b}"


def items(found: Sequence[Stand], link: str) -> list[Item]:
    """Budgets over 75, 95 or 100 per cent."""
    return [_item(one, link) for one in found if one.state.warning is not None]


def _item(one: Stand, link: str) -> Item:
    refuses = "; calls beyond it are to be refused" if one.state.refuses else ""
    title = f"budget {one.title}: {percent(one.share)} used{refuses}"
    why = f"More than {one.state.warning} % of the budget is used in its running {one.row.period}; {one.outlook}."
    about = f"budget {one.row.budget} {one.row.starts_at:%Y-%m-%d} {one.state.warning}"
    return Item(
        "error" if one.state.warning == 100 else "warning", title, f"{link}#budgets", "all budgets", why, 3.5, about
    )
