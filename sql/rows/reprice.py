"""Rows of pricing requests again."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RepriceState:
    """How far it has come: the last request, how many were priced and changed, and how many there are."""

    reached: UUID
    repriced: int
    changed: int
    total: int | None


@dataclass(frozen=True, slots=True)
class RepriceRow:
    """A request, what its price depends on, and what it cost so far."""

    id: UUID
    method: str
    path: str
    status_code: int | None
    model: str | None
    usage: Any
    usage_complete: bool | None
    batch_id: str | None
    conversation_id: UUID | None
    started_at: datetime
    cost_usd: Decimal | None
    price_id: str | None
    cost_estimated: bool | None
    cost_reason: str | None


@dataclass(frozen=True, slots=True)
class PriceChanges:
    """How often the installation's own prices were changed."""

    price_changes: int
