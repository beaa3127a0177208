"""The linking step of one recorder: rows in, their places in the forest out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from core.identity import Facts
from core.rollup import figures
from core.valueclass import replace
from proxy.recorder import linking
from proxy.recorder.columns import TOKENS, Row
from proxy.recorder.facts_memory import FactsMemory
from proxy.recorder.linking import Linking, Newcomer
from proxy.recorder.notes_memory import NotesMemory
from proxy.recorder.wants import Shelves
from sql.database import Transaction
from sql.rows.linking import LinkBegin
from sql.rows.record import TrainLock


@dataclass(slots=True)
class Linker:
    """Links the calls that a transaction records; the train's row is locked."""

    memory: FactsMemory = field(default_factory=FactsMemory)
    notes: NotesMemory = field(default_factory=NotesMemory)
    shelves: Shelves = field(default_factory=Shelves)

    async def link(
        self, transaction: Transaction, lock: TrainLock, rows: Sequence[Row], latest: UUID | None = None
    ) -> tuple[list[Row], Linking | None]:
        """The rows with their links, and what else changes; None where nobody is new. Raises sql's errors.

        ``latest`` is the train's latest request that is linked, where that is known.
        """
        train = lock.train
        self.notes.open(train, lock.linkings)
        candidates = [row for row in rows if row.facts is not None and row.recording is not None]
        if not candidates:
            return list(rows), None
        begun = await transaction.fetch("linking_begin", LinkBegin, train, sorted(row.id for row in candidates))
        complete = {row.id for row in begun if row.complete}
        newcomers = [newcomer(row) for row in candidates if row.id not in complete]
        if not newcomers:
            return list(rows), None
        for one in newcomers:
            self.memory.keep(train, one.facts)

        async def load(ids: Collection[UUID]) -> list[Facts]:
            return await self.memory.load(transaction, train, ids)

        made = await linking.link(transaction, train, newcomers, begun, load, self.notes, latest)
        return [replace(row, link=made.link_of(row.id)) for row in rows], made

    async def write(self, transaction: Transaction, train: int, made: Linking) -> None:
        """Write what follows from a decision beside the rows of those who were new. Raises sql's errors."""
        await linking.write(transaction, train, made, shelves=self.shelves)

    def committed(self, lock: TrainLock, made: Linking | None) -> None:
        """The transaction is committed: what it wrote is what is remembered."""
        self.notes.close(lock.train, lock.linkings, made.conversations if made is not None else {})


def newcomer(row: Row) -> Newcomer:
    """A row as linking sees it; it has facts and a recording."""
    if row.facts is None or row.recording is None:
        raise ValueError("a call in flight takes no part yet")
    return Newcomer(row.facts, figures(row.recording, row.facts, row.account, TOKENS, row.bill))
