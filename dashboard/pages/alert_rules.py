"""``/alerts/rules``: when something is told, as sentences that can be changed."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from core.access import Permission, may
from dashboard.alerts import rules
from dashboard.alerts.answers import RuleChange
from dashboard.forms import Faults, faults_of, form_of
from dashboard.pages.shell import page
from dashboard.period import known_zones
from dashboard.problems import Problem
from dashboard.routing import Call, Query, route


@route("GET", "/alerts/rules", permission=Permission.READ_STATISTICS, errors=(503,))
async def rules_page(call: Call[Query]) -> web.Response:
    """Every rule; who administers can change them."""
    return await _shown(call, "", {}, [])


@route("POST", "/alerts/rules/{kind}", permission=Permission.ADMINISTER, errors=(400, 403, 404, 422, 503))
async def set_rule(call: Call[Query]) -> web.Response:
    """Change thresholds, interval, quiet hours, zone; or switch on or off; or snooze; or back to the default."""
    kind = rules.kind_of(call.request.match_info["kind"])
    form = await form_of(call.request)
    try:
        if form.get("reset"):
            await rules.reset(call.database, call.principal, kind)
        else:
            given = RuleChange.model_validate(_fields(form))
            await rules.change(call.database, call.principal, kind, given)
    except ValidationError as exc:
        return await _shown(call, kind, form, faults_of(exc, "rule"), status=422)
    except Problem as problem:
        if problem.status != 422:
            raise
        faults = [(one["field"], one["message"]) for one in problem.details]
        return await _shown(call, kind, form, faults, status=422)
    return web.Response(status=303, headers={"Location": f"/alerts/rules#rule-{kind}"})


def _fields(form: Mapping[str, str]) -> dict[str, Any]:
    """What a form names of a rule; thresholds are divided by commas or blanks, minutes are seconds."""
    found: dict[str, Any] = {}
    if "enabled" in form:
        found["enabled"] = form["enabled"] == "yes"
    if "snoozed_hours" in form:
        found["snoozed_hours"] = form["snoozed_hours"]
    if "thresholds" in form:
        found["thresholds"] = form["thresholds"].replace("%", " ").replace(",", " ").replace(";", " ").split()
    if "minutes" in form:
        text = form["minutes"].strip()
        found["minimum_interval_seconds"] = int(text) * 60 if text.isascii() and text.isdigit() else text or 0
    for name in ("quiet_from", "quiet_until"):
        if name in form:
            found[name] = form[name].strip() or None
    if "zone" in form:
        found["zone"] = form["zone"].strip()
    return found


def _plainly(thresholds: Sequence[float]) -> str:
    return ", ".join(f"{one:g}" for one in thresholds)


def _every(seconds: int) -> str:
    """How often at most, in words: ``hour``, ``10 minutes``."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds and seconds % length == 0:
            return unit if seconds == length else f"{seconds // length} {unit}s"
    return f"{seconds} seconds"


async def _shown(
    call: Call[Any], kind: str, form: Mapping[str, str], faults: Faults, status: int = 200
) -> web.Response:
    return page(
        call.request,
        "alerts.rules.html",
        section="alerts",
        status=status,
        rules=await rules.rules_now(call.database),
        changing=kind,
        form=form,
        faults=faults,
        plainly=_plainly,
        every=_every,
        zones=known_zones(),
        may_change=may(call.principal, Permission.ADMINISTER) and call.principal.trains is None,
    )
