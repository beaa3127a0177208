"""The log of alerts: what somebody may see of it, and what became of each in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import Field

from core.access import Permission, Principal, may
from core.alerts.kinds import KINDS, Kind
from core.alerts.rules import Rule
from core.alerts.told import told_of
from dashboard.alerts.answers import AlertAnswer, AlertsAnswer, SnoozeAnswer, TryAnswer
from dashboard.alerts.standing import standing
from dashboard.notifier.rules import rules_now
from dashboard.problems import Problem
from dashboard.recordings.query import Texts
from dashboard.render.secrets import said
from dashboard.routing import Query
from dashboard.trains import visible_trains
from sql.database import Database
from sql.rows.alerts_pages import AlertNumber, AlertSnooze, AlertTry, LoggedAlert, OpenAlert

PAGE_ROWS: Final = 30
"""The query gives one more, by a number of its own: a limit that the planner knows makes a cheap plan."""
MOST_OPEN: Final = 100
LASTING: Final = sorted(kind.value for kind in Kind if KINDS[kind].lasts)
QUOTING: Final = frozenset({Kind.FEED.value, Kind.DIGEST.value, Kind.SUMMARY.value})
"""Kinds whose words may be those of users."""
NONE: Final = "there is no such alert, or it is not yours to see"
WHOLE: Final = "this concerns the whole installation, and you may see only some trains of it"
Shown = Literal["waiting", "sent", "summed", "dropped", "failed"]
"""The states that people tell apart."""
STATES: Final[Mapping[Shown, Sequence[str]]] = {
    "waiting": ("waiting", "claimed", "sending"),
    "sent": ("sent",),
    "summed": ("summed",),
    "dropped": ("dropped",),
    "failed": ("failed", "unsure"),
}
"""What they are in the rows' own words."""
ALL_STATES: Final = [state for states in STATES.values() for state in states]
NEWEST: Final = 2**63 - 1
"""Every alert has a lower number."""


class LogQuery(Query):
    """Which alerts of the log."""

    kind: Kind | None = Field(None, description="Only alerts of this kind")
    state: Shown | None = Field(None, description="Only those of which this became; `failed` is unsure ones too")
    train_id: Texts = Field((), description="Only those of these trains, separated by commas")
    before: Annotated[int, Field(ge=1, le=2**62)] | None = Field(None, description="Only older ones than this number")


@dataclass(frozen=True, slots=True)
class View:
    """What a principal may see: trains by number, ``whole`` where that is all; ``bodies`` where he may read texts."""

    trains: Mapping[int, str]
    whole: bool
    bodies: bool

    def hides(self, kind: str) -> bool:
        """Whether the words of this kind are not for him."""
        return kind in QUOTING and not self.bodies


async def view_of(database: Database, principal: Principal) -> View:
    """The view of a principal."""
    bodies = may(principal, Permission.READ_BODIES)
    return View(await visible_trains(database, principal), principal.trains is None, bodies)


def needs_whole(principal: Principal) -> None:
    """Raises Problem 403 where a change concerns trains that he does not see."""
    if principal.trains is not None:
        raise Problem(403, WHOLE)


async def logged(database: Database, view: View, query: LogQuery) -> list[LoggedAlert]:
    """A page of the log and one row more, where there are older ones."""
    trains = sorted(number for number, name in view.trains.items() if name in query.train_id)
    return await database.fetch(
        "alerts_log",
        LoggedAlert,
        sorted(view.trains),
        view.whole,
        [query.kind.value] if query.kind else None,
        STATES[query.state] if query.state else ALL_STATES,
        trains if query.train_id else None,
        query.before or NEWEST,
    )


async def alert_numbered(database: Database, view: View, number: int) -> LoggedAlert:
    """One alert. Raises Problem 404."""
    row = await database.fetch_one("alert_logged", LoggedAlert, sorted(view.trains), view.whole, number)
    if row is None:
        raise Problem(404, NONE)
    return row


def number_of(text: str) -> int:
    """An alert's number in an address. Raises Problem 404 for what is none."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Problem(404, NONE)
    return int(text)


async def open_now(database: Database, view: View) -> list[OpenAlert]:
    """What runs now, the newest first."""
    return await database.fetch("alerts_open_now", OpenAlert, sorted(view.trains), view.whole, LASTING, MOST_OPEN)


async def tries_of(database: Database, rows: Sequence[LoggedAlert]) -> dict[int, list[AlertTry]]:
    """By alert, every time Slack was asked."""
    numbers = [row.alert for row in rows]
    found: dict[int, list[AlertTry]] = {number: [] for number in numbers}
    for one in await database.fetch("alert_tries", AlertTry, numbers) if numbers else ():
        found[one.alert].append(one)
    return found


async def acknowledge(database: Database, principal: Principal, number: int) -> LoggedAlert:
    """Somebody saw what runs; what waits of it is not told. Raises Problem 404, 409 where it is about one moment."""
    row = await alert_numbered(database, await view_of(database, principal), number)
    if row.kind not in LASTING:
        raise Problem(409, "it is about one moment: there is nothing to acknowledge")
    await database.fetch("alerts_acknowledge", AlertNumber, row.kind, row.subject, principal.name)
    return row


async def snooze(database: Database, principal: Principal, number: int, hours: float) -> SnoozeAnswer:
    """Nothing more is told of what an alert is about, for some hours. Raises Problem 404."""
    row = await alert_numbered(database, await view_of(database, principal), number)
    return await snooze_kind(database, principal, row.kind, row.subject, hours)


async def snooze_kind(database: Database, principal: Principal, kind: str, subject: str, hours: float) -> SnoozeAnswer:
    """Nothing more is told of a kind and a thing (``""`` is everything of the kind)."""
    until = datetime.now(UTC) + timedelta(hours=hours)
    row = await database.fetch_one("alert_snooze", AlertSnooze, kind, subject, until, principal.name)
    assert row is not None  # noqa: S101  an upsert gives its row
    return SnoozeAnswer(kind=Kind(row.kind), subject=row.subject, until=row.until, snoozed_by=row.snoozed_by)


async def wake(database: Database, principal: Principal, number: int) -> LoggedAlert:
    """What an alert is about is told again. Raises Problem 404."""
    row = await alert_numbered(database, await view_of(database, principal), number)
    await database.execute("alert_snooze_end", row.kind, row.subject)
    return row


def own_path(path: str) -> str:
    """A path of ours, as a link may hold it; the start page for what is none."""
    return path if path.startswith("/") and not path.startswith("//") and "\\" not in path else "/"


async def rules_in_force(database: Database) -> Mapping[Kind, Rule]:
    """A rule for every kind."""
    return await rules_now(database)


def alert_answer(row: LoggedAlert, tries: Sequence[AlertTry], view: View, rules: Mapping[Kind, Rule]) -> AlertAnswer:
    """An alert of the log as the JSON API says it."""
    told, hidden = told_of(row.told), view.hides(row.kind)
    return AlertAnswer.model_validate(
        {
            "id": row.alert,
            "kind": row.kind,
            "subject": row.subject,
            "tone": row.tone,
            "train_id": row.train_name,
            "title": None if hidden else said(told.title),
            "cause": None if hidden else said(told.cause),
            "fields": {} if hidden else dict(said(told.fields)),
            "path": own_path(told.path),
            "state": row.state,
            "words": standing(row, datetime.now(UTC), rules).words,
            "channel": row.channel_name,
            "message": None if hidden else said(row.message),
            "tries": [
                TryAnswer.model_validate(
                    {"tried_at": one.tried_at, "channel": one.channel_name, "outcome": one.outcome,
                     "status": one.status, "detail": said(one.detail)}
                )
                for one in tries
            ],
        }
        | {name: getattr(row, name) for name in SAME}
    )  # fmt: skip


SAME: Final = (
    "raised_at", "expires_at", "recovered_at", "recovery_of", "due_at", "sent_at", "summed_in", "acknowledged_by",
    "acknowledged_at",
)  # fmt: skip
"""Columns that are called the same in the answer."""


async def log_answer(database: Database, view: View, query: LogQuery) -> AlertsAnswer:
    """A page of the log as the JSON API says it."""
    rows = await logged(database, view, query)
    shown = rows[:PAGE_ROWS]
    tries = await tries_of(database, shown)
    rules = await rules_in_force(database)
    cursor = shown[-1].alert if len(rows) > PAGE_ROWS else None
    return AlertsAnswer(alerts=[alert_answer(row, tries[row.alert], view, rules) for row in shown], next_cursor=cursor)
