"""Rows of a rebuild."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RebuildTrain:
    """A train to rebuild."""

    train: int
    name: str


@dataclass(frozen=True, slots=True)
class RebuildState:
    """How far a rebuild has come: from which id on, whether the old is forgotten, the last request, how many."""

    since: UUID
    cleared: bool
    reached: UUID
    rebuilt: int


@dataclass(frozen=True, slots=True)
class RebuildNext:
    """A request to rebuild, and the bytes of its bodies."""

    id: UUID
    bytes: int


@dataclass(frozen=True, slots=True)
class RebuildDue:
    """A train that has to be rebuilt."""

    train: int
