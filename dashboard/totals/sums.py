"""Figures that add up. What has no price is counted beside the cost, so a sum never hides an unknown (rule N7)."""

import functools
import operator
from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Sums:
    """Of some requests: counts, tokens as the API reported them, USD of those that have a price."""

    requests: int = 0
    ok: int = 0
    cancelled: int = 0
    rejected: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    ephemeral_5m_input_tokens: int = 0
    ephemeral_1h_input_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    priced: int = 0
    unpriced: int = 0
    estimated: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*map(operator.add, _VALUES(self), _VALUES(other)))

    @property
    def counted(self) -> int:
        """Requests that could have gone well: without those the client left or the proxy refused (api.md)."""
        return self.requests - self.cancelled - self.rejected

    @property
    def errors(self) -> int:
        """Counted requests that did not end well."""
        return self.counted - self.ok

    @property
    def error_share(self) -> float | None:
        """Errors of the counted requests, 0 to 1; None without any."""
        return self.errors / self.counted if self.counted else None

    @property
    def total_input_tokens(self) -> int:
        """Fresh, written to the cache and read from it."""
        return self.input_tokens + self.cache_creation_input_tokens + self.cache_read_input_tokens

    @property
    def tokens(self) -> int:
        """Input of every kind and output."""
        return self.total_input_tokens + self.output_tokens

    @property
    def cache_share(self) -> float | None:
        """How much of the input came from the prompt cache, 0 to 1; None without input."""
        return self.cache_read_input_tokens / self.total_input_tokens if self.total_input_tokens else None

    @property
    def writes_unsplit(self) -> int:
        """Cache writes of which the API did not say how long they live."""
        split = self.ephemeral_5m_input_tokens + self.ephemeral_1h_input_tokens
        return max(0, self.cache_creation_input_tokens - split)

    @property
    def cost(self) -> Decimal | None:
        """USD of what has a price; None where nothing has one and something should."""
        return None if self.unpriced and not self.priced else self.cost_usd


NAMES = tuple(field.name for field in fields(Sums))
_VALUES = operator.attrgetter(*NAMES)


def sums_of(row: Any) -> Sums:
    """The sums in a row that has columns of these names."""
    return Sums(*_VALUES(row))


def together(many: Iterable[Sums]) -> Sums:
    """All of them added up."""
    columns: Iterable[tuple[Any, ...]] = zip(*map(_VALUES, many), strict=True)
    return Sums(*[functools.reduce(operator.add, column) for column in columns])
