"""One content block of a message → one ``Block``. An unknown type is shown as JSON, never lost."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from dashboard.render import figures, json_view, long_text
from dashboard.render.hidden import visible
from dashboard.render.image import head_of, recognised
from dashboard.render.markdown import formatted
from dashboard.render.reminders import pieces
from dashboard.render.secrets import Mask, masked
from dashboard.render.tools import called

_FOLDED_REMINDER = Markup(
    '<details class="block boxed reminder"><summary><b>system-reminder</b> <span class="note">{}</span></summary>'
    '<div class="body">{}</div></details>'
)
_PROSE = Markup('<div class="prose">{}</div>')
_PLAIN = Markup('<div class="plain">{}</div>')
_PLAIN_LONG = 8_000
MOST_PARTS = 200
"""Parts of one result, and reminders of one text, that are drawn; a page of a hundred thousand helps nobody."""
_NOTE = Markup('<p class="note">{}</p>')
_IMAGE = Markup(
    '<a class="picture" href="{url}"><img src="{url}" alt="{alt}" loading="lazy" decoding="async"{dimensions}></a>'
)
_DIMENSIONS = Markup(' width="{}" height="{}"')


@dataclass(frozen=True, slots=True)
class Block:
    """A block ready for a template. ``title`` and ``note`` stand in its head line; ``folded`` starts it closed."""

    kind: str
    title: str
    body: Markup
    note: str = ""
    folded: bool = False
    error: bool = False
    breakpoint: str = ""
    """The cache breakpoint below it, in words."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a renderer may know: who speaks, where pictures are served, and the count of masked secrets."""

    role: str
    pictures: str
    """Address under which a picture's place is appended; empty where there are none."""
    mask: Mask
    calls: Mapping[str, str] = field(default_factory=dict)
    """Name of the tool behind each tool_use id of the transcript, to say what a result is the result of."""


def rendered(block: Any, place: str, context: Context) -> Iterator[Block]:
    """The blocks that show this one (a text with reminders in it is several). Never raises on any JSON."""
    if isinstance(block, str):
        block = {"type": "text", "text": block}
    if not isinstance(block, dict):
        yield _as_json("block", block, context)
        return
    kind = block.get("type")
    renderer = _RENDERERS.get(kind) if isinstance(kind, str) else None
    if renderer is not None:
        made = list(renderer(block, place, context))
        if made:
            yield from made
            return
    yield _as_json(kind if isinstance(kind, str) else "block without a type", block, context)


def _text(block: dict[str, Any], _: str, context: Context) -> Iterator[Block]:
    text = block.get("text")
    if not isinstance(text, str):
        return
    parts = [(reminds, piece) for reminds, piece in pieces(text) if piece.strip()]
    if not parts:
        yield Block("text", "", _NOTE.format("empty text"))
    for reminds, piece in parts[:MOST_PARTS]:
        if reminds:
            inside = masked(piece, context.mask)
            yield Block("reminder", "system-reminder", long_text.shown(inside), _octets(inside), folded=True)
        else:
            yield Block("text", "", prose(piece, context))
    if len(parts) > MOST_PARTS:
        yield Block("text", "", _left_out(len(parts)))
    if block.get("citations"):
        yield _as_json("citations", block["citations"], context)


def _left_out(parts: int) -> Markup:
    return _NOTE.format(f"▲ {figures.plural(parts - MOST_PARTS, 'more part')} not drawn; the raw download has them.")


def _octets(text: str) -> str:
    return figures.size(len(text.encode("utf-8", "surrogatepass")))


def prose(text: str, context: Context) -> Markup:
    """Text for people: what a model wrote as Markdown, what others wrote exactly as they wrote it."""
    text = masked(text, context.mask)
    if context.role == "assistant":
        html = formatted(text)
        if html is not None:
            return _PROSE.format(html)
        return long_text.shown(text) + _NOTE.format("Shown as plain text: too long or nested too deeply for Markdown.")
    if len(text) > _PLAIN_LONG:
        return long_text.shown(text)
    return _PLAIN.format(visible(text.strip("\n")))


def _thinking(block: dict[str, Any], _: str, context: Context) -> Iterator[Block]:
    text = block.get("thinking")
    if not isinstance(text, str):
        return
    signed = "signed" if block.get("signature") else "no signature"
    if not text:
        yield Block("thinking", "thinking", _NOTE.format("The text was not sent; only its signature was."), signed)
        return
    note = f"{figures.plural(len(text), 'character')} · {signed}"
    yield Block("thinking", "thinking", prose(text, context), note, folded=True)


def _redacted_thinking(block: dict[str, Any], _: str, __: Context) -> Iterator[Block]:
    data = block.get("data")
    size = figures.size(len(data)) if isinstance(data, str) else "no data"
    body = _NOTE.format("Encrypted by the provider; nobody but the model can read it.")
    yield Block("thinking", "redacted thinking", body, size, folded=True)


def _tool_use(block: dict[str, Any], _: str, context: Context) -> Iterator[Block]:
    name = block.get("name")
    if not isinstance(name, str):
        return
    title, body = called(name, block.get("input"), context.mask)
    server = block.get("server_name")
    where = f" · server {server}" if isinstance(server, str) else ""
    yield Block("tool-use", title, body, f"{block.get('id', 'no id')}{where}")


def _tool_result(block: dict[str, Any], place: str, context: Context) -> Iterator[Block]:
    content, failed = block.get("content"), block.get("is_error") is True
    note = str(block.get("tool_use_id", "no id"))
    name = context.calls.get(note)
    title = ("tool error" if failed else "tool result") + (f" · {name}" if name else "")
    if content is None or content in ("", []):
        yield Block("tool-result", title, _NOTE.format("empty"), note, error=failed)
        return
    if not isinstance(content, (str, list)):
        return
    parts = [content] if isinstance(content, str) else content
    bodies = [_result_part(part, f"{place}.{number}", context) for number, part in enumerate(parts[:MOST_PARTS])]
    if len(parts) > MOST_PARTS:
        bodies.append(_left_out(len(parts)))
    yield Block("tool-result", title, Markup("").join(bodies), note, error=failed)


def _result_part(part: Any, place: str, context: Context) -> Markup:
    if isinstance(part, dict) and part.get("type") == "text":
        part = part.get("text")
    if isinstance(part, str):
        return _result_text(masked(part, context.mask))
    return Markup("").join(inner.body for inner in rendered(part, place, context))


def _result_text(text: str) -> Markup:
    """A tool's words; the reminders that the client appended to them fold."""
    parts = [(reminds, piece) for reminds, piece in pieces(text) if piece.strip()]
    shown = [
        _FOLDED_REMINDER.format(_octets(piece), long_text.shown(piece)) if reminds else long_text.shown(piece)
        for reminds, piece in parts[:MOST_PARTS]
    ]
    if len(parts) > MOST_PARTS:
        shown.append(_left_out(len(parts)))
    return Markup("").join(shown) or _NOTE.format("empty text")


def _image(block: dict[str, Any], place: str, context: Context) -> Iterator[Block]:
    source = block.get("source")
    if not isinstance(source, dict):
        return
    if source.get("type") != "base64":
        body = _NOTE.format("Remote image, not loaded here.") + json_view.tree(source).html
        yield Block("image", "image", body, str(source.get("type", "")))
        return
    data = source.get("data")
    picture = recognised(head_of(data))
    octets = figures.size(len(data) * 3 // 4) if isinstance(data, str) else "no data"
    if not context.pictures:
        yield Block("image", "image", _NOTE.format("Pictures are not part of this."), octets)
        return
    if picture is None:
        said = source.get("media_type")
        text = f"Not shown: its bytes are no PNG, JPEG, GIF or WebP picture. It was sent as {said}."
        yield Block("image", "image", _NOTE.format(visible(masked(text, context.mask))), octets)
        return
    known = picture.width is not None and picture.height is not None
    dimensions = _DIMENSIONS.format(picture.width, picture.height) if known else Markup("")
    alt = f"Recorded image, {picture.content_type}, {octets}"
    body = _IMAGE.format(url=context.pictures + place, alt=alt, dimensions=dimensions)
    size = f" · {picture.width} × {picture.height}" if known else ""
    yield Block("image", "image", body, f"{picture.content_type}{size} · {octets}")


def _document(block: dict[str, Any], _: str, context: Context) -> Iterator[Block]:
    source = block.get("source")
    data = source.get("data") if isinstance(source, dict) else None
    if not isinstance(source, dict) or source.get("type") != "base64" or not isinstance(data, str):
        return
    name = masked(str(block.get("title") or "document"), context.mask)
    note = f"{source.get('media_type', 'unknown type')} · {figures.size(len(data) * 3 // 4)}"
    yield Block("document", name, _NOTE.format("Documents are not drawn; its bytes are in the raw download."), note)


def _as_json(title: str, value: Any, context: Context) -> Block:
    drawn = json_view.tree(value, open_depth=1)
    context.mask.hidden += drawn.masked
    left = f"{figures.plural(drawn.left_out, 'value')} not drawn" if drawn.left_out else ""
    return Block("other", title, drawn.html, left)


_Renderer = Callable[[dict[str, Any], str, Context], Iterator[Block]]
_RENDERERS: dict[str, _Renderer] = {
    "text": _text,
    "thinking": _thinking,
    "redacted_thinking": _redacted_thinking,
    "tool_use": _tool_use,
    "server_tool_use": _tool_use,
    "mcp_tool_use": _tool_use,
    "tool_result": _tool_result,
    "mcp_tool_result": _tool_result,
    "image": _image,
    "document": _document,
}
