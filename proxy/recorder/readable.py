"""What Postgres can hold of recorded text and JSON; the raw bytes beside them stay exact."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sql import jsonb as encoding

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_US = 253_402_300_799_999_999
"""The last microsecond a datetime knows: the end of year 9999."""


def text(value: str, limit: int) -> str:
    """A text Postgres takes, at most ``limit`` characters; what was cut ends in an ellipsis."""
    if len(value) > limit:
        value = value[: limit - 1] + "…"
    # isascii and `in` are single passes in C; the expression is for the rare rest.
    if value.isascii() and "\x00" not in value:
        return value
    return encoding.readable(value)


def jsonb(value: Any) -> str | None:
    """JSON text that jsonb takes, or None where no encoder finds one (nested thousands deep)."""
    try:
        return encoding.encode(value)
    except (TypeError, ValueError, RecursionError):
        return None


@lru_cache(maxsize=4096)  # a batch asks for each time of a call again and again
def moment(at_us: int) -> datetime:
    """The datetime of unix microseconds; a clock far off is held inside what a datetime can say."""
    return EPOCH + timedelta(microseconds=min(max(at_us, 0), LAST_US))
