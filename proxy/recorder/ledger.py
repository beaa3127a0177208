"""The ledger that linking reads, in the database: each of its look-ups is one statement under the train's lock.

Linking is pure and asks in the middle of its work, so it works in a thread of its own and its questions come back to
the event loop, where the transaction lives. What was read once in a transaction is not asked again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from uuid import UUID

from core.identity import Facts
from core.linking.attempts import Failure
from core.linking.branches import Settled
from core.linking.keys import Kind, LinkKey, announces, request_key, summary_key
from core.linking.ledger import FailureProbe, Known, Names, Probe, RivalProbe, SummaryProbe
from proxy import log
from proxy.recorder.notes import Note, OtherVersionError, unpack
from proxy.recorder.notes_memory import Conversation, NotesMemory
from proxy.recorder.wants import shelf
from sql.arrays import trimmed
from sql.database import Transaction
from sql.rows.linking import LinkCorrection, LinkFact, LinkFailure, LinkKeyName, LinkName, LinkNote, LinkRequest

R = TypeVar("R")

KINDS: Final[Mapping[Kind, int]] = {
    Kind.STATE: 1,
    Kind.REPLY: 2,
    Kind.TURN: 3,
    Kind.MESSAGE: 4,
    Kind.SUMMARY: 5,
    Kind.FAMILY: 6,
    Kind.LAUNCH: 7,
}
"""How a kind is stored; numbers are never used again."""
_KIND: Final = {number: kind for kind, number in KINDS.items()}

Load = Callable[[Collection[UUID]], Awaitable[list[Facts]]]
"""Gives the facts of recorded requests."""


@dataclass(slots=True)
class SqlLedger:
    """The recorded requests of one train, as ``core.linking.ledger.Ledger`` wants them; used from a worker thread."""

    transaction: Transaction
    train: int
    loop: asyncio.AbstractEventLoop
    load: Load
    newcomers: frozenset[UUID] = frozenset()
    """Requests that surely have no rows yet."""
    said: dict[UUID, UUID | None] = field(default_factory=dict)
    """Corrections of ``asked``."""
    asked: frozenset[UUID] = frozenset()
    """Whose corrections are known."""
    memory: NotesMemory = field(default_factory=NotesMemory)
    latest: UUID | None = None
    """The latest request that has rows; None where that is not known."""
    notes: dict[UUID, Note] = field(default_factory=dict)
    """Everything that was read."""
    _whole: dict[UUID, tuple[UUID, ...]] = field(default_factory=dict)
    """The requests of each conversation that was read."""
    _absent: set[UUID] = field(default_factory=set)

    # Facts under keys

    def best(self, probes: Sequence[Probe], without: Collection[UUID]) -> list[LinkKey | None]:
        """As in ``Ledger``."""
        if not probes:
            return []
        found = self._fetch(
            "linking_best",
            LinkFact,
            [KINDS[probe.kind] for probe in probes],
            [probe.key for probe in probes],
            [probe.before for probe in probes],
            [probe.lane for probe in probes],
            [probe.client for probe in probes],
            trimmed([probe.since for probe in probes]),
            trimmed([probe.fewer_than for probe in probes]),
            [probe.unanswered for probe in probes],
            trimmed([probe.first for probe in probes]),
            self._stale(without),
        )
        rows = {row.n: link_key(row) for row in found}
        return [rows.get(n) for n in range(1, len(probes) + 1)]

    def provided(self, names: Sequence[Names]) -> list[set[bytes]]:
        """As in ``Ledger``."""
        kinds = [KINDS[of.kind] for of in names for _ in of.keys]
        found = self._fetch("linking_provided", LinkName, kinds, [key for of in names for key in of.keys])
        keys: dict[int, set[bytes]] = {}
        for row in found:
            keys.setdefault(row.kind, set()).add(row.key)
        return [keys.get(KINDS[of.kind], set()).intersection(of.keys) for of in names]

    def summaries(self, probes: Sequence[SummaryProbe], without: Collection[UUID]) -> list[LinkKey | None]:
        """As in ``Ledger``."""
        found = self._fetch(
            "linking_summaries",
            LinkFact,
            [probe.lane and summary_key(probe.lane) for probe in probes],
            [probe.before for probe in probes],
            [probe.since for probe in probes],
            [None if probe.text is None else probe.text.encode(errors="replace") for probe in probes],
            [probe.least for probe in probes],
            self._stale(without),
        )
        rows = {row.n: link_key(row) for row in found}
        return [rows.get(n) for n in range(1, len(probes) + 1)]

    def waiting(self, rows: Sequence[LinkKey], named: Collection[UUID], without: Collection[UUID]) -> set[UUID]:
        """As in ``Ledger``."""
        # Who waits began later: behind the latest there is nobody to be asked for.
        followed = {one for one in {*named, *(row.request for row in rows)} if self._is_followed(one)}
        if not followed:
            return set()
        asked = [_announced(key, row) for row in rows if row.request in followed for key in announces(row)]
        names = [(request_key(one), one) for one in named if one in followed]
        asked += [(name, one, shelf(name), *[None] * 7) for name, one in names]
        if not asked:
            return set()
        columns = [trimmed(list(column)) for column in zip(*asked, strict=True)]
        found = self._fetch("linking_waiting", LinkRequest, *columns, self._stale(without))
        return {row.request for row in found}

    def _is_followed(self, request: UUID) -> bool:
        return self.latest is None or request < self.latest

    def _stale(self, without: Collection[UUID]) -> list[UUID]:
        """Of these requests those that have rows."""
        return [one for one in without if one not in self.newcomers]

    def failing(self, since_us: Mapping[bytes, int]) -> set[bytes]:
        """As in ``Ledger``."""
        found = self._fetch("linking_failing", LinkKeyName, list(since_us), list(since_us.values()))
        return {row.key for row in found}

    def open_failures(self, probes: Sequence[FailureProbe]) -> list[Failure]:
        """As in ``Ledger``."""
        columns = [list(column) for column in zip(*probes, strict=True)]
        found = self._fetch("linking_failures", LinkFailure, *columns)
        return [Failure(row.rivals, row.request, row.failed_at_us, row.retry_count) for row in found]

    def rivals(self, probes: Sequence[RivalProbe]) -> list[Known]:
        """As in ``Ledger``."""
        columns = [list(column) for column in zip(*probes, strict=True)]
        return [note.known for note in self._noted("linking_rivals", *columns)]

    def attempts(self, ids: Collection[UUID]) -> list[Known]:
        """As in ``Ledger``."""
        return [note.known for note in self._noted("linking_attempts", list(ids))]

    def launched(self, scopes: Collection[bytes]) -> set[bytes]:
        """As in ``Ledger``."""
        return {row.key for row in self._fetch("linking_launched", LinkKeyName, KINDS[Kind.LAUNCH], list(scopes))}

    def family(self, scopes: Collection[bytes]) -> list[Known]:
        """As in ``Ledger``."""
        return [note.known for note in self._noted("linking_family", KINDS[Kind.FAMILY], list(scopes))]

    # Requests

    def known(self, ids: Collection[UUID]) -> list[Known]:
        """As in ``Ledger``."""
        missing = [one for one in ids if not (one in self.notes or one in self._absent or one in self.newcomers)]
        missing = [one for one in missing if not self._remembered(one)]
        if missing:
            self._noted("linking_known", missing)
            self._absent.update(one for one in missing if one not in self.notes)
        return [self.notes[one].known for one in ids if one in self.notes]

    def conversations(self, ids: Collection[UUID]) -> list[Known]:
        """As in ``Ledger``."""
        missing = [one for one in ids if one not in self._whole and one not in self.newcomers]
        missing = [one for one in missing if not self._remembered_whole(one)]
        if missing:
            members: dict[UUID, list[UUID]] = {one: [] for one in missing}
            for note in self._noted("linking_conversations", missing):
                members[note.link.conversation_id].append(note.id)
            self._whole.update((one, tuple(of)) for one, of in members.items())
        return [self.notes[request].known for one in ids for request in self._whole.get(one, ())]

    def _remembered(self, request: UUID) -> bool:
        """Take a request's note from memory, if it is there."""
        around = self.memory.around(self.train, request)
        if around is not None:
            self.notes[request] = around.notes[request]
        return around is not None

    def _remembered_whole(self, conversation: UUID) -> bool:
        """Take a conversation's notes from memory, if they are there."""
        found = self.memory.conversation(self.train, conversation)
        if found is not None:
            self.notes.update(found.notes)
            self._whole[conversation] = tuple(found.notes)
        return found is not None

    def parents(self, ids: Collection[UUID], without: Collection[UUID]) -> set[UUID]:
        """As in ``Ledger``."""
        found, missing = set(), []
        for parent in ids:
            if parent in self.newcomers:
                continue
            around = self.memory.around(self.train, parent)
            if around is None:
                missing.append(parent)
            elif any(child not in without for child in around.children(parent)):  # they are in its conversation
                found.add(parent)
        if missing:
            rows = self._fetch("linking_parents", LinkRequest, missing, self._stale(without))
            found.update(row.request for row in rows)
        return found

    def settled(self, conversation: UUID) -> Settled | None:
        """As in ``Ledger``."""
        around = self.memory.conversation(self.train, conversation)
        if around is None:
            return None
        self.notes.update((note.id, note) for note in around.behind())
        return around.settled()

    def remembered(self, conversation: UUID) -> Conversation | None:
        """A conversation that is in memory and was not read whole."""
        return None if conversation in self._whole else self.memory.conversation(self.train, conversation)

    def keys(self, ids: Collection[UUID]) -> list[LinkKey]:
        """As in ``Ledger``."""
        old = [one for one in ids if one not in self.newcomers]
        return [link_key(row) for row in self._fetch("linking_keys", LinkFact, old)] if old else []

    def facts(self, ids: Collection[UUID]) -> list[Facts]:
        """As in ``Ledger``."""
        return self._wait(self._loaded(ids))

    def corrections(self, ids: Collection[UUID]) -> Mapping[UUID, UUID | None]:
        """As in ``Ledger``."""
        missing = [one for one in ids if one not in self.asked]
        found = {one: self.said[one] for one in ids if one in self.said}
        if missing:
            rows = self._fetch("linking_corrections", LinkCorrection, missing)
            found.update((row.request, row.parent) for row in rows)
        return found

    # The way to the transaction

    async def _loaded(self, ids: Collection[UUID]) -> list[Facts]:
        return await self.load(ids)

    def _noted(self, query: str, *args: Any) -> list[Note]:
        found = list(_unpacked(self._fetch(query, LinkNote, *args)))
        # The first that was read of a request is as good as any: nobody writes while we hold the lock.
        return [self.notes.setdefault(note.id, note) for note in found]

    def _fetch(self, query: str, row: type[R], *args: Any) -> list[R]:
        return self._wait(self.transaction.fetch(query, row, self.train, *args))

    def _wait(self, answer: Coroutine[Any, Any, R]) -> R:
        return asyncio.run_coroutine_threadsafe(answer, self.loop).result()


def _unpacked(rows: Iterable[LinkNote]) -> Iterator[Note]:
    for row in rows:
        try:
            yield unpack(row.record)
        except OtherVersionError:
            log.write_seldom("rebuild_needed", reason="notes of another version")


def _announced(key: bytes, row: LinkKey) -> tuple[Any, ...]:
    """A fact under a key it is wanted by, as ``linking_waiting`` takes it."""
    if row.kind is Kind.SUMMARY:  # what counts there is which of them a transcript contains
        return (key, row.request, shelf(key), *[None] * 7)
    like = (row.lane, row.client, row.answered, row.messages, row.first)
    return (key, row.request, shelf(key), KINDS[row.kind], row.key, *like)


def link_key(row: LinkFact) -> LinkKey:
    """A stored fact as linking knows it."""
    return LinkKey(
        _KIND[row.kind],
        row.key,
        row.request,
        row.lane,
        row.client,
        row.started_us,
        row.state,
        row.messages,
        row.answered,
        row.failed,
        row.first,
        None if row.summary is None else row.summary.decode(),
    )


def columns(rows: Iterable[LinkKey]) -> list[list[Any]]:
    """Facts as the first parameters of ``linking_put``, which are the fields of one in their order."""
    given: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in LinkKey._fields]
    given[0] = [KINDS[kind] for kind in given[0]]
    given[-1] = [None if text is None else text.encode() for text in given[-1]]
    return [trimmed(column) for column in given]
