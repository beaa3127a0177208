"""Budgets: the running period of a zone, and how far it is used."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from core.budgets import Budget, Length, Unit, Used, running, state

ZURICH, NEW_YORK, KATHMANDU = ZoneInfo("Europe/Zurich"), ZoneInfo("America/New_York"), ZoneInfo("Asia/Kathmandu")


@pytest.mark.parametrize(
    ("length", "zone", "now", "start", "end"),
    [
        (Length.DAY, UTC, "2026-11-20T12:00", "2026-11-20T00:00", "2026-11-21T00:00"),
        (Length.DAY, ZURICH, "2026-11-20T23:30", "2026-11-20T23:00", "2026-11-21T23:00"),
        (Length.DAY, ZURICH, "2026-10-25T12:00", "2026-10-24T22:00", "2026-10-25T23:00"),  # 25 hours
        (Length.DAY, ZURICH, "2026-03-29T12:00", "2026-03-28T23:00", "2026-03-29T22:00"),  # 23 hours
        (Length.DAY, KATHMANDU, "2026-11-20T18:15", "2026-11-20T18:15", "2026-11-21T18:15"),
        (Length.WEEK, UTC, "2026-11-20T12:00", "2026-11-16T00:00", "2026-11-23T00:00"),
        (Length.WEEK, NEW_YORK, "2026-11-01T12:00", "2026-10-26T04:00", "2026-11-02T05:00"),
        (Length.MONTH, UTC, "2026-12-31T23:59", "2026-12-01T00:00", "2027-01-01T00:00"),
        (Length.MONTH, ZURICH, "2026-02-10T00:00", "2026-01-31T23:00", "2026-02-28T23:00"),
        (Length.MONTH, NEW_YORK, "2026-11-01T03:00", "2026-10-01T04:00", "2026-11-01T04:00"),
    ],
)
def test_the_running_period(length, zone, now, start, end):
    """From midnight to midnight of the zone, whatever its days are long; weeks begin on Monday."""
    moment, begins, ends = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (now, start, end))
    assert running(length, zone, moment) == (begins, ends)
    assert begins <= moment < ends


@pytest.mark.parametrize(
    ("used", "percent", "warning", "refuses"),
    [
        ("0", "0", None, False),
        ("14.999999", "74.999995", None, False),
        ("15", "75", 75, False),
        ("18.99", "94.95", 75, False),
        ("19", "95", 95, False),
        ("20", "100", 100, True),
        ("50", "250", 100, True),
    ],
)
def test_warnings(used, percent, warning, refuses):
    """At 75, 95 and 100 per cent; only a hard budget refuses, and only when it is used up."""
    for hard in (True, False):
        found = state(Budget(Unit.USD, Decimal(20), Length.DAY, UTC, hard), Used(Decimal(used), 10**9, 3))
        assert (found.percent, found.warning, found.refuses) == (Decimal(percent), warning, refuses and hard)
        assert found.remaining == max(Decimal(20) - Decimal(used), 0)
        assert found.unpriced == 3


def test_tokens():
    """A budget in tokens is not touched by cost, nor by what has no price."""
    found = state(Budget(Unit.TOKENS, Decimal(1000), Length.DAY, UTC), Used(Decimal(99), 760, 5))
    assert (found.used, found.remaining, found.warning, found.unpriced) == (760, 240, 75, 0)
