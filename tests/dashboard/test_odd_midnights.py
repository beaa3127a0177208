"""Periods as SQL cuts them are those of Python, wherever midnight is odd: budgets, steps of charts, series."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from core.budgets import Length, running
from dashboard.totals.slots import UNITS
from dashboard.totals.usage import Span, read_usage
from sql.rows.budgets import BudgetUsedRow
from sql.rows.usage import UsageRow
from sql.rows.usage_pages import BudgetNow, BudgetStep
from tests import usage_seeds
from tests.dashboard.test_pages_cost import plain
from tests.dashboard.test_pages_overview import tiles

SLOT = timedelta(minutes=5)
ODD = (
    ("America/Havana", "2026-11-01T04:00"),  # clocks go back over midnight: there are two
    ("America/Havana", "2026-11-01T05:00"),
    ("Africa/Cairo", "2026-04-23T23:00"),  # clocks go on at midnight: there is none
    ("Europe/London", "2026-03-29T23:00"),  # the second midnight of one day of UTC
    ("Asia/Kathmandu", "2026-11-20T18:20"),  # midnight is at 18:15, 18:30, 13:30 and 11:15
    ("Asia/Kolkata", "2026-11-20T19:40"),
    ("Australia/Adelaide", "2026-11-20T13:35"),
    ("Pacific/Chatham", "2026-11-20T10:20"),
    ("Australia/Lord_Howe", "2026-10-03T15:40"),  # ten minutes after clocks went on by half an hour
)


@pytest.mark.parametrize("length", Length)
@pytest.mark.parametrize(("zone", "now"), ODD)
async def test_the_running_period_is_the_same_in_sql(database, connection, zone, now, length):
    """What the pages say of a budget is what the API and the refusals say of it, from the first moment to the last."""
    moment = datetime.fromisoformat(now + "+00:00")
    start, end = running(length, ZoneInfo(zone), moment)
    for at, cost in ((start - SLOT, 100), (start, 3), (end - SLOT, 2), (end, 100)):
        await usage_seeds.used(connection, at, cost=Decimal(cost))
        await usage_seeds.keyed(connection, at, cost=Decimal(cost))
    train = await connection.fetchval("SELECT train FROM trains WHERE name = 'atlas'")
    budgets = [
        await connection.fetchval(
            "INSERT INTO budgets (train, key_id, unit, amount, period, zone, hard, created_by)"
            " VALUES ($1, $2, 'usd', 9, $3, $4, false, 'x') RETURNING budget",
            train, key, str(length), zone,
        )
        for key in (None, usage_seeds.CLIENT_KEY)
    ]  # fmt: skip
    for found in await database.fetch("budgets_now", BudgetNow, [train], moment):
        assert (found.starts_at, found.ends_at, found.cost_usd) == (start, end, 5)
    asked = [train, train], [None, usage_seeds.CLIENT_KEY], [start, start], [end, end]
    assert [row.cost_usd for row in await database.fetch("budgets_used", BudgetUsedRow, *asked)] == [5, 5]
    for at, costs in ((start, [3]), (end - timedelta(seconds=1), [3, 2])):
        steps = await database.fetch("budget_courses", BudgetStep, budgets, [train], at)
        for budget in budgets:
            course = [step for step in steps if step.budget == budget]
            assert [step.cost_usd for step in course] == costs
            assert course[0].at == start


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(("zone", "now"), ODD[1:])
async def test_what_was_used_is_in_a_slot_that_is_shown(database, connection, zone, now, unit):
    """Nothing is booked on a slot that the page does not draw, and the series of the API begin where those do."""
    moment = datetime.fromisoformat(now + "+00:00").replace(minute=0)
    for minutes in range(-180, 181, 30):
        await usage_seeds.used(connection, moment + timedelta(minutes=minutes), cost=Decimal(1))
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
    assert sum(row.cost_usd for row in rows) == 13
    assert {row.starts_at: row.cost_usd for row in rows} == {start: sums.cost_usd for start, sums in found.items()}


DAY = ("Asia/Kolkata", "2026-11-10", "2026-11-09T18:30:00+00:00")


async def test_pages_show_a_day_as_it_was_there(client, connection):
    """A day that begins at half past: tiles, bars, breakdown, unpriced models and hours hold it and nothing beside."""
    zone, day, midnight = DAY
    start = datetime.fromisoformat(midnight)
    for at, requests in ((start - SLOT, 100), (start, 3), (start + timedelta(hours=24) - SLOT, 4)):
        await usage_seeds.used(connection, at, requests=requests, cost=Decimal(requests))
        await usage_seeds.used(connection, at, requests=requests, model=usage_seeds.NEW)
    await usage_seeds.used(connection, start + timedelta(hours=24), requests=100, cost=Decimal(100))
    address = {"range": f"{day}..{day}", "tz": zone}
    page = await (await client.get("/overview", params=address)).text()
    assert tiles(page)["Requests"].startswith("Requests 14 ")
    assert "Monday 23:30–00:30: $3.00" in page  # hours are those of UTC, and say so
    rows = (await (await client.get("/cost.json", params=address)).json())["rows"]
    assert [(row["requests"], row["cost_usd"], row["unpriced_requests"]) for row in rows] == [(14, "7", 7)]
    page = plain(await (await client.get("/cost", params=address)).text())
    assert f"{usage_seeds.NEW} add a price 7 " in page
