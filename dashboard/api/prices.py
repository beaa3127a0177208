"""``/api/prices``: what tokens cost, and an installation's own prices."""

from core.access import Permission
from core.prices import RATES
from dashboard.problems import Problem
from dashboard.routing import Call, Query, body_of, route
from dashboard.usage.answers import Done, PriceAnswer, PriceGiven, PricesAnswer
from dashboard.usage.price_list import listed
from dashboard.usage.shape import own_answer, prices_answer
from sql.rows.prices import PriceRow


@route("GET", "/api/prices", permission=Permission.READ_STATISTICS, returns=PricesAnswer, errors=(503,))
async def list_prices(call: Call[Query]) -> PricesAnswer:
    """All prices with their validity, USD per million tokens: own ones first, then the list that comes with it."""
    return prices_answer(listed(), await call.database.fetch("prices_own", PriceRow))


@route(
    "PUT",
    "/api/prices",
    permission=Permission.ADMINISTER,
    body=PriceGiven,
    returns=PriceAnswer,
    errors=(400, 422, 503),
)
async def put_price(call: Call[Query]) -> PriceAnswer:
    """Add an own price, which goes before the list's and before older own ones.

    It counts for what is recorded from now on; `footplate reprice` prices what was recorded before.
    """
    given = await body_of(PriceGiven, call.request)
    row = await call.database.fetch_one(
        "price_put",
        PriceRow,
        given.model,
        given.valid_from,
        given.valid_to,
        given.min_prompt,
        given.max_prompt,
        given.speed,
        *(getattr(given, rate) for rate in ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read")),
        sorted(set(given.unconfirmed), key=RATES.index),
        given.source,
        call.principal.name,
    )
    if row is None:
        raise AssertionError("what is inserted comes back")
    return own_answer(row)


@route("DELETE", "/api/prices/{id}", permission=Permission.ADMINISTER, returns=Done, errors=(404, 503))
async def delete_price(call: Call[Query]) -> Done:
    """Take an own price back, by the number in its id; requests that were priced by it keep their cost."""
    number = call.request.match_info["id"]
    known = number.isascii() and number.isdigit() and len(number) < 10
    row = await call.database.fetch_one("price_delete", PriceRow, int(number), call.principal.name) if known else None
    if row is None:
        raise Problem(404, "there is no such own price")
    return Done()
