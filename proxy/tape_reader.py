"""Reads one tape from a position on: whole frames with their places; damage is set aside."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self
from uuid import UUID

from core.tape import Kind


class Position(NamedTuple):
    """A place between two frames; ordered as the tape is."""

    segment: UUID
    offset: int


class Place(NamedTuple):
    """Where a frame lies. ``length`` counts its header (44 bytes) and its payload."""

    segment: UUID
    offset: int
    length: int


class PlacedFrame(NamedTuple):
    """A whole frame and where it lies; ``payload`` is empty for BODY and CHUNK (see ``load``)."""

    kind: Kind
    request_id: bytes
    sequence: int
    mono_us: int
    payload: bytes
    place: Place

    @property
    def payload_size(self) -> int:
        """Bytes of payload on the tape."""


class Backlog(NamedTuple):
    """What lies unread on a tape."""

    bytes: int
    oldest_ms: int | None
    """Unix milliseconds when the oldest unread frame was written; None where nothing is unread."""


class Quarantined(NamedTuple):
    """Damage set aside in ``<segment>.bad`` since this reader was made."""

    places: int
    bytes: int


def nodes(data_dir: Path) -> list[str]:
    """The names of the tapes in a data folder, sorted; each is ``<data>/tape/<node>``."""


def writer_alive(folder: Path) -> bool:
    """Whether a writer holds this tape now; it does not notice the question."""


class TapeReader:
    """Follows one tape. Not for two threads at once; file I/O only, so an event loop calls it in a thread.

    The same (request id, sequence) may come twice: after a failed sync the writer repeats what was not acknowledged in
    a new segment. Then the later one counts, and everything of that request before it with the same or a higher
    sequence is void. A gap in the sequence is a loss (tape full).
    """

    def __init__(self, folder: Path, position: Position | None = None) -> None:
        """From ``position`` on; None begins at the oldest segment there is."""

    @property
    def node(self) -> str:
        """The tape's name: its folder's."""

    @property
    def position(self) -> Position | None:
        """Where the next ``read`` begins; None while the tape has no segment."""

    @property
    def ended(self) -> bool:
        """Whether the last ``read`` reached the end of a tape whose writer is dead: nothing more will come."""

    @property
    def quarantined(self) -> Quarantined:
        """Damage met so far."""

    def read(self, max_frames: int = 2048, max_bytes: int = 8 << 20) -> list[PlacedFrame]:
        """The next whole frames, empty where nothing new is there. The limits are soft: one block more may come.

        Goes on over the ends of segments; a missing segment is normal. Waits at a torn tail while its writer lives.
        """

    def load(self, places: Sequence[Place]) -> list[bytes]:
        """The payloads at these places, in their order.

        Raises BadFrameError where a segment is gone or the bytes are not the frame they were.
        """

    def writer_gone(self, segment: UUID) -> bool:
        """Whether the writer of this segment is dead: nobody holds the tape, or a later writer began after it.

        What it left open will never get an ``end``, once everything it wrote is read.
        """

    def drop_before(self, position: Position) -> int:
        """Delete the segments this position has passed; gives their number. Keep in mind open exchanges' places."""

    def backlog(self, position: Position | None = None) -> Backlog:
        """What lies behind ``position`` (default: behind what was read)."""

    def close(self) -> None:
        """Close the files. Idempotent."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
