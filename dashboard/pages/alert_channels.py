"""``/alerts/channels``: where messages go; webhooks and bots are added, tried, switched off and deleted here."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aiohttp import web
from pydantic import ValidationError

from core.access import Permission, may
from dashboard.alerts import channels
from dashboard.alerts.answers import ChannelChange, ChannelGiven
from dashboard.forms import Faults, faults_of, form_of
from dashboard.pages.shell import fragment, page
from dashboard.problems import Problem
from dashboard.routing import Call, Query, route
from dashboard.trains import visible_trains
from sql.rows.directory import AccountUseRow

KEPT: Final = ("name", "kind", "destination", "place")
"""What a form shows again after a fault: never the secret."""
RUNNING: Final = frozenset({"waiting", "claimed", "sending"})
PATIENCE: Final = timedelta(minutes=6)
NAMES: Final = {"secret": "webhook or token", "destination": "Slack channel", "train_id": "for", "account_id": "for"}


@route("GET", "/alerts/channels", permission=Permission.READ_STATISTICS, errors=(503,))
async def channels_page(call: Call[Query]) -> web.Response:
    """Every channel without its secret; who administers can change them."""
    return await _shown(call, {}, [])


@route("POST", "/alerts/channels", permission=Permission.ADMINISTER, errors=(400, 403, 404, 409, 422, 503))
async def add_channel(call: Call[Query]) -> web.Response:
    """Add a webhook or a bot."""
    form = await form_of(call.request)
    kept = {name: form[name] for name in KEPT if name in form}
    try:
        given = ChannelGiven.model_validate(_fields(form))
        row = await channels.add(call.database, call.settings, call.principal, given)
    except ValidationError as exc:
        return await _shown(call, kept, faults_of(exc, "channel"), status=422)
    except Problem as problem:
        faults = [(one["field"], one["message"]) for one in problem.details or ()]
        return await _shown(call, kept, faults or [("channel", problem.message)], status=problem.status)
    return _back(row.channel)


@route("POST", "/alerts/channels/{id}/test", permission=Permission.ADMINISTER, errors=(403, 404, 503))
async def test_channel(call: Call[Query]) -> web.Response:
    """Send a message that tries it."""
    number = channels.number_of(call.request.match_info["id"])
    await channels.test(call.database, call.principal, number)
    return _back(number)


@route("GET", "/alerts/channels/{id}/tested", permission=Permission.READ_STATISTICS, errors=(404, 503))
async def channel_tested(call: Call[Query]) -> web.Response:
    """What became of the last test; the page asks while that is open."""
    number = channels.number_of(call.request.match_info["id"])
    rows = await channels.channels_seen(call.database, call.principal)
    row = next((row for row in rows if row.channel == number), None)
    if row is None:
        raise Problem(404, channels.NONE)
    return fragment(call.request, "alerts.tested.part.html", row=row, running=RUNNING, patience=_patience())


@route("POST", "/alerts/channels/{id}/{act:on|off}", permission=Permission.ADMINISTER, errors=(403, 404, 503))
async def switch_channel(call: Call[Query]) -> web.Response:
    """Switch it on or off."""
    number = channels.number_of(call.request.match_info["id"])
    given = ChannelChange(on=call.request.match_info["act"] == "on")
    await channels.change(call.database, call.principal, number, given)
    return _back(number)


@route("POST", "/alerts/channels/{id}/delete", permission=Permission.ADMINISTER, errors=(403, 404, 409, 503))
async def delete_channel(call: Call[Query]) -> web.Response:
    """Delete it; what was sent stays in the log."""
    number = channels.number_of(call.request.match_info["id"])
    await channels.delete(call.database, call.principal, number)
    return web.Response(status=303, headers={"Location": channels.PATH})


def _fields(form: Mapping[str, str]) -> dict[str, Any]:
    """What was filled in; ``place`` is ``train …``, ``account …`` or nothing for the whole installation."""
    found: dict[str, Any] = {name: form.get(name, "").strip() for name in ("name", "kind", "secret")}
    if form.get("destination", "").strip():
        found["destination"] = form["destination"].strip()
    whose, _, name = form.get("place", "").partition(" ")
    if whose in {"train", "account"}:
        found[f"{whose}_id"] = name
    return found


def _back(number: int) -> web.Response:
    return web.Response(status=303, headers={"Location": f"{channels.PATH}#channel-{number}"})


async def _shown(call: Call[Any], form: Mapping[str, str], faults: Faults, status: int = 200) -> web.Response:
    trains = await visible_trains(call.database, call.principal)
    whole = call.principal.trains is None
    accounts = await call.database.fetch("accounts_all", AccountUseRow, whole, sorted(trains), datetime.now(UTC))
    rows = await channels.channels_seen(call.database, call.principal)
    general = [row.name for row in rows if row.origin == "page" and not (row.train or row.account or row.off_at)]
    return page(
        call.request,
        "alerts.channels.html",
        section="alerts",
        status=status,
        channels=rows,
        places=_places(sorted(trains.values()), accounts if whole else []),
        whole=whole,
        of_words=channels.of_words,
        off_by_hand=channels.off_by_hand,
        running=RUNNING,
        patience=_patience(),
        before_environment=general[0] if general else "",
        unsealable=channels.unsealable(call.settings),
        differ=await channels.webhooks_differ(call.database),
        hosts=call.settings.webhook_hosts,
        form=form,
        faults=[(NAMES.get(field, field), words) for field, words in faults],
        may_change=may(call.principal, Permission.ADMINISTER),
    )


def _patience() -> datetime:
    """A test that was asked for before this is not waited for any more."""
    return datetime.now(UTC) - PATIENCE


def _places(trains: list[str], accounts: list[AccountUseRow]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What a channel may be for: a heading, and below it values with their words."""
    named = [(f"account {one.account_id}", one.display_name or one.account_id) for one in accounts]
    found = [("A train", [(f"train {name}", name) for name in trains]), ("An account", named)]
    return [(heading, places) for heading, places in found if places]
