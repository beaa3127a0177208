"""Tokens as the API reported them (usage.md): read leniently, never guessed, never 0 for unknown."""

from collections.abc import Mapping
from typing import Any, Final

from core.labels import label
from core.models import Usage
from core.valueclass import valueclass

MAX_COUNT: Final = 10**12
"""A larger count is no token count; sums of this many stay far below what a bigint holds."""

_COUNTS: Final = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_INNER_COUNTS: Mapping[str, tuple[str, ...]] = {
    "cache_creation": ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"),
    "output_tokens_details": ("thinking_tokens",),
    "server_tool_use": ("web_search_requests", "web_fetch_requests", "code_execution_requests"),
}
_WORDS = ("service_tier", "inference_geo", "speed")
_SERVED_BY_FALLBACK: Final = "fallback_message"


@valueclass(frozen=True, slots=True)
class Iteration:
    """One of several pieces of work behind a message (fallback, compaction, advisor), with its own figures."""

    kind: str
    model: str | None
    """None where it names none (a compaction): then it is the message's."""
    usage: Usage
    declined: bool
    """Whether this attempt was declined before any output, and a fallback served instead: it is not billed."""


def merge(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """Two usage objects of one stream as one: figures are cumulative, so the last non-null of each field wins.

    Objects inside are merged field by field; lists (``iterations``) are replaced.
    """
    merged = dict(earlier)
    for name, value in later.items():
        before = merged.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            merged[name] = before | {inner: figure for inner, figure in value.items() if figure is not None}
        elif value is not None or name not in merged:
            merged[name] = value
    return merged


def read(usage: Any, *, complete: bool) -> Usage:
    """The figures of a usage object; what is missing or no whole number ≥ 0 is unknown. Never raises.

    ``complete`` says whether the answer ended well; without a usage object nothing is complete.
    """
    if not isinstance(usage, dict):
        return Usage()
    counts = {field: _count(usage[field]) for field in _COUNTS if field in usage}
    for outer, fields in _INNER_COUNTS.items():
        within = usage.get(outer)
        if isinstance(within, dict):
            counts |= {field: _count(within.get(field)) for field in fields}
    words = {word: label(usage[word]) for word in _WORDS if word in usage}
    return Usage(**counts, **words, complete=complete, raw=usage)  # type: ignore[arg-type] # two maps of fields


def iterations(usage: Usage) -> tuple[Iteration, ...] | None:
    """The pieces of work behind a message; none where it was one piece. None where they cannot be read."""
    given = (usage.raw or {}).get("iterations")
    if given is None:
        return ()
    if not isinstance(given, list) or not all(map(_is_counted, given)):
        return None
    served = [n for n, entry in enumerate(given) if entry.get("type") == _SERVED_BY_FALLBACK]
    return tuple(
        Iteration(
            kind=label(entry.get("type")) or "",
            model=label(entry.get("model")),
            usage=read(entry, complete=usage.complete),
            declined=entry["output_tokens"] == 0
            and entry.get("type") == "message"
            and any(n < last for last in served),
        )
        for n, entry in enumerate(given)
    )


def _is_counted(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    return _count(entry.get("input_tokens")) is not None and _count(entry.get("output_tokens")) is not None


def _count(value: Any) -> int | None:
    # A bool is an int to Python, but no count.
    return value if type(value) is int and 0 <= value <= MAX_COUNT else None
