"""Where a request asks for its prefix to be cached: every ``cache_control``, in the order of the prefix, in words.

The prefix is read as tools, then system, then messages (Anthropic, "Prompt caching"); without a ``ttl`` it lives five
minutes from its last use.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dashboard.render import figures

MOST = 200
"""Breakpoints that are drawn; the API takes four."""
_LIVES = {None: "5 minutes (the default)", "5m": "5 minutes", "1h": "1 hour"}
LONGEST_WORD = 40


def breakpoints(sent: Mapping[str, Any]) -> dict[str, str]:
    """What to say below each tool, part and block that ends a cached prefix, by place (``t0``, ``s.1``, ``m3.0``)."""
    found = list(_found(sent))[:MOST]
    return {
        place: f"cache breakpoint {number} of {figures.count(len(found))} · lives {lives(given)}"
        for number, (place, given) in enumerate(found, 1)
    }


def lives(given: Mapping[str, Any]) -> str:
    """How long a cached prefix lives."""
    ttl = given.get("ttl")
    if ttl is None or isinstance(ttl, str):
        return _LIVES.get(ttl) or str(ttl)[:LONGEST_WORD]
    return "for a time that is no text"


def _found(sent: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from _marked(sent.get("tools"), "t")
    yield from _marked(sent.get("system"), "s.")
    messages = sent.get("messages")
    for number, message in enumerate(messages if isinstance(messages, list) else ()):
        if isinstance(message, dict):
            yield from _marked(message.get("content"), f"m{number}.")


def _marked(parts: Any, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    listed: Sequence[Any] = parts if isinstance(parts, list) else ()
    for position, part in enumerate(listed):
        given = _control(part)
        if given is not None:
            yield f"{place}{position}", given


def _control(part: Any) -> Mapping[str, Any] | None:
    """The mark on a part, or on one inside a tool's result."""
    if not isinstance(part, dict):
        return None
    own: Any = part.get("cache_control")
    if isinstance(own, dict):
        return own
    inner = part.get("content")
    found = (_control(each) for each in inner) if part.get("type") == "tool_result" and isinstance(inner, list) else ()
    return next((given for given in found if given is not None), None)
