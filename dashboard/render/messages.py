"""The messages of a request body and the answer: a window of the transcript, and what of it is new."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from markupsafe import Markup

from dashboard.render import figures, json_view, transcript
from dashboard.render.blocks import Block, Context, rendered
from dashboard.render.secrets import Mask

WINDOW = 60
"""Messages of a transcript on one page; earlier ones are a link away."""

FRAME = 200
MOST_MARKUP = 1_000_000
"""Characters of markup on one page; what would go beyond is counted and linked."""
_FULL = Markup(
    '<p class="cut">▲ {} not drawn: this page is full. '
    '<a href="?tab=prompt&amp;first={}#messages">Go on from here</a>, or take the raw download.</p>'
)


@dataclass(slots=True)
class Room:
    """Characters of markup that a page still takes."""

    left: int = MOST_MARKUP


@dataclass(frozen=True, slots=True)
class Message:
    """One message, ready for a template. ``number`` counts from 1 in the transcript; None for system and answer."""

    role: str
    number: int | None
    blocks: tuple[Block, ...]
    earlier: int = 0
    """Blocks of it that are not shown because they are not new."""


@dataclass(frozen=True, slots=True)
class Part:
    """Which messages are shown: ``start:end``, the first of them from block ``skip`` on."""

    start: int
    end: int
    skip: int = 0


Basis = Literal["parent", "answer", "whole"]


@dataclass(frozen=True, slots=True)
class Talk:
    """A part of the transcript. ``basis`` says behind what it begins: the parent request, the last answer, nothing."""

    messages: tuple[Message, ...]
    total: int
    earlier: int
    later: int
    masked: int
    basis: Basis = "whole"


@dataclass(frozen=True, slots=True)
class Look:
    """What drawing messages needs besides them."""

    pictures: str
    mask: Mask
    calls: Mapping[str, str] = field(default_factory=dict)
    """Name of the tool behind each tool_use id."""
    breakpoints: Mapping[str, str] = field(default_factory=dict)
    """What stands below a block: its cache breakpoint in words, by the block's place."""

    def of(self, role: str) -> Context:
        """The context of a message of this role."""
        return Context(role, self.pictures, self.mask, self.calls)


def sent_in(body: bytes) -> dict[str, Any]:
    """The request in a body. ValueError, with a reason, where there is none."""
    sent = json_view.plain(body)
    if not isinstance(sent, dict):
        raise ValueError("it is JSON, but not an object")  # noqa: TRY004  of bytes, not of a caller's argument
    return sent


def messages_of(sent: Mapping[str, Any]) -> list[Any]:
    """The messages of a request; none where it has no list of them."""
    listed = sent.get("messages")
    return listed if isinstance(listed, list) else []


def new_messages(body: bytes, pictures: str, parent_items: int | None = None) -> Talk:
    """Only what this request added to its parent, whose transcript has so many items; else behind the last answer.

    ValueError, with a reason, where the body is no request.
    """
    sent = sent_in(body)
    messages = messages_of(sent)
    found = None if parent_items is None else _behind_parent(body, parent_items)
    look = Look(pictures, Mask(), calls_of(messages))
    if found is not None:
        return talk(messages, _bounded(found, messages), look, "parent")
    return talk(messages, *_behind_last_answer(messages, look))


def whole_talk(body: bytes, pictures: str, first: int | None) -> Talk:
    """The window of the transcript that begins at message ``first`` (1-based), else the last one. Raises as above."""
    messages = messages_of(sent_in(body))
    return talk(messages, window(messages, first), Look(pictures, Mask(), calls_of(messages)))


def talk(messages: Sequence[Any], part: Part, look: Look, basis: Basis = "whole") -> Talk:
    """These messages drawn."""
    room = Room()
    shown = tuple(
        drawn(message, number + 1, f"m{number}", room, look, part.skip if number == part.start else 0)
        for number, message in enumerate(messages[part.start : part.end], part.start)
    )
    return Talk(shown, len(messages), part.start, len(messages) - part.end, look.mask.hidden, basis)


def answer(message: Any, pictures: str, mask: Mask) -> Message | None:
    """The model's answer."""
    if not isinstance(message, dict) or not isinstance(message.get("content"), list):
        return None
    return drawn({**message, "role": "assistant"}, None, "r", Room(), Look(pictures, mask))


def window(messages: Sequence[Any], first: int | None) -> Part:
    """The window that begins at message ``first`` (1-based), else the last one."""
    start = max(0, len(messages) - WINDOW) if first is None else min(max(0, first - 1), max(0, len(messages) - 1))
    return Part(start, min(len(messages), start + WINDOW))


def _behind_parent(body: bytes, items: int) -> Part | None:
    """What stands behind so many items of the transcript and the answer that followed them."""
    read = transcript.read(body)
    if read is None or read.items < items:
        return None
    added = transcript.without_answer(read.between(items, None))
    return Part(added[0].message, len(added), added[0].position) if added else None


def _bounded(part: Part, messages: Sequence[Any]) -> Part:
    start = max(part.start, len(messages) - WINDOW)
    return Part(start, len(messages), part.skip if start == part.start else 0)


def _behind_last_answer(messages: Sequence[Any], look: Look) -> tuple[Part, Look, Basis]:
    answered = [number for number, message in enumerate(messages) if role_of(message) == "assistant"]
    start = min(answered[-1] + 1 if answered else 0, max(0, len(messages) - 1))
    return _bounded(Part(start, len(messages)), messages), look, "answer" if answered else "whole"


def calls_of(messages: Sequence[Any]) -> dict[str, str]:
    """The name of the tool behind each call in a transcript."""
    return {
        block["id"]: block["name"]
        for block in blocks_of(messages)
        if isinstance(block, dict) and isinstance(block.get("id"), str) and isinstance(block.get("name"), str)
    }


def blocks_of(messages: Sequence[Any]) -> Iterator[Any]:
    """Every block of every message."""
    for message in messages:
        content = message.get("content") if isinstance(message, dict) else None
        yield from content if isinstance(content, list) else ()


def role_of(message: Any) -> str:
    """Who speaks."""
    role = message.get("role") if isinstance(message, dict) else None
    return role if isinstance(role, str) else "unknown role"


def drawn(message: Any, number: int | None, place: str, room: Room, look: Look, skip: int = 0) -> Message:
    """One message, its first ``skip`` blocks left out."""
    content = message.get("content") if isinstance(message, dict) else message
    parts = content if isinstance(content, list) else [content]
    blocks = tuple(drawn_blocks(parts[skip:], number or 1, place, room, look, role_of(message), skip))
    return Message(role_of(message), number, blocks, skip)


def drawn_blocks(
    parts: Sequence[Any], number: int, place: str, room: Room, look: Look, role: str, first: int = 0
) -> Iterator[Block]:
    """The blocks of a message from block ``first`` on, as long as there is room; below a part its cache breakpoint."""
    context = look.of(role)
    for position, part in enumerate(parts, first):
        if room.left <= 0:
            count = figures.plural(first + len(parts) - position, "block")
            yield Block("text", "", _FULL.format(count, number))
            return
        made = list(rendered(part, f"{place}.{position}", context))
        mark = look.breakpoints.get(f"{place}.{position}")
        if mark is not None and made:
            made[-1] = replace(made[-1], breakpoint=mark)
        # A block's own frame is markup too: many empty ones fill a page as well.
        room.left -= sum(len(one.body) + FRAME for one in made)
        yield from made
