"""Rows of the recorder's linking."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class LinkBegin:
    """A request that is recorded whole already, or that linking remembers, or that a person corrected."""

    id: UUID
    complete: bool
    noted: bool
    corrected: bool
    parent: UUID | None


@dataclass(frozen=True, slots=True)
class LinkCorrection:
    """A person's word on a request's parent; None where it has none."""

    request: UUID
    parent: UUID | None


@dataclass(frozen=True, slots=True)
class LinkFact:
    """One row of ``link_keys``, and the number of the look-up that found it, from 1."""

    n: int
    kind: int
    key: bytes
    request: UUID
    lane: bytes
    client: str
    started_us: int
    state: bytes | None
    messages: int
    answered: bool
    failed: bool
    first: bytes | None
    summary: bytes | None


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """The id of a request."""

    request: UUID


@dataclass(frozen=True, slots=True)
class LinkKeyName:
    """A key that somebody provides."""

    key: bytes


@dataclass(frozen=True, slots=True)
class LinkName:
    """A key of a kind that somebody provides."""

    kind: int
    key: bytes


@dataclass(frozen=True, slots=True)
class LinkFailure:
    """A call that failed and that nobody claimed."""

    rivals: bytes
    request: UUID
    failed_at_us: int
    retry_count: int | None


@dataclass(frozen=True, slots=True)
class LinkNote:
    """What is remembered of one request, packed."""

    record: bytes


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A recorded call: its row, its bytes, and what was remembered of it."""

    id: UUID
    method: str
    path: str
    query: str | None
    key_id: str | None
    account: int | None
    account_id: str | None
    started_at: datetime
    request_headers: list[list[str]]
    status_code: int | None
    response_headers: list[list[str]] | None
    outcome: str
    note: str | None
    timings: dict[str, Any]
    request_bytes: int | None
    response_bytes: int | None
    delivered_bytes: int | None
    lost_frames: int
    request_body: bytes | None
    raw: bytes | None
    chunk_sizes: list[int] | None
    chunk_at_us: list[int] | None
    record: bytes | None
