"""Bodies as JSON, under limits. orjson judges as the API does: it too refuses a BOM, NaN and lone surrogates.

(Its 400 for a cut emoji quotes orjson's own words, "no low surrogate in string".) What orjson refuses is a
``parse_error``. The bytes are recorded all the same, and what other readers take is read from a repaired text: a
record must not know less than the client that read the answer.
"""

import json
import re
from typing import Any, Final

import orjson

from core.errors import BrokenOffError, LimitExceededError

MAX_VALUES: Final = 8_000_000
"""JSON values in one body: ``[[],[],…`` of 32 MiB would take 1 GB of memory, and no real body comes near."""

SMALL: Final = 4 << 20
"""Bytes below which no body can hold too many values to matter."""

MAX_NESTING: Final = 200
"""orjson reads 1,024 levels and writes 254: what nests deeper could be read but not stored."""

MAX_REPAIRED: Final = 16 << 20
"""Bytes of the largest text that is repaired: the second reader takes ten times as long as orjson."""

_BOM: Final = "\ufeff"
_LONE = re.compile("[\ud800-\udfff]")
# What may stand at the very end of a text that breaks off: the beginning of a literal, a number or an escape.
_BEGUN = re.compile(r"\s*(?:-|t|tr|tru|f|fa|fal|fals|n|nu|nul|N|Na|-?I[nfity]{0,7}|[.eE+\-\d]*)\s*")
_BEGUN_ESCAPE = re.compile(r"u?[0-9a-fA-F]{0,4}")


def read_json(body: bytes) -> Any:
    """The value of a JSON text. Raises ValueError where it is none, LimitExceededError (one too) where it is too much.

    ``[`` five million times fails in 5 ms: orjson's own limit is 1,024 levels.
    """
    if len(body) > SMALL and sum(body.count(mark) for mark in (b",", b"[", b"{")) > MAX_VALUES:
        raise LimitExceededError("too many values")
    return orjson.loads(body)


def read_repaired(body: bytes) -> tuple[Any, str | None]:
    """The value of a JSON text, and what is wrong with it: None where orjson takes it.

    Else a BOM is skipped, bytes that are no UTF-8 are U+FFFD, NaN and infinities null, a number beyond a double its
    digits as text. Lone surrogates stay: two texts may hold the halves of a pair, ``well_formed`` joins or replaces
    them. Raises ValueError where the text is no JSON, BrokenOffError where it only lacks its end, LimitExceededError.
    """
    try:
        return read_json(body), None
    except LimitExceededError:
        raise
    except ValueError as exc:
        return _repaired(body, str(exc)), str(exc)


def _repaired(body: bytes, fault: str) -> Any:
    if len(body) > MAX_REPAIRED:
        raise ValueError(fault)
    text = body.decode("utf-8", "replace").removeprefix(_BOM)
    try:
        value = _LENIENT.decode(text)
    except json.JSONDecodeError as exc:
        raise (BrokenOffError if _breaks_off(text, exc) else ValueError)(fault) from None
    except (ValueError, RecursionError):
        raise ValueError(fault) from None
    if _nests_too_deep(value):
        raise LimitExceededError("nested too deep")
    return value


def _breaks_off(text: str, fault: json.JSONDecodeError) -> bool:
    if fault.msg.startswith("Unterminated"):
        return True
    begun = _BEGUN_ESCAPE if "escape" in fault.msg else _BEGUN
    return fault.msg != "Extra data" and begun.fullmatch(text, fault.pos) is not None


def _whole_number(digits: str) -> int | float | str:
    if len(digits) <= 20 and -(1 << 63) <= (number := int(digits)) < 1 << 64:
        return number
    return _number(digits)


def _number(digits: str) -> float | str:
    number = float(digits)
    return digits if number in {float("inf"), float("-inf")} else number


_LENIENT: Final = json.JSONDecoder(
    parse_int=_whole_number, parse_float=_number, parse_constant=lambda _name: None, strict=False
)


def _nests_too_deep(value: Any) -> bool:
    """Level by level, so that no depth exhausts the stack."""
    level = [value]
    for _ in range(MAX_NESTING + 1):
        within = [
            outer.values() if isinstance(outer, dict) else outer for outer in level if isinstance(outer, (dict, list))
        ]
        if not within:
            return False
        level = [inner for values in within for inner in values]
    return True


def well_formed(value: Any) -> Any:
    """The value with surrogates joined to the characters they are halves of, and U+FFFD for those left alone.

    For values of ``read_repaired``, whose nesting is bounded.
    """
    if isinstance(value, str):
        return joined(value)
    if isinstance(value, dict):
        return {well_formed(name): well_formed(inner) for name, inner in value.items()}
    return [well_formed(inner) for inner in value] if isinstance(value, list) else value


def joined(text: str) -> str:
    """The text with surrogates joined to the characters they are halves of, and U+FFFD for those left alone."""
    if text.isascii() or _LONE.search(text) is None:
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def storable_object(value: Any, body: bytes) -> dict[str, Any]:
    """The value of ``body``, if it is an object that can be written again; else ValueError."""
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 # the bytes are wrong, not a caller's type
    if len(body) > MAX_NESTING:
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
