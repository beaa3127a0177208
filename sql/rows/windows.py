"""Windows of accounts: what was said of them, and our own sums beside that."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class WindowAccount:
    """An account number, and the account it stands for now."""

    account: int
    account_id: str
    kind: str
    """``api_key`` or ``oauth``."""
    display_name: str | None


@dataclass(frozen=True, slots=True)
class WindowNow:
    """What a source said last of a window. ``utilization`` and ``peak`` are shares."""

    account: int
    window_name: str
    source: str
    utilization: float | None
    status: str | None
    reset_at: datetime | None
    first_at: datetime
    last_at: datetime
    peak: float | None
    rejected_at: datetime | None
    more: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class WindowSeen:
    """A window under one of its ends (``core.windows.past.Seen``)."""

    reset_at: datetime
    first_at: datetime
    last_at: datetime
    peak: float | None
    rejected_at: datetime | None


@dataclass(frozen=True, slots=True)
class WindowSample:
    """Utilisation of a window at a moment (``core.windows.sample.Sample``)."""

    observed_at: datetime
    utilization: float
    reset_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccountUsage:
    """Our own sums; account 0 and empty texts stand for "none". ``first_at`` is when the first request started."""

    account: int
    train: int
    model: str
    request_type: str
    first_at: datetime
    requests: int
    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    cost_usd: Decimal
    """Of the requests that have a price."""
    unpriced: int
    """Requests whose price nobody knows."""
    priced: int

    @property
    def total_tokens(self) -> int:
        """Input and output, as the seed counts."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class AccountUsageStep:
    """Our own sums of a step of time."""

    at: datetime
    requests: int
    total_tokens: int
    cost_usd: Decimal
    unpriced: int


@dataclass(frozen=True, slots=True)
class RejectedWindow:
    """A window that refused a call, and the tokens (input and output) we had counted in it by then."""

    rejected_at: datetime
    total_tokens: int


@dataclass(frozen=True, slots=True)
class WindowRequest:
    """A request that used a window."""

    train: int
    id: UUID
    conversation_id: UUID | None
    is_subtask: bool
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class ConversationTitle:
    """What a conversation is called."""

    conversation_id: UUID
    title: str | None


@dataclass(frozen=True, slots=True)
class AccountRateLimit:
    """A per-minute limit of an API key, as it was told last. The empty model stands for "none"."""

    account: int
    model: str
    name: str
    quota: int | None
    remaining: int | None
    reset_at: datetime | None
    observed_at: datetime
