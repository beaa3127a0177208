"""``/alerts``: what is open now and what was told lately; ``/alerts/log``: every message, and how Slack showed it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from core.access import Permission, may
from core.alerts.kinds import KINDS, Kind, Tone
from core.alerts.message import Payload, Telling, for_webhook
from core.alerts.rules import Rule
from core.alerts.told import Told, told_of
from core.settings import Settings
from dashboard.alerts import channels, log
from dashboard.alerts.log import LogQuery, View
from dashboard.alerts.picture import TONES, Picture, of_message
from dashboard.alerts.standing import Standing, standing
from dashboard.forms import form_of
from dashboard.pages.header import wanted_trains
from dashboard.pages.shell import address, fragment, page
from dashboard.problems import Problem
from dashboard.routing import Call, Query, route
from sql.errors import DatabaseError
from sql.rows.alerts_pages import AlertTry, LoggedAlert, OpenAlert

LATELY: Final = 6
SNOOZES: Final = (2, 24)
SHAPES: Final = {"good": "●", "info": "○", "warning": "▲", "danger": "■"}
WORDS_OF_STATES: Final[Sequence[tuple[log.Shown, str]]] = (
    ("sent", "sent"), ("waiting", "waiting"), ("summed", "summed up"), ("dropped", "not sent"), ("failed", "failed"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """An alert as a page shows it; without ``told`` its words are not for who looks."""

    row: LoggedAlert | OpenAlert
    title: str
    told: Told | None
    path: str
    standing: Standing
    picture: Picture | None = None
    tries: Sequence[AlertTry] = ()

    @property
    def kind(self) -> str:
        """What kind of alert it is, in words."""
        return KINDS[Kind(self.row.kind)].title if self.row.kind in KINDS else self.row.kind

    @property
    def shape(self) -> str:
        """How bad it is, as a shape."""
        return SHAPES.get(self.row.tone, "○")

    @property
    def tone(self) -> str:
        """How bad it is, as our pages call it."""
        return TONES.get(self.row.tone, "info")


@route("GET", "/alerts", permission=Permission.READ_STATISTICS, errors=(503,))
async def alerts_page(call: Call[Query]) -> web.Response:
    """What runs now, and the last messages."""
    view = await log.view_of(call.database, call.principal)
    found = await log.open_now(call.database, view)
    named = wanted_trains(call.request)
    rows = [row for row in found if not named or row.train_name is None or row.train_name in named]
    lately = await log.logged(call.database, view, LogQuery.model_validate({"train_id": named}))
    rules = await log.rules_in_force(call.database)
    return page(
        call.request,
        "alerts.html",
        section="alerts",
        open=[_line(row, view, rules) for row in rows],
        lately=[_line(row, view, rules) for row in lately[:LATELY]],
        channels=await channels.channels_seen(call.database, call.principal),
        off_by_hand=channels.off_by_hand,
        differ=await channels.webhooks_differ(call.database),
        named=named,
        snoozes=SNOOZES,
        may_change=may(call.principal, Permission.ADMINISTER),
    )


@route("GET", "/alerts/log", permission=Permission.READ_STATISTICS, query=LogQuery, errors=(400, 503))
async def log_page(call: Call[LogQuery]) -> web.Response:
    """The log, newest first, each message as Slack showed it."""
    view = await log.view_of(call.database, call.principal)
    rows = await log.logged(call.database, view, call.query)
    shown = rows[: log.PAGE_ROWS]
    tries = await log.tries_of(call.database, shown)
    base, rules = links_begin(call.settings), await log.rules_in_force(call.database)
    chosen = {"kind": call.query.kind, "state": call.query.state, "trainId": ",".join(call.query.train_id)}
    older = address("/alerts/log", chosen | {"before": shown[-1].alert}) if len(rows) > log.PAGE_ROWS else ""
    return page(
        call.request,
        "alerts.log.html",
        section="alerts",
        lines=[_line(row, view, rules, base, tries[row.alert]) for row in shown],
        query=call.query,
        chosen={name: value for name, value in chosen.items() if value},
        older=older,
        days=call.settings.alerts_days,
        newest=address("/alerts/log", chosen),
        kinds=[(kind.value, KINDS[kind].title) for kind in Kind],
        states=WORDS_OF_STATES,
        trains=sorted(view.trains.values()),
    )


@route("GET", "/nav/alerts", permission=Permission.PUBLIC)
async def alerts_badge(call: Call[Query]) -> web.Response:
    """How many open things nobody acknowledged or snoozed, for the navigation.

    Pages that anybody may see ask for it too: who may not know gets nothing, as where the database is away.
    """
    rows: list[OpenAlert] = []
    if may(call.principal, Permission.READ_STATISTICS):
        with suppress(DatabaseError):
            found = await log.open_now(call.database, await log.view_of(call.database, call.principal))
            rows = [row for row in found if not (row.acknowledged_by or row.snoozed_until)]
    worst = "■ " if any(row.tone == Tone.DANGER for row in rows) else "▲ "
    return fragment(call.request, "alerts.badge.html", count=len(rows), shape=worst)


@route("POST", "/alerts/{id}/acknowledge", permission=Permission.ADMINISTER, errors=(404, 409, 503))
async def acknowledge_alert(call: Call[Query]) -> web.Response:
    """Somebody saw it: what waits of it is not told any more."""
    await log.acknowledge(call.database, call.principal, log.number_of(call.request.match_info["id"]))
    return _back("/alerts#open")


@route("POST", "/alerts/{id}/snooze", permission=Permission.ADMINISTER, errors=(400, 404, 422, 503))
async def snooze_alert(call: Call[Query]) -> web.Response:
    """Nothing is told of it for 2 or 24 hours; 0 tells of it again."""
    number = log.number_of(call.request.match_info["id"])
    hours = (await form_of(call.request)).get("hours", "")
    if hours not in {"0", *map(str, SNOOZES)}:
        raise Problem(422, "snooze it for 2 or for 24 hours")
    if hours == "0":
        await log.wake(call.database, call.principal, number)
    else:
        await log.snooze(call.database, call.principal, number, float(hours))
    return _back("/alerts#open")


def links_begin(settings: Settings) -> str:
    """How links to our own pages begin in messages."""
    return (settings.public_url or f"http://127.0.0.1:{settings.dashboard_port}").rstrip("/")


def _back(path: str) -> web.Response:
    return web.Response(status=303, headers={"Location": path})


def _payload(row: LoggedAlert, told: Told, base: str) -> Payload:
    """What a webhook would get of an alert that was not sent."""
    kind = Kind(row.kind) if row.kind in KINDS else Kind.TEST
    return for_webhook(Telling(kind, Tone(row.tone), told, row.raised_at, base))


def _line(row: Any, view: View, rules: Mapping[Kind, Rule], base: str = "", tries: Sequence[AlertTry] = ()) -> Line:
    told, became = told_of(row.told), standing(row, datetime.now(UTC), rules)
    if view.hides(row.kind):
        return Line(row, "What was said, for who may read conversations", None, "", became, tries=tries)
    picture = None
    if isinstance(row, LoggedAlert):
        picture = of_message(row.message or _payload(row, told, base), base)
    return Line(row, told.title, told, log.own_path(told.path), became, picture, tries)
