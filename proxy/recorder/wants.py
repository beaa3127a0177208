"""What requests wait for, as rows: each key by itself, or of a request that waits for many a shelf of them in each.

A transcript of 300 KB whose parent is not recorded waits for some 270 keys, and a row for each is 1.4 of the 3.4 ms
that Postgres takes for such a call. Nearly all wait for one or two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from core.ids import uuid7_ms
from sql.arrays import trimmed

MOST = 32
"""Keys of a request that are kept by themselves."""
_SHELVES: Final = tuple(bytes([number]) for number in range(16))
"""The keys of rows with several; no other is so short."""
_HOUR_MS: Final = 3_600_000


@dataclass(slots=True)
class Shelves:
    """Whose keys lie on shelves. A late call looks through those of all requests behind it, so they must stay few.

    Where many transcripts come without their parents, those above ``most`` in an hour cost what they cost.
    """

    most: int = 256
    _taken: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By train: the latest hour, and how many requests have shelves in it."""

    def take(self, train: int, request: UUID) -> bool:
        """Whether a request gets shelves."""
        hour = uuid7_ms(request) // _HOUR_MS
        latest, count = self._taken.get(train, (hour, 0))
        if hour > latest:
            latest, count = hour, 0
        if hour < latest or count >= self.most:
            return False
        self._taken[train] = latest, count + 1
        return True


def shelf(key: bytes) -> bytes:
    """The row that a key lies in, where its request has shelves: all that begin with the same four bits."""
    return _SHELVES[key[0] >> 4]


def columns(train: int, wants: Mapping[UUID, Sequence[bytes]], shelves: Shelves | None) -> list[list[Any]]:
    """The keys, requests and contents of shelves that ``linking_put`` takes."""
    rows: list[tuple[bytes, UUID, bytes | None]] = []
    for request, keys in wants.items():
        if len(keys) > MOST and shelves is not None and shelves.take(train, request):
            rows += [(name, request, content) for name, content in _shelved(keys).items()]
        else:
            rows += [(key, request, None) for key in keys]
    keys_of, requests, contents = ([row[place] for row in rows] for place in range(3))
    return [keys_of, requests, trimmed(contents)]


def _shelved(keys: Sequence[bytes]) -> dict[bytes, bytes]:
    found: dict[bytes, list[bytes]] = {}
    for key in keys:
        found.setdefault(shelf(key), []).append(key)
    return {name: b"".join(of) for name, of in found.items()}
