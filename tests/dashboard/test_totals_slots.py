"""A period cut into hours, days, weeks and months of a zone."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from dashboard.totals.slots import MOST_SLOTS, UNITS, hour_of, slots, unit_of

ZURICH = ZoneInfo("Europe/Zurich")


def at(text):
    """A moment of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def cut(since, end, unit, zone=ZURICH, now="2027-01-01"):
    """The slots between two moments."""
    return slots(at(since), at(end), unit, zone, at(now))


def test_days_of_23_and_25_hours_are_marked():
    """The day on which summer time begins or ends is as long as it is, and the figure says so."""
    autumn = cut("2026-10-24T22:00", "2026-10-26T23:00", "day")
    assert [(slot.title, slot.note, (slot.end - slot.start) / timedelta(hours=1)) for slot in autumn] == [
        ("Sunday, 25 October 2026", "25 h", 25),
        ("Monday, 26 October 2026", "", 24),
    ]
    spring = cut("2026-03-28T23:00", "2026-03-29T22:00", "day")
    assert [(slot.label, slot.note) for slot in spring] == [("29 Mar", "23 h")]


def test_parts_of_slots_say_so():
    """A day the period begins or ends within is no whole day; today is one so far."""
    now = "2026-11-20T10:43"
    found = slots(at("2026-11-18T14:00"), at(now), "day", UTC, at(now))
    assert [slot.note for slot in found] == ["from 14:00", "", "so far"]
    assert [slot.note for slot in cut("2026-11-18", "2026-11-20T10:00", "day", UTC)] == ["", "", "in part"]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Zurich", "Asia/Kolkata", "Pacific/Apia", "America/St_Johns"])
@pytest.mark.parametrize("unit", UNITS)
def test_slots_cover_the_period_without_gaps(unit, zone):
    """Each begins where the one before ends; the first holds the start, the last the end."""
    since, end = at("2026-10-03T11:17"), at("2026-10-05T08:00") if unit == "hour" else at("2026-11-29T08:00")
    found = slots(since, end, unit, ZoneInfo(zone), at("2027-01-01"))
    assert all(before.end == after.start for before, after in pairwise(found))
    assert found[0].start <= since < found[0].end
    assert found[-1].start < end <= found[-1].end


def test_weeks_begin_on_monday_and_months_on_the_first():
    """By the calendar of the zone."""
    assert [slot.title for slot in cut("2026-11-18", "2026-11-24", "week")] == [
        "16 Nov to 22 Nov 2026",
        "23 Nov to 29 Nov 2026",
    ]
    assert [slot.label for slot in cut("2026-11-30T23:30", "2027-01-01", "month")] == ["Dec 26", "Jan 27"]


@pytest.mark.parametrize(
    ("days", "wanted", "unit"),
    [(1, None, "hour"), (2, None, "hour"), (7, None, "day"), (30, None, "day"), (100, None, "week"),
     (500, None, "month"), (9000, None, "year"), (30, "week", "week"), (365, "day", "week"), (7, "hour", "day")],
)  # fmt: skip
def test_the_unit_fits_a_drawing(days, wanted, unit):
    """As asked for, or the next coarser one with few enough bars."""
    end = at("2026-11-20T10:00")
    assert unit_of(end - timedelta(days=days), end, wanted) == unit
    assert len(slots(end - timedelta(days=days), end, unit, ZURICH, end)) <= MOST_SLOTS


def test_hours():
    """Sums are kept by hours of UTC."""
    assert hour_of(datetime(2026, 11, 20, 15, 59, 59, 9, ZURICH)) == at("2026-11-20T14:00")
