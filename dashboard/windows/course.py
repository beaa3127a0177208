"""The course of a window as figures: its curve, where it leads, the windows before it and how full those got."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.windows.forecast import Forecast
from core.windows.past import Window, summary
from core.windows.reading import Source
from core.windows.sample import Sample
from core.windows.span import elapsed, pace, started_at
from dashboard.charts import bars, curve, palette
from dashboard.charts.figure import Figure
from dashboard.charts.table import Column, Table, Value
from dashboard.render import figures, zone
from dashboard.totals.wording import percent, percent_cell
from dashboard.windows.outlook import Known, Outlook
from dashboard.windows.wording import SOURCES, clock, is_long, lasting, window_title

MARKS = (0.0, 0.25, 0.5, 0.75, 1.0)
NEAR = timedelta(minutes=5)
"""Ends closer to one another are the same (``core.windows.past``)."""


def course(known: Known, told: Outlook, now: datetime, *, csv: str) -> Figure:
    """Use against elapsed time: the even pace, the forecast's fan, up to eight earlier windows."""
    row, length = known.row, known.length
    start = started_at(row.reset_at, length) if length else None
    own = _own(known, start)
    source = SOURCES[Source(row.source)]
    finding = _finding(known, told.forecast, now)
    title = f"{window_title(row.window_name)}: used against time"
    if start is None or row.reset_at is None:
        drawing = curve.drawn(curve.Curve(()), label=finding)
    else:
        drawing = curve.drawn(_curve(known, told, own, start, now), label=f"{title}. {finding}")
    rows: list[tuple[Value, ...]] = [
        (_stamp(one.at), (one.at - start) / length if start and length else None, one.utilization, _stamp(one.reset_at))
        for one in own[-curve.MOST_POINTS :]
    ]
    columns = (
        Column("Seen at", "observed_at", number=False),
        Column("Time gone", "elapsed", percent_cell),
        Column("Used", "utilization", percent_cell),
        Column("Its end as said", "reset_at", number=False),
    )
    note = (
        f"times in {zone.abbreviation(now)}; dotted: the even pace; pale: the windows before; shaded: 8 of 10 forecasts"
    )
    return Figure("course", title, finding, drawing, Table(columns, tuple(rows)), source, note=note, csv=csv)


def _own(known: Known, start: datetime | None) -> list[Sample]:
    """The samples of the running window: those in steps, and of the last hour each."""
    first_recent = known.recent[0].at if known.recent else None
    stepped = [one for one in known.past if first_recent is None or one.at < first_recent]
    since = _begun(known, start)
    return [one for one in (*stepped, *known.recent) if since is None or one.at >= since]


def _begun(known: Known, start: datetime | None) -> datetime | None:
    """When the running window was seen first: a moved end leaves older samples before its computed start."""
    running = known.windows[-1] if known.windows else None
    reset = known.row.reset_at
    if running is None or reset is None or abs(running.reset_at - reset) > NEAR:
        return start
    return running.first_at


def _curve(known: Known, told: Outlook, own: Sequence[Sample], start: datetime, now: datetime) -> curve.Curve:
    length = known.length
    points = tuple(((one.at - start) / length, one.utilization) for one in own)
    moves = known.windows[-1].moves if known.windows else ()
    moved = tuple(
        ((move.at - start) / length, f"end moved {clock(move.before, now)} → {clock(move.after, now)}")
        for move in moves
        if start <= move.at
    )
    words = tuple((share, _axis(start + share * length, known.row.window_name)) for share in MARKS)
    return curve.Curve(
        points, min(1.0, (now - start) / length), _fan(known, told, start, now), _ghosts(known, now), moved, (1.0, 0.8),
        words,
    )  # fmt: skip


def _axis(moment: datetime, window: str) -> str:
    there = zone.there(moment)
    return f"{there:%a %H:%M}" if is_long(window) else f"{there:%H:%M}"


def _fan(known: Known, told: Outlook, start: datetime, now: datetime) -> curve.Fan | None:
    made, rate, used, reset = told.forecast, told.burn, known.row.utilization, known.row.reset_at
    if made is None or rate is None or used is None or reset is None:
        return None

    def share(moment: datetime | None) -> float | None:
        return None if moment is None else (moment - start) / known.length

    likely = used + rate.per_hour * ((reset - now) / timedelta(hours=1))
    # At the lower edge nobody works on: not less can be used.
    ends = (used, min(1.0, likely), min(1.0, max(likely, used)))
    return curve.Fan(share(made.earliest), share(made.exhausted_at), share(made.latest), ends)


def _ghosts(known: Known, now: datetime) -> tuple[tuple[curve.Point, ...], ...]:
    over = [window for window in known.windows if window.reset_at <= now][-curve.MOST_GHOSTS :]
    return tuple(_ghost(window, known) for window in over)


def _ghost(window: Window, known: Known) -> tuple[curve.Point, ...]:
    start = window.reset_at - known.length
    inside = (one for one in known.past if window.first_at <= one.at <= window.last_at)
    return tuple(((one.at - start) / known.length, one.utilization) for one in inside)


def _finding(known: Known, made: Forecast | None, now: datetime) -> str:
    row = known.row
    gone = elapsed(row.reset_at, known.length or None, now)
    rate = pace(row.utilization, gone)
    parts = [f"{percent(row.utilization)} used"]
    if gone is not None:
        parts[0] += f" after {percent(gone)} of the time"
    if rate is not None:
        parts[0] += f" (pace {rate:.1f}×)"
    parts.append(forecast_words(made, row.reset_at, now))
    return "; ".join(parts) + "."


def forecast_words(made: Forecast | None, reset_at: datetime | None, now: datetime) -> str:
    """When it is dry, with the range that holds it in 8 of 10 cases."""
    if made is None:
        return "too little was seen in the last hour for a forecast"
    chance = f"in {percent(made.probability)} of the runs it is dry before its end"
    if made.exhausted_at is not None and made.exhausted_at <= now:
        return "it is used up"
    early = clock(made.earliest, now) if made.earliest else "never"
    late = clock(made.latest, now) if made.latest else "never"
    if made.exhausted_at is None:
        range_words = f" (80 %: {early} to {late})" if made.earliest else ""
        return f"at this rate it lasts to its end{range_words}; {chance}"
    left = f", {lasting(reset_at - made.exhausted_at)} before its end" if reset_at else ""
    return f"dry about {clock(made.exhausted_at, now)} (80 %: {early} to {late}){left}; {chance}"


def history(
    windows: Sequence[Window], length: timedelta, row_name: str, source: Source, now: datetime, *, csv: str
) -> Figure:
    """How full each window got, the newest last."""
    over = [window for window in windows if window.reset_at <= now]
    told = summary(windows, now)
    mean = f", on average {percent(told.mean_peak)} full" if told.mean_peak is not None else ""
    finding = (
        f"{figures.plural(told.count, 'window')} in 28 days, {told.exhausted} used up{mean}."
        if told.count
        else "No window is over yet."
    )
    shown = over[-bars.MOST_BUCKETS :]
    look = palette.Look(0, "A")
    buckets = [
        bars.Bucket(_day(window.reset_at), f"to {_stamp(window.reset_at)}", "used up" if window.exhausted else "")
        for window in shown
    ]
    series = [bars.Series("peak", look, tuple(window.peak for window in shown))]
    drawing = bars.stacked(buckets, series, percent, label=finding)
    columns = (
        Column("Began", "started_at", number=False),
        Column("Ended", "reset_at", number=False),
        Column("Fullest", "peak", percent_cell),
        Column("Used up", "exhausted", number=False),
        Column("First refusal", "rejected_at", number=False),
        Column("Its end moved", "moves", number=False),
    )
    rows = tuple(_line(window, length, now) for window in reversed(over))
    title = f"{window_title(row_name)}: the windows before"
    return Figure("history", title, finding, drawing, Table(columns, rows), SOURCES[source], csv=csv)


def _line(window: Window, length: timedelta, now: datetime) -> tuple[Value, ...]:
    moves = ", ".join(f"{clock(move.before, now)} → {clock(move.after, now)}" for move in window.moves)
    return (
        _stamp(window.reset_at - length), _stamp(window.reset_at), window.peak, "yes" if window.exhausted else "no",
        _stamp(window.rejected_at) if window.rejected_at else "", moves,
    )  # fmt: skip


def _stamp(moment: datetime | None) -> str:
    return "" if moment is None else f"{zone.there(moment):%Y-%m-%d %H:%M}"


def _day(moment: datetime) -> str:
    there = zone.there(moment)
    return f"{there.day} {there:%b}"
