"""Calls of tools: what an answer asks for, and what the next request brings of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from core.labels import label


class ToolUse(NamedTuple):
    """A tool_use block of an answer."""

    block_index: int
    tool_use_id: str
    name: str
    input_size: int
    """Bytes of its input as JSON."""


class ToolResult(NamedTuple):
    """A tool_result block of a request."""

    tool_use_id: str
    is_error: bool
    size: int
    """Bytes of its texts; other blocks count as JSON."""


def uses(message: Mapping[str, Any] | None) -> Iterator[ToolUse]:
    """The tools that an answer asks for, in the order of its blocks."""
    content = message.get("content") if message is not None else None
    for index, block in enumerate(content if isinstance(content, list) else ()):
        if isinstance(block, dict) and block.get("type") == "tool_use":
            tool_id, name = label(block.get("id")), label(block.get("name"))
            if tool_id is not None and name is not None:
                yield ToolUse(index, tool_id, name, _size(block.get("input")))


def results(messages: Sequence[Any]) -> tuple[ToolResult, ...]:
    """The results that were brought since the last assistant message, the first of each tool_use."""
    found: dict[str, ToolResult] = {}
    begin = len(messages)
    while begin and isinstance(messages[begin - 1], dict) and messages[begin - 1].get("role") != "assistant":
        begin -= 1
    for message in messages[begin:]:
        content = message.get("content")
        if isinstance(content, list):
            _add_results(found, content)
    return tuple(found.values())


def _add_results(found: dict[str, ToolResult], content: Sequence[Any]) -> None:
    for block in content:
        if isinstance(block, dict) and block.get("type") == "tool_result":
            tool_id = label(block.get("tool_use_id"))
            if tool_id is not None and tool_id not in found:
                size = _content_size(block.get("content"))
                found[tool_id] = ToolResult(tool_id, block.get("is_error") is True, size)


def _content_size(content: Any) -> int:
    if isinstance(content, str):
        return len(content.encode(errors="replace"))
    return sum(_block_size(block) for block in content) if isinstance(content, list) else 0


def _block_size(block: Any) -> int:
    text = block.get("text") if isinstance(block, dict) else None
    return len(text.encode(errors="replace")) if isinstance(text, str) else _size(block)


def _size(value: Any) -> int:
    """Bytes of a value as JSON; 0 where it nests too deep to be written."""
    try:
        return len(orjson.dumps(value))
    except orjson.JSONEncodeError:
        return 0
