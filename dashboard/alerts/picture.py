"""A message as Slack shows it, for the log: read from the payload that was sent, as text and links to our own pages.

What is in a payload may be hostile text: nothing of it becomes markup, and no link leads anywhere but here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from dashboard.alerts.log import own_path

MOST_PARTS: Final = 60
LONGEST: Final = 3000
Style = Literal["", "bold", "italic", "code", "struck", "ok", "info", "warning", "error"]
PartKind = Literal["header", "link", "text", "fields", "divider", "context", "buttons"]
TONES: Final[Mapping[str, str]] = {"good": "ok", "info": "info", "warning": "warning", "danger": "error"}
"""What a tone, or Slack's word for a colour, is called in our pages."""
# Links and what stands between marks, as Slack reads mrkdwn; each alternative ends at a line's end at the latest.
_MARKS: Final = re.compile(
    r"<(?P<url>[^<>|\n]{1,2000})(?:\|(?P<label>[^<>\n]{0,500}))?>"
    r"|(?<![\w*])\*(?P<bold>[^*\n]{1,3000})\*(?!\w)|(?<!\w)_(?P<italic>[^_\n]{1,3000})_(?!\w)"
    r"|(?<!\w)~(?P<struck>[^~\n]{1,3000})~(?!\w)|`(?P<code>[^`\n]{1,3000})`"
)


_DOTS: Final[Mapping[str, Style]] = {"🟢": "ok", "🔵": "info", "🟠": "warning", "🔴": "error"}
"""The mark a headline begins with: drawn by us, because not every machine has a font with it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text; ``path`` leads to a page of ours where it is a link."""

    text: str
    style: Style = ""
    path: str = ""


Run = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message: one text, or several side by side."""

    kind: PartKind
    runs: tuple[Run, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Parts that stand together; those of an attachment beside a bar of a colour."""

    bar: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A message; ``left_out`` parts were too many to be drawn."""

    groups: tuple[Group, ...]
    left_out: int = 0


def of_message(payload: Any, base: str) -> Picture:
    """The picture of a payload; ``base`` is how links to our own pages begin."""
    given = payload if isinstance(payload, Mapping) else {}
    attached = [one for one in _listed(given.get("attachments")) if isinstance(one, Mapping)]
    found = [("", [part for block in _listed(given.get("blocks")) for part in _block(block, base)])]
    found += [(TONES.get(str(one.get("color")), "info"), list(_attachment(one, base))) for one in attached]
    if not any(parts for _, parts in found):
        found = [("", [Part("text", (_runs(given.get("text"), base),))])]
    room, groups = MOST_PARTS, []
    for bar, parts in found:
        if parts[: max(room, 0)]:
            groups.append(Group(bar, tuple(parts[:room])))
        room -= len(parts)
    return Picture(tuple(groups), max(0, -room))


def _block(block: Any, base: str) -> Iterator[Part]:
    given = block if isinstance(block, Mapping) else {}
    match given.get("type"):
        case "header":
            yield Part("header", (_headline(_runs(given.get("text"), base, plain=True)),))
        case "section":
            if given.get("text"):
                yield Part("text", (_runs(given["text"], base),))
            if given.get("fields"):
                yield Part("fields", tuple(_runs(one, base) for one in _listed(given["fields"])))
            if isinstance(given.get("accessory"), Mapping):
                yield from _buttons([given["accessory"]], base)
        case "context":
            yield Part("context", tuple(_runs(one, base) for one in _listed(given.get("elements"))))
        case "actions":
            yield from _buttons(_listed(given.get("elements")), base)
        case "divider":
            yield Part("divider")


def _attachment(given: Mapping[str, Any], base: str) -> Iterator[Part]:
    marked = _listed(given.get("mrkdwn_in"))
    if given.get("pretext"):
        yield Part("text", (_runs(given["pretext"], base, plain="pretext" not in marked),))
    if given.get("title"):
        path = _own(given.get("title_link"), base)
        text = "".join(piece.text for piece in _runs(given["title"], base, plain=True))
        yield Part("link" if path else "header", ((Piece(text, path=path),),))
    for block in _listed(given.get("blocks")):
        yield from _block(block, base)
    if given.get("text"):
        yield Part("text", (_runs(given["text"], base, plain="text" not in marked),))
    fields = [one for one in _listed(given.get("fields")) if isinstance(one, Mapping)]
    if fields:
        yield Part("fields", tuple(_field(one, base, plain="fields" not in marked) for one in fields))
    if given.get("actions"):
        yield from _buttons(_listed(given["actions"]), base)
    if given.get("footer"):
        yield Part("context", (_runs(given["footer"], base),))


def _headline(run: Run) -> Run:
    text = run[0].text
    dot = _DOTS.get(text[:1])
    return run if dot is None else (Piece(text[:1], dot), Piece(text[1:]))


def _field(given: Mapping[str, Any], base: str, *, plain: bool) -> Run:
    title = tuple(Piece(piece.text, "bold") for piece in _runs(given.get("title"), base, plain=True))
    return (*title, Piece("\n"), *_runs(given.get("value"), base, plain=plain))


def _buttons(elements: Sequence[Any], base: str) -> Iterator[Part]:
    given = [one for one in elements if isinstance(one, Mapping)]
    runs = [(one, "".join(piece.text for piece in _runs(one.get("text"), base, plain=True))) for one in given]
    made = tuple((Piece(text, path=_own(one.get("url"), base)),) for one, text in runs if text)
    if made:
        yield Part("buttons", made)


def _runs(value: Any, base: str, *, plain: bool = False) -> Run:
    """A text of a payload, or a text object, as pieces."""
    if isinstance(value, Mapping):
        plain = plain or value.get("type") == "plain_text"
        value = value.get("text")
    text = value if isinstance(value, str) else ""
    if len(text) > LONGEST:
        text = text[:LONGEST] + "…"
    return (Piece(_unescaped(text)),) if plain else tuple(_marked(text, base))


def _marked(text: str, base: str) -> Iterator[Piece]:
    position = 0
    for found in _MARKS.finditer(text):
        if found.start() > position:
            yield Piece(_unescaped(text[position : found.start()]))
        yield _marked_piece(found, base)
        position = found.end()
    if position < len(text):
        yield Piece(_unescaped(text[position:]))


def _marked_piece(found: re.Match[str], base: str) -> Piece:
    if found["url"] is not None:
        return Piece(_unescaped(found["label"] or found["url"]), path=_own(_unescaped(found["url"]), base))
    styles: tuple[Style, ...] = ("bold", "italic", "struck", "code")
    style = next(one for one in styles if found[one] is not None)
    return Piece(_unescaped(found[style]), style)


def _own(url: Any, base: str) -> str:
    """The path of a link to a page of ours; nothing for any other."""
    if not isinstance(url, str) or not url.startswith(base + "/"):
        return ""
    parts = urlsplit(url.removeprefix(base))
    query, fragment = (f"?{parts.query}" if parts.query else ""), (f"#{parts.fragment}" if parts.fragment else "")
    path = own_path(parts.path)
    return path + query + fragment if path == parts.path else ""


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _listed(value: Any) -> Sequence[Any]:
    return value[: MOST_PARTS * 2] if isinstance(value, list) else []
