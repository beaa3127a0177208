"""Budgets and what was used of them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """What a train, or one key of it, may use in a period."""

    budget: int
    train: int
    key_id: str | None
    unit: str
    amount: Decimal
    period: str
    zone: str
    hard: bool
    created_by: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class BudgetUsedRow:
    """What was used in the running period of the budget that was asked for as the ``n``-th."""

    n: int
    cost_usd: Decimal
    tokens: int
    unpriced: int
