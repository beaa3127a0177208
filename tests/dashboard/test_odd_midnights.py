"""Periods as SQL cuts them are those of Python, wherever midnight is odd: budgets, steps of charts, series."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from core.budgets import Length, running
from dashboard.totals.slots import UNITS
from dashboard.totals.usage import Span, read_usage
from sql.rows.usage import UsageRow
from sql.rows.usage_pages import BudgetNow, BudgetStep
from tests import usage_seeds

ODD = (
    ("America/Havana", "2026-11-01T04:00"),  # clocks go back over midnight: there are two
    ("America/Havana", "2026-11-01T05:00"),
    ("Africa/Cairo", "2026-04-23T23:00"),  # clocks go on at midnight: there is none
    ("Asia/Kathmandu", "2026-11-20T18:20"),
)


@pytest.mark.parametrize("length", Length)
@pytest.mark.parametrize(("zone", "now"), ODD)
async def test_the_running_period_is_the_same_in_sql(database, connection, zone, now, length):
    """What the pages say of a budget is what the API and the refusals say of it, to the hour."""
    moment = datetime.fromisoformat(now + "+00:00")
    start, end = running(length, ZoneInfo(zone), moment)
    first = start.replace(minute=0) + (timedelta(hours=1) if start.minute else timedelta())
    await usage_seeds.used(connection, first, cost=Decimal(3))
    train = await connection.fetchval("SELECT train FROM trains WHERE name = 'atlas'")
    budget = await connection.fetchval(
        "INSERT INTO budgets (train, unit, amount, period, zone, hard, created_by)"
        " VALUES ($1, 'usd', 9, $2, $3, false, 'x') RETURNING budget",
        train, str(length), zone,
    )  # fmt: skip
    [found] = await database.fetch("budgets_now", BudgetNow, [train], moment)
    assert (found.starts_at, found.ends_at, found.cost_usd) == (start, end, 3)
    [step] = await database.fetch("budget_courses", BudgetStep, [budget], [train], max(moment, first))
    assert step.cost_usd == 3


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(("zone", "now"), ODD[1:3])
async def test_what_was_used_is_in_a_slot_that_is_shown(database, connection, zone, now, unit):
    """No hour is booked on a slot that the page does not draw, and the series of the API begin where those do."""
    moment = datetime.fromisoformat(now + "+00:00").replace(minute=0)
    for hours in range(-3, 4):
        await usage_seeds.used(connection, moment + timedelta(hours=hours), cost=Decimal(1))
    train = await connection.fetchval("SELECT train FROM trains WHERE name = 'atlas'")
    since, end = moment - timedelta(days=40), moment + timedelta(days=40)
    span = Span(since, end, unit, ZoneInfo(zone), datetime.now(UTC))
    drawn = {slot.start for slot in span.slots}
    found = (await read_usage(database, [train], span, "train")).of()
    if unit == "hour":  # only the latest are drawn
        assert len(found) == 7
        return
    assert found.keys() <= drawn
    rows = await database.fetch(
        "usage_series", UsageRow, [train], since, end, unit, zone, "none", None, None, None
    )  # fmt: skip
    assert {row.starts_at: row.cost_usd for row in rows} == {start: sums.cost_usd for start, sums in found.items()}
