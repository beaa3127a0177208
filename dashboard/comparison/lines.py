"""Any JSON value as lines for people: an entry a line, text as it reads, secrets masked, base64 named by its hash."""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from dashboard.render import figures
from dashboard.render.json_view import DEEPEST, Number
from dashboard.render.secrets import Mask, masked

MOST_LINES = 20_000
"""Lines of one value; what is beyond is counted by the caller's bound."""
INDENT = "  "
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{1024,}+={0,2}")


def lines_of(value: Any, mask: Mask) -> list[str]:
    """The lines of a value. The same value always gives the same lines."""
    made: list[str] = []
    for line in _value(value, "", mask, 0):
        if len(made) >= MOST_LINES:
            made.append("… more than can be compared; the raw download has it")
            break
        made.append(line)
    return made


def _value(value: Any, label: str, mask: Mask, depth: int) -> Iterator[str]:
    indent = INDENT * depth
    if isinstance(value, (dict, list)) and value:
        if depth >= DEEPEST:
            yield f"{indent}{label}… nested too deeply"
            return
        inside = depth
        if label:
            yield f"{indent}{label.rstrip()}"
            inside = depth + 1
        yield from _entries(value, mask, inside)
    elif isinstance(value, str) and not isinstance(value, Number):
        yield from _text(value, label, mask, depth)
    else:
        yield f"{indent}{label}{value if isinstance(value, Number) else json.dumps(value)}"


def _entries(value: dict[str, Any] | list[Any], mask: Mask, depth: int) -> Iterator[str]:
    if isinstance(value, dict):
        encoded = value.get("type") == "base64"
        for name, inner in value.items():
            label = f"{masked(str(name), mask)}: "
            if encoded and name == "data" and isinstance(inner, str):
                yield f"{INDENT * depth}{label}{_named(inner)}"
            else:
                yield from _value(inner, label, mask, depth)
    else:
        for number, inner in enumerate(value, 1):
            yield from _value(inner, f"[{number}] ", mask, depth)


def _text(text: str, label: str, mask: Mask, depth: int) -> Iterator[str]:
    indent = INDENT * depth
    if _BASE64.fullmatch(text):
        yield f"{indent}{label}{_named(text)}"
        return
    shown = masked(text, mask).replace("\r\n", "\n").split("\n")
    if len(shown) == 1 and label:
        yield f"{indent}{label}{shown[0]}"
        return
    if label:
        yield f"{indent}{label.rstrip()}"
        indent += INDENT
    yield from (indent + line for line in shown)


def _named(encoded: str) -> str:
    """What stands for base64: it never reaches a page."""
    named = hashlib.sha256(encoded.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"base64, {figures.size(len(encoded))}, sha256 {named}…"
