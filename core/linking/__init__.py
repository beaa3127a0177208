"""Linking: from what is known of each request to one forest of conversations (conversations.md).

- ``link`` is the result; ``keys`` names what a request provides and what it waits for; ``ledger`` is what is recorded.
- ``evidence`` looks for a request's parent in its own transcript; ``attempts`` and ``subagents`` decide groups of
  requests that only together tell who repeats whom and who was launched by what; ``branches`` paints whole trees.
- ``world`` lays what is decided over the ledger; ``decide`` does all of it for newcomers and for whom they change.

An id is larger than its parent's, so edges look back only and the forest is a function of the set of requests.
``forest`` decides all requests against an empty ledger; ``decide`` gives the same, piece by piece, in any order.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from core.identity import Facts
from core.linking.decide import Decision, decide
from core.linking.ledger import Ledger
from core.linking.link import Link
from core.linking.memory_ledger import MemoryLedger

__all__ = ["Decision", "Ledger", "Link", "MemoryLedger", "decide", "forest"]


def forest(facts: Iterable[Facts], corrections: Mapping[UUID, UUID | None] | None = None) -> Mapping[UUID, Link]:
    """The link of each request of a train, whatever the order in which they are given.

    ``corrections`` name the right parent of a request, or None where it has none.
    """
    return decide(facts, MemoryLedger(said=dict(corrections or {}))).links
