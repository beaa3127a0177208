"""Sums of the roll-ups, for trains and accounts that a principal may see."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from core.budgets import Budget, Length, State, Unit, Used, running, state
from dashboard.routing import Call
from dashboard.totals.slots import hour_of
from dashboard.trains import visible_trains
from dashboard.usage.query import UsageQuery
from dashboard.windows.accounts import View, account_called
from sql.database import Database
from sql.rows.budgets import BudgetRow, BudgetUsedRow
from sql.rows.usage import UsageRow

NOBODY = -1
"""The number of no account."""


class Stretch(NamedTuple):
    """A time, half open."""

    start: datetime
    end: datetime


class Standing(NamedTuple):
    """A budget, its running period and how it stands."""

    row: BudgetRow
    period: Stretch
    state: State


def last_days(now: datetime, zone: ZoneInfo, days: int) -> tuple[date, Stretch]:
    """So many days of a zone, up to and with today: the first of them, and the time from midnight to midnight."""
    today = now.astimezone(zone).date()
    first = today - timedelta(days=days - 1)
    start, end = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, today + timedelta(days=1)))
    return first, Stretch(start, end)


def last_hours(now: datetime, days: int) -> Stretch:
    """So many times 24 hours, up to and with the running one."""
    end = hour_of(now) + timedelta(hours=1)
    return Stretch(end - timedelta(days=days), end)


async def rows_of(
    call: Call[Any], over: Stretch, step: str, part: str, model: str | None = None, kind: str | None = None
) -> list[UsageRow]:
    """Sums by steps of time and parts (``usage_series``). An account that nobody knows used nothing."""
    query: UsageQuery = call.query
    database = call.database
    trains = await visible_trains(database, call.principal, query.train_id)
    accounts = None
    if query.account_id is not None:
        view = View(trains, whole=call.principal.trains is None and not query.train_id)
        found = await account_called(database, view, query.account_id)
        accounts = [NOBODY] if found is None else list(found.numbers)
    return await database.fetch(
        "usage_series", UsageRow, sorted(trains), *over, step, query.tz, part, accounts, model, kind
    )


async def standings(database: Database, rows: Sequence[BudgetRow], now: datetime) -> list[Standing]:
    """How budgets stand now."""
    periods = [Stretch(*running(Length(row.period), ZoneInfo(row.zone), now)) for row in rows]
    used = await database.fetch(
        "budgets_used",
        BudgetUsedRow,
        [row.train for row in rows],
        [row.key_id for row in rows],
        [period.start for period in periods],
        [period.end for period in periods],
    )
    return [
        Standing(row, period, state(budget(row), Used(one.cost_usd, one.tokens, one.unpriced)))
        for row, period, one in zip(rows, periods, used, strict=True)
    ]


def budget(row: BudgetRow) -> Budget:
    """A row as a budget."""
    return Budget(Unit(row.unit), row.amount, Length(row.period), ZoneInfo(row.zone), row.hard)
