"""The frozen contract between the proxy, the recorder and the database: one recorded call and its parts.

Times called ``*_us`` are microseconds. ``at_us`` is unix wall clock; every other one counts from the moment the
proxy accepted the call, on the monotonic clock, so no duration is ever negative.
"""

from dataclasses import field
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from core.valueclass import valueclass

DERIVER_VERSION = 1
"""Grows when anything derived from the stored bytes changes its meaning; stored on each row."""

Headers = tuple[tuple[str, str], ...]
"""Header fields in their order on the wire; redacted before they get here."""

CredentialKind = Literal["api_key", "oauth"]


class Outcome(StrEnum):
    """How a call ended; the first that happened decides. A row without an outcome is in flight."""

    OK = "ok"
    UPSTREAM_ERROR = "upstream_error"
    STREAM_ERROR = "stream_error"
    UPSTREAM_RESET = "upstream_reset"
    UPSTREAM_INCOMPLETE = "upstream_incomplete"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    UPSTREAM_UNREACHABLE = "upstream_unreachable"
    CLIENT_CANCELLED = "client_cancelled"
    CLIENT_TIMEOUT = "client_timeout"
    REJECTED = "rejected"
    PROXY_SHUTDOWN = "proxy_shutdown"
    PROXY_CRASH = "proxy_crash"


class RequestType(StrEnum):
    """A label to filter by (product.md); every type is recorded alike."""

    INFERENCE = "inference"
    QUERY_EVALUATION = "query_evaluation"
    QUOTA = "quota"


@valueclass(frozen=True, slots=True)
class Start:
    """What is known when a call is accepted; the payload of a ``start`` frame."""

    request_id: UUID
    at_us: int
    boot_id: str
    method: str
    target: str
    """Path and query as they went upstream (train prefix removed, secrets in the query redacted)."""
    headers: Headers
    train: str
    key_id: str | None = None
    credential_kind: CredentialKind | None = None
    credential_hmac: str | None = None
    """32 hex characters of HMAC-SHA-256 over the credential under the installation's secret."""


@valueclass(frozen=True, slots=True)
class Head:
    """The response head as the upstream sent it, or ours when we answered; the payload of a ``head`` frame."""

    status: int
    headers: Headers
    ours: bool = False
    """True when the proxy made this answer itself (502, 504, 413 …)."""


@valueclass(frozen=True, slots=True)
class Timings:
    """When what happened, microseconds since the accept; None = never happened."""

    connected_us: int | None = None
    request_sent_us: int | None = None
    head_us: int | None = None
    first_byte_us: int | None = None
    last_byte_us: int | None = None
    end_us: int = 0
    tape_wait_us: int = 0
    """How long the response head was held for the tape's sync: the part of our own overhead that recording costs."""
    connection_reused: bool | None = None


ANSWERED_EARLY = "answered before the request was through"
"""The note of a call whose answer was complete first: of the request only what was relayed by then is recorded."""


@valueclass(frozen=True, slots=True)
class End:
    """How the relay of a call ended; the payload of an ``end`` frame.

    The proxy does not parse, so it says ``ok`` where the bytes ended well; the recorder refines that to
    ``upstream_error``, ``stream_error`` or ``upstream_incomplete``.
    """

    outcome: Outcome
    request_bytes: int
    response_bytes: int
    delivered_bytes: int
    timings: Timings = field(default_factory=Timings)
    note: str | None = None
    """A constant phrase on what went wrong (never input): ``connect refused``, ``tls``, ``body over limit`` …"""
    lost_frames: int = 0
    """Frames of this call that never reached the tape because it was full (policy ``serve``), or were damaged on it.

    Of a body with lost frames no outcome is concluded, no hash and no usage; see ``core.kept``.
    """
    trailers: Headers = ()
    """Fields behind a chunked request's body, which go no further (faults.md, row 42); redacted like headers."""


@valueclass(frozen=True, slots=True)
class Chunk:
    """One piece of the response as it came off the wire."""

    size: int
    at_us: int


@valueclass(frozen=True, slots=True)
class Usage:
    """Tokens as the API reported them; None is unknown, never 0. The names are the API's."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None
    thinking_tokens: int | None = None
    web_search_requests: int | None = None
    web_fetch_requests: int | None = None
    code_execution_requests: int | None = None
    service_tier: str | None = None
    inference_geo: str | None = None
    speed: str | None = None
    complete: bool = False
    """False when the answer broke off, so later figures may be missing."""
    raw: dict[str, Any] | None = None


@valueclass(frozen=True, slots=True)
class BatchMessage:
    """A message that a batch brought."""

    model: str | None
    usage: Usage


@valueclass(frozen=True, slots=True)
class BatchResults:
    """The results of a message batch, as one request fetched them."""

    batch_id: str
    messages: tuple[BatchMessage, ...]
    counts: tuple[tuple[str, int], ...]
    """How many results there are of each type: ``succeeded``, ``errored``, ``canceled``, ``expired``."""
    whole: bool
    """Whether every result was fetched and could be read."""


@valueclass(frozen=True, slots=True)
class Origin:
    """Who sent a call, from headers or ``metadata.user_id`` (wire.md, client identity)."""

    client: str | None = None
    client_version: str | None = None
    session_id: str | None = None
    agent_id: str | None = None
    parent_agent_id: str | None = None
    account_uuid: str | None = None
    retry_count: int | None = None


@valueclass(frozen=True, slots=True)
class AccountEvidence:
    """What is known of the account that paid (security.md, account of a passed-on credential).

    ``account_id`` is the best name the call itself gives; ``strength`` orders the sources, so that a later and
    stronger one renames what was filed under a weaker one.
    """

    account_id: str
    kind: Literal["api_key", "oauth"]
    credential_hmac: str
    strength: Literal["hmac", "organization", "account_uuid", "api_key"]


@valueclass(frozen=True, slots=True)
class Recording:
    """One recorded call, complete: what was taped, and everything derived from it."""

    start: Start
    head: Head | None
    end: End
    outcome: Outcome
    """The refined outcome; what rows and pages show."""

    request_body: bytes
    response_body: bytes
    """As it crossed the wire, still encoded where the upstream encoded it."""
    response_decoded: bytes | None
    """Inflated copy, only where ``content-encoding`` was set and could be undone."""
    chunks: tuple[Chunk, ...]
    decoded_sizes: tuple[int, ...] | None
    """Parallel to ``chunks``: how many inflated bytes each chunk gave. None where nothing was inflated."""
    request_sha256: bytes | None
    """None where frames of the body were lost: the hash of a part would pass for that of the whole."""
    response_sha256: bytes | None

    request_type: RequestType | None
    """None where the body is not a message request."""
    model: str | None
    answered_model: str | None
    stream: bool | None
    message: dict[str, Any] | None
    """The assistant message, as sent or rebuilt from the stream; nothing dropped."""
    message_id: str | None
    stop_reason: str | None
    usage: Usage
    error_type: str | None
    error_message: str | None
    parse_error: str | None
    upstream_request_id: str | None
    origin: Origin
    account: AccountEvidence | None

    ttft_us: int | None
    """Accept to the first content_block_start or delta; to the first body byte where there is no stream."""
    duration_us: int
    event_count: int | None = None
    batch: BatchResults | None = None
    """Where the call fetched a batch's results: what is in them. ``usage`` is then the sum of it."""
