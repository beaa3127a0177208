"""``/alerts/feeds``: which trains tell of every turn of a user, and which of every day."""

from collections.abc import Mapping
from datetime import time
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from core.access import Permission, may
from dashboard.alerts import feeds
from dashboard.alerts.answers import FeedAnswer, FeedGiven
from dashboard.forms import Faults, faults_of, form_of
from dashboard.pages.shell import page
from dashboard.period import known_zones
from dashboard.problems import Problem
from dashboard.routing import Call, Query, route
from dashboard.trains import visible_trains


@route("GET", "/alerts/feeds", permission=Permission.READ_STATISTICS, errors=(503,))
async def feeds_page(call: Call[Query]) -> web.Response:
    """What trains want to hear besides incidents; who administers can change it."""
    return await _shown(call, {}, [])


@route("POST", "/alerts/feeds", permission=Permission.ADMINISTER, errors=(400, 404, 422, 503))
async def set_feed(call: Call[Query]) -> web.Response:
    """Switch a train's feed and digest on or off."""
    form = await form_of(call.request)
    train = form.get("train_id", "").strip()
    try:
        given = FeedGiven.model_validate(
            {"feed": bool(form.get("feed")), "digest": bool(form.get("digest"))}
            | {name: form[name].strip() for name in ("digest_at", "zone") if form.get(name, "").strip()}
        )
        await feeds.put(call.database, call.principal, train, given)
    except ValidationError as exc:
        return await _shown(call, form, faults_of(exc, "feed"), status=422)
    except Problem as problem:
        return await _shown(call, form, [("train", problem.message)], status=problem.status)
    return web.Response(status=303, headers={"Location": f"/alerts/feeds#train-{train}"})


async def _shown(call: Call[Any], form: Mapping[str, str], faults: Faults, status: int = 200) -> web.Response:
    found = await feeds.feeds_now(call.database, call.principal)
    trains = await visible_trains(call.database, call.principal)
    known = {one.train_id for one in found}
    blank = FeedAnswer(
        train_id="", feed=False, digest=False, digest_at=time(8), zone="", changed_by=None, changed_at=None
    )
    return page(
        call.request,
        "alerts.feeds.html",
        section="alerts",
        status=status,
        feeds=found,
        blank=blank,
        others=sorted(set(trains.values()) - known),
        form=form,
        faults=faults,
        zones=known_zones(),
        may_change=may(call.principal, Permission.ADMINISTER),
    )
