"""Rows as CSV (RFC 4180). A text that a spreadsheet would take for a formula is marked as text (CSV injection)."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

FORMULA = ("=", "+", "-", "@", "\t", "\r")
BOM = b"\xef\xbb\xbf"
"""By which Excel knows UTF-8."""


def harmless(text: str) -> str:
    """A text that a spreadsheet takes for a text."""
    return f"'{text}" if text.startswith(FORMULA) else text


def cell(value: Any) -> str:
    """A value as the text of its cell; nothing for null, JSON for what has parts."""
    if value is None:
        return ""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return orjson.dumps(value).decode() if isinstance(value, list | dict) else str(value)


def lines(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as lines, their cells in the order of the columns."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([cell(row[name]) for name in columns] for row in rows)
    return text.getvalue().encode("utf-8", "replace")


def head(columns: Sequence[str]) -> bytes:
    """The line that names the columns."""
    return (",".join(columns) + "\r\n").encode()
