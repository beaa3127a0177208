"""Conversations, their requests and sessions as the dashboard reads them; the migration says what a column means."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A conversation's roll-up."""

    train: int
    conversation_id: UUID
    title: str | None
    side_call: str | None
    account: int | None
    first_at: datetime
    last_at: datetime
    message_count: int
    attempt_count: int
    error_count: int
    in_flight: int
    branch_count: int
    subtask_count: int
    compaction_count: int
    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    cost_usd: Decimal | None
    unpriced_count: int
    estimated_count: int
    models: list[str]
    session_ids: list[str]
    latest_request: UUID
    latest_started_at: datetime | None
    latest_status_code: int | None
    latest_model: str | None
    shape: list[dict[str, Any]]

    @property
    def side_branches(self) -> int:
        """Branches that somebody opened: not main, not what follows a compaction."""
        return max(0, self.branch_count - 1)

    @property
    def total_input_tokens(self) -> int:
        """Fresh, written to the cache and read from it."""
        return self.input_tokens + self.cache_creation_input_tokens + self.cache_read_input_tokens

    @property
    def cached_percent(self) -> int | None:
        """How much of the input came from the cache; None without input."""
        whole = self.total_input_tokens
        return round(100 * self.cache_read_input_tokens / whole) if whole else None


@dataclass(frozen=True, slots=True)
class FoundConversationRow(ConversationRow):
    """A conversation's roll-up, and which versions of its requests there are."""

    versions: int | None
    """Equal as long as none of its requests changes, comes or goes; None where there is none."""


@dataclass(frozen=True, slots=True)
class BranchRow:
    """A branch of a conversation."""

    conversation_id: UUID
    branch_id: str
    parent_hash: str | None
    created_at: datetime
    message_count: int


@dataclass(frozen=True, slots=True)
class ConversationRequestRow:
    """A request as a node of its conversation's tree. ``launches``: id, name and purpose of each sub-agent launched."""

    id: UUID
    account: int | None
    parent_request_id: UUID | None
    link_method: str | None
    branch_id: str | None
    is_subtask: bool
    parent_task_request_id: UUID | None
    attempt_of: UUID | None
    side_call: str | None
    session_id: str | None
    agent_id: str | None
    outcome: str | None
    status_code: int | None
    error_type: str | None
    stop_reason: str | None
    model: str | None
    answered_model: str | None
    request_type: str | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cache_creation_input_tokens: int | None
    cache_read_input_tokens: int | None
    ephemeral_5m_input_tokens: int | None
    ephemeral_1h_input_tokens: int | None
    thinking_tokens: int | None
    cost_usd: Decimal | None
    cost_estimated: bool | None
    cost_reason: str | None
    started_at: datetime
    ended_at: datetime | None
    updated_at: datetime
    ttft_us: int | None
    duration_us: int | None
    request_bytes: int | None
    item_count: int | None
    current_message_hash: str | None
    parent_message_hash: str | None
    message_id: str | None
    preview: str | None
    launches: list[dict[str, Any]] | None

    @property
    def total_input_tokens(self) -> int | None:
        """Fresh, written to the cache and read from it, as far as reported."""
        if self.input_tokens is None:
            return None
        return self.input_tokens + (self.cache_creation_input_tokens or 0) + (self.cache_read_input_tokens or 0)


@dataclass(frozen=True, slots=True)
class RequestBytesRow:
    """The exact body of one of several requests; None where none is stored or a part of it is missing."""

    id: UUID
    body: bytes | None


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """The assistant message of one of several answers; None where the answer was none."""

    id: UUID
    message: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class ToolCallRow:
    """A tool call, without what was said."""

    id: UUID
    block_index: int
    tool_use_id: str
    name: str
    is_error: bool | None
    result_size: int | None
    duration_us: int | None


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A request beside another one: its attempts and children."""

    id: UUID
    parent_request_id: UUID | None
    attempt_of: UUID | None
    link_method: str | None
    branch_id: str | None
    is_subtask: bool
    outcome: str | None
    started_at: datetime
    item_count: int | None
    """Items of its transcript in normal form."""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One run of a client."""

    train: int
    session_id: str
    client: str | None
    client_version: str | None
    account: int | None
    first_at: datetime
    last_at: datetime
    request_count: int


@dataclass(frozen=True, slots=True)
class SessionTalkRow:
    """A conversation of one of several sessions."""

    session_id: str
    train: int
    conversation_id: UUID
    title: str | None
    side_call: str | None
    message_count: int


@dataclass(frozen=True, slots=True)
class NowRow:
    """A call that runs; or, without an id, how many requests the rebuild of a train has done, of how many."""

    train: int
    rebuilt: int | None
    total: int | None
    started_at: datetime
    id: UUID | None
    session_id: str | None
    agent_id: str | None
