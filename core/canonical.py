"""JSON values in the one form that may be hashed: RFC 8785 (sorted keys, numbers as JavaScript prints them)."""

from typing import Any, Final

import orjson
import rfc8785

from core.errors import LimitExceededError

_SAFE: Final = 2**53
"""Above this a JavaScript number is no longer every integer."""


def canonical(value: Any) -> bytes:
    """The canonical bytes of a parsed JSON value. Raises LimitExceededError where it nests deeper than orjson writes.

    Nearly all values hold no fraction and no key outside ASCII: there orjson writes the same bytes, much faster.
    """
    try:
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as exc:
        raise LimitExceededError("nested too deep") from exc
    return text if _is_plain(value) else rfc8785.dumps(_as_javascript(value))


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is dict:
        # RFC 8785 sorts by UTF-16 units, orjson by code points: they agree on ASCII.
        return all(name.isascii() and (type(part) is str or _is_plain(part)) for name, part in value.items())
    if kind is list:
        return all(type(part) is str or _is_plain(part) for part in value)
    return kind is int and -_SAFE < value < _SAFE


def _as_javascript(value: Any) -> Any:
    """The same value with large integers as the doubles that JavaScript makes of them."""
    if isinstance(value, dict):
        return {name: _as_javascript(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_as_javascript(part) for part in value]
    return float(value) if type(value) is int and not -_SAFE < value < _SAFE else value
