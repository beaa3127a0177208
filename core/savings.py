"""What the cache saved: reads against the price of fresh input, less what writes cost beyond it (dashboard.md, D2).

An estimate at list prices: what multiplies them (batch, region, speed) is not in the sums it is told from.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from core.prices import Price, PriceList

_MILLIONTH: Final = -6


@dataclass(frozen=True, slots=True)
class Cached:
    """Tokens of a model that were read from the cache, and written to it for five minutes and for an hour.

    ``at`` says which price they have.
    """

    at: datetime
    model: str
    read: int
    short: int
    long: int


@dataclass(frozen=True, slots=True)
class Saved:
    """USD. ``unknown`` are models with cached tokens that are in neither sum: no price, or one that depends on more."""

    by_reads: Decimal
    spent_on_writes: Decimal
    unknown: tuple[str, ...]
    told: bool
    """Whether anything could be told at all."""

    @property
    def net(self) -> Decimal | None:
        """What is left of it; below 0 where writes cost more than reads saved. None where nothing could be told."""
        return self.by_reads - self.spent_on_writes if self.told else None


def saved(cached: Iterable[Cached], prices: PriceList) -> Saved:
    """The sum over models and times; what nothing was cached of counts for nothing."""
    reads, writes, unknown, told = Decimal(0), Decimal(0), dict[str, None](), False
    some = False
    for one in cached:
        if not (one.read or one.short or one.long):
            continue
        some = True
        price = only_price(one.model, one.at, prices)
        if price is None:
            unknown[one.model] = None
            continue
        told = True
        reads += one.read * (price.input - price.cache_read)
        writes += one.short * (price.cache_write_5m - price.input) + one.long * (price.cache_write_1h - price.input)
    return Saved(reads.scaleb(_MILLIONTH), writes.scaleb(_MILLIONTH), tuple(unknown), told or not some)


def only_price(model: str, at: datetime, prices: PriceList) -> Price | None:
    """The price of a model then; None where there is none, or it depends on how long a prompt is."""
    found = prices.find(model, at, 0)
    return found if found is not None and found.min_prompt == 0 and found.max_prompt is None else None


def changes(prices: PriceList, since: datetime, until: datetime) -> list[datetime]:
    """The moments between two others at which any price begins or ends, in order."""
    every = [price for table in (prices.own, prices.prices) for found in table.values() for price in found]
    moments = {moment for price in every for moment in (price.valid_from, price.valid_to) if moment is not None}
    return sorted(moment for moment in moments if since < moment < until)
