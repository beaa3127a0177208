"""A period cut into hours, days, weeks, months or years of a zone; days of 23 and 25 hours are such and are called so.

Pure: what the time is and which zone is meant are arguments.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import Literal, get_args

Unit = Literal["hour", "day", "week", "month", "year"]
UNITS: tuple[Unit, ...] = get_args(Unit)
MOST_SLOTS = 62
"""Slots of one drawing (``charts.bars``)."""
HOUR = timedelta(hours=1)
FIVE_MINUTES = timedelta(minutes=5)
HOURS_TO = timedelta(hours=50)
"""The longest period that is cut into hours without being asked to."""
_LENGTH = {
    "hour": HOUR,
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=28),
    "year": timedelta(days=365),
}


@dataclass(frozen=True, slots=True)
class Slot:
    """One of them. ``start`` is where the calendar begins it (UTC), also where the period begins later."""

    start: datetime
    end: datetime
    label: str
    """Short, for an axis."""
    title: str
    """In full."""
    note: str = ""
    """What is special: ``23 h``, ``from 14:00``, ``so far``."""


def hour_of(moment: datetime) -> datetime:
    """The hour a moment lies in, UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def five_minutes_of(moment: datetime) -> datetime:
    """The five minutes a moment lies in: what begins or ends within an hour is read from the sums of these."""
    return hour_of(moment) + FIVE_MINUTES * (moment.minute // 5)


def unit_of(since: datetime, end: datetime, wanted: Unit | None = None) -> Unit:
    """The unit a period is cut into: as wanted, or the next coarser one that fits a drawing."""
    span = end - since
    if wanted is None:
        wanted = "hour" if span <= HOURS_TO else "day"
    finer = UNITS[UNITS.index(wanted) :]
    return next((unit for unit in finer if span / _LENGTH[unit] <= MOST_SLOTS - 2), "year")


def slots(since: datetime, end: datetime, unit: Unit, zone: tzinfo, now: datetime) -> list[Slot]:
    """Every slot that has a part in ``since`` ≤ moment < ``end``, in order; at most ``MOST_SLOTS``, the last ones."""
    if unit == "hour":
        starts = _hours(since, end)
    else:
        first = _floor(since.astimezone(zone).date(), unit)
        starts = _calendar(first, end, unit, zone)
    made = [_slot(start, following, unit, zone, since, end, now) for start, following in pairwise(starts)]
    return made[-MOST_SLOTS:]


def axis_note(unit: Unit, zone: tzinfo) -> str:
    """Whose slots these are, for the axis."""
    return f"{unit}s in {zone}" if unit != "week" else f"weeks from Monday in {zone}"


def _hours(since: datetime, end: datetime) -> list[datetime]:
    starts = [hour_of(since)]
    while starts[-1] < end:
        starts.append(starts[-1] + HOUR)
    return starts


def _calendar(first: date, end: datetime, unit: Unit, zone: tzinfo) -> list[datetime]:
    starts, day = [_midnight(first, zone)], first
    while starts[-1] < end:
        day = _next(day, unit)
        starts.append(_midnight(day, zone))
    return starts


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _floor(day: date, unit: Unit) -> date:
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if unit == "year" else day


def _next(day: date, unit: Unit) -> date:
    if unit == "month":
        return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    if unit == "year":
        return day.replace(year=day.year + 1)
    return day + (timedelta(days=7) if unit == "week" else timedelta(days=1))


def _slot(
    start: datetime, end: datetime, unit: Unit, zone: tzinfo, since: datetime, until: datetime, now: datetime
) -> Slot:
    there = start.astimezone(zone)
    notes = [_odd_length(start, end, unit)]
    if since > start:
        notes.append(
            f"from {since.astimezone(zone):%H:%M}" if unit in ("hour", "day") else f"from {_short(since, zone)}"
        )
    if end > until:
        notes.append("so far" if until >= now else "in part")
    label, title = _words(there, unit, (end - timedelta(seconds=1)).astimezone(zone))
    return Slot(start, end, label, title, ", ".join(note for note in notes if note))


def _odd_length(start: datetime, end: datetime, unit: Unit) -> str:
    hours = (end - start) / HOUR
    return f"{hours:g} h" if unit == "day" and hours != 24 else ""


def _short(moment: datetime, zone: tzinfo) -> str:
    there = moment.astimezone(zone)
    return f"{there.day} {there:%b}"


def _words(there: datetime, unit: Unit, last: datetime) -> tuple[str, str]:
    if unit == "hour":
        return f"{there:%H:%M}", f"{there:%a} {there.day} {there:%b} {there:%H:%M}"
    if unit == "day":
        return f"{there.day} {there:%b}", f"{there:%A}, {there.day} {there:%B %Y}"
    if unit == "week":
        return f"{there.day} {there:%b}", f"{there.day} {there:%b} to {last.day} {last:%b %Y}"
    return (f"{there:%b %y}", f"{there:%B %Y}") if unit == "month" else (f"{there:%Y}", f"{there:%Y}")
