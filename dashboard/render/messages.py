"""A request body and an answer as messages: the system prompt, the tools, the transcript, and what of it is new."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from dashboard.render import figures, json_view
from dashboard.render.blocks import Block, Context, prose, rendered
from dashboard.render.secrets import Mask

WINDOW = 60
"""Messages of a transcript on one page; earlier ones are a link away."""
TOOLS = 100
"""Tools on one page; the others are a link away."""

FRAME = 200
MOST_MARKUP = 1_000_000
"""Characters of markup on one page; what would go beyond is counted and linked."""
_FULL = Markup(
    '<p class="cut">▲ {} not drawn: this page is full. '
    '<a href="?tab=prompt&amp;first={}#messages">Go on from here</a>, or take the raw download.</p>'
)


@dataclass(slots=True)
class _Room:
    left: int = MOST_MARKUP


@dataclass(frozen=True, slots=True)
class Message:
    """One message, ready for a template. ``number`` counts from 1 in the transcript; None for system and answer."""

    role: str
    number: int | None
    blocks: tuple[Block, ...]
    cached: bool = False
    """Whether a cache breakpoint stands in it."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One offered tool."""

    name: str
    about: str
    schema: Markup


@dataclass(frozen=True, slots=True)
class Tools:
    """A window of the offered tools, numbered from 1; ``octets`` is about what all of them take in the request."""

    shown: tuple[Tool, ...] = ()
    first: int = 1
    total: int = 0
    octets: int = 0

    @property
    def last(self) -> int:
        """Number of the last one shown."""
        return self.first + len(self.shown) - 1


@dataclass(frozen=True, slots=True)
class Prompt:
    """What was sent. ``earlier`` messages come before ``messages``; ``fault`` says why nothing could be read."""

    system: Message | None
    tools: Tools
    messages: tuple[Message, ...]
    total: int
    earlier: int
    later: int
    settings: Markup | None
    masked: int
    fault: str | None = None


def new_messages(body: bytes, pictures: str) -> Prompt:
    """Only what this request added: the messages behind the last answer of the model."""
    return _prompt(body, pictures, None, 1, whole=False)


def whole_prompt(body: bytes, pictures: str, first: int | None, first_tool: int = 1) -> Prompt:
    """Everything that was sent; of the transcript the window that begins at ``first`` (1-based), else the last one.

    Of the tools the window that begins at ``first_tool`` (1-based).
    """
    return _prompt(body, pictures, first, first_tool, whole=True)


def answer(message: Any, pictures: str, mask: Mask) -> Message | None:
    """The model's answer."""
    if not isinstance(message, dict) or not isinstance(message.get("content"), list):
        return None
    return _message(message, None, "r", _Room(), Context("assistant", pictures, mask))


def _prompt(body: bytes, pictures: str, first: int | None, first_tool: int, *, whole: bool) -> Prompt:
    mask = Mask()
    try:
        sent = json_view.plain(body)
    except ValueError as exc:
        return Prompt(None, Tools(), (), 0, 0, 0, None, 0, str(exc))
    if not isinstance(sent, dict):
        return Prompt(None, Tools(), (), 0, 0, 0, None, 0, "it is JSON, but not an object")
    listed = sent.get("messages")
    messages = listed if isinstance(listed, list) else []
    start, end = _window(messages, first, whole=whole)
    calls = _calls(messages)
    room = _Room()
    shown = tuple(
        _message(message, number + 1, f"m{number}", room, Context(_role(message), pictures, mask, calls))
        for number, message in enumerate(messages[start:end], start)
    )
    system = _system(sent.get("system"), pictures, mask) if whole else None
    tools = _tools(sent.get("tools"), first_tool, mask) if whole else Tools()
    rest = {key: value for key, value in sent.items() if key not in {"messages", "system", "tools"}}
    drawn = json_view.tree(rest, open_depth=1)
    return Prompt(
        system,
        tools,
        shown,
        len(messages),
        start,
        len(messages) - end,
        drawn.html if whole else None,
        mask.hidden + (drawn.masked if whole else 0),
    )


def _window(messages: list[Any], first: int | None, *, whole: bool) -> tuple[int, int]:
    if whole:
        start = max(0, len(messages) - WINDOW) if first is None else min(max(0, first - 1), max(0, len(messages) - 1))
        return start, min(len(messages), start + WINDOW)
    answered = [number for number, message in enumerate(messages) if _role(message) == "assistant"]
    start = answered[-1] + 1 if answered else 0
    start = min(start, max(0, len(messages) - 1))
    return max(start, len(messages) - WINDOW), len(messages)


def _calls(messages: list[Any]) -> dict[str, str]:
    """The name of the tool behind each call in a transcript."""
    contents = [message["content"] for message in messages if isinstance(message, dict) and "content" in message]
    blocks = (block for content in contents if isinstance(content, list) for block in content)
    return {
        block["id"]: block["name"]
        for block in blocks
        if isinstance(block, dict) and isinstance(block.get("id"), str) and isinstance(block.get("name"), str)
    }


def _role(message: Any) -> str:
    role = message.get("role") if isinstance(message, dict) else None
    return role if isinstance(role, str) else "unknown role"


def _message(message: Any, number: int | None, place: str, room: _Room, context: Context) -> Message:
    content = message.get("content") if isinstance(message, dict) else message
    parts = content if isinstance(content, list) else [content]
    blocks = tuple(_blocks(parts, number or 1, place, room, context))
    return Message(context.role, number, blocks, any(_breakpoint(part) for part in parts))


def _blocks(parts: list[Any], number: int, place: str, room: _Room, context: Context) -> Iterator[Block]:
    for position, part in enumerate(parts):
        if room.left <= 0:
            count = figures.plural(len(parts) - position, "block")
            yield Block("text", "", _FULL.format(count, number))
            return
        for made in rendered(part, f"{place}.{position}", context):
            # A block's own frame is markup too: many empty ones fill a page as well.
            room.left -= len(made.body) + FRAME
            yield made


def _breakpoint(part: Any) -> bool:
    return isinstance(part, dict) and isinstance(part.get("cache_control"), dict)


def _system(system: Any, pictures: str, mask: Mask) -> Message | None:
    if system is None:
        return None
    context = Context("system", pictures, mask)
    parts = system if isinstance(system, list) else [system]
    blocks = [_folded(made) for made in _blocks(parts, 1, "s", _Room(), context)]
    return Message("system", None, tuple(blocks), any(_breakpoint(part) for part in parts))


def _folded(block: Block) -> Block:
    size = figures.plural(len(Markup("{}").format(block.body).striptags()), "character")
    return Block(block.kind, block.title or "system text", block.body, block.note or size, folded=True)


def _tools(tools: Any, first: int, mask: Mask) -> Tools:
    if not isinstance(tools, list) or not tools:
        return Tools()
    start = min(first, len(tools)) - 1
    made: list[Tool] = []
    room = _Room()
    for tool in tools[start : start + TOOLS]:
        if room.left <= 0:
            break
        made.append(_tool(tool, mask))
        room.left -= len(made[-1].schema) + FRAME
    return Tools(tuple(made), start + 1, len(tools), len(json.dumps(tools)))


def _tool(tool: Any, mask: Mask) -> Tool:
    known = tool if isinstance(tool, dict) else {"name": "not an object", "value": tool}
    about = known.get("description")
    body = prose(about, Context("system", "", mask)) if isinstance(about, str) and about else Markup("")
    drawn = json_view.tree(
        {key: value for key, value in known.items() if key not in {"name", "description"}}, open_depth=1
    )
    mask.hidden += drawn.masked
    first = about.strip().split("\n", 1)[0][:120] if isinstance(about, str) else ""
    return Tool(str(known.get("name", "no name")), first, body + drawn.html)
