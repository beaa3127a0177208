"""Whole conversations as the database holds them, remembered from one transaction to the next.

The next turn of a conversation changes its roll-up, and a roll-up is made of all requests. What is remembered counts
only as long as nobody else has written in between: each writer of a train counts up ``trains.linkings`` under its lock,
and a number that is not the one we left it at makes us forget.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from proxy.recorder.notes import Note

Conversation = Mapping[UUID, Note]
"""All requests of a conversation, by id."""

NOTES = 20_000
"""About 1.5 KB each."""


@dataclass(slots=True)
class NotesMemory:
    """The conversations of the last transactions, as many as have ``most`` requests."""

    most: int = NOTES
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

    def close(self, train: int, linkings: int, written: Mapping[UUID, Conversation]) -> None:
        """That transaction is committed: these conversations are so now; one without requests is no more."""
        if self._linkings.get(train) != linkings - 1:
            return  # another of our tapes was faster, and nothing is remembered since
        self._linkings[train] = linkings
        for conversation, notes in written.items():
            self._forget((train, conversation))
            if notes:
                self._conversations[train, conversation] = notes
                self._where.update(((train, request), conversation) for request in notes)
        while len(self._where) > self.most and len(self._conversations) > 1:
            self._forget(next(iter(self._conversations)))

    def _forget(self, key: tuple[int, UUID]) -> None:
        train, conversation = key
        for request in self._conversations.pop(key, ()):
            if self._where.get((train, request)) == conversation:
                del self._where[train, request]

    def conversation(self, train: int, conversation: UUID) -> Conversation | None:
        """All requests of a conversation; None where it is not remembered."""
        return self._conversations.get((train, conversation))

    def around(self, train: int, request: UUID) -> Conversation | None:
        """All requests of the conversation that a request is in; None where it is not remembered."""
        conversation = self._where.get((train, request))
        return None if conversation is None else self._conversations[train, conversation]
