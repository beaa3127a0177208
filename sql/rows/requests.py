"""Requests as the dashboard reads them. Times ``*_us`` are microseconds; None is unknown; no outcome is in flight."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sql import jsonb


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One line of a list."""

    train: int
    id: UUID
    account: int | None
    method: str
    path: str
    request_type: str | None
    model: str | None
    answered_model: str | None
    stream: bool | None
    client: str | None
    client_version: str | None
    session_id: str | None
    agent_id: str | None
    outcome: str | None
    status_code: int | None
    error_type: str | None
    stop_reason: str | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cache_creation_input_tokens: int | None
    cache_read_input_tokens: int | None
    thinking_tokens: int | None
    usage_complete: bool | None
    cost_usd: Decimal | None
    cost_estimated: bool | None
    cost_reason: str | None
    started_at: datetime
    ended_at: datetime | None
    updated_at: datetime
    ttft_us: int | None
    duration_us: int | None
    tape_wait_us: int | None
    request_bytes: int | None
    response_bytes: int | None
    retry_count: int | None
    conversation_id: UUID | None
    branch_id: str | None
    parent_request_id: UUID | None
    link_method: str | None
    attempt_of: UUID | None
    is_subtask: bool


@dataclass(frozen=True, slots=True)
class RequestDetailRow:
    """Everything of one request but its bodies."""

    train: int
    id: UUID
    original_id: UUID | None
    node: str
    account: int | None
    key_id: str | None
    method: str
    path: str
    query: str | None
    request_type: str | None
    model: str | None
    answered_model: str | None
    stream: bool | None
    client: str | None
    client_version: str | None
    session_id: str | None
    agent_id: str | None
    parent_agent_id: str | None
    retry_count: int | None
    outcome: str | None
    status_code: int | None
    error_type: str | None
    error_message: str | None
    parse_error: str | None
    note: str | None
    upstream_request_id: str | None
    message_id: str | None
    stop_reason: str | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cache_creation_input_tokens: int | None
    cache_read_input_tokens: int | None
    ephemeral_5m_input_tokens: int | None
    ephemeral_1h_input_tokens: int | None
    thinking_tokens: int | None
    web_search_requests: int | None
    web_fetch_requests: int | None
    code_execution_requests: int | None
    service_tier: str | None
    inference_geo: str | None
    speed: str | None
    usage: Any
    usage_complete: bool | None
    cost_usd: Decimal | None
    price_id: str | None
    cost_estimated: bool | None
    cost_reason: str | None
    started_at: datetime
    ended_at: datetime | None
    updated_at: datetime
    ttft_us: int | None
    duration_us: int | None
    timings: Any
    tape_wait_us: int | None
    request_bytes: int | None
    response_bytes: int | None
    delivered_bytes: int | None
    request_sha256: bytes | None
    response_sha256: bytes | None
    request_headers: Any
    response_headers: Any
    event_count: int | None
    lost_frames: int
    conversation_id: UUID | None
    branch_id: str | None
    parent_request_id: UUID | None
    link_method: str | None
    current_message_hash: str | None
    parent_message_hash: str | None
    is_subtask: bool
    parent_task_request_id: UUID | None
    task_tool_invocation: Any
    attempt_of: UUID | None
    deriver_version: int


@dataclass(frozen=True, slots=True)
class RequestBodyRow:
    """A request's body: the bytes as they crossed the wire, their number and SHA-256 as stored."""

    body: bytes | None
    size: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class ResponseBodyRow:
    """A response's body. ``chunk_sizes``, ``decoded_sizes`` and ``chunk_at_us`` are parallel, one entry per chunk."""

    raw: bytes
    decoded: bytes | None
    message_json: str | None
    """The message as text: it may be megabytes, which are not to be read on the event loop."""
    chunk_sizes: list[int]
    decoded_sizes: list[int] | None
    chunk_at_us: list[int]
    size: int
    sha256: bytes

    @property
    def message(self) -> Any:
        """The message in it; None where there is none. Read anew each time, in a thread where it may be large."""
        return None if self.message_json is None else jsonb.decode(self.message_json)


@dataclass(frozen=True, slots=True)
class BodySizesRow:
    """Bytes of the stored bodies; None where there is none (yet)."""

    request_size: int | None
    response_size: int | None
    decoded_size: int | None
    chunks: int | None


@dataclass(frozen=True, slots=True)
class PlanModeRow:
    """How statements are planned from here on."""

    plan_cache_mode: str


@dataclass(frozen=True, slots=True)
class JoinedRow:
    """The conversation that another one was joined to; None: it was to none."""

    id: UUID | None


@dataclass(frozen=True, slots=True)
class SearchedToRow:
    """The oldest request that is looked at; None: all are."""

    id: UUID | None
