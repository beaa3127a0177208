"""Where the long string literals of a request body are, which are pieces of their own.

Two ways to the same: messages that parse are read by their shape, in C; for the rest all quotes are looked at. Either
way a message's literals depend on its own bytes alone, so they are the same in the next turn's body.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from operator import attrgetter
from typing import Final

import msgspec

LONG: Final = 512
"""Bytes of a literal, with its quotes, that is a piece of its own; nothing much shorter is worth a row (110 bytes)."""
MOST_MARKS: Final = 1_000_000
"""Commas up to which a body is parsed, quotes up to which it is searched, marks of all kinds up to which it is walked:
32 MB of ``1,1,1,…`` would take gigabytes as slices. A body of real text has one in thirty bytes at most."""
SMALL: Final = 2 << 20
"""Bytes below which no body can hold so many that it matters."""
DEPTH: Final = 4
"""Levels below a block that are looked into: each is parsed once more."""
_QUOTE, _BRACE, _BRACKET = b'"{['
_BEGINNING: Final = 48

PARSE_ERRORS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_NONE: Final = msgspec.Raw(b"")


class _Block(msgspec.Struct, gc=False):
    """Where blocks hold texts, and objects with texts."""

    text: msgspec.Raw = _NONE
    content: msgspec.Raw = _NONE
    input: msgspec.Raw = _NONE
    thinking: msgspec.Raw = _NONE
    signature: msgspec.Raw = _NONE
    source: msgspec.Raw = _NONE
    data: msgspec.Raw = _NONE


class _Message(msgspec.Struct, gc=False):
    content: list[_Block] | str | None = None


_fields = attrgetter(*_Block.__struct_fields__)
_MESSAGE: Final = msgspec.json.Decoder(_Message)
_MESSAGES: Final = msgspec.json.Decoder(list[_Message])
_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])


def too_many(body: bytes, mark: bytes, begin: int, end: int) -> bool:
    """Whether there are so many of a mark between two places that slices of them would take too much memory."""
    return end - begin > SMALL and body.count(mark, begin, end) > MOST_MARKS


def of_messages(body: bytes, starts: list[int], end: int) -> list[tuple[int, int]]:
    """The long literals of messages that parse: from their quote to behind the other.

    ``starts``: where each message begins, at the comma before it or at itself.
    """
    found: list[tuple[int, int]] = []
    slices = list(pairwise([*starts, end]))
    for message, (at, close) in zip(_messages(body, slices), slices, strict=True):
        if close - at < LONG:
            continue
        if message is not None and isinstance(message.content, list):
            _add_blocks(found, body, message.content, at, close)
        else:
            found += between(body, at, close)
    return found


def _messages(body: bytes, slices: list[tuple[int, int]]) -> Sequence[_Message | None]:
    """All at once; where one has a shape of its own, one by one."""
    if not slices:
        return ()
    try:
        found = _MESSAGES.decode(_array(body, slices[0][0], slices[-1][1]))
    except PARSE_ERRORS:
        found = []
    if len(found) == len(slices):
        return found
    return [_message(body[_behind_comma(body, at) : close]) for at, close in slices]


def _array(body: bytes, at: int, end: int) -> memoryview | bytes:
    """The messages with brackets around them: the body's own where they begin right behind the first."""
    if body.startswith(b"[", at - 1) and body.startswith(b"]", end):
        return memoryview(body)[at - 1 : end + 1]
    return b"".join((b"[", memoryview(body)[_behind_comma(body, at) : end], b"]"))


def _behind_comma(body: bytes, at: int) -> int:
    return at + body.startswith(b",", at)


def between(body: bytes, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """The long literals between any two places outside of strings."""
    if end - begin < LONG or too_many(body, b'"', begin, end):
        return
    sizes = list(map(len, unescaped(body[begin:end]).split(b'"')))
    ends = list(accumulate(sizes))
    # Every second part is the inside of a string; one that nothing closes is none.
    for n in [n for n in range(1, len(sizes) - 1, 2) if sizes[n] >= LONG - 2]:
        close = begin + ends[n] + n
        yield close - sizes[n] - 1, close + 1


def unescaped(text: bytes) -> bytes:
    """The text with its escaped quotes blanked: in what is left every quote opens or closes a string."""
    return text.replace(b"\\\\", b"..").replace(b'\\"', b"..")


def _message(text: bytes) -> _Message | None:
    try:
        return _MESSAGE.decode(text)
    except PARSE_ERRORS:
        return None


def _add_blocks(found: list[tuple[int, int]], body: bytes, blocks: list[_Block], at: int, end: int) -> None:
    for block in blocks:
        for value in _fields(block):
            if len(value) < LONG:
                continue
            view = memoryview(value)
            for literal in (view,) if view[0] == _QUOTE else _within(view, DEPTH):
                place = _place(body, literal, at, end)
                if place >= 0:
                    at = place + len(literal)
                    found.append((place, at))


def _within(value: memoryview, depth: int) -> Iterator[memoryview]:
    """The long literals in a value."""
    if len(value) < LONG:
        return
    if value[0] == _QUOTE:
        yield value
    elif depth and value[0] in {_BRACE, _BRACKET}:
        for one in _inner(value):
            yield from _within(memoryview(one), depth - 1)


def _inner(value: memoryview) -> Iterable[msgspec.Raw]:
    try:
        return _OBJECT.decode(value).values() if value[0] == _BRACE else _ARRAY.decode(value)
    except PARSE_ERRORS:
        # Slices are not looked at closely when they are cut; keys are when they are read.
        return ()


def _place(body: bytes, literal: memoryview, at: int, end: int) -> int:
    """Where a literal stands, by how it begins and ends: one found elsewhere is a place to cut, too."""
    beginning, size = literal[:_BEGINNING], len(literal)
    at = body.find(beginning, at, end - size + _BEGINNING)
    while at >= 0 and body[at + size - 1] != _QUOTE:
        at = body.find(beginning, at + 1, end - size + _BEGINNING)
    return at
