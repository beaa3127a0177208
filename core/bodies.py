"""Bodies as JSON, under limits. orjson judges as the API does: it too refuses a BOM, NaN and lone surrogates.

(Its 400 for a cut emoji quotes orjson's own words, "no low surrogate in string".) What orjson refuses is a
``parse_error``; the bytes are recorded all the same.
"""

from typing import Any, Final

import orjson

from core.errors import LimitExceededError

MAX_VALUES: Final = 8_000_000
"""JSON values in one body: ``[[],[],…`` of 32 MiB would take 1 GB of memory, and no real body comes near."""

SMALL: Final = 4 << 20
"""Bytes below which no body can hold too many values to matter."""

MAX_NESTING: Final = 200
"""orjson reads 1,024 levels and writes 254: what nests deeper could be read but not stored."""


def read_json(body: bytes) -> Any:
    """The value of a JSON text. Raises ValueError where it is none, LimitExceededError (one too) where it is too much.

    ``[`` five million times fails in 5 ms: orjson's own limit is 1,024 levels.
    """
    if len(body) > SMALL and sum(body.count(mark) for mark in (b",", b"[", b"{")) > MAX_VALUES:
        raise LimitExceededError("too many values")
    return orjson.loads(body)


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object that can be written again. Raises as ``read_json``, also where it is no object."""
    return storable_object(read_json(body), body)


def storable_object(value: Any, body: bytes) -> dict[str, Any]:
    """The value of ``body``, if it is an object that can be written again; else ValueError."""
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 # the bytes are wrong, not a caller's type
    check_nesting(value, body.count(b"{") + body.count(b"["))
    return value


def check_nesting(value: Any, openers: int) -> None:
    """Refuse a value that nests too deep to be written; ``openers`` is the number of ``{`` and ``[`` in its text."""
    if openers <= MAX_NESTING:
        return
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError as exc:
        raise LimitExceededError("nested too deep") from exc
