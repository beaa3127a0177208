"""What a list's thumbnail draws of a conversation: one element a node in start order, of many an even choice.

Of more than ``SHAPE`` nodes every second, fourth, eighth … stands there, so that a conversation of ten thousand takes
one more without being drawn anew. For a parent left out its own stands in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from uuid import UUID

from core.layered import Layered
from core.valueclass import replace

SHAPE: Final = 200
"""Elements of a shape at most."""


class _Mark(NamedTuple):
    lane: int
    parent: UUID | None
    kind: str


@dataclass(slots=True)
class Shape:
    """Nodes are added in the order of their ids."""

    _stride: int = 1
    _nodes: int = 0
    _marks: dict[UUID, _Mark] = field(default_factory=dict)
    _failed: dict[UUID, bool] = field(default_factory=dict)
    _node_of: Layered[UUID, UUID] = field(default_factory=Layered)
    """Of each attempt."""
    _nearest: Layered[UUID, UUID] = field(default_factory=Layered)
    """Of each node what was drawn nearest above it, or itself, when it came."""
    _above: Layered[UUID, UUID] = field(default_factory=Layered)
    """Of those thinned out."""

    def over(self) -> "Shape":
        """One that goes on from here, while this stays as it is."""
        return replace(
            self,
            _marks=dict(self._marks),
            _failed=dict(self._failed),
            _node_of=Layered(self._node_of),
            _nearest=Layered(self._nearest),
            _above=Layered(self._above),
        )

    def add_attempt(self, request: UUID, node: UUID, *, failed: bool) -> None:
        """A later attempt of a node, which is an error as long as none went well."""
        self._node_of.put(request, node)
        if node in self._failed:
            self._failed[node] &= failed

    def add(self, node: UUID, parent: UUID | None, lane: int, kind: str, *, failed: bool) -> None:
        """A node; ``kind`` counts where it did not fail."""
        above = None if parent is None else self._nearest.get(self._node_of.get(parent) or parent)
        above = self._drawn(above)
        if self._nodes % self._stride == 0:
            self._marks[node] = _Mark(lane, above, kind)
            self._failed[node] = failed
            self._nearest.put(node, node)
            if len(self._marks) > SHAPE:
                self._thin()
        elif above is not None:
            self._nearest.put(node, above)
        self._nodes += 1

    def _drawn(self, node: UUID | None) -> UUID | None:
        while node is not None and node not in self._marks:
            node = self._above.get(node)
        return node

    def _thin(self) -> None:
        self._stride *= 2
        for node in list(self._marks)[1::2]:
            above = self._marks[node].parent
            if above is not None:
                self._above.put(node, above)
            del self._marks[node], self._failed[node]

    def elements(self) -> tuple[Mapping[str, Any], ...]:
        """The elements, each with the place of its parent among them."""
        places = {node: place for place, node in enumerate(self._marks)}
        above = {node: self._drawn(mark.parent) for node, mark in self._marks.items()}
        return tuple(
            {
                "lane": mark.lane,
                "parent": None if (parent := above[node]) is None else places[parent],
                "kind": "error" if self._failed[node] else mark.kind,
            }
            for node, mark in self._marks.items()
        )
