"""Numbers, sizes, durations and times in words; what is unknown is an en dash, never 0."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from dashboard.render import zone

LEAST_MONEY: Final = 0.0001
"""USD; less than that has no figure of its own."""
UNKNOWN = "–"
NARROW = "\u202f"
_SIZES = ("bytes", "KB", "MB", "GB")


def count(number: int | None) -> str:
    """12345 → ``12 345`` with narrow spaces."""
    return UNKNOWN if number is None else f"{number:,}".replace(",", NARROW)


def compact(number: int | None) -> str:
    """12345 → ``12.3 k``; the exact figure belongs in the title."""
    if number is None:
        return UNKNOWN
    for limit, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k")):
        if number >= limit:
            scale = 1000 if unit == "k" else limit
            return f"{number / scale:.1f}{NARROW}{unit}"
    return count(number)


def size(octets: int | None) -> str:
    """18432 → ``18.0 KB`` (1024 bytes each)."""
    if octets is None:
        return UNKNOWN
    value, unit = float(octets), 0
    while value >= 1024 and unit < len(_SIZES) - 1:
        value, unit = value / 1024, unit + 1
    if unit == 0:
        return f"{octets} byte" if octets == 1 else f"{octets} bytes"
    return f"{value:.1f} {_SIZES[unit]}"


def duration(microseconds: int | None) -> str:
    """1234567 → ``1.23 s``; minutes from a minute on."""
    if microseconds is None:
        return UNKNOWN
    if microseconds < 1_000:
        return f"{microseconds} µs"
    if microseconds < 10_000:
        return f"{microseconds / 1_000:.1f} ms"
    if microseconds < 1_000_000:
        return f"{microseconds / 1_000:.0f} ms"
    seconds = microseconds / 1_000_000
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds >= 10 else f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} m" if hours else f"{minutes} m {rest:02d} s"


def money(dollars: Decimal | float | None) -> str:
    """``$1.23``; four decimals below a cent, and what they cannot hold is never shown as 0.

    What it is based on belongs in the title.
    """
    if dollars is None:
        return UNKNOWN
    amount = float(dollars)
    if 0 < abs(amount) < LEAST_MONEY:
        return f"under ${LEAST_MONEY}"
    return f"${amount:,.2f}" if amount == 0 or abs(amount) >= 0.01 else f"${amount:.4f}"


def when(moment: datetime | None) -> str:
    """Date and time to the minute, in the page's zone, for places without a day's heading."""
    return UNKNOWN if moment is None else f"{zone.there(moment):%Y-%m-%d %H:%M}"


def clock(moment: datetime | None) -> str:
    """The time of day in the page's zone."""
    return UNKNOWN if moment is None else f"{zone.there(moment):%H:%M:%S}"


def named_clock(moment: datetime | None) -> str:
    """The time of day with the name of its zone: ``15:02:11 CET``."""
    return UNKNOWN if moment is None else f"{clock(moment)} {zone.abbreviation(moment)}"


def day(moment: datetime) -> str:
    """``Friday, 20 November 2026`` in the page's zone."""
    there = zone.there(moment)
    return f"{there:%A}, {there.day} {there:%B %Y}"


def stamp(moment: datetime | None) -> str:
    """Date and time to the millisecond, in UTC, said so; behind it the page's zone, where that is another."""
    if moment is None:
        return UNKNOWN
    utc = moment.astimezone(UTC)
    local = "" if zone.is_utc() else f" · {named_clock(moment)}"
    return f"{utc:%Y-%m-%d %H:%M:%S}.{utc.microsecond // 1000:03d} UTC{local}"


def iso(moment: datetime | None) -> str:
    """ISO 8601 in UTC, for ``<time datetime>``."""
    return "" if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds")


def plural(number: int, noun: str, nouns: str | None = None) -> str:
    """``1 line``, ``3 lines``."""
    return f"{count(number)} {noun if number == 1 else nouns or noun + 's'}"
