"""A mapping over others that stay as they are: what is put goes into the uppermost, and is looked up there first."""

from collections.abc import Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Layered(Generic[K, V]):
    """Grows only. Costs nothing to begin, however much lies below."""

    __slots__ = ("_below", "_size", "own")

    def __init__(self, below: "Layered[K, V] | None" = None) -> None:
        self._below = below
        self._size = 0 if below is None else len(below)
        self.own: dict[K, V] = {}
        """What was put into this layer."""

    def get(self, key: K) -> V | None:
        """The value of a key, of this layer first."""
        return self.own[key] if key in self.own else self.before(key)

    def before(self, key: K) -> V | None:
        """The value of a key in the layer below."""
        return None if self._below is None else self._below.get(key)

    def put(self, key: K, value: V) -> None:
        """Set the value of a key in this layer."""
        self._size += key not in self
        self.own[key] = value

    def __contains__(self, key: object) -> bool:
        return key in self.own or (self._below is not None and key in self._below)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[K]:
        below = self._below if self._below is not None else ()
        yield from below
        yield from (key for key in self.own if key not in below)
