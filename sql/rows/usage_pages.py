"""What the pages of usage and cost read from the roll-ups; sums are of what is known, ``unpriced`` counts the rest."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class UsageSlotRow:
    """The sums of one slot, name and kind of account; where ``slot`` is null, those of a weekday (1 to 7) and hour.

    Of the latter only what is drawn of them: requests, tokens and cost; their other sums are 0.
    """

    slot: datetime | None
    name: str | None
    kind: str | None
    """``oauth`` is a subscription, ``api_key`` is billed by use; empty where the account is unknown."""
    account_id: str | None
    """Of one of the accounts in it: of the account, where names are accounts."""
    display_name: str | None
    weekday: int | None
    hour: int | None
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
    cost_usd: Decimal
    priced: int
    unpriced: int
    estimated: int


@dataclass(frozen=True, slots=True)
class UsageSumRow:
    """The sums of a period, and the first hour anything is known of, None where there is none."""

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
    cost_usd: Decimal
    priced: int
    unpriced: int
    estimated: int
    first_hour: datetime | None


@dataclass(frozen=True, slots=True)
class DearConversationRow:
    """A conversation and what it cost."""

    train: int
    conversation_id: UUID
    title: str | None
    side_call: str | None
    message_count: int
    error_count: int
    in_flight: int
    cost_usd: Decimal | None
    unpriced_count: int
    estimated_count: int
    total_input_tokens: int
    output_tokens: int
    last_at: datetime
    latest_status_code: int | None


@dataclass(frozen=True, slots=True)
class StateOfNowRow:
    """What runs, waits and was put aside; the heartbeat is the newest that a recorder gave, None without any tape."""

    running: int
    dead_letters: int
    last_dead_letter_at: datetime | None
    lag_bytes: int
    oldest_unrecorded_at: datetime | None
    heartbeat_at: datetime | None
    unpriced_models: list[str]
    """Models that have requests without a price, the most used first."""
    unpriced_requests: int
    burst_hour: datetime | None
    """The hour with the most errors among those looked at; None where none was a burst."""
    burst_errors: int | None
    burst_counted: int | None


@dataclass(frozen=True, slots=True)
class WindowGlance:
    """What a source said last of a window of an account; without a window where nothing was ever said of it."""

    account_id: str
    display_name: str | None
    kind: str
    window_name: str | None
    source: str | None
    utilization: float | None
    status: str | None
    reset_at: datetime | None
    last_at: datetime | None
    rejected_at: datetime | None
    seen_at: list[datetime]
    """When it was seen lately, in order of time; ``seen`` has the utilisation of each."""
    seen: list[float]


@dataclass(frozen=True, slots=True)
class CalledLimit:
    """A per-minute limit of an API key, as it was told last. The empty model stands for "none"."""

    account_id: str
    model: str
    name: str
    quota: int | None
    remaining: int | None
    reset_at: datetime | None
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class BudgetNow:
    """A budget, its running period, and what was used in that; ``key_id`` is None where it is the whole train's."""

    budget: int
    train: int
    key_id: str | None
    unit: str
    amount: Decimal
    period: str
    zone: str
    hard: bool
    starts_at: datetime
    ends_at: datetime
    cost_usd: Decimal
    tokens: int
    unpriced: int


@dataclass(frozen=True, slots=True)
class BudgetStep:
    """What was used of a budget in an hour or a day of its running period."""

    budget: int
    at: datetime
    cost_usd: Decimal
    tokens: int
