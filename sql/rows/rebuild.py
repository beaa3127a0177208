"""Rows of a rebuild."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RebuildTrain:
    """A train to rebuild."""

    train: int
    name: str


@dataclass(frozen=True, slots=True)
class RebuildRun:
    """A train that a rebuild has yet to do; ``began`` is the same for all trains of one rebuild."""

    train: int
    name: str
    began: datetime


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
