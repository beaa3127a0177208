"""What one look at an installation is given, and what it finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from core.alerts.kinds import Kind
from core.alerts.rules import Rule
from core.alerts.told import Alert
from core.alerts.watch import Measure, Over, over, raised
from core.alerts.watch_words import moment
from sql.rows.alerts import RunningAlert


@dataclass(frozen=True, slots=True)
class Given:
    """The moment of the look, the rules, what is open, and the trains there are, by number."""

    now: datetime
    rules: Mapping[Kind, Rule]
    opened: Sequence[RunningAlert]
    trains: Mapping[int, str]
    watched: timedelta = timedelta.max
    """How long there has been somebody to watch: what was silent before may have been so with all of us."""

    def open_of(self, kind: Kind) -> list[RunningAlert]:
        """The open alerts of a kind."""
        return [row for row in self.opened if row.kind == kind]

    def moment(self, at: datetime, kind: Kind) -> str:
        """A moment in the zone of a kind's rule."""
        return moment(at, self.zone(kind))

    def zone(self, kind: Kind) -> tzinfo:
        """The zone of a kind's rule."""
        return self.rules[kind].zone


@dataclass(frozen=True, slots=True)
class Found:
    """What is to be raised, and what is over."""

    alerts: Sequence[Alert] = ()
    over: Sequence[Over] = ()

    def __add__(self, other: "Found") -> "Found":
        """Both."""
        return Found((*self.alerts, *other.alerts), (*self.over, *other.over))


def found(
    given: Given, kind: Kind, measures: Sequence[Measure], worth: Sequence[Measure] | None = None, *, gone: str = ""
) -> Found:
    """What follows from figures of a kind. ``worth`` are those that may be raised, where not all may."""
    rows = given.open_of(kind)
    ended = over(rows, measures, given.now, gone=gone)
    done = {one.alert for one in ended}
    left = [row for row in rows if row.alert not in done]
    return Found(raised(measures if worth is None else worth, left, given.rules[kind], given.now), ended)
