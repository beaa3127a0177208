"""Once a day, to each train that asked for it: what the day before was like."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from core.alerts.kinds import KINDS as ABOUT
from core.alerts.kinds import Kind, Tone
from core.alerts.told import Alert, Told
from core.alerts.watch_words import plain
from dashboard.alerts.look import Found, Given
from dashboard.render import figures
from sql.database import Database
from sql.rows.alerts_watch import AlertDay, AlertDigest, AlertKnown
from sql.rows.usage_pages import DearConversationRow

KINDS: Final = (Kind.DIGEST,)
MODELS: Final = 5
MOST: Final = 100
"""Digests of one look; the next one follows in a minute."""


async def look(database: Database, given: Given) -> Found:
    """The digests that are due and were not made yet. Raises sql's errors."""
    if not given.rules[Kind.DIGEST].enabled:
        return Found()
    wanted = {}
    for row in await database.fetch("alert_digests", AlertDigest):
        day = due(row.digest_at, ZoneInfo(row.zone), given.now)
        if day is not None and row.train in given.trains:
            wanted[f"{Kind.DIGEST}:{row.train}:{day.isoformat()}"] = (row, day)
    known = await database.fetch("alerts_known", AlertKnown, sorted(wanted)) if wanted else []
    for one in known:
        del wanted[one.dedupe_key]
    now = sorted(wanted.items())[:MOST]
    return Found([await _digest(database, given, key, *of) for key, of in now])


def due(at: time, zone: tzinfo, now: datetime) -> date | None:
    """The day on which a digest is due and not too late yet; None where there is none."""
    today = now.astimezone(zone).date()
    latest = ABOUT[Kind.DIGEST].matters_for or timedelta(days=1)
    for day in (today, today - timedelta(days=1)):
        moment = datetime.combine(day, at, zone).astimezone(UTC)
        if moment <= now < moment + latest:
            return day
    return None


async def _digest(database: Database, given: Given, key: str, row: AlertDigest, day: date) -> Alert:
    zone, told_of = ZoneInfo(row.zone), day - timedelta(days=1)
    since, until = (datetime.combine(one, time(), zone).astimezone(UTC) for one in (told_of, day))
    models = await database.fetch("alert_day", AlertDay, row.train, since, until)
    dearest = await database.fetch_one("dearest_conversations", DearConversationRow, [row.train], since, until, 1)
    name = given.trains[row.train]
    calls = sum(one.requests for one in models)
    told = Told(
        title=f"{name}: {told_of:%A}, {told_of.day} {told_of:%B}" + ("" if calls else ": no calls"),
        cause=f"From midnight to midnight, {row.zone}.",
        fields=tuple(_fields(name, models)) if calls else (("Train", name),),
        lines=tuple(_lines(models, dearest, quoting=row.feed)) if calls else (),
        path=f"/overview?trainId={name}" if dearest is None else f"/conversations/{dearest.conversation_id}",
        page="The overview" if dearest is None else "The dearest conversation",
    )
    begun = datetime.combine(day, row.digest_at, zone).astimezone(UTC)
    latest = ABOUT[Kind.DIGEST].matters_for or timedelta(days=1)
    return Alert(Kind.DIGEST, f"train {name}", key, Tone.INFO, told, train=row.train, expires_at=begun + latest)


def _fields(name: str, models: Sequence[AlertDay]) -> Iterator[tuple[str, str]]:
    yield "Train", name
    yield "Calls", figures.count(sum(one.requests for one in models))
    yield "Failed", figures.count(sum(one.failures for one in models))
    read, written = sum(one.input_tokens for one in models), sum(one.output_tokens for one in models)
    yield "Tokens", f"{figures.compact(read)} in, {figures.compact(written)} out"
    yield "Cost", _cost(sum((one.cost_usd for one in models), Decimal(0)), sum(one.unpriced for one in models))


def _cost(usd: Decimal, unpriced: int) -> str:
    """What is unknown is said, not taken for nothing."""
    if not unpriced:
        return figures.money(usd)
    without = f"{figures.plural(unpriced, 'call')} without a price"
    return f"{figures.money(usd)} and {without}" if usd else f"unknown: {without}"


def _lines(models: Sequence[AlertDay], dearest: DearConversationRow | None, *, quoting: bool) -> Iterator[str]:
    used = [one for one in models if one.requests]
    for one in used[:MODELS]:
        called = plain(one.model, 100) or "no model named"
        yield f"{called}: {figures.plural(one.requests, 'call')}, {_cost(one.cost_usd, one.unpriced)}"
    if len(used) > MODELS:
        yield f"and {len(used) - MODELS} more models"
    if dearest is not None:
        # A title is what a user wrote first; that is told only where the feed is wanted.
        title = plain(dearest.title or "without a title", 100) + ", " if quoting else ""
        yield f"Dearest conversation: {title}{_cost(dearest.cost_usd or Decimal(0), dearest.unpriced_count)} in all"
