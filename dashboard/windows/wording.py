"""Windows, sources and states in words: a shape beside each, so that none rests on colour."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from core.windows.reading import Source, length_of
from dashboard.charts import meter
from dashboard.charts.figure import ESTIMATED, POLLED, REPORTED, Provenance
from dashboard.render import figures, zone
from dashboard.render.headline import Status
from dashboard.totals.wording import percent
from dashboard.windows.glance import Bar, until

SOURCES: Mapping[Source, Provenance] = {
    Source.REPORTED: REPORTED.told("As the provider's headers of the latest answer said it."),
    Source.POLLED: POLLED.told("As the provider's usage endpoint said it when it was asked last."),
    Source.INFERRED: ESTIMATED.told("Our own sum of tokens against a limit that was never told."),
}
METERS: Mapping[Source, meter.Source] = {
    Source.REPORTED: "reported",
    Source.POLLED: "polled",
    Source.INFERRED: "estimated",
}
_STATES: Mapping[str, Status] = {
    "allowed": Status("ok", "allowed"),
    "allowed_warning": Status("warning", "near its limit"),
    "rejected": Status("error", "refuses calls"),
}
_UNITS = {"m": "minute", "h": "hour", "d": "day", "w": "week"}
_NAME = re.compile(r"([0-9]{1,3})([mhdw])(?:[_-](.+))?")


def window_title(window: str) -> str:
    """``5h`` is 5 hours, ``7d_opus`` 7 days, opus; what we do not know stands as it is."""
    found = _NAME.fullmatch(window)
    if found is None:
        return window.replace("_", " ")
    span = figures.plural(int(found[1]), _UNITS[found[2]])
    return f"{span}, {found[3].replace('_', ' ')}" if found[3] else span


def state(status: str | None) -> Status | None:
    """What the provider said of a window, as shape and word; None where it said nothing."""
    return None if status is None else _STATES.get(status, Status("cancelled", status.replace("_", " ")))


def lasting(span: timedelta) -> str:
    """``42 m``, ``3 h 05 m``, ``2 d 4 h``."""
    minutes = round(span / timedelta(minutes=1))
    if minutes < 60:
        return f"{minutes} m"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02d} m" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def clock(moment: datetime, now: datetime) -> str:
    """The time of day in the page's zone; with the day where it is another than today's."""
    there, today = zone.there(moment), zone.there(now)
    if there.date() == today.date():
        return f"{there:%H:%M}"
    return f"{there:%a %H:%M}" if abs(there - today) < timedelta(days=6) else f"{there.day} {there:%b %H:%M}"


def resets(bar: Bar, now: datetime) -> str:
    """When its end is, and in how long; how it was where that has passed."""
    if bar.reset_at is None:
        return "reset unknown"
    if bar.over:
        return f"ended {clock(bar.reset_at, now)}"
    return f"resets {clock(bar.reset_at, now)} (in {lasting(until(bar.reset_at, now))})"


def dry(bar: Bar, now: datetime) -> str:
    """Where the last hour leads."""
    if bar.over:
        return ""
    if bar.utilization is not None and bar.utilization >= 1:
        return "used up"
    if bar.dry_at is not None:
        return f"dry about {clock(bar.dry_at, now)} at the rate of the last hour"
    if bar.stale:
        return "no forecast: nothing was said lately"
    return "lasts to its reset at the rate of the last hour" if bar.rated else "too little seen lately for a forecast"


def drawn(bar: Bar, account: str) -> object:
    """Its meter."""
    gone = "" if bar.elapsed is None else f", {percent(bar.elapsed)} of its time gone"
    words = f"{account}, {window_title(bar.window)}: {percent(bar.utilization)} used{gone}, {SOURCES[bar.source].word}"
    share = meter.Share(bar.utilization, METERS[bar.source], None if bar.over else bar.elapsed)
    return meter.drawn(share, label=words)


def is_long(window: str) -> bool:
    """Whether it lasts more than a day, so that a time needs its day beside it."""
    return (length_of(window) or timedelta(0)) > timedelta(days=1)
