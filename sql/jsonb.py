"""JSON values to and from jsonb. Any value json can write is taken.

The type holds neither NUL nor lone surrogates: those become U+FFFD here, as in the public views. Whoever needs the
truth reads the raw bytes.
"""

import json
import re
from typing import Any

import orjson

REPLACEMENT = "\ufffd"

# An escape counts only behind an even number of backslashes.
_UNFIT = re.compile(
    r"(?<!\\)((?:\\\\)*)"
    r"(?:\\u0000|(\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})|\\ud[89a-f][0-9a-f]{2})",
    re.IGNORECASE,
)


def encode(value: Any) -> str:
    """JSON text that jsonb takes. Raises what ``json.dumps`` raises for what is no JSON value."""
    try:
        text = orjson.dumps(value).decode()
    except (TypeError, ValueError):
        # Lone surrogates, integers over 64 bits, deep nesting: orjson refuses what json writes.
        text = json.dumps(value)
    return readable_escapes(text) if "\\u" in text else text


def readable_escapes(text: str) -> str:
    """JSON text with the escapes of NUL and of lone surrogates replaced by U+FFFD; pairs stay."""
    return _UNFIT.sub(lambda found: found[0] if found[2] else f"{found[1]}{REPLACEMENT}", text)


def decode(text: str) -> Any:
    """The value of JSON text as Postgres writes it."""
    try:
        return orjson.loads(text)
    except ValueError:
        # A numeric may have thousands of digits, and nesting may be deeper than orjson goes.
        return json.loads(text)


def readable(text: str) -> str:
    """Text that a text column takes: NUL and lone surrogates as U+FFFD."""
    return re.sub("[\x00\ud800-\udfff]", REPLACEMENT, text)
