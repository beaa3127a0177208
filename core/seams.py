"""Where a request body is cut, so that the next turn's body is cut at the same places.

A cut is only ever a place between two bytes: whatever is found here, the slices joined are the body. Finding other
places costs repetition on disk, never a byte.

Long string literals are cut out (a text is stored once, however the message around it is written), and what stands
between two of them is one piece, closed at the first message boundary behind 512 bytes and at the end of the messages.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from core import texts
from core.texts import LONG, MOST_MARKS, PARSE_ERRORS, too_many, unescaped
from core.valueclass import valueclass


class _Body(msgspec.Struct):
    messages: list[msgspec.Raw]
    tools: msgspec.Raw = msgspec.Raw(b"")


_BODY: Final = msgspec.json.Decoder(_Body)
_MESSAGES: Final = msgspec.json.Decoder(list[msgspec.Raw])
_OPENING: Final = b'"messages":['
_LOOSE_OPENING: Final = re.compile(rb'"messages"[ \t\r\n]*:[ \t\r\n]*\[')
_BLANKS: Final = re.compile(rb"[ \t\r\n]*")
_MARKS: Final = (b"[", b"]", b"{", b"}", b",", b'"')
_BETWEEN: Final = frozenset((b",", b"]"))
_BLANK: Final = frozenset((b" ", b"\t", b"\r", b"\n"))
_STRUCTURE: Final = re.compile(rb"[\[\]{},]")
_KEY: Final = re.compile(rb'"messages"[ \t\r\n]*:[ \t\r\n]*\[\Z')


@valueclass(frozen=True, slots=True)
class Seams:
    """Where the messages of a body are.

    ``starts``: where each begins, all but the first at the comma before it; ``end``: their ``]``; ``tools``: the slice
    of the tool definitions where it is long, which is cut out whole; ``parsed``: whether the body is JSON.
    """

    starts: list[int]
    end: int
    tools: tuple[int, int] | None = None
    parsed: bool = True


def find(body: bytes) -> Seams | None:
    """The seams of a request body; None where it has no messages that could be found. Linear, never raises."""
    if too_many(body, b",", 0, len(body)):
        return None
    try:
        parsed = _BODY.decode(body)
    except PARSE_ERRORS:
        return _walked(body)
    opening = _opening(body)
    places = None if opening < 0 else _places(body, opening, parsed.messages)
    if places is None:
        return _walked(body)
    return Seams(places[:-1], places[-1], _slice(body, places[-1], parsed.tools))


def resume(body: bytes, at: int, end: int) -> list[int] | None:
    """Where the messages begin between ``at``, where one begins, and ``end``, the ``]``; None: these are none."""
    if at == end:
        return []
    begin = behind_comma(body, at)
    if begin is None or too_many(body, b",", at, end):
        return None
    try:
        messages = _MESSAGES.decode(b"[%b]" % body[begin:end])
    except PARSE_ERRORS:
        return None
    places = _places(body, begin, messages)
    if places is None or places[-1] != end or not messages:
        return None
    return [at, *places[1:-1]]


def behind_comma(body: bytes, at: int) -> int | None:
    """Where the message stands whose slice begins at ``at``: behind a comma, the first right behind the bracket."""
    if body.startswith(b",", at):
        return at + 1
    return at if body.startswith(b"[", at - 1) else None


def cuts(body: bytes, seams: Seams, begin: int, first: int = 0) -> list[int]:
    """Where the pieces of the messages begin, from the piece that is open at ``begin`` on; the last is their end.

    ``first``: the message (its place in ``seams.starts``) to go on with.
    """
    starts = seams.starts[first:]
    if seams.parsed:
        literals = texts.of_messages(body, starts, seams.end)
    else:
        literals = list(texts.between(body, starts[0] if starts else seams.end, seams.end))
    found, last = [begin], begin
    for at, close in (*literals, (seams.end, seams.end)):
        if at - last >= LONG:
            _cut_between(found, starts, at)
            last = found[-1]
        if at > last:
            found.append(at)
            last = at
        if close > last:
            found.append(close)
            last = close
    return found


def cuts_around(body: bytes, begin: int, end: int, tools: tuple[int, int] | None) -> list[int]:
    """Where the pieces begin of what is not messages; the last is the end."""
    found = [begin]
    if tools is not None and begin <= tools[0] and tools[1] <= end:
        for literal in texts.between(body, begin, tools[0]):
            _cut(found, literal)
        _cut(found, tools)
        begin = tools[1]
    for literal in texts.between(body, begin, end):
        _cut(found, literal)
    _cut(found, (end,))
    return found


def _cut_between(found: list[int], starts: list[int], end: int) -> None:
    """Cut what stands before the next literal where a message begins and there is enough of it."""
    while end - found[-1] >= LONG:
        at = bisect_left(starts, found[-1] + LONG)
        if at == len(starts) or starts[at] > end:
            break
        found.append(starts[at])


def _cut(found: list[int], places: Iterable[int]) -> None:
    found.extend(place for place in places if place > found[-1])


def _opening(body: bytes) -> int:
    """Behind the bracket of the first ``messages``; -1 where there is none."""
    at = body.find(_OPENING)
    if at >= 0:
        return at + len(_OPENING)
    found = _LOOSE_OPENING.search(body)
    return -1 if found is None else found.end()


def _places(body: bytes, at: int, messages: list[msgspec.Raw]) -> list[int] | None:
    """Where each begins, and last their ``]``, if they stand one after the other from ``at`` on.

    Nothing but blanks between, as Python's own ``json`` writes them.
    """
    places = [at]
    at = _behind_blanks(body, at)
    if messages and not body.startswith(bytes(messages[0]), at):
        return None
    for message in messages:
        at += len(message)
        if body[at : at + 1] not in _BETWEEN:
            at = _behind_blanks(body, at)
            if body[at : at + 1] not in _BETWEEN:
                return None
        places.append(at)
        at += 1
        if body[at : at + 1] in _BLANK:
            at = _behind_blanks(body, at)
    return places if body.startswith(b"]", places[-1]) else None


def _behind_blanks(body: bytes, at: int) -> int:
    found = _BLANKS.match(body, at)
    return at if found is None else found.end()


def _slice(body: bytes, messages_end: int, raw: msgspec.Raw) -> tuple[int, int] | None:
    slice_ = memoryview(raw)
    if len(slice_) < LONG:
        return None
    # By its beginning: to find 100 KB costs more than to compare them.
    beginning = bytes(slice_[:64])
    at = body.find(beginning, messages_end)
    at = body.find(beginning) if at < 0 else at
    return (at, at + len(slice_)) if body.startswith(bytes(slice_), at) else None


def _walked(body: bytes) -> Seams | None:
    """The same for what a parser refuses or what stands elsewhere than expected: bracket by bracket."""
    if b'"messages"' not in body or sum(body.count(mark) for mark in _MARKS) > MOST_MARKS:
        return None
    starts: list[int] = []
    depth = 0
    for at, mark in _outside(body):
        if mark in b"[{":
            depth += 1
            if not starts and depth == 2 and mark == b"[" and _is_messages(body, at):
                starts.append(at + 1)
        elif mark in b"]}":
            depth -= 1
            if starts and depth == 1:
                return Seams(starts, at, parsed=False)
        elif starts and depth == 2:
            starts.append(at)
    # Cut off in the middle: what is there of the last message belongs to the rest.
    return Seams(starts, starts[-1], parsed=False) if starts else None


def _is_messages(body: bytes, bracket: int) -> bool:
    return _KEY.search(body, max(bracket - 64, 0), bracket + 1) is not None


def _outside(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Brackets and commas outside of strings."""
    at = 0
    for n, part in enumerate(unescaped(body).split(b'"')):
        if n % 2 == 0:
            for found in _STRUCTURE.finditer(part):
                yield at + found.start(), found[0]
        at += len(part) + 1
