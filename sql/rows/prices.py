"""An installation's own prices."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class PriceRow:
    """What a model costs here, USD per million tokens; ``unconfirmed`` names rates that make a cost an estimate."""

    price: int
    model: str
    valid_from: datetime | None
    valid_to: datetime | None
    min_prompt: int
    max_prompt: int | None
    speed: str
    input: Decimal
    output: Decimal
    cache_write_5m: Decimal
    cache_write_1h: Decimal
    cache_read: Decimal
    unconfirmed: list[str]
    source: str | None
    created_by: str
    created_at: datetime
