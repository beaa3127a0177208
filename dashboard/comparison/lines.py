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
        for name, inner in value.items():
            yield from _value(inner, f"{masked(str(name), mask)}: ", mask, depth)
    else:
        for number, inner in enumerate(value, 1):
            yield from _value(inner, f"[{number}] ", mask, depth)


def _text(text: str, label: str, mask: Mask, depth: int) -> Iterator[str]:
    indent = INDENT * depth
    if _BASE64.fullmatch(text):
        named = hashlib.sha256(text.encode()).hexdigest()[:12]
        yield f"{indent}{label}base64, {figures.size(len(text))}, sha256 {named}…"
        return
    shown = masked(text, mask).replace("\r\n", "\n").split("\n")
    if len(shown) == 1 and label:
        yield f"{indent}{label}{shown[0]}"
        return
    if label:
        yield f"{indent}{label.rstrip()}"
        indent += INDENT
    yield from (indent + line for line in shown)
