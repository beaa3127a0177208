"""Windows and per-minute limits as response headers report them: ``anthropic-ratelimit-…`` (usage.md, windows).

The unified family is read by its prefix, so windows that nobody knows yet are read too. Lenient and bounded: whatever
the headers hold, nothing raises and no value is guessed.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Final

from core.labels import label
from core.models import Headers
from core.windows.reading import CLAIM, OVERALL, REJECTED, Reading, moment, name_of, share

PREFIX: Final = "anthropic-ratelimit-"
UNIFIED: Final = "unified-"
"""How the names of windows' members begin, behind the prefix."""
_CUT: Final = len(PREFIX)
MOST: Final = 32
"""Windows, limits, and members of one of them, that are read of one answer; the real ones are a handful."""
_WORD: Final = 64
_VALUE: Final = 200
_MEMBERS: Final = frozenset({"utilization", "status", "reset"})
_FIGURES: Final = frozenset({"limit", "remaining", "reset"})
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_COUNT = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A per-minute limit of an API key: ``requests``, ``tokens``, ``input-tokens``, ``output-tokens`` and others."""

    name: str
    quota: int | None = None
    remaining: int | None = None
    reset_at: datetime | None = None
    """When it is full again."""


@dataclass(frozen=True, slots=True)
class Report:
    """All that one answer reported."""

    readings: tuple[Reading, ...] = ()
    limits: tuple[RateLimit, ...] = ()


def read(headers: Headers) -> Report:
    """The report in an answer's headers; empty where there is none. Never raises."""
    lowered = ((name.lower(), value) for name, value in headers)
    family = tuple((name[_CUT:], value) for name, value in lowered if name.startswith(PREFIX))
    return _report(family) if family else Report()


@lru_cache(maxsize=256)  # a login's answers say the same until a whole per cent is used
def _report(family: Headers) -> Report:
    unified: dict[str, str] = {}
    minutely: dict[str, str] = {}
    for name, value in family:  # of two the first counts
        if name.startswith(UNIFIED):
            unified.setdefault(name[len(UNIFIED) :], value.strip())
        else:
            minutely.setdefault(name, value.strip())
    return Report(tuple(_readings(unified)), tuple(_limits(minutely)))


def _readings(members: Mapping[str, str]) -> Iterable[Reading]:
    """One reading for each window named, and one for all of them together."""
    windows, overall = _by_window(members)
    readings = {window: _reading(window, windows[window]) for window in sorted(windows)}
    if overall:
        whole = _reading(OVERALL, overall)
        yield whole
        if whole.status == REJECTED:
            readings = _with_rejection(readings, whole)
    yield from readings.values()


def _by_window(members: Mapping[str, str]) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """The members of each window that has one we know, at most ``MOST`` windows; and those of no window."""
    windows: dict[str, dict[str, str]] = {}
    rest: dict[str, str] = {}
    for member, value in members.items():
        window, _, known = member.rpartition("-")
        if known in _MEMBERS and window != OVERALL and _NAME.fullmatch(window):
            if window in windows or len(windows) < MOST:
                windows.setdefault(window, {})[known] = value
        else:
            rest[member] = value
    overall: dict[str, str] = {}
    for member, value in rest.items():
        owner = _owner(member, windows)
        if owner is None:
            overall[member] = value
        else:
            windows[owner][member[len(owner) + 1 :]] = value
    return windows, overall


def _owner(member: str, windows: Iterable[str]) -> str | None:
    """The window that a member without a field belongs to: of 7d and 7d-opus the longer that fits."""
    fit = [window for window in windows if member.startswith(window + "-")]
    return max(fit, key=len) if fit else None


def _reading(window: str, members: Mapping[str, str]) -> Reading:
    used = share(members.get("utilization", ""))
    status = label(members.get("status"), _WORD)
    reset = moment(members.get("reset", ""))
    said = (used is not None) + (status is not None) + (reset is not None)
    return Reading(window, used, status, reset, _kept(members, used, status, reset) if said < len(members) else {})


def _kept(members: Mapping[str, str], used: float | None, status: str | None, reset: datetime | None) -> dict[str, str]:
    """Members that have no field, or did not fit theirs, as they came; as far as they are of a sane number and size."""
    said = {"utilization": used, "status": status, "reset": reset}
    more = [(name, value) for name, value in members.items() if said.get(name) is None and _NAME.fullmatch(name)]
    return {name: label(value, _VALUE) or "" for name, value in sorted(more)[:MOST]}


def _with_rejection(readings: Mapping[str, Reading], whole: Reading) -> dict[str, Reading]:
    """A call that was refused was so by the window that the claim names, where that one does not say it itself."""
    window = name_of(whole.more.get(CLAIM, ""))
    if not _NAME.fullmatch(window) or window == OVERALL:
        return dict(readings)
    before = readings.get(window, Reading(window, reset_at=whole.reset_at))
    return {**readings, window: before if before.status is not None else replace(before, status=REJECTED)}


def _limits(members: Mapping[str, str]) -> Iterable[RateLimit]:
    found: dict[str, dict[str, str]] = {}
    for member, value in members.items():
        name, _, figure = member.rpartition("-")
        if figure in _FIGURES and _NAME.fullmatch(name) and (name in found or len(found) < MOST):
            found.setdefault(name, {})[figure] = value
    for name, figures in sorted(found.items()):
        quota, remaining = _count(figures.get("limit", "")), _count(figures.get("remaining", ""))
        if quota is not None or remaining is not None:
            yield RateLimit(name, quota, remaining, moment(figures.get("reset", "")))


def _count(text: str) -> int | None:
    return int(text) if _COUNT.fullmatch(text) else None
