"""What linking must know of recorded requests, when one has to be linked again: remembered, else read from its bytes.

Facts follow from stored bytes alone, so what is remembered never grows old. Whom a late parent or a late answer changes
was recorded moments ago as a rule, and is here; the rest costs one more derivation of its body. (Kept in the database
they would be a hash an item, for every turn anew: 1.6 % of the raw bytes of a conversation of 200 turns of 10 KB.)
"""

import asyncio
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field
from operator import attrgetter
from uuid import UUID

from core.identity import Facts
from proxy.recorder import stored
from sql.database import Transaction

BYTES = 64 << 20
"""Of transcripts, roughly."""
_ITEM = 300
"""Bytes that an item costs beside its words."""
_DATA = attrgetter("data")


@dataclass(slots=True)
class FactsMemory:
    """The facts of the last requests of all trains, as many as fit into ``BYTES``."""

    most: int = BYTES
    _facts: OrderedDict[tuple[int, UUID], Facts] = field(default_factory=OrderedDict)
    _weights: dict[tuple[int, UUID], int] = field(default_factory=dict)
    _bytes: int = 0

    def keep(self, train: int, facts: Facts) -> None:
        """Remember the facts of a request, and forget those that were needed longest ago."""
        key = (train, facts.call.id)
        self._forget(key)
        self._facts[key] = facts
        self._weights[key] = _weight(facts)
        self._bytes += self._weights[key]
        while self._bytes > self.most:
            self._forget(next(iter(self._facts)))

    def _forget(self, key: tuple[int, UUID]) -> None:
        if self._facts.pop(key, None) is not None:
            self._bytes -= self._weights.pop(key)

    async def load(self, transaction: Transaction, train: int, ids: Collection[UUID]) -> list[Facts]:
        """The facts of these requests. Raises sql's errors."""
        found = [self._facts[train, request] for request in ids if (train, request) in self._facts]
        for facts in found:
            self._facts.move_to_end((train, facts.call.id))
        missing = [request for request in ids if (train, request) not in self._facts]
        for call in await stored.read(transaction, train, missing):
            facts_again = (await asyncio.to_thread(stored.redeveloped, call)).facts
            if facts_again is not None:
                self.keep(train, facts_again)
                found.append(facts_again)
        return found


def _weight(facts: Facts) -> int:
    # A text is there twice. Items that a turn has from the turn before count again: this is the most it can be.
    return 2 * sum(map(len, map(_DATA, facts.items))) + _ITEM * len(facts.items)
