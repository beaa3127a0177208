"""What each source of a prompt cost over the requests that carried it (dashboard.md, carry cost).

The API says how many tokens of a prompt were read from the cache, written to it and fresh, not which. A cache holds a
prompt's beginning, so the first tokens are those that were read, then those that were written, and the rest is fresh.
Blocks are by estimate, scaled so that they sum to what was measured.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import accumulate
from typing import NamedTuple

from core.composition import Block, Source
from core.models import Usage
from core.prices import STANDARD, PriceList


class Split(NamedTuple):
    """Something of each class of a prompt's tokens, in their order: counts of them, or what they cost."""

    read: float
    write: float
    fresh: float


class Paid(NamedTuple):
    """What a request cost, by what was paid for, USD."""

    tokens: Split
    """How many tokens of each class the prompt had."""
    prompt: Split
    output: float
    searches: float


def paid(usage: Usage, model: str, at: datetime, usd: Decimal, prices: PriceList) -> Paid | None:
    """The cost of a request in its parts: the rates say how they compare, the cost that was recorded how much they are.

    So what multiplied all of them (batch, region, speed) needs no name. None where the model has no price or the
    request no tokens.
    """
    read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    fresh, speed = usage.input_tokens or 0, usage.speed or STANDARD
    prompt = read + written + fresh
    price = prices.find(model, at, prompt, speed) or prices.find(model, at, prompt)
    if price is None:
        return None
    searches = min(usd, (usage.web_search_requests or 0) * prices.web_search_usd)
    long = min(written, usage.ephemeral_1h_input_tokens or 0)
    of_writes = (written - long) * price.cache_write_5m + long * price.cache_write_1h
    raw = Split(float(read * price.cache_read), float(of_writes), float(fresh * price.input))
    output = float((usage.output_tokens or 0) * price.output)
    whole = sum(raw) + output
    if not whole:
        return None
    scale = float(usd - searches) / whole
    return Paid(Split(read, written, fresh), Split(*(part * scale for part in raw)), output * scale, float(searches))


@dataclass(frozen=True, slots=True)
class Stretch:
    """The blocks of the longest request of a stretch, ready to be shared out for any of its requests."""

    sources: tuple[Source, ...]
    ends: Sequence[float]
    """Tokens up to the end of each block."""
    sums: Sequence[Sequence[float]]
    """By source: tokens of it up to the end of each block."""
    after: Sequence[int]
    """How many items stand before each block; never falls."""


def stretch(blocks: Sequence[Block]) -> Stretch:
    """Blocks in the order of their prompt."""
    sources = tuple(dict.fromkeys(block.source for block in blocks))
    return Stretch(
        sources,
        list(accumulate(block.tokens for block in blocks)),
        [list(accumulate(block.tokens if block.source == one else 0.0 for block in blocks)) for one in sources],
        [block.after for block in blocks],
    )


def shared(given: Stretch, items: int, tokens: Split, usd: Split) -> Mapping[Source, Split] | None:
    """What each source cost of a request that has so many of the items; None where it has no blocks or tokens."""
    count = bisect_right(given.after, items - 1)
    whole, measured = given.ends[count - 1] if count else 0.0, sum(tokens)
    if not whole or not measured:
        return None
    marks = [whole * mark / measured for mark in accumulate(tokens)]
    found: dict[Source, Split] = {}
    below = [_upto(given, mark, count) for mark in marks]
    for place, source in enumerate(given.sources):
        parts, before = [], 0.0
        for name, edge in enumerate(below):
            mine = edge[place] - before
            of_class = tokens[name] * whole / measured
            parts.append(usd[name] * mine / of_class if of_class else 0.0)
            before = edge[place]
        if any(parts):
            found[source] = Split(*parts)
    return found


def _upto(given: Stretch, mark: float, count: int) -> list[float]:
    """Tokens of each source before a place in the prompt; of the block it lies in a part."""
    at = min(bisect_right(given.ends, mark, 0, count), count - 1)
    before = given.ends[at - 1] if at else 0.0
    inside = given.ends[at] - before
    share = min(1.0, (mark - before) / inside) if inside else 1.0
    found = []
    for sums in given.sums:
        start = sums[at - 1] if at else 0.0
        found.append(start + (sums[at] - start) * share)
    return found
