"""Rows that the watcher of alerts reads."""

from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class AlertWatchLock:
    """That the lock is held."""

    locked: bool


@dataclass(frozen=True, slots=True)
class AlertAccount:
    """An account and its number."""

    account: int
    account_id: str


@dataclass(frozen=True, slots=True)
class AlertTape:
    """A tape: seconds its rows are behind, seconds its recorder is silent, how full it is where that is known."""

    node: str
    lag_bytes: int
    behind: float
    silent: float
    tape_bytes: int | None
    tape_max_bytes: int | None


@dataclass(frozen=True, slots=True)
class AlertLetters:
    """Seconds since the last dead letter."""

    quiet: float | None


@dataclass(frozen=True, slots=True)
class AlertFailure:
    """Calls that broke, and when the first and the last of them ended."""

    train: int
    account: int | None
    outcome: str
    status_code: int | None
    failures: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class AlertCalls:
    """Calls that counted; account 0 stands for none."""

    train: int
    account: int
    calls: int


@dataclass(frozen=True, slots=True)
class AlertDigest:
    """When a train wants its digest; ``feed``: what users write may stand in it."""

    train: int
    digest_at: time
    zone: str
    feed: bool


@dataclass(frozen=True, slots=True)
class AlertKnown:
    """An alert that was raised."""

    dedupe_key: str


@dataclass(frozen=True, slots=True)
class AlertDay:
    """What a train used of a model; the empty one stands for "none". ``cost_usd`` is without the unpriced ones."""

    model: str
    requests: int
    failures: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    unpriced: int


@dataclass(frozen=True, slots=True)
class AlertBurstOver:
    """When a train's last burst of errors was over."""

    train: int
    over_at: datetime
