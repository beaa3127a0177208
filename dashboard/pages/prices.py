"""``/prices``: what tokens cost: the list that comes with the program, and an installation's own prices before it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from core.access import Permission, may
from core.prices import RATES
from dashboard.forms import Faults, faults_of, form_of
from dashboard.pages.shell import page
from dashboard.problems import Problem
from dashboard.routing import Call, Query, route
from dashboard.trains import visible_trains
from dashboard.usage.answers import PriceGiven
from dashboard.usage.price_list import listed
from dashboard.usage.shape import prices_answer
from sql.rows.prices import PriceRow
from sql.rows.usage import UnpricedRow

HEADINGS: Mapping[str, str] = {
    "input": "Input", "cache_write_5m": "Write 5 m", "cache_write_1h": "Write 1 h", "cache_read": "Read",
    "output": "Output",
}  # fmt: skip
FIELDS = ("model", *RATES, "valid_from", "valid_to", "min_prompt", "max_prompt", "speed", "source")
MIDNIGHT = "T00:00:00+00:00"
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


@route("GET", "/prices", permission=Permission.READ_STATISTICS, errors=(503,))
async def prices_page(call: Call[Query]) -> web.Response:
    """All prices with their validity; who administers can add one and take one back."""
    return await _shown(call, {}, [])


@route("POST", "/prices", permission=Permission.ADMINISTER, errors=(400, 422, 503))
async def add_price(call: Call[Query]) -> web.Response:
    """Add an own price; it counts from now on."""
    form = await form_of(call.request)
    try:
        given = PriceGiven.model_validate(_fields(form))
    except ValidationError as exc:
        return await _shown(call, form, faults_of(exc, "price"), status=422)
    rates = (getattr(given, rate) for rate in ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read"))
    unconfirmed = list(RATES) if form.get("unconfirmed") else []
    row = await call.database.fetch_one(
        "price_put", PriceRow, given.model, given.valid_from, given.valid_to, given.min_prompt, given.max_prompt,
        given.speed, *rates, unconfirmed, given.source, call.principal.name,
    )  # fmt: skip
    return web.Response(status=303, headers={"Location": f"/prices#own-{row.price if row else ''}"})


@route("POST", "/prices/{number}/delete", permission=Permission.ADMINISTER, errors=(400, 404, 503))
async def take_back(call: Call[Query]) -> web.Response:
    """Take an own price back; what was priced by it keeps its cost."""
    number = call.request.match_info["number"]
    known = number.isascii() and number.isdigit() and len(number) < 10
    row = await call.database.fetch_one("price_delete", PriceRow, int(number), call.principal.name) if known else None
    if row is None:
        raise Problem(404, "there is no such own price")
    return web.Response(status=303, headers={"Location": "/prices#own"})


def _fields(form: Mapping[str, str]) -> dict[str, Any]:
    """What was filled in; days begin at midnight UTC, blanks around numbers and commas in them are forgiven."""
    found: dict[str, Any] = {name: form[name].strip() for name in FIELDS if form.get(name, "").strip()}
    for name in ("valid_from", "valid_to"):
        if name in found:
            found[name] += MIDNIGHT
    for name in RATES:
        if name in found:
            found[name] = found[name].replace(",", ".").removeprefix("$")
    return found


async def _shown(call: Call[Any], form: Mapping[str, str], faults: Faults, status: int = 200) -> web.Response:
    own = await call.database.fetch("prices_own", PriceRow)
    trains = await visible_trains(call.database, call.principal)
    now = datetime.now(UTC)
    unpriced = await call.database.fetch("usage_unpriced", UnpricedRow, sorted(trains), EARLIEST, now)
    return page(
        call.request, "prices.html", section="cost", status=status, prices=prices_answer(listed(), own),
        headings=HEADINGS, unpriced=[row.model for row in unpriced if row.model][:50], form=form, faults=faults,
        may_change=may(call.principal, Permission.ADMINISTER), now=now,
        wanted=call.request.query.get("model", "")[:128],
    )  # fmt: skip
