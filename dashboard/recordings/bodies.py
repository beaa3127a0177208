"""Stored bytes made readable. Any bytes give valid JSON; what had to be changed or left out, the state says.

The exact bytes are always at ``/api/requests/{id}/raw/…``.
"""

import codecs
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from dashboard.recordings.answers import BodyState, StreamingChunk
from dashboard.render.hidden import sendable

MOST_SHOWN_BYTES = 8 * 1024 * 1024
"""Larger bodies are not put into an answer: it says how large they are and where the raw bytes are."""

DEEPEST = 200
"""Nesting that our own JSON writer can take (it gives up at 254), with room for what is around a body."""


@dataclass(frozen=True, slots=True)
class Readable:
    """A body as JSON value, and how far that is the whole truth."""

    value: Any
    state: BodyState


def readable_value(value: Any) -> Readable:
    """A value that came out of the database as JSON."""
    if not _shallow(value):
        return Readable(None, "too_large")
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return Readable(_writable(value), "repaired")
    return Readable(value, "json")


def readable(body: bytes | None) -> Readable:
    """The JSON value in a body, or its text. Integers beyond 64 bits are rounded, as every JSON reader may do."""
    if body is None:
        return Readable(None, "missing")
    if not body:
        return Readable(None, "empty")
    if len(body) > MOST_SHOWN_BYTES:
        return Readable(None, "too_large")
    try:
        value = orjson.loads(body)
        orjson.dumps(value)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return _repaired(body)
    return Readable(value, "json") if _shallow(value) else Readable(body.decode("utf-8"), "text")


def _repaired(body: bytes) -> Readable:
    text = body.decode("utf-8", "replace")
    try:
        value = json.loads(text.removeprefix("\ufeff"), parse_constant=lambda _name: None)
        if _shallow(value):
            return Readable(_writable(value), "repaired")
    except (ValueError, RecursionError):
        # No JSON: shown as text below.
        pass
    return Readable(text, "text")


def _shallow(value: Any) -> bool:
    """Whether nesting stays within ``DEEPEST``; level by level, so that no depth can exhaust the stack."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return True
    return False


def _writable(value: Any) -> Any:
    """The value with U+FFFD for lone surrogates and text for integers over 64 bits; at most ``DEEPEST`` deep."""
    if isinstance(value, str):
        return sendable(value)
    if isinstance(value, dict):
        return {_writable(key): _writable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_writable(inner) for inner in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    if isinstance(value, float) and value in {float("inf"), float("-inf")}:
        return None
    return value


def chunks_of(body: bytes, sizes: Sequence[int], at_us: Sequence[int], started_at: datetime) -> list[StreamingChunk]:
    """A body as the pieces it came in; a character that was cut in two counts to the piece that completes it.

    The pieces' texts joined are the text of the whole body.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    chunks: list[StreamingChunk] = []
    offset = 0
    for index, (size, at) in enumerate(zip(sizes, at_us, strict=False)):
        content = decoder.decode(body[offset : offset + size], final=index == len(sizes) - 1)
        offset += size
        moment = started_at + timedelta(microseconds=at)
        chunks.append(StreamingChunk(chunk_index=index, content=content, size=size, at_us=at, created_at=moment))
    return chunks
