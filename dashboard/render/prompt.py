"""A whole request as it was sent: tools, system prompt, messages, settings, with the cache breakpoints between them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from dashboard.render import figures, json_view
from dashboard.render.blocks import Block, Context, prose
from dashboard.render.breakpoints import breakpoints, lives
from dashboard.render.messages import (
    FRAME,
    Look,
    Message,
    Room,
    Talk,
    blocks_of,
    calls_of,
    drawn_blocks,
    messages_of,
    sent_in,
    talk,
    window,
)
from dashboard.render.secrets import Mask

TOOLS = 100
"""Tools on one page; the others are a link away."""
CALLED_SHOWN = 30
"""Called tools that are named above the catalogue."""
_APART = frozenset({"messages", "system", "tools"})


@dataclass(frozen=True, slots=True)
class Called:
    """A tool that the transcript or the answer calls; ``number`` is its place in the order of first calls."""

    name: str
    number: int
    calls: int
    offered: bool


@dataclass(frozen=True, slots=True)
class Tool:
    """One offered tool."""

    name: str
    about: str
    schema: Markup
    called: Called | None = None
    breakpoint: str = ""


@dataclass(frozen=True, slots=True)
class Tools:
    """A window of the offered tools, numbered from 1; ``octets`` is about what all of them take in the request."""

    shown: tuple[Tool, ...] = ()
    first: int = 1
    total: int = 0
    octets: int = 0
    called: tuple[Called, ...] = ()
    """Those that were called first; the others are counted."""
    called_total: int = 0

    @property
    def last(self) -> int:
        """Number of the last one shown."""
        return self.first + len(self.shown) - 1


@dataclass(frozen=True, slots=True)
class Prompt:
    """What was sent."""

    system: Message | None
    tools: Tools
    talk: Talk
    settings: Markup
    masked: int
    breakpoints: int
    automatic: str = ""
    """Where the API is asked to choose the breakpoint by itself: how long the prefix lives."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages of the window."""
        return self.talk.messages


def whole_prompt(body: bytes, pictures: str, first: int | None, first_tool: int = 1, message: Any = None) -> Prompt:
    """Everything that was sent; of the transcript the window that begins at ``first`` (1-based), else the last one.

    Of the tools the window that begins at ``first_tool`` (1-based); ``message`` is the answer, whose calls count too.
    ValueError, with a reason, where the body is no request.
    """
    sent, mask = sent_in(body), Mask()
    messages = messages_of(sent)
    marks = breakpoints(sent)
    look = Look(pictures, mask, calls_of(messages), marks)
    shown = talk(messages, window(messages, first), look)
    system = _system(sent.get("system"), look)
    tools = _tools(sent.get("tools"), first_tool, mask, marks, _called([*messages, message], sent.get("tools")))
    settings = json_view.tree({key: value for key, value in sent.items() if key not in _APART}, open_depth=1)
    automatic = lives(sent["cache_control"]) if isinstance(sent.get("cache_control"), dict) else ""
    return Prompt(system, tools, shown, settings.html, mask.hidden + settings.masked, len(marks), automatic)


def _system(system: Any, look: Look) -> Message | None:
    if system is None:
        return None
    parts = system if isinstance(system, list) else [system]
    blocks: list[Block] = []
    room = Room()
    for number, part in enumerate(parts):
        full = room.left <= 0
        rest = parts[number:] if full else [part]
        made = drawn_blocks(rest, 1, "s", room, look, "system", number)
        if full:
            blocks += made
            break
        blocks += [_folded(block, f"part {number + 1} of {len(parts)}") for block in made]
    return Message("system", None, tuple(blocks))


def _folded(block: Block, part: str) -> Block:
    size = figures.plural(len(block.body.striptags()), "character")
    title = f"{part} · {block.title}" if block.title else part
    return replace(block, kind="system-part", title=title, note=block.note or size, folded=True)


def _called(messages: Sequence[Any], tools: Any) -> Mapping[str, Called]:
    """The called tools by name, in the order of their first calls."""
    offered = {tool["name"] for tool in _listed(tools) if isinstance(tool, dict) and isinstance(tool.get("name"), str)}
    counts: dict[str, int] = {}
    for block in blocks_of(messages):
        kind = block.get("type") if isinstance(block, dict) else None
        if isinstance(kind, str) and kind.endswith("tool_use") and isinstance(block.get("name"), str):
            counts[block["name"]] = counts.get(block["name"], 0) + 1
    return {
        name: Called(name, number, calls, name in offered) for number, (name, calls) in enumerate(counts.items(), 1)
    }


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _tools(tools: Any, first: int, mask: Mask, marks: Mapping[str, str], called: Mapping[str, Called]) -> Tools:
    listed = _listed(tools)
    start = min(first, max(1, len(listed))) - 1
    made: list[Tool] = []
    room = Room()
    for number, tool in enumerate(listed[start : start + TOOLS], start):
        if room.left <= 0:
            break
        made.append(_tool(tool, mask, called, marks.get(f"t{number}", "")))
        room.left -= len(made[-1].schema) + FRAME
    octets = len(json.dumps(listed)) if listed else 0
    return Tools(tuple(made), start + 1, len(listed), octets, tuple(called.values())[:CALLED_SHOWN], len(called))


def _tool(tool: Any, mask: Mask, called: Mapping[str, Called], mark: str) -> Tool:
    known = tool if isinstance(tool, dict) else {"name": "not an object", "value": tool}
    about = known.get("description")
    body = prose(about, Context("system", "", mask)) if isinstance(about, str) and about else Markup("")
    drawn = json_view.tree(
        {key: value for key, value in known.items() if key not in {"name", "description"}}, open_depth=1
    )
    mask.hidden += drawn.masked
    first = about.strip().split("\n", 1)[0][:120] if isinstance(about, str) else ""
    name = str(known.get("name", "no name"))
    return Tool(name, first, body + drawn.html, called.get(name), mark)
