"""Windows and per-minute limits as response headers report them: ``anthropic-ratelimit-…`` (usage.md, windows).

The unified family is read by its prefix, so windows that nobody knows yet are read too. Lenient and bounded: whatever
the headers hold, nothing raises and no value is guessed.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from core.labels import label
from core.models import Headers
from core.windows.reading import CLAIM, OVERALL, REJECTED, Reading, moment, name_of, share

PREFIX: Final = "anthropic-ratelimit-"
UNIFIED: Final = PREFIX + "unified-"
MOST: Final = 32
"""Windows, limits, and members of one of them, that are read of one answer; the real ones are a handful."""
_WORD: Final = 64
_VALUE: Final = 200
_MEMBERS: Final = ("utilization", "status", "reset")
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_COUNT = re.compile(r"[0-9]{1,15}")
_LIMIT = re.compile(r"(.+)-(limit|remaining|reset)")


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
    unified: dict[str, str] = {}
    minutely: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        if lower.startswith(UNIFIED):
            unified.setdefault(lower[len(UNIFIED) :], value.strip())  # of two the first counts
        elif lower.startswith(PREFIX):
            minutely.setdefault(lower[len(PREFIX) :], value.strip())
    if not unified and not minutely:
        return Report()
    return Report(tuple(_readings(unified)), tuple(_limits(minutely)))


def _readings(members: Mapping[str, str]) -> Iterable[Reading]:
    """One reading for each window named, and one for all of them together."""
    windows = _windows(members)
    sorted_in: dict[str, dict[str, str]] = {window: {} for window in windows}
    overall: dict[str, str] = {}
    for member, value in members.items():
        # Of 7d and 7d-opus the longer one is meant.
        window = next((one for one in windows if member.startswith(one + "-")), None)
        if window is None:
            overall[member] = value
        else:
            sorted_in[window][member[len(window) + 1 :]] = value
    readings = {window: _reading(window, sorted_in[window]) for window in sorted(windows)}
    if overall:
        whole = _reading(OVERALL, overall)
        yield whole
        readings = _with_rejection(readings, whole)
    yield from readings.values()


def _windows(members: Mapping[str, str]) -> list[str]:
    """The windows that have at least one member we know, the longest names first; at most ``MOST``."""
    named = {member[: -len(known) - 1] for member in members for known in _MEMBERS if member.endswith("-" + known)}
    fit = sorted(name for name in named if _NAME.fullmatch(name) and name != OVERALL)[:MOST]
    return sorted(fit, key=len, reverse=True)


def _reading(window: str, members: Mapping[str, str]) -> Reading:
    used = share(members.get("utilization", ""))
    status = label(members.get("status"), _WORD)
    reset = moment(members.get("reset", ""))
    said = {"utilization": used, "status": status, "reset": reset}
    more = {name: value for name, value in members.items() if said.get(name) is None}
    return Reading(window, used, status, reset, _kept(more))


def _kept(members: Mapping[str, str]) -> dict[str, str]:
    """Members as they came, as far as they are of a sane number and size."""
    fit = sorted((name, value) for name, value in members.items() if _NAME.fullmatch(name))[:MOST]
    return {name: label(value, _VALUE) or "" for name, value in fit}


def _with_rejection(readings: Mapping[str, Reading], whole: Reading) -> dict[str, Reading]:
    """A call that was refused was so by the window that the claim names, where that one does not say it itself."""
    window = name_of(whole.more.get(CLAIM, ""))
    if whole.status != REJECTED or not _NAME.fullmatch(window) or window == OVERALL:
        return dict(readings)
    before = readings.get(window, Reading(window, reset_at=whole.reset_at))
    return {**readings, window: before if before.status is not None else replace(before, status=REJECTED)}


def _limits(members: Mapping[str, str]) -> Iterable[RateLimit]:
    found: dict[str, RateLimit] = {}
    for member, value in sorted(members.items()):
        parts = _LIMIT.fullmatch(member)
        if parts is None or not _NAME.fullmatch(parts[1]):
            continue
        limit = found.get(parts[1], RateLimit(parts[1]))
        if parts[2] == "reset":
            found[parts[1]] = replace(limit, reset_at=moment(value))
        else:
            count = int(value) if _COUNT.fullmatch(value) else None
            told = replace(limit, quota=count) if parts[2] == "limit" else replace(limit, remaining=count)
            found[parts[1]] = told
    known = (limit for limit in found.values() if limit.quota is not None or limit.remaining is not None)
    return [limit for limit, _ in zip(known, range(MOST), strict=False)]
