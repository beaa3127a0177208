"""Sums out of whole days and hours are the sums of the hours, wherever a zone's days begin and a period ends."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sql.loader import queries
from tests.usage_seeds import DAYS

BEGIN = datetime(2026, 10, 12, tzinfo=UTC)
HOURS = 24 * 28
PERIODS = [
    (0, HOURS),
    (7, HOURS - 5),
    (24, 48),
    (25, 47),
    (30, 33),
    (24, 24),
    (100, 200),
    (7.3, 90.7),
    (-100_000, 100_000),
]
"""From and to which hour: days, ragged ends, within a day, none at all, parts of hours, far more than there is."""
ZONES = ["UTC", "Europe/Zurich", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Auckland", "Pacific/Kiritimati"]


def uses():
    """(hour, model, requests): one model all the time, and one in a single hour of every day, by turns."""
    for n in range(HOURS):
        yield n, "usual", n + 1
        if n % 25 == 0:
            yield n, "rare", 7


@pytest.fixture
async def filled(connection):
    """Four weeks in which the summer time of some zones ends; an older train that has nothing, as most have."""
    await connection.execute("INSERT INTO trains (name) VALUES ('one'), ('none')")
    await connection.executemany(
        "INSERT INTO usage_hourly (train, hour, account, model, request_type, requests) VALUES (1, $1, 0, $2, '', $3)",
        [(BEGIN + timedelta(hours=hour), model, requests) for hour, model, requests in uses()],
    )
    await connection.execute(DAYS)
    return connection


def begins(hour, step, zone, since):
    """When the step that an hour is in begins."""
    if step in {"hour", "all"}:
        return hour if step == "hour" else since
    day = hour.astimezone(ZoneInfo(zone)).replace(minute=0, hour=0, fold=0)
    back = {"day": 0, "week": day.weekday(), "month": day.day - 1}[step]
    return (day - timedelta(days=back)).astimezone(UTC)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("step", ["hour", "day", "week", "month", "all"])
async def test_steps_are_the_sums_of_their_hours(filled, step, zone):
    """As many rows as steps and models with any use; nothing is booked twice, lost, or left over as nothing."""
    for first, last in PERIODS:
        since, until = (BEGIN + timedelta(hours=n) for n in (first, last))
        expected = Counter()
        for n, model, requests in uses():
            if first <= n < last:
                expected[begins(BEGIN + timedelta(hours=n), step, zone, since), model] += requests
        asked = ([1, 2], since, until, step, zone, "model", None, None, None)
        rows = await filled.fetch(queries()["usage_series"].text, *asked)
        assert {(row["starts_at"], row["part"]): row["requests"] for row in rows} == expected, (first, last)
        assert len(rows) == len(expected)


async def test_a_period_is_the_sum_of_its_hours(filled):
    """Whole days and the hours at both ends."""
    for first, last in PERIODS:
        since, until = (BEGIN + timedelta(hours=n) for n in (first, last))
        found = await filled.fetchval("SELECT sum(requests) FROM usage_of_period('{1,2}', $1, $2)", since, until)
        assert (found or 0) == sum(requests for n, _, requests in uses() if first <= n < last)
