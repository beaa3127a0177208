"""When a figure is worth an alert, and when what was told of is over (alerts.md). Pure.

Of one subject only the highest threshold that is reached is raised, and nothing while one as high is open. It is over
when its period is (the window was reset, the day of the budget has gone) or when the figure is well below what it was
raised at: no flapping.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from core.alerts.kinds import KINDS, Kind, Tone
from core.alerts.rules import Rule
from core.alerts.told import Alert, Told, told_of
from core.alerts.watch_words import lasting, number

POINTS: Final = 5.0
"""Per cent that a figure must fall below its threshold before that is over."""
HALF: Final = frozenset({Kind.LAG, Kind.BURST})
"""Kinds that are over at half of their threshold."""
SAME_END: Final = timedelta(minutes=30)
"""Ends of a window that differ by less are one: what the provider says of it wavers by minutes."""
TOLD_FOR: Final = timedelta(days=1)
"""After that nobody wants to hear any more that something was over."""
GRAVE: Final[Mapping[Kind, float]] = {Kind.WINDOW: 90.0, Kind.BUDGET: 95.0, Kind.TAPE: 85.0}
"""From this threshold on it is a danger and no warning."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure that has thresholds, as it stands now."""

    kind: Kind
    subject: str
    value: float
    """In the unit of the thresholds."""
    told: Told
    figure: str = ""
    """The value in words."""
    train: int | None = None
    account: int | None = None
    expires_at: datetime | None = None
    """When its period ends."""
    sure: bool = True
    """Whether the value is still true; else nothing is concluded from it."""
    tone: Tone | None = None
    """Where it does not follow from the threshold."""
    incident: datetime | None = None
    """What tells it from the next one, where that is more than the moment: then there is one alert of it, ever."""


class Open(Protocol):
    """An alert of the outbox whose end was not seen yet; a row of the database is one."""

    @property
    def alert(self) -> int:
        """Its number."""

    @property
    def kind(self) -> str:
        """Of ``Kind``."""

    @property
    def subject(self) -> str:
        """What it is about."""

    @property
    def dedupe_key(self) -> str:
        """As ``key`` made it."""

    @property
    def raised_at(self) -> datetime:
        """Since when."""

    @property
    def expires_at(self) -> datetime | None:
        """When its period ends."""


class Ended(Open, Protocol):
    """One that is over, with what a recovery must know of it."""

    @property
    def train(self) -> int | None:
        """Its train."""

    @property
    def account(self) -> int | None:
        """Its account."""

    @property
    def told(self) -> Mapping[str, object]:
        """What was said of it."""

    @property
    def state(self) -> str:
        """What became of its message."""


@dataclass(frozen=True, slots=True)
class Over:
    """That an open alert is over, and why, in a sentence."""

    alert: int
    why: str


def key(kind: Kind, subject: str, level: float, incident: datetime) -> str:
    """The dedupe key of an incident: its moment, or where it has one the end of its period, tells it from the next."""
    return f"{kind}:{subject}:{number(level)}:{round(incident.timestamp() * 1000)}"


def level_of(one: Open) -> float:
    """The threshold an open alert was raised at; 0 where its kind has none."""
    try:
        return float(one.dedupe_key.rsplit(":", 2)[1])
    except (IndexError, ValueError):
        return 0.0


def raised(measures: Iterable[Measure], opened: Collection[Open], rule: Rule, now: datetime) -> list[Alert]:
    """What of these is to be raised: the highest threshold each has reached, where none as high is open."""
    return unknown((one for measure in measures if (one := _alert(measure, rule, now)) is not None), opened)


def unknown(alerts: Iterable[Alert], opened: Collection[Open]) -> list[Alert]:
    """Those of them that no open alert says already."""
    highest: dict[tuple[str, str], float] = {}
    for row in opened:
        about = (row.kind, row.subject)
        highest[about] = max(highest.get(about, 0.0), level_of(row))
    return [one for one in alerts if not _is_said(one, highest)]


def _is_said(one: Alert, highest: Mapping[tuple[str, str], float]) -> bool:
    about = (str(one.kind), one.subject)
    return KINDS[one.kind].lasts and about in highest and highest[about] >= float(one.dedupe_key.rsplit(":", 2)[1])


def _alert(measure: Measure, rule: Rule, now: datetime) -> Alert | None:
    reached = [level for level in rule.thresholds if measure.value >= level]
    if not measure.sure or not rule.enabled or not reached:
        return None
    level, unit = max(reached), KINDS[measure.kind].unit
    by_level = Tone.DANGER if level >= GRAVE.get(measure.kind, float("inf")) else Tone.WARNING
    threshold = ("Threshold", f"{number(level)} {unit}".strip())
    return Alert(
        measure.kind,
        measure.subject,
        key(measure.kind, measure.subject, level, measure.incident or now),
        measure.tone or by_level,
        measure.told.model_copy(update={"fields": (*measure.told.fields, threshold)}),
        measure.train,
        measure.account,
        measure.expires_at,
    )


def over(opened: Iterable[Open], measures: Iterable[Measure], now: datetime, *, gone: str = "") -> list[Over]:
    """Which of the open alerts are over. ``gone`` is why those are of which nothing is measured; empty: they stay."""
    of = {(str(measure.kind), measure.subject): measure for measure in measures}
    found = []
    for row in opened:
        why = _why(row, of.get((row.kind, row.subject)), now, gone)
        if why:
            found.append(Over(row.alert, why))
    return found


def _why(row: Open, measure: Measure | None, now: datetime, gone: str) -> str:
    if _is_past(row.expires_at, None if measure is None else measure.expires_at, now):
        return _ENDED[Kind(row.kind)]
    if measure is None:
        return gone
    level = level_of(row)
    below = level / 2 if measure.kind in HALF else level - POINTS
    return f"Now: {measure.figure}." if measure.sure and measure.value < below else ""


def _is_past(end: datetime | None, measured: datetime | None, now: datetime) -> bool:
    """Whether the period that ended then is over: its end has come, or what is measured now is of another."""
    if measured is not None and measured <= now:
        return True
    if end is None or measured is None:
        return end is not None and end <= now
    return abs(measured - end) > SAME_END


_ENDED: Final[Mapping[Kind, str]] = dict.fromkeys(Kind, "It is over.") | {
    Kind.WINDOW: "The window was reset.",
    Kind.DRY: "The window was reset.",
    Kind.BUDGET: "Its period is over; a new one has begun.",
}


def recoveries(ended: Sequence[Ended], why: Mapping[int, str], now: datetime) -> list[Alert]:
    """The messages that say so: one a subject, of the highest threshold that was told."""
    chosen: dict[tuple[str, str], Ended] = {}
    for row in ended:
        about = (row.kind, row.subject)
        if about not in chosen or _weight(row) > _weight(chosen[about]):
            chosen[about] = row
    return [_recovery(row, why.get(row.alert, ""), now) for row in chosen.values()]


def _weight(row: Ended) -> tuple[bool, float, int]:
    return row.state == "sent", level_of(row), row.alert


def _recovery(row: Ended, why: str, now: datetime) -> Alert:
    said = _past(told_of(row.told), why, now - row.raised_at)
    tone, about = Tone.GOOD, f"over:{row.alert}"
    made = Alert(Kind(row.kind), row.subject, about, tone, said, row.train, row.account, now + TOLD_FOR)
    return replace(made, recovery_of=row.alert)


def _past(told: Told, why: str, lasted: timedelta) -> Told:
    """What is said when it is over: the same, in the past, without the figures of then."""
    return told.model_copy(
        update={"title": f"Over: {told.title}", "cause": why, "fields": (("Lasted", lasting(lasted)),), "lines": ()}
    )
