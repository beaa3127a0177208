"""A mapping over another one that stays as it is: what is put goes into the upper, and is looked up there first."""

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Layered(Generic[K, V]):
    """Grows only. Costs nothing to begin, however much lies below."""

    __slots__ = ("_below", "_size", "own")

    def __init__(self, below: "Layered[K, V] | None" = None) -> None:
        self._below: Mapping[K, V] = below.own if below is not None else {}
        self._size = len(self._below)
        self.own: dict[K, V] = {}
        """What was put into this layer."""

    def get(self, key: K) -> V | None:
        """The value of a key, of this layer first."""
        return self.own[key] if key in self.own else self._below.get(key)

    def before(self, key: K) -> V | None:
        """The value of a key in the layer below."""
        return self._below.get(key)

    def put(self, key: K, value: V) -> None:
        """Set the value of a key in this layer."""
        self._size += key not in self.own and key not in self._below
        self.own[key] = value

    def __contains__(self, key: object) -> bool:
        return key in self.own or key in self._below

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[K]:
        yield from self._below
        yield from (key for key in self.own if key not in self._below)
