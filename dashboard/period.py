"""The period and the zone of a page's address: ``?range=24h|7d|all|2026-11-01..2026-11-20`` and ``?tz=Europe/Zurich``.

Pure but for the zone database: the query, the cookies and the time are arguments. A handler has it as ``call.period``;
what a page shows without ``range`` its route says (``@route(…, period="24h")``).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from dashboard.problems import Problem

NAMES = frozenset({"range", "tz", "from", "to", "trainId"})
"""Parameters that every page takes, so that they stay in the address while somebody walks about."""
OFFERED = ("24h", "7d", "30d", "all")
UTC_ZONE = ZoneInfo("UTC")
CHOSEN_COOKIE = "zone"
"""The zone the reader chose in the settings."""
BROWSER_COOKIE = "browser-zone"
"""The zone of the reader's machine, as ``zone.js`` says it."""
FIRST_YEAR, LAST_YEAR = 1970, 2999

_RELATIVE = re.compile(r"([1-9][0-9]{0,3})([hd])")
_LOST_PLUS = re.compile(r" (?=\d\d:?\d\d$)")
GRAMMAR = "24h, 7d, all, or two dates or times such as 2026-11-01..2026-11-20"


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open stretch of time, ``since`` ≤ moment < ``end``, and the zone that times are shown and days cut in."""

    text: str
    """As it stands in the address."""
    label: str
    """In words: ``last 24 h``, ``1 to 20 November 2026``."""
    since: datetime | None
    """First instant, UTC; None from the first record on."""
    until: datetime | None
    """The instant behind the last, UTC; None where it is open: up to now, and on."""
    now: datetime
    zone: ZoneInfo
    chosen: bool = False
    """Whether the address names it."""
    zone_named: bool = False
    """Whether the address names the zone."""

    @property
    def end(self) -> datetime:
        """The instant behind the last that can hold anything: where the period is open, now."""
        return self.now if self.until is None else self.until

    @property
    def live(self) -> bool:
        """Whether what happens next falls into it."""
        return self.until is None

    @property
    def range(self) -> dict[str, str]:
        """Its parameter, where the address names it."""
        return {"range": self.text} if self.chosen else {}

    @property
    def tz(self) -> dict[str, str]:
        """Its zone's parameter, where the address names it."""
        return {"tz": self.zone.key} if self.zone_named else {}

    @property
    def frozen(self) -> str:
        """The same period in absolute times, for an address that means the same tomorrow."""
        if self.until is not None:
            return self.text
        return f"{'' if self.since is None else _written(self.since)}..{_written(self.now + timedelta(seconds=1))}"

    @property
    def first_day(self) -> date | None:
        """The day in the zone that it begins on."""
        return None if self.since is None else self.since.astimezone(self.zone).date()

    @property
    def last_day(self) -> date:
        """The day in the zone that its last instant lies on."""
        return (self.end - timedelta(microseconds=1)).astimezone(self.zone).date()


def zone_of(query: Mapping[str, str], cookies: Mapping[str, str]) -> ZoneInfo:
    """The zone of an address; without one the reader's choice, then the browser's, then UTC. Raises Problem 400."""
    named = query.get("tz")
    if named:
        if named not in _zones():
            raise _bad("tz", f"there is no zone of this name: {named[:60]!r}; write it as in Europe/Zurich")
        return ZoneInfo(named)
    for cookie in (CHOSEN_COOKIE, BROWSER_COOKIE):
        known = cookies.get(cookie, "")
        if known in _zones():
            return ZoneInfo(known)
    return UTC_ZONE


def period_of(query: Mapping[str, str], cookies: Mapping[str, str], now: datetime, default: str = "all") -> Period:
    """The period of an address, ``default`` where it names none. ``from`` and ``to`` are what the form of dates sends.

    Raises Problem 400, in words, for a period or zone that cannot be.
    """
    zone = zone_of(query, cookies)
    given = query.get("range") or ""
    if query.get("from") or query.get("to"):
        given = f"{query.get('from', '')}..{query.get('to', '')}"
    text = given or default
    since, until, label = _parsed(_LOST_PLUS.sub("+", text), now.astimezone(UTC), zone)
    zone_named = bool(query.get("tz"))
    return Period(text, label, since, until, now.astimezone(UTC), zone, chosen=bool(given), zone_named=zone_named)


def both(period: Period, since: datetime | None, until: datetime | None) -> tuple[datetime | None, datetime | None]:
    """What lies in the period and from ``since`` up to ``until`` too: the later beginning and the earlier end."""
    begins = [moment for moment in (period.since, since) if moment is not None]
    ends = [moment for moment in (period.until, until) if moment is not None]
    return max(begins, default=None), min(ends, default=None)


def known_zones() -> list[str]:
    """Every zone by its name."""
    return sorted(_zones())


def label_of(text: str) -> str:
    """A relative period in words."""
    found = _RELATIVE.fullmatch(text)
    if found is None:
        return "all time"
    number, unit = int(found[1]), found[2]
    return f"last {number} h" if unit == "h" else "last day" if number == 1 else f"last {number} days"


def _parsed(text: str, now: datetime, zone: ZoneInfo) -> tuple[datetime | None, datetime | None, str]:
    if text == "all":
        return None, None, label_of(text)
    if found := _RELATIVE.fullmatch(text):
        hours = int(found[1]) * (1 if found[2] == "h" else 24)
        return now - timedelta(hours=hours), None, label_of(text)
    first, dots, last = text.partition("..")
    if not dots or not (first or last):
        raise _bad("range", f"a range is {GRAMMAR}")
    since, until = _instant(first, zone, last=False), _instant(last, zone, last=True)
    if since is not None and until is not None and since >= until:
        raise _bad("range", "the range ends before it begins")
    return since, until, _label(since, until, zone)


def _instant(text: str, zone: ZoneInfo, *, last: bool) -> datetime | None:
    """The instant that a day or a time of the zone means; a day that ends a range is in it as a whole."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text) if len(text) == len("2026-11-01") else None
        moment = datetime.fromisoformat(text) if day is None else datetime.combine(day, time.min)
    except ValueError:
        raise _bad("range", f"{text[:40]!r} is no date and no time: a range is {GRAMMAR}") from None
    if not FIRST_YEAR < moment.year < LAST_YEAR:
        raise _bad("range", f"a range lies between {FIRST_YEAR + 1} and {LAST_YEAR - 1}")
    if day is not None and last:
        moment += timedelta(days=1)
    return (moment.replace(tzinfo=zone) if moment.tzinfo is None else moment).astimezone(UTC)


def _label(since: datetime | None, until: datetime | None, zone: ZoneInfo) -> str:
    midnight = all(moment is None or moment.astimezone(zone).time() == time.min for moment in (since, until))
    if until is None:
        return f"since {_said(since, zone, midnight=midnight)}"
    last = _said(until - timedelta(days=1) if midnight else until, zone, midnight=midnight)
    if since is None:
        return f"until {last}"
    first = _said(since, zone, midnight=midnight)
    return first if first == last else f"{first} to {last}"


def _said(moment: datetime | None, zone: ZoneInfo, *, midnight: bool) -> str:
    if moment is None:
        return ""
    there = moment.astimezone(zone)
    return f"{there.day} {there:%b %Y}" + ("" if midnight else f" {there:%H:%M}")


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _bad(parameter: str, message: str) -> Problem:
    return Problem(400, f"bad query parameter: {parameter}", [{"parameter": parameter, "message": message}])


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) | {"UTC"}
