"""Where things lie on a tape, and what a reader says of them: the values of ``proxy.tape_reader``."""

from typing import NamedTuple
from uuid import UUID


class Position(NamedTuple):
    """A place between two frames; ordered as the tape is."""

    segment: UUID
    offset: int


class Place(NamedTuple):
    """Where a frame lies. ``length`` counts its header (44 bytes) and its payload."""

    segment: UUID
    offset: int
    length: int


class Backlog(NamedTuple):
    """What lies unread on a tape."""

    bytes: int
    oldest_ms: int | None
    """Unix milliseconds when the oldest unread frame was written; None where nothing is unread."""


class Quarantined(NamedTuple):
    """Damage set aside in ``<segment>.bad`` since this reader was made."""

    places: int
    bytes: int
