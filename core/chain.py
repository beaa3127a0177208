"""Chain hashes: the state of a transcript after each of its items, so that one transcript is found inside another."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from core.normal_form import Item

IDENTITY_VERSION: Final = 1
"""Grows when the normal form or the chain changes; stored on each row, and part of every state."""

START: Final = sha256(b"footplate identity %d" % IDENTITY_VERSION).digest()
"""The state before the first item."""


_SIZES: Final = tuple(b"%d:" % size for size in range(64))
"""How the sizes of nearly all parts are written."""


def thread_start(previous_message_id: str) -> bytes:
    """The state before the first item of a thread continuation, whose beginning is known by the answer's id alone."""
    return sha256(b"thread" + START + previous_message_id.encode(errors="replace")).digest()


def extend(state: bytes, data: bytes) -> bytes:
    """The state after one more item, given its canonical bytes."""
    return sha256(b"%b%b%b" % (state, len(data).to_bytes(8, "big"), data)).digest()


def chain(state: bytes, items: Iterable[Item]) -> tuple[bytes, ...]:
    """The state after each item, 32 bytes each, going on from ``state``."""
    states = []
    for item in items:
        data = item.data
        state = sha256(state + len(data).to_bytes(8, "big") + data).digest()
        states.append(state)
    return tuple(states)


def digest(*parts: bytes) -> bytes:
    """16 bytes that name these parts, in this order; for keys of look-ups."""
    named: list[bytes] = []
    for part in parts:
        size = len(part)
        named += (_SIZES[size] if size < len(_SIZES) else b"%d:" % size, part)
    return sha256(b"".join(named)).digest()[:16]


def digests(begin: tuple[bytes, ...], parts: Iterable[bytes]) -> list[bytes]:
    """``digest(*begin, part)`` of each of these parts, in half the time."""
    named = b"".join(b"%d:%b" % (len(one), one) for one in begin)
    return [sha256(b"%b%d:%b" % (named, len(part), part)).digest()[:16] for part in parts]
