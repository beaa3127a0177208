"""What a source says of a window at one moment, and how windows are called."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

OVERALL: Final = "unified"
"""The window that stands for all of them: whether the account may go on, and which window decides that."""
FIVE_HOURS: Final = "5h"
REJECTED: Final = "rejected"
CLAIM: Final = "representative-claim"
FALLBACK: Final = "fallback-percentage"
MOST_USED: Final = 1000.0
"""A utilisation above this is noise."""

_NUMBER = re.compile(r"(?:[0-9]{1,6}(?:\.[0-9]{0,24})?|\.[0-9]{1,24})(?:[eE][+-]?[0-9]{1,2})?")
_SECONDS = re.compile(r"[0-9]{9,10}(?:\.[0-9]{1,9})?")
_LENGTH = re.compile(r"([0-9]{1,3})([mhdw])(?![a-z0-9])", re.ASCII)
_UNITS: Final[Mapping[str, timedelta]] = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
# How the usage endpoint and claims call what headers call 5h and 7d; what follows (a model) stays.
_SPELLED: Final[Mapping[str, str]] = {"five_hour": "5h", "seven_day": "7d"}
_FIRST, _LAST = datetime(2001, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class Source(StrEnum):
    """Who says so; in the order of trust."""

    REPORTED = "reported"
    POLLED = "polled"
    INFERRED = "inferred"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was said of one window; None is unknown. ``more`` are members without a field here, as they came."""

    window: str
    utilization: float | None = None
    status: str | None = None
    reset_at: datetime | None = None
    more: Mapping[str, str] = field(default_factory=dict)


def length_of(window: str) -> timedelta | None:
    """How long a window is, as its name says: ``5h``, ``7d_opus``; None where it does not say."""
    found = _LENGTH.match(window)
    return int(found[1]) * _UNITS[found[2]] if found else None


def name_of(spelled: str) -> str:
    """A window under the name that headers use: ``seven_day_opus`` is ``7d_opus``. Others keep theirs."""
    for words, name in _SPELLED.items():
        if spelled == words or spelled.startswith(words + "_"):
            return name + spelled[len(words) :]
    return spelled


def share(text: str) -> float | None:
    """A utilisation as a header gives it; None where it is no plausible number. Never raises."""
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if value <= MOST_USED else None


@lru_cache(maxsize=1024)  # the same end is said in every answer
def moment(text: str) -> datetime | None:
    """A moment as unix seconds or ISO 8601 with a zone; None where it is neither. Never raises."""
    if not text:
        return None
    try:
        if _SECONDS.fullmatch(text):
            return _plausible(datetime.fromtimestamp(float(text), UTC))
        given = datetime.fromisoformat(text) if len(text) <= 40 and text.isascii() else None
    except (ValueError, OverflowError):
        return None
    return _plausible(given) if given is not None and given.tzinfo is not None else None


def _plausible(given: datetime) -> datetime | None:
    try:
        moment = given.astimezone(UTC)
    except OverflowError:
        return None
    return moment if _FIRST <= moment < _LAST else None
