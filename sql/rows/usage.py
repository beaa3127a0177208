"""Sums of the roll-ups by time, as charts, tables and budgets read them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Sums of one step of time and one part: a train's or account's number, a model or type; empty: none.

    ``cost_usd`` is of the ``priced`` requests; of these ``estimated`` are estimates, and ``unpriced`` are not in it.
    """

    starts_at: datetime
    part: str
    requests: int
    ok: int
    cancelled: int
    rejected: int
    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    ephemeral_5m_input_tokens: int
    ephemeral_1h_input_tokens: int
    thinking_tokens: int
    web_search_requests: int
    cost_usd: Decimal
    priced: int
    unpriced: int
    estimated: int
    ok_duration_us: int

    @property
    def total_tokens(self) -> int:
        """Input and output as reported, without the cache's."""
        return self.input_tokens + self.output_tokens

    @property
    def failed(self) -> int:
        """Requests that ended badly, those left out that a client cancelled or we rejected."""
        return self.requests - self.ok - self.cancelled - self.rejected


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """A bucket of response times: ok requests whose duration, and whose first token, was in it."""

    bucket: int
    durations: int
    first_tokens: int


@dataclass(frozen=True, slots=True)
class UnpricedRow:
    """A model without a price; ``tokens`` of all classes, its priced requests included."""

    model: str
    unpriced: int
    tokens: int
    first_hour: datetime
    last_hour: datetime
