"""Sums that hide no unknown, percentiles of buckets, comparisons with the same weekdays, the plans of the queries."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from dashboard.totals import comparison, latency, wording
from dashboard.totals.sums import Sums
from sql.loader import queries
from sql.rows.usage import LatencyRow

MONDAY = datetime(2026, 11, 16, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


def test_sums_add_up_and_keep_what_is_unknown():
    """A sum has both sides' figures; without any price it is unknown, with one it says what it is without."""
    priced, unpriced = (
        Sums(requests=2, ok=1, rejected=1, cost_usd=Decimal("0.1"), priced=1),
        Sums(requests=3, unpriced=3),
    )
    assert unpriced.cost is None
    assert Sums().cost == 0
    whole = priced + unpriced
    assert (whole.requests, whole.cost, whole.unpriced) == (5, Decimal("0.1"), 3)
    assert (whole.counted, whole.errors) == (4, 3)
    assert Sums().error_share is None
    assert Sums().cache_share is None


def test_percentiles_lie_in_their_bucket():
    """Of times that all took 3 s each percentile is 3 s, as exactly as the buckets are; of none there is none."""
    bucket = 23
    times = latency.durations([LatencyRow(bucket, 100, 0)])
    low, high = latency.edge_ms(bucket), latency.edge_ms(bucket + 1)
    assert low <= 3000 < high
    for share in (0.01, 0.5, 0.95, 1):
        assert low <= times.percentile_us(share) / 1000 <= high
    assert latency.first_tokens([LatencyRow(bucket, 100, 0)]).percentile_us(0.5) is None
    assert [each.count for each in times.bins] == [100]
    mixed = latency.durations([LatencyRow(10, 95, 0), LatencyRow(30, 5, 0)])
    assert mixed.percentile_us(0.95) / 1000 == pytest.approx(latency.edge_ms(11), rel=1e-3)
    assert mixed.percentile_us(0.96) / 1000 > latency.edge_ms(30)


@pytest.mark.parametrize(("days", "weeks"), [(1, 1), (7, 1), (8, 2), (30, 5)])
def test_the_same_weekdays(days, weeks):
    """Whole weeks back: as many as the period is long; the beginning of its first hour costs no week more."""
    since = MONDAY - timedelta(days=days)
    for begun in (since, since.replace(minute=17)):
        found = comparison.earlier_of(begun, MONDAY)
        assert found.weeks == weeks
        assert found.since.weekday() == since.weekday()
        assert found.end <= begun


def test_nothing_is_compared_with_nothing():
    """Less than two days, or a base that was not recorded: it is said why."""
    earlier = comparison.earlier_of(MONDAY - WEEK, MONDAY)
    assert comparison.why_not(earlier, None, MONDAY)
    assert "2 days" in comparison.why_not(earlier, MONDAY - timedelta(hours=40), MONDAY)
    assert "began" in comparison.why_not(earlier, MONDAY - WEEK, MONDAY)
    assert comparison.why_not(earlier, MONDAY - 3 * WEEK, MONDAY) is None
    assert comparison.relative(3, 0) is None
    assert comparison.relative(None, 3) is None
    assert comparison.relative(90, 100) == comparison.Change("10 %", -1)
    assert comparison.relative(99_999, 1).words == "over 999 %"
    assert comparison.in_points(0.5, 0.5).way == 0


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "$0"), (0.0004, "$0.0004"), (0.015, "$0.015"), (0.5, "$0.50"), (7.3624, "$7.36"), (1234, "$1,234")],
)
def test_money_on_an_axis(value, words):
    """Short, and never rounded to the same word as its neighbour."""
    assert wording.dollars(value) == words


@pytest.mark.parametrize(
    ("share", "words"), [(None, "–"), (0, "0 %"), (0.0004, "under 0.1 %"), (0.014, "1.4 %"), (0.83, "83 %")]
)
def test_shares_in_words(share, words):
    """One decimal below ten; a little is not nothing, unknown is not 0."""
    assert wording.percent(share).replace("\u202f", " ") == words


@pytest.mark.parametrize(
    "name", ["usage_by_slot", "usage_between", "windows_at_a_glance", "budgets_now", "budget_courses"]
)
async def test_no_page_scans_requests(connection, name):
    """What the pages of usage ask never touches the table of requests (usage.md, roll-ups)."""
    text = queries()[name].text
    given = {"usage_by_slot": ("'{1}'", "now()", "now()", "'day'", "'UTC'", "'train'", "'UTC'", "true")}
    arguments = given.get(name, ("'{1}'", "now()" if name != "budget_courses" else "'{1}'", "now()", "now()"))
    count = max(number for number in range(1, 9) if f"${number}" in text)
    if name == "windows_at_a_glance":
        arguments = ("'{1}'", "now()", "true", "now()")
    await connection.execute(f"PREPARE asked AS {text}")
    plan = await connection.fetch(f"EXPLAIN EXECUTE asked ({', '.join(arguments[:count])})")
    assert not any("Scan" in row[0] and " on requests" in row[0] for row in plan)
