"""What requests wait for, as rows: each key by itself, or of a request that waits for many a shelf of them in each.

A transcript of 300 KB whose parent is not recorded waits for some 270 keys, and a row for each is 1.4 of the 3.4 ms
that Postgres takes for such a call. Nearly all wait for one or two.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sql.arrays import trimmed

MOST = 32
"""Keys of a request that are kept by themselves."""
_SHELVES: Final = tuple(bytes([number]) for number in range(16))
"""The keys of rows with several; no other is so short."""


def shelf(key: bytes) -> bytes:
    """The row that a key lies in, where its request waits for many: all that begin with the same four bits."""
    return _SHELVES[key[0] >> 4]


def columns(wants: Mapping[UUID, Sequence[bytes]]) -> list[list[Any]]:
    """The keys, requests and shelves' contents of ``linking_put``."""
    rows: list[tuple[bytes, UUID, bytes | None]] = []
    for request, keys in wants.items():
        if len(keys) <= MOST:
            rows += [(key, request, None) for key in keys]
        else:
            rows += [(name, request, content) for name, content in _shelved(keys).items()]
    keys_of, requests, contents = ([row[place] for row in rows] for place in range(3))
    return [keys_of, requests, trimmed(contents)]


def _shelved(keys: Sequence[bytes]) -> dict[bytes, bytes]:
    found: dict[bytes, list[bytes]] = {}
    for key in keys:
        found.setdefault(shelf(key), []).append(key)
    return {name: b"".join(of) for name, of in found.items()}
