"""The normal form of a transcript: what of it is the talk itself, as a list of items (conversations.md, normal form).

Clients split and merge messages, move ``cache_control``, drop thinking, add and take away reminders between two turns
of one conversation. An item is one block of one role without any of that, serialised canonically (RFC 8785).
"""

from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple

import orjson

from core.canonical import canonical

USER: Final = "user"
ASSISTANT: Final = "assistant"

# What JavaScript's trim() takes away: clients trim with it, and Python's idea of white space changes with versions.
_WHITE: Final = (
    "\t\n\v\f\r \u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
_OPEN: Final = "<system-reminder>"
_CLOSE: Final = "</system-reminder>"
_ROLES: Final = {USER: b'"user"', ASSISTANT: b'"assistant"'}
_TEXTS: Final = {role: b'{"role":%b,"text":' % name for role, name in _ROLES.items()}
_THINKING: Final = frozenset({"thinking", "redacted_thinking"})
_NOTHING: Final = (frozenset[str](), frozenset[str]())
_MEDIA: Final = frozenset({"image", "document"})


class Item(NamedTuple):
    """One block of the talk."""

    role: str
    kind: str
    """The block's type."""
    data: bytes
    """Canonical; what is hashed."""
    text: str | None = None
    """The text of a text block, in normal form."""
    ref: str | None = None
    """The id of a tool_use, or the one that a tool_result answers."""


def clean(text: str) -> str:
    """Text without what clients add to it: reminders (with the white space before them), CR before LF, outer space."""
    if "<" in text and _OPEN in text:  # one character is looked for ten times as fast
        text = _without_reminders(text)
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    return text.strip(_WHITE)


def _without_reminders(text: str) -> str:
    # Found by hand: a pattern that begins with white space is quadratic on long runs of it.
    kept, at = [], 0
    while (start := text.find(_OPEN, at)) >= 0 and (end := text.find(_CLOSE, start)) >= 0:
        kept.append(text[at:start].rstrip(_WHITE))
        at = end + len(_CLOSE)
    kept.append(text[at:])
    return "".join(kept)


class Normaliser:
    """Blocks in, items out, in the order of the transcript; remembers which tool ids went by."""

    __slots__ = ("_results", "_uses")

    def __init__(self, uses: Collection[str] = (), results: Collection[str] = ()) -> None:
        self._uses = set(uses)
        self._results = set(results)

    @property
    def seen(self) -> tuple[frozenset[str], frozenset[str]]:
        """The ids of uses and of results that went by."""
        return (frozenset(self._uses), frozenset(self._results)) if self._uses or self._results else _NOTHING

    def content(self, role: str, content: Any) -> list[Item]:
        """The items of a message's content, a string or a list of blocks; of user and assistant."""
        if isinstance(content, str):
            item = text_item(role, content)
            return [] if item is None else [item]
        items: list[Item] = []
        for block in content if isinstance(content, list) else ():
            if isinstance(block, dict):
                item = self._item(role, block)
                if item is not None:
                    items.append(item)
        return items

    def _item(self, role: str, block: Mapping[str, Any]) -> Item | None:
        kind = block.get("type")
        if kind == "text" and isinstance(block.get("text"), str):
            return text_item(role, block["text"])
        if kind == "tool_use":
            return self._tool_use(role, block)
        if kind == "tool_result":
            return self._tool_result(role, block)
        if not isinstance(kind, str):
            kind = ""
        if kind in _THINKING:
            return None
        if kind in _MEDIA and isinstance(block.get("source"), dict):
            return Item(
                role, kind, orjson.dumps({**_media(kind, block["source"]), "role": role}, option=orjson.OPT_SORT_KEYS)
            )
        said = (canonical(without_cache_control(block)), _ROLES[role])
        return Item(role, kind, b'{"block":%b,"role":%b}' % said)

    def _tool_use(self, role: str, block: Mapping[str, Any]) -> Item | None:
        ref, name = _word(block.get("id")), block.get("name")
        if ref is not None and (ref in self._uses or self._uses.add(ref)):  # type: ignore[func-returns-value] # set.add says None
            return None
        said = (b'{"id":', orjson.dumps(ref), b',"input":', canonical(block.get("input")))
        rest = (b',"name":', canonical(name), b',"role":', _ROLES[role], b"}")
        return Item(role, "tool_use", b"".join((*said, *rest)), None, ref)

    def _tool_result(self, role: str, block: Mapping[str, Any]) -> Item | None:
        ref = _word(block.get("tool_use_id"))
        if ref is not None and (ref in self._results or self._results.add(ref)):  # type: ignore[func-returns-value] # set.add says None
            return None
        content, failed = block.get("content"), b"true" if block.get("is_error") is True else b"false"
        parts = _result_text(content) if isinstance(content, str) else (b",".join(_result_parts(content)),)
        rest = (b'],"id":', orjson.dumps(ref), b',"is_error":', failed, b',"role":', _ROLES[role], b"}")
        return Item(role, "tool_result", b"".join((b'{"content":[', *parts, *rest)), None, ref)


def text_item(role: str, text: str) -> Item | None:
    """The item of a text; None where nothing of it is left in normal form."""
    text = clean(text)
    # Joined, never as orjson gives it: that was written into eight times the space, and what is kept of it would leave
    # a hole behind it in memory that the next one is too large for.
    return Item(role, "text", b"".join((_TEXTS[role], orjson.dumps(text), b"}")), text) if text else None


def result_text(content: Any) -> str:
    """The words of a tool result, its text blocks one per line; reminders are no part of it."""
    if isinstance(content, str):
        return clean(content)
    if not isinstance(content, list):
        return ""
    return "\n".join(
        clean(part["text"]) for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)
    )


def without_cache_control(value: Any) -> Any:
    """The value without ``cache_control`` at any depth."""
    if isinstance(value, dict):
        return {name: without_cache_control(part) for name, part in value.items() if name != "cache_control"}
    if isinstance(value, list):
        return [without_cache_control(part) for part in value]
    return value


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _result_text(text: str) -> tuple[bytes, ...]:
    text = clean(text)
    return (b'{"text":', orjson.dumps(text), b"}") if text else ()


def _result_parts(content: Any) -> Iterator[bytes]:
    for part in content if isinstance(content, list) else ():
        if not isinstance(part, dict):
            continue
        kind = _word(part.get("type"))
        if kind == "text" and isinstance(part.get("text"), str):
            text = _result_text(part["text"])
            if text:
                yield b"".join(text)
        elif kind is not None and kind in _MEDIA and isinstance(part.get("source"), dict):
            yield orjson.dumps(_media(kind, part["source"]), option=orjson.OPT_SORT_KEYS)
        elif kind not in _THINKING:
            yield canonical(without_cache_control(part))


def _media(kind: str, source: Mapping[str, Any]) -> dict[str, Any]:
    """What a picture or document is: where it lies, or its media type and the digest of its data."""
    for name in ("url", "file_id"):
        if isinstance(source.get(name), str):
            return {name: source[name], "type": kind}
    data = source.get("data")
    if isinstance(data, str):
        digest = sha256(data.encode()).hexdigest()
        return {"media_type": _word(source.get("media_type")), "sha256": digest, "type": kind}
    return {"sha256": sha256(canonical(without_cache_control(source))).hexdigest(), "type": kind}
