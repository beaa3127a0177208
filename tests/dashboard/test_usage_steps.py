"""Sums out of whole days, hours and five minutes are those of the requests, wherever days begin and periods end."""

import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sql.loader import queries
from tests.usage_seeds import requested

BEGIN = datetime(2026, 9, 28, tzinfo=UTC)
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
    (12.25, 12.75),
    (12.75, 13.5),
    (17.5, 41.5),
    (18.25, 90),
    (-100_000, 100_000),
]
"""From and to which hour: days, ragged ends, within a day and an hour, none at all, far more than there is."""
ZONES = [
    "UTC",
    "Europe/Zurich",
    "Europe/London",  # a day of UTC in which none of its days begins
    "America/Los_Angeles",
    "Pacific/Auckland",
    "Pacific/Kiritimati",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Adelaide",
    "America/St_Johns",
    "Pacific/Chatham",
    "Australia/Lord_Howe",  # half an hour is its summer time
]


def uses():
    """(minutes from the beginning, model, requests): one model all the time, one now and then."""
    for minutes in range(0, 60 * HOURS, 15):
        if minutes % 60 != 45:
            yield minutes + minutes // 60 % 3 * 5, "usual", minutes // 15 + 1
        if minutes % (25 * 15) == 0:
            yield minutes, "rare", 7


def at(minutes):
    """So many minutes after the beginning."""
    return BEGIN + timedelta(minutes=minutes)


@pytest.fixture
async def filled(connection):
    """Four weeks in which the summer time of some zones begins; an older train that has nothing, as most have."""
    await connection.execute("INSERT INTO trains (name) VALUES ('one'), ('none')")
    await requested(connection, [(at(minutes), model, requests) for minutes, model, requests in uses()])
    return connection


def begins(moment, step, zone, since):
    """When the step that a moment is in begins."""
    if step in {"hour", "all"}:
        return moment.replace(minute=0) if step == "hour" else since
    day = moment.astimezone(ZoneInfo(zone)).replace(minute=0, hour=0, fold=0)
    back = {"day": 0, "week": day.weekday(), "month": day.day - 1}[step]
    return (day - timedelta(days=back)).astimezone(UTC)


def held(since, until):
    """What began in a period, whose first five minutes are in it whole."""
    first = since.replace(minute=since.minute // 5 * 5, second=0, microsecond=0)
    return [(at(minutes), model, requests) for minutes, model, requests in uses() if first <= at(minutes) < until]


@pytest.mark.parametrize("zone", ZONES)
async def test_steps_are_the_sums_of_their_requests(filled, zone):
    """As many rows as steps and models with any use; nothing is booked twice, lost, or left over as nothing."""
    for (first, last), step in itertools.product(PERIODS, ["hour", "day", "week", "month", "all"]):
        since, until = at(60 * first), at(60 * last)
        expected = Counter()
        for moment, model, requests in held(since, until):
            expected[begins(moment, step, zone, since), model] += requests
        asked = ([1, 2], since, until, step, zone, "model", None, None, None)
        rows = await filled.fetch(queries()["usage_series"].text, *asked)
        assert {(row["starts_at"], row["part"]): row["requests"] for row in rows} == expected, (first, last, step)
        assert len(rows) == len(expected)


@pytest.mark.parametrize("function", ["usage_of_period", "usage_by_hour", "usage_sums"])
async def test_a_period_is_the_sum_of_its_requests(filled, function):
    """Whole days, hours, and the five minutes of both ends; by days, by hours, or summed up where they are read."""
    for first, last in PERIODS:
        since, until = at(60 * first), at(60 * last)
        text = f"SELECT sum(requests) FROM {function}('{{1,2}}', $1, $2)"  # noqa: S608 - names of ours
        assert (await filled.fetchval(text, since, until) or 0) == sum(
            requests for _, _, requests in held(since, until)
        )
