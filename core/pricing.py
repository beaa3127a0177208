"""What one request cost: its usage at the prices of the model that answered (usage.md, cost). Exact decimals.

An unknown is ``Unpriced``, never 0 and never another model's price; what rests on a guess is marked an estimate.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from core import usage as reported
from core.models import Usage
from core.prices import STANDARD, Price, PriceList, names
from core.transcript import is_message_call
from core.valueclass import valueclass

UNKNOWN_MODEL: Final = "unknown model"
NO_MODEL: Final = "no model named"
NO_PRICE_THEN: Final = "no price for that time or prompt"
NO_TOKENS: Final = "tokens not reported"
NO_USAGE: Final = "no usage reported"
NOT_WHOLE: Final = "batch results not whole"

BROKEN_OFF: Final = "answer broken off"
CACHE_SPLIT: Final = "cache writes without their lifetimes"
CODE_EXECUTION: Final = "code execution not included"
ITERATIONS: Final = "iterations not readable"
SPEED: Final = "no price for this speed"
TIER: Final = "no price for this tier"
UNCONFIRMED: Final = "rate not confirmed"

BATCH: Final = "batch"
_TIERS: Final = frozenset({None, STANDARD, BATCH})
_MILLIONTH: Final = -6
_LEAST: Final = Decimal("1e-12")
"""What a split of cache writes by a mix is rounded to, in USD."""


@valueclass(frozen=True, slots=True)
class Cost:
    """What a request cost."""

    usd: Decimal
    price_id: str
    """Ids of the prices that were used, ``+`` between them where iterations had several models."""
    estimated: bool
    reason: str | None
    """Why it is an estimate."""


@valueclass(frozen=True, slots=True)
class Unpriced:
    """A request that may have cost something, nobody knows how much."""

    reason: str


Bill = Cost | Unpriced | None
"""None: nothing was sold, so there is nothing to price (an error, a list of models, counting tokens)."""


class _UnpricedError(Exception):
    """A part has no price; the reason is its text."""


class _Item(NamedTuple):
    """Tokens of one model."""

    model: str
    tokens: Usage


def bill(usage: Usage, model: str | None, at: datetime, prices: PriceList, *, sold: bool) -> Bill:
    """What a request that began ``at`` cost. ``sold`` says whether an answer was asked for and not refused."""
    if usage.raw is None:
        return Unpriced(NO_USAGE) if sold else None
    return cost(usage, model, at, prices)


def sold(method: str, target: str, status: int | None) -> bool:
    """Whether a model may have worked for this call, whatever came of it."""
    return is_message_call(method, target) and status is not None and status < 400


def cost(
    usage: Usage, model: str | None, at: datetime, prices: PriceList, prompt: int | None = None
) -> Cost | Unpriced:
    """The cost of a usage: the sum over its iterations, each at its own model's price, or of the figures themselves.

    ``prompt`` is how long each prompt was, where the figures are sums over several requests alike.
    """
    reasons: set[str] = set() if usage.complete else {BROKEN_OFF}
    try:
        sums = [_priced(item, usage, at, prices, reasons, prompt) for item in _items(usage, model, reasons)]
    except _UnpricedError as exc:
        return Unpriced(str(exc))
    usd = sum((one for one, _ in sums), Decimal(0)) + (usage.web_search_requests or 0) * prices.web_search_usd
    if usage.code_execution_requests:
        reasons.add(CODE_EXECUTION)
    if usage.service_tier not in _TIERS:
        reasons.add(TIER)
    ids = dict.fromkeys(price.id for _, price in sums)
    return Cost(usd, "+".join(ids), bool(reasons), ", ".join(sorted(reasons)) or None)


def total(bills: Iterable[Cost | Unpriced]) -> Cost | Unpriced | None:
    """Several bills as one; where some have no price the sum of the others is an estimate that says why."""
    costs, reasons, ids, estimated = Decimal(0), set[str](), dict[str, None](), False
    for one in bills:
        estimated |= not isinstance(one, Cost) or one.estimated
        reasons |= set((one.reason or "").split(", ")) - {""}
        if isinstance(one, Cost):
            costs += one.usd
            ids |= dict.fromkeys(one.price_id.split("+"))
    reason = ", ".join(sorted(reasons)) or None
    if ids:
        return Cost(costs, "+".join(ids), estimated, reason)
    return None if reason is None else Unpriced(reason)


def _items(usage: Usage, model: str | None, reasons: set[str]) -> Iterator[_Item]:
    """What is to be paid for: an attempt that was declined before any output is not (its successor serves)."""
    iterations = reported.iterations(usage)
    if iterations is None:
        reasons.add(ITERATIONS)
    for one in iterations or ():
        if not one.declined:
            yield _Item(_named(one.model or model), one.usage)
    if not iterations:
        yield _Item(_named(model), usage)


def _named(model: str | None) -> str:
    if not model:
        raise _UnpricedError(NO_MODEL)
    return model


def _priced(
    item: _Item, whole: Usage, at: datetime, prices: PriceList, reasons: set[str], prompt: int | None
) -> tuple[Decimal, Price]:
    tokens = item.tokens
    if tokens.input_tokens is None or tokens.output_tokens is None:
        raise _UnpricedError(NO_TOKENS)
    read, written = tokens.cache_read_input_tokens or 0, _written(tokens)
    batch = whole.service_tier == BATCH
    speed = STANDARD if batch or whole.speed is None else whole.speed
    length = tokens.input_tokens + read + written if prompt is None else prompt
    price, factor = _price(item.model, at, length, speed, prices, reasons)
    usd = tokens.input_tokens * price.input + tokens.output_tokens * price.output + read * price.cache_read
    short = long = 0
    if written:
        short, long = _lifetimes(tokens, whole, written, reasons)
        usd += _of_writes(price, short, long, written)
    if price.unconfirmed:
        used = {"input": tokens.input_tokens, "output": tokens.output_tokens, "cache_read": read}
        used |= {"cache_write_5m": short, "cache_write_1h": long}
        if any(used.get(rate) for rate in price.unconfirmed):
            reasons.add(UNCONFIRMED)
    geo = prices.geo.get(whole.inference_geo or "")
    if geo is not None and not geo.models.isdisjoint(names(item.model)):
        factor *= geo.factor
    return usd.scaleb(_MILLIONTH) * factor * (prices.batch if batch else 1), price


def _price(
    model: str, at: datetime, prompt: int, speed: str, prices: PriceList, reasons: set[str]
) -> tuple[Price, Decimal]:
    """The price and what it is multiplied with for the speed, where it is not the price of that speed itself."""
    price = prices.find(model, at, prompt, speed)
    if price is not None:
        return price, Decimal(1)
    price = prices.find(model, at, prompt)
    if price is None:
        raise _UnpricedError(NO_PRICE_THEN if prices.knows(model) else UNKNOWN_MODEL)
    modifier = prices.speed.get(speed)
    if modifier is not None and not modifier.models.isdisjoint(names(model)):
        return price, modifier.factor
    reasons.add(SPEED)
    return price, Decimal(1)


def _written(tokens: Usage) -> int:
    """Tokens written to the cache: the total, which may have grown since the split was told; else the split's."""
    if tokens.cache_creation_input_tokens is not None:
        return tokens.cache_creation_input_tokens
    return (tokens.ephemeral_5m_input_tokens or 0) + (tokens.ephemeral_1h_input_tokens or 0)


def _lifetimes(tokens: Usage, whole: Usage, written: int, reasons: set[str]) -> tuple[int, int]:
    """In which proportion the writes live 5 minutes and an hour; a guess where the split is not of all of them."""
    short, long = tokens.ephemeral_5m_input_tokens or 0, tokens.ephemeral_1h_input_tokens or 0
    if short + long != written:
        reasons.add(CACHE_SPLIT)
    if short + long:
        return short, long
    # An iteration that does not tell lives as the whole message does; without any word it is the API's default.
    short, long = whole.ephemeral_5m_input_tokens or 0, whole.ephemeral_1h_input_tokens or 0
    return (short, long) if short + long else (written, 0)


def _of_writes(price: Price, short: int, long: int, written: int) -> Decimal:
    """Micro-dollars of the writes, shared out as ``short`` to ``long``."""
    usd = short * price.cache_write_5m + long * price.cache_write_1h
    if short + long == written:
        return usd
    return (usd * written / (short + long)).quantize(_LEAST.scaleb(-_MILLIONTH))
