"""Blocks and turns as Markdown, for a file that is read elsewhere: masked, and nothing in it loads or runs anything.

Recorded text stays Markdown where it is prose. Outside of code, pictures and tags in it are escaped: viewers fetch the
one and some run the other. Code and JSON stand in fences that are longer than any run of backticks in them.
"""

import re
from collections.abc import Iterator
from typing import Any, Final, cast

import orjson
from markdown_it import MarkdownIt
from markupsafe import Markup

from dashboard.render import figures
from dashboard.render.blocks import Block, Context
from dashboard.render.hidden import spelled
from dashboard.render.reminders import pieces
from dashboard.render.secrets import Mask, masked
from dashboard.render.thread import Card, Turn

_BACKTICKS: Final = re.compile("`{3,}")
_LOADS: Final = re.compile(r"!(?=\[)|<")
# References: behind a backslash of the text's own a backslash of ours would be taken back.
_REFERENCES: Final = {"!": "&#33;", "<": "&lt;"}
_LONGEST: Final = 100_000
"""Characters of prose that is read as Markdown; longer ones stand in a fence."""
_PARSER: Final = MarkdownIt("commonmark")


def written(block: Any, _: str, context: Context) -> Iterator[Block]:
    """The blocks of one content block, their bodies in Markdown. Never raises on any JSON."""
    if isinstance(block, str):
        block = {"type": "text", "text": block}
    kind = block.get("type") if isinstance(block, dict) else None
    text = block.get({"text": "text", "thinking": "thinking"}.get(kind, "")) if isinstance(kind, str) else None
    if isinstance(text, str) and kind == "text":
        yield from _texts(text, context)
    elif isinstance(text, str):
        yield _block("thinking", "Thinking", quoted(prose(masked(text, context.mask))))
    elif kind in {"tool_use", "server_tool_use", "mcp_tool_use"}:
        yield _block("tool-use", _word(block.get("name"), context.mask), _json(block.get("input"), context.mask))
    elif kind in {"tool_result", "mcp_tool_result"}:
        failed = block.get("is_error") is True
        yield _block("tool-result", "Result", fenced(_result(block, context.mask)), error=failed)
    elif kind in {"image", "document"}:
        yield _block("image", str(kind), f"*{str(kind).capitalize()}, not part of this file.*")
    else:
        yield _block("other", _word(kind, context.mask), _json(block, context.mask))


def _block(kind: str, title: str, text: str, *, error: bool = False) -> Block:
    """A block whose body is no markup: it goes into a file, no page draws it."""
    return Block(kind, title, cast("Markup", text), error=error)


def _texts(text: str, context: Context) -> Iterator[Block]:
    for reminds, piece in pieces(text):
        words = masked(piece, context.mask).strip()
        if words and reminds:
            yield _block("reminder", "system-reminder", fenced(words))
        elif words:
            yield _block("text", "", prose(words))


def _result(block: dict[str, Any], mask: Mask) -> str:
    content = block.get("content")
    parts = content if isinstance(content, list) else [] if content is None else [content]
    texts = []
    for part in parts:
        text = part.get("text") if isinstance(part, dict) else part
        kind = part.get("type") if isinstance(part, dict) else None
        shown = text if isinstance(text, str) else f"[{_word(kind, mask)}]"
        texts.append(masked(shown, mask))
    return "\n".join(texts)


def turn(made: Turn) -> str:
    """A request of the talk: what it added and what was answered."""
    row = made.row
    parts = [
        f"### {made.number} · {figures.stamp(row.started_at)} · {plain(row.answered_model or row.model or 'no model')}"
    ]
    if made.before_tokens is not None:
        parts.insert(
            0, f"---\n\n*The conversation was compacted here: {figures.count(made.before_tokens)} input tokens before.*"
        )
    if made.earlier:
        parts.append(f"*{figures.plural(made.earlier, 'earlier block')} came along with this request.*")
    for run in made.runs:
        parts += [f"**{plain(run.label)}**", *map(_card, run.cards)]
    parts += [f"*{note}*" for note in (made.note,) if note]
    if made.answer:
        parts.append("**Assistant**")
        parts += [_card(card) for card in made.answer]
    parts += [f"*{plain(ending)}*" for ending in (made.ending,) if ending]
    return "\n\n".join(parts)


def _card(card: Card) -> str:
    block = card.block
    if block.kind == "text":
        return block.body
    head = f"**{plain(block.title)}**" + (" (failed)" if block.error or card.failed else "")
    launched = f" → {plain(card.branch)}" if card.branch else ""
    came = [f"*came back*\n\n{result.body}" for result in card.results]
    return "\n\n".join([head + launched, block.body, *came])


def prose(text: str) -> str:
    """Markdown that somebody else wrote: nothing in it loads, and no fence that it leaves open goes on behind it."""
    if len(text) > _LONGEST:
        return fenced(text)
    text = spelled(text.replace("\r\n", "\n"))
    lines = text.split("\n")
    code: set[int] = set()
    fences = [token for token in _PARSER.parse(text) if token.type == "fence" and token.map and token.level == 0]
    for token in fences:
        code.update(range(*token.map or (0, 0)))
    kept = [line if number in code else _LOADS.sub(_reference, line) for number, line in enumerate(lines)]
    if (
        fences
        and (fences[-1].map or (0, 0))[1] >= len(lines)
        and not _is_closed(lines, fences[-1].map, fences[-1].markup)
    ):
        kept.append(fences[-1].markup)
    return "\n".join(kept)


def _reference(found: re.Match[str]) -> str:
    return _REFERENCES[found.group()]


def _is_closed(lines: list[str], place: list[int] | None, markup: str) -> bool:
    first, end = place or (0, 0)
    last = lines[min(end, len(lines)) - 1].strip()
    return end - first > 1 and last.startswith(markup) and not last.strip(markup[0])


def fenced(text: str, language: str = "") -> str:
    """Text exactly as it is, in a fence that nothing in it can end."""
    text = spelled(text.replace("\r\n", "\n"))
    fence = "`" * max(3, 1 + max((len(run.group()) for run in _BACKTICKS.finditer(text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"


def quoted(text: str) -> str:
    """Text as a quotation."""
    return "\n".join(f"> {line}" for line in text.split("\n"))


def plain(text: str) -> str:
    """A word or sentence in a line of our own."""
    return re.sub(r"([\\`*_\[\]<>#])", r"\\\1", spelled(" ".join(text.split())))


def title(text: str) -> str:
    """The file's first line."""
    return f"# {plain(text)}"


def _word(value: Any, mask: Mask) -> str:
    return masked(value, mask)[:200] if isinstance(value, str) else "block"


def _json(value: Any, mask: Mask) -> str:
    try:
        text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except (TypeError, ValueError):
        text = repr(value)
    return fenced(masked(text, mask), "json")
