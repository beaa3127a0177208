"""What the JSON API says of requests (api.md). An unknown is null, never 0; times are ISO 8601, UTC."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

BodyState = Literal["json", "repaired", "text", "too_large", "empty", "missing", "not_recorded", "partial"]
"""``repaired``: JSON with lone surrogates, NaN or the like replaced; ``text``: no JSON, or nested too deep for it,
shown as a string with U+FFFD for bytes that are no UTF-8; ``missing``: not stored, or not yet;
``not_recorded``: the tape was full when the call was made, or damaged; ``partial``: a part of it is missing so."""


class Answer(BaseModel):
    """An answer, or a part of one."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="forbid")


class NumberedPage(Answer):
    """Where in a list an answer stands."""

    total: int = Field(description="Rows that fit, counted up to 10000")
    total_capped: bool = Field(description="There are more than `total` says")
    page: int
    per_page: int
    total_pages: int = Field(description="Pages of the counted rows")


class Pagination(NumberedPage):
    """Where in the list of requests an answer stands."""

    next_cursor: UUID | None = Field(description="`before` of the next page; null on the last")
    searched_back_to: datetime | None = Field(
        description="Where a search without an index ended, whose rows `total` counts; `next_cursor` looks further back"
    )


class UsageAnswer(Answer):
    """Tokens as the API reported them; null is unknown."""

    input_tokens: int | None
    output_tokens: int | None
    cache_creation_input_tokens: int | None
    cache_read_input_tokens: int | None
    ephemeral_5m_input_tokens: int | None
    ephemeral_1h_input_tokens: int | None
    thinking_tokens: int | None = Field(description="Part of output_tokens")
    web_search_requests: int | None
    web_fetch_requests: int | None
    code_execution_requests: int | None
    total_input_tokens: int | None = Field(description="input + cache writes + cache reads, as far as reported")
    service_tier: str | None
    inference_geo: str | None
    speed: str | None
    complete: bool | None = Field(description="False when the answer broke off, so figures may be missing")
    raw: Any = Field(description="The usage object as reported")


class RequestSummary(Answer):
    """A request without its bodies."""

    id: UUID
    train_id: str = Field(alias="trainId")
    account_id: str | None
    method: str
    path: str
    status_code: int | None = Field(description="Null where no answer came (yet)")
    outcome: str | None = Field(description="Null while the call is in flight")
    error_type: str | None
    model: str | None = Field(description="The model that answered; where none did, the one asked for")
    requested_model: str | None
    request_type: str | None
    stream: bool | None
    stop_reason: str | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None = Field(description="input_tokens + output_tokens")
    cache_creation_input_tokens: int | None
    cache_read_input_tokens: int | None
    thinking_tokens: int | None
    cost_usd: float | None = Field(description="By the price valid at its start; null: unknown, or nothing was sold")
    cost_estimated: bool | None
    cost_reason: str | None = Field(description="Why the cost is an estimate, or why it is unknown")
    response_time_ms: float | None = Field(description="From accept to the last byte")
    ttft_ms: float | None = Field(description="From accept to the first content")
    tape_wait_ms: float | None = Field(description="How long the answer's head waited for the tape's sync")
    request_bytes: int | None
    response_bytes: int | None
    client: str | None
    client_version: str | None
    session_id: str | None
    agent_id: str | None
    retry_count: int | None
    conversation_id: UUID | None
    branch_id: str | None
    parent_request_id: UUID | None
    link_method: str | None
    attempt_of: UUID | None
    is_subtask: bool
    created_at: datetime = Field(description="When the proxy accepted the call")
    ended_at: datetime | None
    updated_at: datetime


class RequestsAnswer(Answer):
    """A page of requests, newest first."""

    requests: list[RequestSummary]
    pagination: Pagination


class Bucket(Answer):
    """Requests that took from one time up to another."""

    from_ms: float
    to_ms: float | None = Field(description="Not itself; null is without end")
    requests: int


class HistogramAnswer(Answer):
    """How long the newest requests of a list took."""

    requests: int = Field(description="Ended requests that were looked at, the newest that fit")
    sampled: bool = Field(description="There may be older ones that fit: the figures are of the newest only")
    p50_ms: float | None = Field(description="Half of them took so long or less; null without any")
    p95_ms: float | None
    p99_ms: float | None
    buckets: list[Bucket]


class StreamingChunk(Answer):
    """One piece of the response as it came off the wire."""

    chunk_index: int
    content: str = Field(description="Inflated text; bytes that are no UTF-8 are U+FFFD")
    size: int = Field(description="Inflated bytes")
    at_us: int = Field(description="Microseconds since the accept")
    created_at: datetime


class RequestAnswer(RequestSummary):
    """A request with everything that was recorded of it."""

    query: str | None = Field(description="Query string of the call, secrets redacted")
    error_message: str | None
    parse_error: str | None = Field(description="What could not be read in the recorded bytes")
    note: str | None
    upstream_request_id: str | None
    message_id: str | None
    parent_agent_id: str | None
    key_id: str | None
    usage: UsageAnswer
    price_id: str | None = Field(description="The price in /api/prices that it was priced by")
    timings: dict[str, Any] | None = Field(description="Microseconds since the accept")
    delivered_bytes: int | None
    request_headers: list[tuple[str, str]]
    response_headers: list[tuple[str, str]] | None
    event_count: int | None
    lost_frames: int
    current_message_hash: str | None
    parent_message_hash: str | None
    parent_task_request_id: UUID | None
    task_tool_invocation: Any
    deriver_version: int
    request_sha256: str | None
    response_sha256: str | None
    request_body: Any = Field(description="The body's JSON; text where it is none: see request_body_state")
    request_body_state: BodyState
    request_body_raw: str = Field(description="Where the exact bytes are")
    response_body: Any = Field(description="The message, rebuilt from its events where it was streamed")
    response_body_state: BodyState
    response_body_raw: str = Field(description="Where the exact bytes are")
    streaming_chunks: list[StreamingChunk]
    streaming_chunks_omitted: int = Field(description="Chunks left out because the response is too large to show")
