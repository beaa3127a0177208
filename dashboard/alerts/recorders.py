"""Recorders that are behind or silent, tapes that fill up, calls that are put aside no more."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from core.alerts.kinds import Kind, Tone
from core.alerts.told import Told
from core.alerts.watch import Measure, Over
from core.alerts.watch_words import lasting, plain
from dashboard.alerts.look import Found, Given, found
from dashboard.render import figures
from dashboard.totals.wording import percent
from sql.database import Database
from sql.rows.alerts_watch import AlertLetters, AlertTape

KINDS: Final = (Kind.LAG, Kind.TAPE, Kind.DEAD_LETTERS)
SILENT: Final = 60.0
"""Seconds without a word after which a recorder is not believed any more; it reports every two."""
QUIET: Final = 3600.0
"""Seconds without a dead letter after which that is over."""
ALL: Final = "recorder"
"""The subject of there being no recorder at all."""
COUNTERS: Final = ("/metrics", "The counters")


async def look(database: Database, given: Given) -> Found:
    """The tapes as their recorders said last. Raises sql's errors."""
    tapes = await database.fetch("alert_tapes", AlertTape)
    gone = "Its tape is there no more."
    lags = found(given, Kind.LAG, _lags(tapes, given.watched), gone=gone)
    fills = found(given, Kind.TAPE, [one for tape in tapes if (one := _fill(tape)) is not None], gone=gone)
    return lags + fills + await _letters(database, given)


def _lags(tapes: Sequence[AlertTape], watched: timedelta) -> list[Measure]:
    """Where no recorder is heard of at all, that is said, not that each of its tapes waits.

    After a start of all that is left to come: a machine that was off for a night has had no recorder, and needs none.
    """
    if not tapes:
        return []
    heard = min(tape.silent for tape in tapes)
    sure = heard <= SILENT or watched.total_seconds() >= SILENT
    return [_silence(heard, sure=sure), *(_behind(tape, sure=heard <= SILENT) for tape in tapes)]


def _silence(seconds: float, *, sure: bool) -> Measure:
    lasted = lasting(timedelta(seconds=seconds))
    told = Told(
        title=f"No recorder was heard of for {lasted}",
        cause="See whether it runs. Calls are forwarded and taped meanwhile, but neither shown nor counted yet.",
        fields=(("Silent for", lasted),),
        path=COUNTERS[0],
        page=COUNTERS[1],
    )
    return Measure(Kind.LAG, ALL, seconds, told, f"heard of {lasted} ago", sure=sure, tone=Tone.DANGER)


def _behind(tape: AlertTape, *, sure: bool) -> Measure:
    # A node that was taken away says nothing any more, and had nothing left to record: that is no fault.
    seconds = max(tape.behind, tape.silent if tape.silent > SILENT and tape.lag_bytes else 0.0)
    lasted, node = lasting(timedelta(seconds=seconds)), plain(tape.node, 128)
    told = Told(
        title=f"The recorder of {node} is {lasted} behind",
        cause="Calls that are taped but not yet in the database are missing from every figure.",
        fields=(("Tape", node), ("Waiting", figures.size(tape.lag_bytes)), ("Behind", lasted)),
        path=COUNTERS[0],
        page=COUNTERS[1],
    )
    return Measure(Kind.LAG, f"tape {node}", seconds, told, f"{lasted} behind", sure=sure)


def _fill(tape: AlertTape) -> Measure | None:
    if tape.tape_bytes is None or tape.tape_max_bytes is None:
        return None
    share, node = tape.tape_bytes / tape.tape_max_bytes, plain(tape.node, 128)
    told = Told(
        title=f"The tape of {node} is {percent(share)} full",
        cause="It fills while the database is away or slow. Of what does not fit any more no body is kept.",
        fields=(
            ("Tape", node),
            ("On the tape", f"{figures.size(tape.tape_bytes)} of {figures.size(tape.tape_max_bytes)}"),
        ),
        path=COUNTERS[0],
        page=COUNTERS[1],
    )
    return Measure(Kind.TAPE, f"tape {node}", 100 * share, told, percent(share), sure=tape.silent <= SILENT)


async def _letters(database: Database, given: Given) -> Found:
    """Recorders raise calls that are put aside; here is seen that no more are."""
    opened = given.open_of(Kind.DEAD_LETTERS)
    row = await database.fetch_one("alert_letters", AlertLetters) if opened else None
    if row is None or (row.quiet is not None and row.quiet < QUIET):
        return Found()
    return Found(over=[Over(one.alert, "None was put aside for an hour. Those that were are kept.") for one in opened])
