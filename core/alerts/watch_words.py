"""Words that alerts are told in: moments with their zone, spans of time, and recorded words made harmless."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from core.labels import label
from core.redact import find_secrets

MASKED: Final = "[masked]"
LOOKED_AT: Final = 65_536
"""Characters of a text, of which some hundreds are shown: a secret that is cut here lies far behind these."""


def moment(at: datetime, zone: tzinfo = UTC) -> str:
    """``Fri 20 Nov 14:20 UTC``: the day, the time and the zone they are of."""
    there = at.astimezone(zone)
    name = there.tzname() or ""
    return f"{there:%a} {there.day} {there:%b %H:%M} {name if name.isalpha() else f'UTC{name}'}"


def lasting(span: timedelta) -> str:
    """``40 s``, ``42 m``, ``3 h 05 m``, ``2 d 4 h``."""
    seconds = max(0, round(span.total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} m"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02d} m" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def number(value: float) -> str:
    """``75``, ``99.5``: a threshold without needless decimals."""
    return f"{value:.1f}".removesuffix(".0")


def plain(text: str, longest: int) -> str:
    """Recorded words that may stand in an alert: no secret, nothing a database refuses, at most so many characters.

    It is masked before it is cut: of half a secret nobody could tell any more that it is one.
    """
    text = text[:LOOKED_AT]
    for start, end in reversed(find_secrets(text)):
        text = text[:start] + MASKED + text[end:]
    return label(text if len(text) <= longest else text[: longest - 1] + "…", longest) or ""
