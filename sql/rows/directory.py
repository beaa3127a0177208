"""Trains and accounts as readers name them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class TrainRow:
    """A train: the number that keys carry, the name people use."""

    train: int
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account number and the id it answers to now; the display name is given by people and may be missing."""

    account: int
    account_id: str
    display_name: str | None


@dataclass(frozen=True, slots=True)
class AccountUseRow:
    """An account, and what was used of it; ``last_hour`` is None where nothing was."""

    account_id: str
    kind: str
    display_name: str | None
    created_at: datetime
    requests: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    unpriced: int
    last_hour: datetime | None
