"""Rows of the recorder's own queries."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RecorderClock:
    """When the installation began and what time it is, both by the server's clock; and ``lz4`` or ``pglz``."""

    installed_at: datetime
    now: datetime
    compression: str


@dataclass(frozen=True, slots=True)
class TapeClaim:
    """Where a tape's next unfinished exchange begins, and the generation that fences everybody else out."""

    segment: UUID
    segment_offset: int
    generation: int


@dataclass(frozen=True, slots=True)
class TapeGeneration:
    """The tape is still ours; ``now`` is the server's clock."""

    generation: int
    now: datetime


@dataclass(frozen=True, slots=True)
class TrainKey:
    """The integer key of a train."""

    train: int


@dataclass(frozen=True, slots=True)
class TrainLock:
    """The train whose row this transaction holds, what compresses bodies in it, its scans (``off``), its plans."""

    train: int
    compression: str
    scans: str
    plans: str
    linkings: int
    """How often the train was locked for writing: who finds the next number knows that nobody wrote in between."""
    price_changes: int
    """How often the installation's own prices were changed."""
    feed_since: datetime | None
    """Since when somebody wants to be told of each turn of its conversations; None where nobody does."""


@dataclass(frozen=True, slots=True)
class Before:
    """What a train had before a batch: the latest linked request, ids of wrong clocks, those they are filed under."""

    latest: UUID | None
    originals: list[UUID]
    filed: list[UUID]

    @property
    def refiled(self) -> dict[UUID, UUID]:
        """Under which id each was filed."""
        return dict(zip(self.originals, self.filed, strict=True))


@dataclass(frozen=True, slots=True)
class Completed:
    """A row that this statement turned into a complete one, new or from in flight; to be added to the roll-ups."""

    id: UUID


@dataclass(frozen=True, slots=True)
class BodyCheck:
    """A body that was written now; ``exact`` is False where the server's hash of it differs from ours."""

    id: UUID
    exact: bool


@dataclass(frozen=True, slots=True)
class PieceKey:
    """The key of a piece or list node: the first half of its SHA-256."""

    hash: UUID


@dataclass(frozen=True, slots=True)
class BodyTrouble:
    """A piece that should be there and is ``missing``; else a piece or body that the server finds other than sent."""

    id: UUID
    missing: bool


@dataclass(frozen=True, slots=True)
class BatchCounted:
    """The request that is counted for a batch's results."""

    batch_id: str
    request: UUID


@dataclass(frozen=True, slots=True)
class BatchPart:
    """A request that fetched a batch's results in part."""

    id: UUID


@dataclass(frozen=True, slots=True)
class AccountKnown:
    """An account and how strong the evidence for its id is."""

    account: int
    account_id: str
    strength: str
