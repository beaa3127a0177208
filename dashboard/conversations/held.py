"""The conversations that were looked at last: their trees are kept from one view to the next, never a stale one.

A tree is kept under the versions that its requests had just before they were read (``FoundConversationRow.versions``,
read with each view, at a hundredth of the cost), and is given only while they are the same. What changes between the
two queries is read under versions that are never met again: rather once too often than once too little.
"""

from collections import OrderedDict
from typing import Any
from uuid import UUID

from aiohttp import web

from dashboard.conversations.talk import Talk
from dashboard.routing import Call
from sql.database import Database
from sql.rows.conversations import ConversationRequestRow, FoundConversationRow

MOST_REQUESTS = 20_000
"""Requests of a conversation that are read; of a longer one the first so many, and it is said."""
MOST_HELD = MOST_REQUESTS
"""Requests of all trees that are kept, about 3 KB each: the longest conversation, or many of the usual length."""


class HeldTalks:
    """Reads conversations, and keeps those that were read last."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self._most = most
        self._held: OrderedDict[tuple[int, UUID], tuple[int | None, Talk]] = OrderedDict()
        self.requests = 0
        """How many are kept."""

    async def read(self, database: Database, row: FoundConversationRow) -> Talk:
        """A conversation with every request of it, as it is now; ``row`` was read just before."""
        key = (row.train, row.conversation_id)
        versions, talk = self._held.get(key, (None, None))
        if talk is None or versions != row.versions:
            rows = await database.fetch("requests_in_conversation", ConversationRequestRow, *key, MOST_REQUESTS)
            talk = Talk(rows)
        self._keep(key, row.versions, talk)
        return talk

    def _keep(self, key: tuple[int, UUID], versions: int | None, talk: Talk) -> None:
        self._drop(key)
        self._held[key] = versions, talk
        self.requests += len(talk.tree.rows)
        while self.requests > self._most:
            self._drop(next(iter(self._held)))

    def _drop(self, key: tuple[int, UUID]) -> None:
        _, talk = self._held.pop(key, (None, None))
        self.requests -= 0 if talk is None else len(talk.tree.rows)


TALKS = web.AppKey("talks", HeldTalks)


async def talk_of(call: Call[Any], row: FoundConversationRow) -> Talk:
    """A conversation with every request of it, as it is now."""
    return await call.request.app[TALKS].read(call.database, row)
