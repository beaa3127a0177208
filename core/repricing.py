"""What requests would have cost on another model: the same tokens at its prices (dashboard.md, E5).

Each request is priced as it was: its day, its band of prompt lengths, what it wrote to the cache for how long and what
it read from it. What does not fit into the model's context is counted, and has no cost there. How many tokens the other
model would have used, and how well, nobody knows.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from core.models import Usage
from core.prices import Modifier, Price, PriceList
from core.pricing import NO_PRICE_THEN, Cost, Unpriced, cost
from core.valueclass import replace, valueclass

LATER: Final = "no price for that day, so today's"
NO_LIMIT: Final = "context limit not known"
_SUMMED: Final = (
    "input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens",
    "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens", "web_search_requests", "code_execution_requests",
)  # fmt: skip


@valueclass(frozen=True, slots=True)
class Asked:
    """A request as it was: when it began, its usage, what it cost (None: unknown)."""

    at: datetime
    usage: Usage
    paid: Decimal | None


class Group(NamedTuple):
    """Requests that every model prices alike, as the sum of their tokens; most conversations are a few of these."""

    requests: int
    at: datetime
    """When one of them began."""
    prompt: int | None
    """Tokens of one of their prompts; None where the usage is that of one request."""
    longest: int
    usage: Usage
    paid: Decimal | None


@dataclass(frozen=True, slots=True)
class Repriced:
    """Requests on other models, which are priced alike."""

    models: tuple[str, ...]
    usd: Decimal | None
    """Of those that fit and have a price; None where none does."""
    requests: int
    """How many those are."""
    paid: Decimal | None
    """What the same ones cost as they were; None where that is not known of all of them."""
    too_long: int
    """How many would not fit."""
    longest: int
    """Tokens of the longest, prompt and answer."""
    limit: int | None
    """Tokens of the context."""
    unpriced: int
    reasons: tuple[str, ...]
    """Why the sum is a guess beyond its assumptions."""


def length(usage: Usage) -> int:
    """What has to fit into a context: the prompt with what is read from and written to the cache, and the answer."""
    return _prompt(usage) + (usage.output_tokens or 0)


def _prompt(usage: Usage) -> int:
    parts = (usage.input_tokens, usage.cache_creation_input_tokens, usage.cache_read_input_tokens)
    return sum(part or 0 for part in parts)


def on(usage: Usage, model: str) -> Usage:
    """The usage as if this model alone had done all of it: fallbacks and advisors too."""
    iterations = (usage.raw or {}).get("iterations")
    if not isinstance(iterations, list):
        return replace(usage, raw=None)
    named: list[Any] = [{**one, "model": model} if isinstance(one, dict) else one for one in iterations]
    return replace(usage, raw={"iterations": named})


def gathered(asked: Iterable[Asked], prices: PriceList) -> list[Group]:
    """The requests in groups between whose members no price, band, context or modifier makes a difference."""
    every = [price for table in (prices.own, prices.prices) for found in table.values() for price in found]
    moments = sorted({at for price in every for at in (price.valid_from, price.valid_to) if at is not None})
    bands = sorted({edge for price in every for edge in (price.min_prompt - 1, price.max_prompt) if edge is not None})
    limits = sorted({*prices.context.values()})
    found: dict[Any, list[Asked]] = {}
    for number, one in enumerate(asked):
        usage = one.usage
        places = (
            bisect_right(moments, one.at), bisect_left(bands, _prompt(usage)), bisect_left(limits, length(usage)),
        )  # fmt: skip
        ran = bool(usage.code_execution_requests)
        terms = (usage.complete, usage.service_tier, usage.inference_geo, usage.speed, ran)
        key = (*places, *terms, one.paid is None) if _adds_up(usage) else number
        found.setdefault(key, []).append(one)
    return [_group(members) for members in found.values()]


def _adds_up(usage: Usage) -> bool:
    """Whether a usage can be added to others: all of it known, one piece of work, writes split by their lifetimes."""
    short, long = usage.ephemeral_5m_input_tokens or 0, usage.ephemeral_1h_input_tokens or 0
    whole = usage.input_tokens is not None and usage.output_tokens is not None
    return whole and usage.raw is None and short + long == (usage.cache_creation_input_tokens or 0)


def _group(members: Sequence[Asked]) -> Group:
    first, longest = members[0], max(length(one.usage) for one in members)
    if len(members) == 1:
        return Group(1, first.at, None, longest, first.usage, first.paid)
    sums: dict[str, Any] = {name: sum(getattr(one.usage, name) or 0 for one in members) for name in _SUMMED}
    paid = None if first.paid is None else sum((one.paid or Decimal(0) for one in members), Decimal(0))
    return Group(len(members), first.at, _prompt(first.usage), longest, replace(first.usage, **sums), paid)


def reprice(groups: Iterable[Group], models: Sequence[str], prices: PriceList, now: datetime) -> Repriced:
    """The requests on the first of these models; the others are priced alike. Where it had no price yet: at today's."""
    model, limit = models[0], prices.context_limit(models[0])
    usd, paid, counted, unpriced, too_long, longest = Decimal(0), Decimal(0), 0, 0, 0, 0
    known, reasons = True, set[str]() if limit is not None else {NO_LIMIT}
    for one in groups:
        longest = max(longest, one.longest)
        if limit is not None and one.longest > limit:
            too_long += one.requests
            continue
        bill = _bill(one, model, prices, now, reasons)
        if isinstance(bill, Unpriced):
            unpriced += one.requests
            continue
        counted, usd = counted + one.requests, usd + bill.usd
        paid, known = paid + (one.paid or 0), known and one.paid is not None
    return Repriced(
        tuple(models), usd if counted else None, counted, paid if counted and known else None, too_long, longest, limit,
        unpriced, tuple(sorted(reasons)),
    )  # fmt: skip


def _bill(one: Group, model: str, prices: PriceList, now: datetime, reasons: set[str]) -> Cost | Unpriced:
    usage = on(one.usage, model)
    bill = cost(usage, model, one.at, prices, one.prompt)
    if isinstance(bill, Unpriced) and bill.reason == NO_PRICE_THEN:
        bill = cost(usage, model, now, prices, one.prompt)
        if isinstance(bill, Cost):
            reasons.add(LATER)
    if bill.reason is not None and isinstance(bill, Cost):
        reasons.update(bill.reason.split(", "))
    return bill


def alike(prices: PriceList, now: datetime, groups: Iterable[Group]) -> list[tuple[str, ...]]:
    """The models that have a price now, those together on which these requests cost the same."""
    said = {word for one in groups for word in (one.usage.inference_geo, one.usage.speed) if word is not None}
    modifiers = [each for table in (prices.geo, prices.speed) for name, each in table.items() if name in said]
    found: dict[Any, list[str]] = {}
    for model in dict.fromkeys((*prices.own, *prices.prices)):
        if prices.find(model, now, 0) is not None:
            found.setdefault(_terms(model, prices, modifiers), []).append(model)
    return [tuple(models) for models in found.values()]


def _terms(model: str, prices: PriceList, modifiers: Sequence[Modifier]) -> Any:
    """All that a cost depends on beside the request."""
    own = tuple(_rates(price) for table in (prices.own, prices.prices) for price in table.get(model, ()))
    return own, tuple(model in each.models for each in modifiers), prices.context_limit(model)


def _rates(price: Price) -> Any:
    return (
        price.input, price.output, price.cache_write_5m, price.cache_write_1h, price.cache_read, price.valid_from,
        price.valid_to, price.min_prompt, price.max_prompt, price.speed, price.unconfirmed,
    )  # fmt: skip
