"""What the prompt of a request is made of, block by block: whose words each is, and about how many tokens.

A transcript repeats what went before, so the body of the last request of a stretch tells of all of them: a request with
so many items in normal form has the blocks that stand before the next one.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from core import bodies
from core.normal_form import ASSISTANT, USER, Normaliser

_OPEN: Final = "<system-reminder>"
_CLOSE: Final = "</system-reminder>"
_PICTURE: Final = 1_500
"""Tokens of a picture: width times height / 750, which for those that clients send comes to about as much."""
_PAGE: Final = 60_000
"""Characters of base64 of a document's page, which is about three pictures' worth of tokens."""
CHARACTERS: Final = 3.6
"""Characters of a token, about; only how blocks compare matters, since their sum is measured."""
_MCP: Final = "mcp__"
HEAD: Final = -1


class Kind(StrEnum):
    """Whose words a block is."""

    SYSTEM = "system prompt"
    TOOLS = "tool definitions"
    USER = "user"
    REMINDERS = "reminders"
    RESULTS = "tool results"
    MEDIA = "pictures and documents"
    ASSISTANT = "assistant's words"
    CALLS = "tool calls"
    THINKING = "thinking sent back"
    OTHER = "other blocks"


class Source(NamedTuple):
    """Where tokens come from: a kind, and of tools which one (a server's name for definitions)."""

    kind: Kind
    name: str = ""


class Block(NamedTuple):
    """Tokens of one source, by estimate. ``after``: how many items stand before it; ``HEAD`` before all messages."""

    source: Source
    tokens: float
    after: int


def blocks(body: bytes) -> list[Block] | None:
    """The blocks of a message request in the order of its prompt: tools, system, messages.

    None where the body can not be read, or goes on from an answer whose past it does not hold.
    """
    try:
        request = bodies.read_json(body)
    except ValueError:
        return None
    if not isinstance(request, dict) or isinstance(request.get("thread"), dict):
        return None
    return [*_tools(request.get("tools")), *_system(request.get("system"), HEAD), *_messages(request.get("messages"))]


def _tools(tools: Any) -> Iterator[Block]:
    for tool in tools if isinstance(tools, list) else ():
        name = tool.get("name") if isinstance(tool, dict) else None
        yield Block(Source(Kind.TOOLS, server_of(name)), _size(tool) / CHARACTERS, HEAD)


def server_of(name: Any) -> str:
    """The MCP server in a tool's name (``mcp__github__search``); empty where it has none."""
    if not isinstance(name, str) or not name.startswith(_MCP):
        return ""
    return name.removeprefix(_MCP).partition("__")[0]


def _system(system: Any, after: int) -> Iterator[Block]:
    for part in [system] if isinstance(system, str) else system if isinstance(system, list) else ():
        text = part.get("text") if isinstance(part, dict) else part
        if isinstance(text, str) and text:
            yield Block(Source(Kind.SYSTEM), len(text) / CHARACTERS, after)


def _messages(messages: Any) -> Iterator[Block]:
    normaliser, names, after = Normaliser(), dict[str, str](), 0
    for message in messages if isinstance(messages, list) else ():
        if not isinstance(message, dict):
            continue
        role, content = message.get("role"), message.get("content")
        if role == "system":
            yield from _system(content, after)
        if role not in (USER, ASSISTANT):
            continue
        for block in [content] if isinstance(content, str) else content if isinstance(content, list) else ():
            for source, tokens in _of_block(role, block, names):
                yield Block(source, tokens, after)
            after += len(normaliser.content(role, block if isinstance(block, str) else [block]))


def _of_block(role: str, block: Any, names: dict[str, str]) -> Iterator[tuple[Source, float]]:
    """The sources of a block; ``names`` are the tools by the id of their use, filled as uses go by."""
    if isinstance(block, str):
        yield from _of_text(role, block)
        return
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "text" and isinstance(block.get("text"), str):
        yield from _of_text(role, block["text"])
    elif kind in ("thinking", "redacted_thinking"):
        # What is sent back of it: of redacted thinking its data; a signature is no tokens of the prompt.
        said = block.get("thinking") or block.get("data") or ""
        yield Source(Kind.THINKING), _size(said) / CHARACTERS
    elif kind == "tool_use":
        name = block.get("name") if isinstance(block.get("name"), str) else ""
        names.setdefault(str(block.get("id")), name)
        yield Source(Kind.CALLS), (len(name) + _size(block.get("input"))) / CHARACTERS
    elif kind == "tool_result":
        yield from _of_result(block, names.get(str(block.get("tool_use_id")), ""))
    elif kind in ("image", "document"):
        yield Source(Kind.MEDIA), _media(block)
    elif block is not None:
        yield Source(Kind.OTHER), _size(block) / CHARACTERS


def _of_text(role: str, text: str) -> Iterator[tuple[Source, float]]:
    reminders = _reminders(text)
    if reminders:
        yield Source(Kind.REMINDERS), reminders / CHARACTERS
    if len(text) > reminders:
        yield Source(Kind.USER if role == USER else Kind.ASSISTANT), (len(text) - reminders) / CHARACTERS


def _reminders(text: str) -> int:
    """How many characters of a text are reminders."""
    found, at = 0, 0
    while (start := text.find(_OPEN, at)) >= 0 and (end := text.find(_CLOSE, start)) >= 0:
        at = end + len(_CLOSE)
        found += at - start
    return found


def _of_result(block: Mapping[str, Any], tool: str) -> Iterator[tuple[Source, float]]:
    content = block.get("content")
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, dict) and part.get("type") in ("image", "document"):
            yield Source(Kind.MEDIA), _media(part)
        else:
            text = part.get("text") if isinstance(part, dict) else part
            yield Source(Kind.RESULTS, tool), _size(text if isinstance(text, str) else part) / CHARACTERS


def _media(block: Mapping[str, Any]) -> float:
    if block.get("type") == "image":
        return _PICTURE
    source = block.get("source")
    data = source.get("data") if isinstance(source, dict) else None
    pages = max(1.0, len(data) / _PAGE) if isinstance(data, str) else 1.0
    return 3 * _PICTURE * pages


def _size(value: Any) -> int:
    """Characters of a value as JSON has them, about: its texts, names and numbers, with a mark for each."""
    found, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            found += len(one)
        elif isinstance(one, dict):
            found += sum(len(name) + 4 for name in one)
            waiting += one.values()
        elif isinstance(one, list):
            found += 2 * len(one)
            waiting += one
        elif one is not None:
            found += 4
    return found
