"""What tokens cost, as data: the list of ``prices.toml`` with an installation's own prices before it (usage.md, cost).

A price is found by the exact name of a model or that name with a date behind it, never by a part of a name: what is
not in the list has no price.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import BadSettingError

RateName = Literal["input", "output", "cache_write_5m", "cache_write_1h", "cache_read"]
RATES: Final[tuple[RateName, ...]] = get_args(RateName)
STANDARD: Final = "standard"
LARGE: Final = "[1m]"
"""Behind the name of a model: with the window of a million tokens."""
LARGE_CONTEXT: Final = 1_000_000
_DATED: Final = re.compile(r"(.+)-\d{8}")


@dataclass(frozen=True, slots=True)
class Price:
    """What a model's tokens cost in a period, for prompts of a band. Rates are USD per million tokens."""

    id: str
    model: str
    input: Decimal
    output: Decimal
    cache_write_5m: Decimal
    cache_write_1h: Decimal
    cache_read: Decimal
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    """The first moment it is valid no more."""
    min_prompt: int = 0
    max_prompt: int | None = None
    """Tokens of the prompt with what was read from and written to the cache, both bounds included."""
    speed: str = STANDARD
    unconfirmed: frozenset[str] = frozenset()
    """Names of the rates that the provider has not confirmed."""
    source: str = "list"

    def is_of(self, at: datetime, prompt: int, speed: str) -> bool:
        """Whether it is the price of a request that began then, with a prompt of so many tokens."""
        return (
            self.speed == speed
            and (self.valid_from is None or self.valid_from <= at)
            and (self.valid_to is None or at < self.valid_to)
            and self.min_prompt <= prompt
            and (self.max_prompt is None or prompt <= self.max_prompt)
        )


@dataclass(frozen=True, slots=True)
class Modifier:
    """What multiplies the price of all token classes of some models."""

    factor: Decimal
    models: frozenset[str]


_OF_A_ROW: Final = ("model", *RATES, "valid_from", "valid_to", "min_prompt", "max_prompt", "speed")


def own_price(row: Mapping[str, Any]) -> Price:
    """A price that an installation set itself, from the columns of its row in ``prices``."""
    return Price(
        id=f"own/{row['price']}",
        unconfirmed=frozenset(row["unconfirmed"]),
        source=row["source"] or "own",
        **{name: row[name] for name in _OF_A_ROW},
    )


@dataclass(frozen=True, slots=True)
class PriceList:
    """All prices. ``prices`` and ``own`` hold those of each name, the own ones the newest first."""

    prices: Mapping[str, tuple[Price, ...]]
    geo: Mapping[str, Modifier]
    speed: Mapping[str, Modifier]
    batch: Decimal
    web_search_usd: Decimal
    context: Mapping[str, int]
    own: Mapping[str, tuple[Price, ...]]

    def with_own(self, own: Iterable[Price]) -> "PriceList":
        """The list with an installation's own prices before it; they are given the oldest first."""
        return replace(self, own=_by_model(reversed(list(own))))

    def find(self, model: str, at: datetime, prompt: int, speed: str = STANDARD) -> Price | None:
        """The price of a request, or None where there is none. An own price goes before the list's."""
        for table in (self.own, self.prices):
            for name in names(model):
                for price in table.get(name, ()):
                    if price.is_of(at, prompt, speed):
                        return price
        return None

    def knows(self, model: str) -> bool:
        """Whether there is any price of a model, be it of another time."""
        return any(table.get(name) for table in (self.own, self.prices) for name in names(model))

    def context_limit(self, model: str) -> int | None:
        """How many tokens a model's window holds; None where nobody knows."""
        if model.endswith(LARGE):
            return LARGE_CONTEXT
        return next((self.context[name] for name in names(model) if name in self.context), None)


@lru_cache(maxsize=1024)
def names(model: str) -> tuple[str, ...]:
    """What a model is called in the list: its name as it is, then without the date behind it."""
    name = model.removesuffix(LARGE)
    dated = _DATED.fullmatch(name)
    return (name,) if dated is None else (name, dated[1])


_Rate = Annotated[Decimal, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
_Tokens = Annotated[int, Field(ge=0, le=10**12)]
_Models = Annotated[list[str], Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Entry(_Part):
    models: _Models
    valid_from: date | None = None
    valid_to: date | None = None
    min_prompt: _Tokens = 0
    max_prompt: _Tokens | None = None
    speed: str = STANDARD
    input: _Rate
    output: _Rate
    cache_write_5m: _Rate
    cache_write_1h: _Rate
    cache_read: _Rate
    unconfirmed: list[RateName] = []


class _Factor(_Part):
    factor: _Rate
    models: _Models


class _Modifiers(_Part):
    batch: _Rate
    web_search_usd: _Rate
    geo: dict[str, _Factor]
    speed: dict[str, _Factor]


class _Context(_Part):
    tokens: _Tokens
    models: _Models


class _File(_Part):
    modifiers: _Modifiers
    price: list[_Entry]
    context: list[_Context]


def parse(raw: bytes) -> PriceList:
    """The list in a file's bytes, checked. Raises BadSettingError with one line."""
    try:
        # Decimal also of what is written without a point: 0.1 as a float is not 0.1.
        file = _File.model_validate(tomllib.loads(raw.decode(), parse_float=Decimal))
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False, include_context=False)[0]
        raise BadSettingError(f"prices: {'.'.join(map(str, first['loc']))}: {first['msg']}") from exc
    except ValueError as exc:  # no TOML, no UTF-8
        raise BadSettingError(f"prices: {exc}") from exc
    prices = [price for entry in file.price for price in _prices(entry)]
    _check(prices)
    return PriceList(
        prices=_by_model(prices),
        geo=_modifiers(file.modifiers.geo),
        speed=_modifiers(file.modifiers.speed),
        batch=file.modifiers.batch,
        web_search_usd=file.modifiers.web_search_usd,
        context={model: entry.tokens for entry in file.context for model in entry.models},
        own={},
    )


def _prices(entry: _Entry) -> Iterable[Price]:
    fields: dict[str, Any] = {name: getattr(entry, name) for name in (*RATES, "min_prompt", "max_prompt", "speed")}
    fields |= {"valid_from": _midnight(entry.valid_from), "valid_to": _midnight(entry.valid_to)}
    for model in entry.models:
        name = model
        name += f"@{entry.valid_from}" if entry.valid_from is not None else ""
        if entry.min_prompt or entry.max_prompt is not None:
            name += f":{entry.min_prompt}-{'' if entry.max_prompt is None else entry.max_prompt}"
        name += f"/{entry.speed}" if entry.speed != STANDARD else ""
        yield Price(id=name, model=model, unconfirmed=frozenset(entry.unconfirmed), **fields)


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)


def _check(prices: Sequence[Price]) -> None:
    """Refuse what has no time, no prompt, or two prices for one request."""
    for n, price in enumerate(prices):
        if (price.valid_from and price.valid_to and price.valid_from >= price.valid_to) or (
            price.max_prompt is not None and price.max_prompt < price.min_prompt
        ):
            raise BadSettingError(f"prices: {price.id} is the price of nothing: it ends before it begins")
        for other in prices[:n]:
            if other.model == price.model and other.speed == price.speed and _overlap(price, other):
                raise BadSettingError(f"prices: {price.id} and {other.id} are both the price of the same request")


def _overlap(one: Price, two: Price) -> bool:
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    apart = (one.valid_to or last) <= (two.valid_from or first) or (two.valid_to or last) <= (one.valid_from or first)
    most = 10**15
    below = (one.max_prompt or most) < two.min_prompt or (two.max_prompt or most) < one.min_prompt
    return not apart and not below


def _by_model(prices: Iterable[Price]) -> dict[str, tuple[Price, ...]]:
    found: dict[str, tuple[Price, ...]] = {}
    for price in prices:
        found[price.model] = (*found.get(price.model, ()), price)
    return found


def _modifiers(given: Mapping[str, _Factor]) -> dict[str, Modifier]:
    return {name: Modifier(one.factor, frozenset(one.models)) for name, one in given.items()}
