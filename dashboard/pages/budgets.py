"""``/budgets``: what trains and client keys may use, how that stands, and the form that sets and takes back."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from core.access import Permission, may
from core.budgets import Length, Unit
from dashboard.forms import Faults, faults_of, form_of
from dashboard.overview import budgets
from dashboard.pages.header import wanted_trains
from dashboard.pages.shell import page
from dashboard.period import known_zones
from dashboard.problems import Problem
from dashboard.routing import Call, Query, route
from dashboard.trains import visible_trains
from dashboard.usage.answers import BudgetGiven
from dashboard.usage.change import add, take_back

FIELDS = ("train_id", "key_id", "unit", "amount", "period", "tz")
ONE_EACH = "this train or key has a budget of this unit and period; take that one back first"
UNITS: Mapping[Unit, str] = {Unit.USD: "US dollars", Unit.TOKENS: "tokens"}


@route("GET", "/budgets", permission=Permission.READ_STATISTICS, errors=(400, 503))
async def budgets_page(call: Call[Query]) -> web.Response:
    """Every budget of the trains that are looked at; who administers can set one and take one back."""
    return await _shown(call, {}, [])


@route("POST", "/budgets", permission=Permission.ADMINISTER, errors=(400, 404, 422, 503))
async def set_budget(call: Call[Query]) -> web.Response:
    """Give a train, or one client key of it, a budget."""
    form = await form_of(call.request)
    try:
        given = BudgetGiven.model_validate(_fields(form))
    except ValidationError as exc:
        return await _shown(call, form, faults_of(exc, "budget"), status=422)
    try:
        await add(call.database, call.principal, given)
    except Problem as problem:
        words = ONE_EACH if problem.status == 409 else problem.message
        return await _shown(call, form, [("budget", words)], status=problem.status)
    return web.Response(status=303, headers={"Location": "/budgets#budgets"})


@route("POST", "/budgets/{id}/delete", permission=Permission.ADMINISTER, errors=(400, 404, 503))
async def take_budget_back(call: Call[Query]) -> web.Response:
    """Take a budget back; nothing that was used changes."""
    await take_back(call.database, call.principal, call.request.match_info["id"])
    return web.Response(status=303, headers={"Location": "/budgets#budgets"})


def _fields(form: Mapping[str, str]) -> dict[str, Any]:
    """What was filled in; blanks around the amount, a dollar sign and narrow spaces in it are forgiven."""
    found: dict[str, Any] = {name: form[name].strip() for name in FIELDS if form.get(name, "").strip()}
    if "amount" in found:
        found["amount"] = "".join(found["amount"].split()).replace(",", ".").removeprefix("$")
    return found | {"hard": bool(form.get("hard"))}


async def _shown(call: Call[Any], form: Mapping[str, str], faults: Faults, status: int = 200) -> web.Response:
    trains = await visible_trains(call.database, call.principal)
    named = wanted_trains(call.request)
    now = datetime.now(UTC)
    found = await budgets.stands(
        call.database, {number: name for number, name in trains.items() if not named or name in named}, now
    )
    drawn = await budgets.courses(call.database, found, now)
    return page(
        call.request,
        "budgets.html",
        section="cost",
        status=status,
        budgets=[(one, drawn.get(one.row.budget)) for one in found],
        trains=sorted(trains.values()),
        named=named,
        units=UNITS,
        lengths=list(Length),
        zones=known_zones(),
        form=form,
        faults=faults,
        may_change=may(call.principal, Permission.ADMINISTER),
    )
