"""Where newly recorded requests belong: decided by ``core.linking`` and written with everything that follows from it.

All of it happens in the recording transaction, under the train's lock, in a number of statements that does not grow
with the batch: the look-ups of all newcomers travel together, and so do the rows.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from core.identity import Facts
from core.linking import Decision, decide
from core.linking.attempts import failure_of
from core.linking.ledger import Known
from core.linking.link import Link
from core.rollup import Figures, Rollup
from core.tally import rollup
from core.valueclass import valueclass
from proxy.recorder import ledger, rollups, wants
from proxy.recorder.ledger import Load, SqlLedger
from proxy.recorder.notes import Note, pack
from proxy.recorder.notes_memory import Change, NotesMemory, members
from proxy.recorder.wants import Shelves
from sql.arrays import trimmed
from sql.database import Transaction
from sql.rows.linking import LinkBegin


class Newcomer(NamedTuple):
    """A request to be linked, new or known before."""

    facts: Facts
    figures: Figures


@valueclass(frozen=True, slots=True)
class Linking:
    """What a decision makes of the forest, and what has to be written of it."""

    newcomers: frozenset[UUID]
    """Those whose own rows somebody else writes."""
    recorded: frozenset[UUID]
    """The newcomers that had rows of linking before."""
    decision: Decision
    changed: Mapping[UUID, Note]
    """What is remembered from now on."""
    before: Mapping[UUID, Note]
    """What was remembered of these and others."""
    rollups: tuple[Rollup, ...]
    conversations: Mapping[UUID, Change]
    """Those that changed."""
    gone: tuple[tuple[UUID, str], ...]
    """Branches that no request is on any more, of conversations that were not read whole."""

    @property
    def emptied(self) -> list[UUID]:
        """Conversations that have no request any more."""
        return [one for one, change in self.conversations.items() if change.whole and not change.notes]

    def link_of(self, request: UUID) -> Link | None:
        """The place of a request that was decided now."""
        note = self.changed.get(request)
        return None if note is None else note.link


async def link(
    transaction: Transaction,
    train: int,
    newcomers: Sequence[Newcomer],
    begun: Sequence[LinkBegin],
    load: Load,
    memory: NotesMemory | None = None,
    latest: UUID | None = None,
) -> Linking:
    """Decide where requests belong. ``begun`` is what ``linking_begin`` said of them. Raises sql's errors.

    ``latest`` is the latest request that is remembered, where that is known.
    """
    ids = frozenset(newcomer.facts.call.id for newcomer in newcomers)
    recorded = frozenset(row.id for row in begun if row.noted) & ids
    book = SqlLedger(
        transaction,
        train,
        asyncio.get_running_loop(),
        load,
        newcomers=ids - recorded,
        said={row.id: row.parent for row in begun if row.corrected},
        asked=ids,
        memory=memory or NotesMemory(),
        latest=latest,
    )
    return await asyncio.to_thread(_decided, book, newcomers, recorded)


def _decided(book: SqlLedger, newcomers: Sequence[Newcomer], recorded: frozenset[UUID]) -> Linking:
    decision = decide([newcomer.facts for newcomer in newcomers], book)
    figures = {newcomer.facts.call.id: newcomer.figures for newcomer in newcomers}
    changed = _changed(decision, book, figures)
    added = _Added()
    whole = set()
    for conversation, change in _touched(changed, book.notes).items():
        remembered = book.remembered(conversation)
        made = None if remembered is None else remembered.rollup(change)
        if made is None:
            whole.add(conversation)
        else:
            added.add(conversation, change, *made)
    # Read already where anything in them was decided; this is for what nobody looked at.
    book.conversations(whole)
    for conversation, notes in _whole(whole, changed, book.notes).items():
        added.add_whole(conversation, notes)
    rollups_made, conversations, gone = tuple(added.rollups), added.conversations, tuple(added.gone)
    return Linking(frozenset(figures), recorded, decision, changed, book.notes, rollups_made, conversations, gone)


@dataclass(slots=True)
class _Added:
    """Conversations added up."""

    rollups: list[Rollup] = field(default_factory=list)
    conversations: dict[UUID, Change] = field(default_factory=dict)
    gone: list[tuple[UUID, str]] = field(default_factory=list)

    def add(self, conversation: UUID, change: Change, made: Rollup, gone: Iterable[str]) -> None:
        """One that was not read: its roll-up, and its branches that are no more."""
        self.rollups.append(made)
        self.gone += [(conversation, name) for name in gone]
        self.conversations[conversation] = change

    def add_whole(self, conversation: UUID, notes: Mapping[UUID, Note]) -> None:
        """One that was read whole; without requests it is no more."""
        if notes:
            self.rollups.append(rollup(conversation, members(notes.values())))
        self.conversations[conversation] = Change(notes)


def _touched(changed: Mapping[UUID, Note], before: Mapping[UUID, Note]) -> dict[UUID, Change]:
    """What changes in each conversation."""
    notes: dict[UUID, dict[UUID, Note]] = {}
    left: dict[UUID, set[UUID]] = {}
    for request, note in changed.items():
        now = note.link.conversation_id
        was = before[request].link.conversation_id if request in before else now
        notes.setdefault(now, {})[request] = note
        if was != now:
            left.setdefault(was, set()).add(request)
    return {one: Change(notes.get(one, {}), left.get(one, set()), whole=False) for one in notes.keys() | left.keys()}


def _changed(decision: Decision, book: SqlLedger, figures: Mapping[UUID, Figures]) -> dict[UUID, Note]:
    """The notes of all requests that are new or not as they were."""
    found: dict[UUID, Note] = {}
    for request in decision.links.keys() | decision.facts.keys():
        before, facts = book.notes.get(request), decision.facts.get(request)
        link = decision.links.get(request) or (before.link if before is not None else None)
        if link is None:
            raise AssertionError("a request that was decided is new or was read")
        if facts is not None:
            known = Known(facts.call, facts.pairs, link)
        elif before is not None:
            known = before.known._replace(link=link)
        given = figures.get(request) or (before.figures if before is not None else None)
        if given is None:
            raise AssertionError("a request that is no newcomer was read")
        note = Note(known, given)
        if note != before:
            found[request] = note
    return found


def _whole(
    touched: Collection[UUID], changed: Mapping[UUID, Note], before: Mapping[UUID, Note]
) -> dict[UUID, dict[UUID, Note]]:
    """All requests of the conversations that changed."""
    found: dict[UUID, dict[UUID, Note]] = {conversation: {} for conversation in touched}
    for request, note in (*before.items(), *changed.items()):
        now = changed.get(request, note)
        if now.link.conversation_id in found:
            found[now.link.conversation_id][request] = now
    return found


async def write(
    transaction: Transaction,
    train: int,
    linking: Linking,
    *,
    inserted: frozenset[UUID] | None = None,
    shelves: Shelves | None = None,
) -> None:
    """Write what follows from a decision. The rows of newcomers say it already, or those of ``inserted`` where given.

    Without ``shelves`` each key that is wanted is a row. Raises sql's errors.
    """
    inserted = linking.newcomers if inserted is None else inserted
    notes = linking.changed.values()
    await _remember(transaction, train, linking, shelves)
    await _relink(transaction, train, [note.link for note in notes if note.id not in inserted])
    await rollups.write(transaction, train, linking.rollups, linking.emptied, linking.gone)
    await _write_aliases(transaction, train, linking)


async def _remember(transaction: Transaction, train: int, linking: Linking, shelves: Shelves | None) -> None:
    decision, fresh = linking.decision, linking.newcomers - linking.recorded
    again = [request for request in decision.keys.keys() | decision.wants.keys() if request not in fresh]
    if again:
        await transaction.execute("linking_drop", train, again)
    notes = linking.changed.values()
    await transaction.execute(
        "linking_put",
        train,
        *ledger.columns(row for rows in decision.keys.values() for row in rows),
        *wants.columns(train, decision.wants, shelves),
        [note.id for note in notes],
        [note.link.conversation_id for note in notes],
        trimmed([note.link.parent_request_id for note in notes]),
        trimmed([note.link.attempt_of for note in notes]),
        [pack(note) for note in notes],
    )
    await _fail(transaction, train, decision, again)


async def _fail(transaction: Transaction, train: int, decision: Decision, again: Collection[UUID]) -> None:
    """Keep who failed, and who claims it."""
    failures = [one for facts in decision.facts.values() if (one := failure_of(facts.call)) is not None]
    well = [one for one in again if one in decision.facts and decision.facts[one].call.failed_at_us is None]
    if well:
        await transaction.execute("linking_unfail", train, well)
    if failures:
        await transaction.execute(
            "linking_fail",
            train,
            [one.request for one in failures],
            [one.rivals for one in failures],
            [one.failed_at_us for one in failures],
            [one.retry_count for one in failures],
        )
    if decision.claimed:
        await transaction.execute(
            "linking_claim", train, list(decision.claimed), [decision.claimed[one] for one in decision.claimed]
        )


async def _relink(transaction: Transaction, train: int, links: Sequence[Link]) -> None:
    if links:
        await transaction.execute(
            "linking_relink",
            train,
            [link.id for link in links],
            [link.conversation_id for link in links],
            [link.branch_id for link in links],
            [link.parent_request_id for link in links],
            [link.link_method for link in links],
            [link.parent_message_hash for link in links],
            [link.is_subtask for link in links],
            [link.parent_task_request_id for link in links],
            [link.attempt_of for link in links],
        )


async def _write_aliases(transaction: Transaction, train: int, linking: Linking) -> None:
    """A request that was a root once leads to the conversation it is in now."""
    moved, joined, freed = [], [], []
    for request, note in linking.changed.items():
        now, before = note.link.conversation_id, linking.before.get(request)
        if before is None or before.link.conversation_id == now:
            continue
        if now == request:
            freed.append(request)
        elif before.link.conversation_id == request:
            joined.append((request, now))
        else:
            moved.append((request, now))
    if joined:
        roots, into = [one for one, _ in joined], [to for _, to in joined]
        await transaction.execute("rollup_chain_aliases", train, roots, into)
        await transaction.execute("rollup_aliases", train, roots, into)
    if moved:
        await transaction.execute("rollup_move_aliases", train, [one for one, _ in moved], [to for _, to in moved])
    if freed:
        await transaction.execute("rollup_drop_aliases", train, freed)
