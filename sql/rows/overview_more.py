"""What the overview reads after the page is there."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ModelUseRow:
    """A model in one of several periods, counted from 1; ``ok_duration_us`` is of the ok requests."""

    piece: int
    model: str
    requests: int
    ok: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    ephemeral_5m_input_tokens: int
    ephemeral_1h_input_tokens: int
    ok_duration_us: int


@dataclass(frozen=True, slots=True)
class BegunRow:
    """Conversations that began in a week; cost is of their priced requests, None where none is."""

    week: datetime
    conversations: int
    requests: int
    cost_usd: Decimal | None
    unpriced: int


@dataclass(frozen=True, slots=True)
class KeyUseRow:
    """What came with a client key; without a key all there was."""

    train: int | None
    key_id: str | None
    requests: int
    cost_usd: Decimal
    unpriced: int
