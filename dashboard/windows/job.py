"""Whether a job of so many dollars can be started now: the answer for one window, in words, with what it rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.windows.reading import FIVE_HOURS, OVERALL, REJECTED
from core.windows.room import Doubt, Other, Room, Verdict, needed, room
from dashboard.charts.figure import ESTIMATED, Provenance
from dashboard.render.headline import ERROR, OK, WARNING, Status
from dashboard.totals.wording import percent
from dashboard.windows import wording
from dashboard.windows.outlook import Known, Outlook, forecast_of
from dashboard.windows.said import Key, running
from dashboard.windows.shape import STALE
from sql.rows.windows import WindowNow

SOURCE: Provenance = ESTIMATED.told(
    "The money divided by what one per cent costs is what the job takes; the forecast is thrown again with that much"
    " more used. Yes: it fits, and in at most one of five runs the window is used up before its reset."
)
WHOLE = frozenset({FIVE_HOURS, "7d"})
"""Windows in which every model counts; others are of one model."""
_ANSWERS = {
    Verdict.YES: Status(OK, "Yes"), Verdict.TIGHT: Status(WARNING, "Tight"), Verdict.NO: Status(ERROR, "No"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Job:
    """A job of so much money, and the answer; without one, why there is none."""

    usd: float
    room: Room | None
    hidden: str
    now: datetime

    @property
    def answer(self) -> Status | None:
        """Shape and word."""
        return None if self.room is None else _ANSWERS[self.room.verdict]

    @property
    def reasons(self) -> list[str]:
        """What the answer rests on, sentence by sentence."""
        found = self.room
        if found is None:
            return []
        fits = f"It takes about {percent(found.needed)} of the window; {percent(found.left)} is left."
        return [fits, *(self._reason(doubt, found) for doubt in found.doubts if doubt is not Doubt.TOO_LITTLE)] + (
            [_chance(found)] if Doubt.OTHERS not in found.doubts and Doubt.TOO_LITTLE not in found.doubts else []
        )

    def _reason(self, doubt: Doubt, found: Room) -> str:
        if doubt is Doubt.OTHERS:
            dry = f", about {wording.clock(found.dry_at, self.now)}" if found.dry_at is not None else ""
            return (
                f"With what else goes on the window is used up before its reset{dry}, in {percent(found.after)} of the"
                f" runs; without the job in {percent(found.before)}."
            )
        if doubt is Doubt.LOOSE_FIT:
            return "What one per cent costs is a loose fit (R² under 0.5), so what the job takes may be far off."
        if doubt is Doubt.OLD:
            return "Nothing was said of the window for more than ten minutes."
        words = " and ".join(f"{wording.window_title(one.window)} ({percent(one.utilization)})" for one in found.short)
        if doubt is Doubt.SPENT_ELSEWHERE:
            return f"Another window is used up: {words}."
        return f"Another window may be too short for it: {words} used."


def _chance(found: Room) -> str:
    return f"With it the window is used up before its reset in {percent(found.after)} of the runs."


def job(usd: float, given: Known, told: Outlook, others: Mapping[Key, WindowNow], now: datetime) -> Job:
    """The answer; none below the samples that worth and forecast need."""
    used, rate, fit = given.row.utilization, told.burn, told.worth
    if fit is None or used is None:
        return Job(usd, None, "too few priced steps to say what one per cent costs", now)
    if rate is None or told.forecast is None:
        return Job(usd, None, "fewer than three samples in the last hour", now)
    taken = needed(usd, fit)
    after = forecast_of(given, now, rate, used + taken) or told.forecast
    old = now - given.row.last_at > STALE
    found = room(taken, used, fit, (told.forecast, after), _others(others, given.row, now), old=old)
    return Job(usd, found, "", now)


def _others(words: Mapping[Key, WindowNow], row: WindowNow, now: datetime) -> Sequence[Other]:
    """The other windows that run, each as its most trusted source says it."""
    names = dict.fromkeys(name for name, _ in words if name not in (OVERALL, row.window_name))
    rows = [found for name in names if (found := running(words, name, now)) is not None]
    return [
        Other(one.window_name, one.utilization or 0.0, one.status == REJECTED, one.window_name in WHOLE) for one in rows
    ]
