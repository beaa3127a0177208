"""Whole conversations as the database holds them, remembered from one transaction to the next.

The next turn of a conversation changes its roll-up, and a roll-up is made of all requests; so the oldest of a long one
are painted and added up once, and only those behind anew each time. What is remembered counts only as long as nobody
else has written in between: each writer of a train counts up ``trains.linkings`` under its lock, and a number that is
not the one we left it at makes us forget.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from core.linking.branches import Settled, Tree, UnsettledError
from core.rollup import Member, Rollup
from core.tally import Tally
from proxy.recorder.notes import Note

NOTES = 20_000
"""About 1.5 KB each."""
BEHIND = 24
"""Requests of a conversation that are not settled: so many calls at once may end in any order."""


class Change(NamedTuple):
    """What a transaction makes of a conversation."""

    notes: Mapping[UUID, Note]
    """Its requests that are new or not as they were; where it was read whole all of them: none, if it is no more."""
    left: Collection[UUID] = ()
    """Requests that are part of another now."""
    whole: bool = True


class Conversation:
    """One conversation. What it is made of is only changed by ``change``, when that is committed."""

    def __init__(self, conversation_id: UUID, notes: Mapping[UUID, Note], behind: int) -> None:
        self._id = conversation_id
        self.notes = dict(notes)
        self._last = max(notes)
        self._tallied: Tally | None = None
        """What all requests come to; None after they came in another order than that of their ids."""
        self.latest: UUID | None = None
        """The last request that is settled."""
        self._most_behind = behind
        self._behind = set(notes)
        self._children: dict[UUID, set[UUID]] = {}
        for note in notes.values():
            self._add_child(note)
        self._settle()

    # Most conversations never grow so long that anything of them is settled.

    @cached_property
    def tally(self) -> Tally:
        """What the settled requests come to."""
        return Tally(self._id)

    @cached_property
    def _tree(self) -> Tree:
        return Tree(self._id)

    def behind(self) -> list[Note]:
        """The requests that are not settled."""
        return [self.notes[request] for request in self._behind]

    def settled(self) -> Settled | None:
        """What linking may take to be painted."""
        if self.latest is None:
            return None
        return Settled(self._tree, self.latest, [note.known for note in self.behind()])

    def children(self, parent: UUID) -> Collection[UUID]:
        """The children of a request, without later attempts."""
        return self._children.get(parent, ())

    def rollup(self, change: Change) -> tuple[Rollup, list[str]] | None:
        """What it comes to with a change, and which branches are no more; None where all has to be added up anew."""
        if self._is_behind(change):
            tally = self._all().over()
            tally.add(members(change.notes.values()))
            return tally.rollup(), []
        if self.latest is None or any(one <= self.latest for one in (*change.notes, *change.left)):
            return None
        behind = {note.id: note for note in self.behind()}
        names = {note.link.branch_id for note in behind.values()}
        tally = self.tally.over()
        behind = {one: note for one, note in behind.items() if one not in change.left} | dict(change.notes)
        tally.add(members(behind.values()))
        # One may have left a branch that others are on.
        return tally.rollup(names), [name for name in sorted(names) if not tally.has_branch(name)]

    def _is_behind(self, change: Change) -> bool:
        """Whether it only brings requests that come behind all others."""
        return not change.left and all(one > self._last for one in change.notes)

    def _all(self) -> Tally:
        if self._tallied is None:
            self._tallied = self.tally.over()
            self._tallied.add(members(self.behind()))
        return self._tallied

    def change(self, change: Change) -> None:
        """Take over what was committed; nothing settled is part of it."""
        if not self._is_behind(change):
            self._tallied = None
        elif self._tallied is not None:
            self._tallied.add(members(change.notes.values()))
        for request in change.left:
            self._drop_child(self.notes.pop(request))
            self._behind.discard(request)
        for request, note in change.notes.items():
            before = self.notes.get(request)
            if before is not None:
                self._drop_child(before)
            self.notes[request] = note
            self._add_child(note)
            self._behind.add(request)
        self._last = max((self._last, *change.notes))
        self._settle()

    def _add_child(self, note: Note) -> None:
        if note.link.parent_request_id is not None and note.link.attempt_of is None:
            self._children.setdefault(note.link.parent_request_id, set()).add(note.id)

    def _drop_child(self, note: Note) -> None:
        if note.link.parent_request_id is not None:
            self._children.get(note.link.parent_request_id, set()).discard(note.id)

    def _settle(self) -> None:
        """Now and then settle the oldest, if those behind them have no say in their places."""
        if len(self._behind) <= 2 * self._most_behind:
            return
        oldest = [self.notes[request] for request in sorted(self._behind)[: -self._most_behind or None]]
        try:
            links = self._tree.over().grow(note.known for note in oldest)
        except UnsettledError:
            return
        if all(link == note.link for link, note in zip(links, oldest, strict=True)):
            self._tree.grow(note.known for note in oldest)
            self.tally.add(members(oldest))
            self._tallied = None
            self.latest = oldest[-1].id
            self._behind.difference_update(note.id for note in oldest)


def members(notes: Iterable[Note]) -> Iterable[Member]:
    """Requests as a roll-up adds them up."""
    return (Member(note.known.call, note.link, note.figures) for note in notes)


@dataclass(slots=True)
class NotesMemory:
    """The conversations of the last transactions, as many as have ``most`` requests."""

    most: int = NOTES
    behind: int = BEHIND
    _linkings: dict[int, int] = field(default_factory=dict)
    """How far each train had been counted when it was left."""
    _conversations: OrderedDict[tuple[int, UUID], Conversation] = field(default_factory=OrderedDict)
    _where: dict[tuple[int, UUID], UUID] = field(default_factory=dict)
    """Which conversation a request is in."""

    def open(self, train: int, linkings: int) -> None:
        """A transaction holds the train's lock and has counted up to ``linkings``."""
        if self._linkings.get(train) != linkings - 1:
            for key in [key for key in self._conversations if key[0] == train]:
                self._forget(key)
        self._linkings[train] = linkings - 1

    def close(self, train: int, linkings: int, written: Mapping[UUID, Change]) -> None:
        """That transaction is committed: these conversations are so now."""
        if self._linkings.get(train) != linkings - 1:
            return  # another of our tapes was faster, and nothing is remembered since
        self._linkings[train] = linkings
        for conversation, change in written.items():
            for request in change.left:
                self._where.pop((train, request), None)
            if change.whole:
                self._forget((train, conversation))
        for conversation, change in written.items():
            self._keep(train, conversation, change)
        while len(self._where) > self.most and len(self._conversations) > 1:
            self._forget(next(iter(self._conversations)))

    def _keep(self, train: int, conversation: UUID, change: Change) -> None:
        key = (train, conversation)
        if not change.whole:
            found = self._conversations.get(key)
            if found is None:
                return  # forgotten meanwhile, for the sake of another train's
            found.change(change)
            self._conversations.move_to_end(key)
        elif change.notes:
            self._conversations[key] = Conversation(conversation, change.notes, self.behind)
        self._where.update(((train, request), conversation) for request in change.notes)

    def _forget(self, key: tuple[int, UUID]) -> None:
        train, conversation = key
        found = self._conversations.pop(key, None)
        for request in found.notes if found is not None else ():
            if self._where.get((train, request)) == conversation:
                del self._where[train, request]

    def conversation(self, train: int, conversation: UUID) -> Conversation | None:
        """A conversation; None where it is not remembered."""
        return self._conversations.get((train, conversation))

    def around(self, train: int, request: UUID) -> Conversation | None:
        """The conversation that a request is in; None where it is not remembered."""
        conversation = self._where.get((train, request))
        return None if conversation is None else self._conversations[train, conversation]
