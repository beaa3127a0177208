"""Sums from the roll-ups, and the state of the tapes, for statistics and metrics."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class StatisticsRow:
    """Sums over a period; zeros where nothing was recorded."""

    requests: int
    ok: int
    cancelled: int
    rejected: int
    total_tokens: int
    ok_duration_us: int
    trains: int
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    priced: int = 0
    unpriced: int = 0
    estimated: int = 0


@dataclass(frozen=True, slots=True)
class SubtasksRow:
    """Sub-agents launched."""

    subtasks: int


@dataclass(frozen=True, slots=True)
class TotalsRow:
    """All-time sums of one train, model and request type; empty texts stand for "none"."""

    train: int
    model: str
    request_type: str
    requests: int
    ok: int
    cancelled: int
    rejected: int
    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    ok_duration_us: int
    last_hour: datetime


@dataclass(frozen=True, slots=True)
class TapeRow:
    """A tape's distance to the database; seconds since the recorder of it was last heard of."""

    node: str
    lag_bytes: int
    lag_seconds: float
    silent_seconds: float


@dataclass(frozen=True, slots=True)
class DeadLetterCountRow:
    """Calls put aside."""

    dead_letters: int
