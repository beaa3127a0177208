"""From rows to the answers of the JSON API."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.kept import Kept
from dashboard.recordings.answers import (
    Pagination,
    RequestAnswer,
    RequestSummary,
    StreamingChunk,
    UsageAnswer,
)
from dashboard.recordings.bodies import Readable, chunks_of, readable, readable_value
from dashboard.recordings.detail import Bodies, Found
from dashboard.recordings.listing import Listing
from dashboard.recordings.query import Paged, RequestsQuery
from dashboard.render.secrets import said
from sql.rows.directory import AccountRow
from sql.rows.requests import RequestDetailRow, RequestRow, ResponseBodyRow

AS_IS = (
    "id", "method", "path", "status_code", "outcome", "error_type", "request_type", "stream", "stop_reason",
    "input_tokens", "output_tokens", "total_tokens", "cache_creation_input_tokens", "cache_read_input_tokens",
    "thinking_tokens", "request_bytes", "response_bytes", "client", "client_version", "session_id", "agent_id",
    "retry_count", "conversation_id", "branch_id", "parent_request_id", "link_method", "attempt_of", "is_subtask",
    "ended_at", "updated_at", "cost_estimated", "cost_reason",
)  # fmt: skip
"""Fields of a row that an answer has under the same name and in the same unit."""

DETAIL_AS_IS = (
    "query", "error_message", "parse_error", "note", "upstream_request_id", "message_id", "parent_agent_id", "key_id",
    "timings", "delivered_bytes", "request_headers", "response_headers", "event_count", "lost_frames",
    "current_message_hash", "parent_message_hash", "parent_task_request_id", "task_tool_invocation", "deriver_version",
    "price_id",
)  # fmt: skip
USAGE_AS_IS = (
    "input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens",
    "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens", "thinking_tokens", "web_search_requests",
    "web_fetch_requests", "code_execution_requests", "service_tier", "inference_geo", "speed",
)  # fmt: skip


def summary(row: RequestRow, trains: Mapping[int, str], accounts: Mapping[int, AccountRow]) -> RequestSummary:
    """A line of a list as the API gives it."""
    account = accounts.get(row.account) if row.account is not None else None
    return RequestSummary(**_summary_fields(row, trains[row.train], account))


def pagination(listing: Listing, query: RequestsQuery) -> Pagination:
    """Where the listing stands."""
    place = numbered_page(listing.total, query, capped=listing.total_capped)
    return Pagination(**place, next_cursor=listing.next_cursor, searched_back_to=listing.searched_back_to)


def numbered_page(total: int, query: Paged, *, capped: bool) -> dict[str, Any]:
    """Where a page of so many rows stands."""
    return {
        "total": total,
        "total_capped": capped,
        "page": query.skip // query.size + 1,
        "per_page": query.size,
        "total_pages": -(-total // query.size),
    }


def request_answer(found: Found, bodies: Bodies) -> RequestAnswer:
    """A request with its bodies as the API gives it."""
    row = found.row
    request, response = request_value(bodies), response_value(bodies)
    chunks = streaming_chunks(row, bodies.response)
    where = f"/api/requests/{row.id}/raw/"
    return RequestAnswer(
        **_summary_fields(row, found.train, found.account),
        **{name: said(getattr(row, name)) for name in DETAIL_AS_IS},
        usage=usage_answer(row),
        request_sha256=row.request_sha256.hex() if row.request_sha256 else None,
        response_sha256=row.response_sha256.hex() if row.response_sha256 else None,
        request_body=request.value,
        request_body_state=request.state,
        request_body_raw=where + "request",
        response_body=response.value,
        response_body_state=response.state,
        response_body_raw=where + "response",
        streaming_chunks=chunks,
        streaming_chunks_omitted=bodies.chunks_left_out,
    )


def request_value(bodies: Bodies) -> Readable:
    """The request's body as a value."""
    if bodies.request_too_large:
        return Readable(None, "too_large")
    return _as_kept(readable(None if bodies.request is None else bodies.request.body), bodies.request_kept)


def response_value(bodies: Bodies) -> Readable:
    """The answer's message as a value: rebuilt from a stream; what is no message as JSON or text."""
    if bodies.response_too_large:
        return Readable(None, "too_large")
    response = bodies.response
    if response is None:
        return _as_kept(readable(None), bodies.response_kept)
    message = response.message
    if message is not None:
        return _as_kept(readable_value(message), bodies.response_kept)
    body = response.raw if response.decoded is None else response.decoded
    return _as_kept(readable(body), bodies.response_kept)


def _as_kept(shown: Readable, of: Kept) -> Readable:
    """What was recorded only in part never passes for the whole, however readable it is."""
    if of is Kept.NOTHING:
        return Readable(None, "not_recorded")
    return replace(shown, state="partial") if of is Kept.PARTIAL else shown


def streaming_chunks(row: RequestDetailRow, response: ResponseBodyRow | None) -> list[StreamingChunk]:
    """The pieces of a streamed answer; none where the answer was no stream."""
    if response is None or not row.stream:
        return []
    if response.decoded is None:
        return chunks_of(response.raw, response.chunk_sizes, response.chunk_at_us, row.started_at)
    sizes = response.decoded_sizes or [len(response.decoded)]
    return chunks_of(response.decoded, sizes, response.chunk_at_us, row.started_at)


def usage_answer(row: RequestDetailRow) -> UsageAnswer:
    """Tokens of a request; the sum of input tokens stays unknown as long as any part that counts is."""
    parts = (row.input_tokens, row.cache_creation_input_tokens, row.cache_read_input_tokens)
    known = [part for part in parts if part is not None]
    return UsageAnswer(
        **{name: said(getattr(row, name)) for name in USAGE_AS_IS},
        total_input_tokens=sum(known) if row.input_tokens is not None else None,
        complete=row.usage_complete,
        raw=readable_value(row.usage).value,
    )


def _summary_fields(row: RequestRow | RequestDetailRow, train: str, account: AccountRow | None) -> dict[str, Any]:
    return {name: said(getattr(row, name)) for name in AS_IS} | {
        "train_id": train,
        "account_id": account.account_id if account is not None else None,
        "model": said(row.answered_model or row.model),
        "requested_model": said(row.model),
        "cost_usd": float(row.cost_usd) if row.cost_usd is not None else None,
        "response_time_ms": _ms(row.duration_us),
        "ttft_ms": _ms(row.ttft_us),
        "tape_wait_ms": _ms(row.tape_wait_us),
        "created_at": row.started_at,
    }


def _ms(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1000
