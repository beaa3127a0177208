"""What the requests of one conversation used, with everything their prices depend on."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ConversationUsageRow:
    """A request that sold something. ``iterations`` as reported; None where it was one piece of work."""

    id: UUID
    started_at: datetime
    model: str | None
    key_id: str | None
    input_tokens: int | None
    output_tokens: int | None
    cache_creation_input_tokens: int | None
    cache_read_input_tokens: int | None
    ephemeral_5m_input_tokens: int | None
    ephemeral_1h_input_tokens: int | None
    thinking_tokens: int | None
    web_search_requests: int | None
    code_execution_requests: int | None
    service_tier: str | None
    inference_geo: str | None
    speed: str | None
    usage_complete: bool | None
    iterations: list[Any] | None
    cost_usd: Decimal | None
