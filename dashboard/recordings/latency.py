"""How long the requests of a list took: a bounded sample of the newest, their percentiles, how many fall where."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from uuid import UUID

from core.access import Principal
from dashboard.recordings.leads import Lead, filters_of, joined, leads_of, searched_to
from dashboard.recordings.query import RequestsQuery
from dashboard.trains import visible_trains
from sql.database import Database, Transaction

SAMPLED = 10_000
"""Durations that are read, the newest that fit: some ten milliseconds, whatever was recorded before them."""
EDGES_MS = (0, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 600_000)
"""Lower edges of the buckets, milliseconds: about three a decade, from a refusal to a long answer."""


@dataclass(frozen=True, slots=True)
class Latency:
    """A sample of durations, microseconds, in rising order. ``sampled``: there may be older ones that fit."""

    durations: Sequence[int]
    sampled: bool
    seen: int = 0
    """Requests that were looked at, those that still run among them: one more than the sample where there are more."""

    def percentile(self, percent: int) -> int | None:
        """The duration that so many per cent of them do not exceed (nearest rank); None without any."""
        if not self.durations:
            return None
        return self.durations[max(0, ceil(percent / 100 * len(self.durations)) - 1)]

    @property
    def counts(self) -> list[int]:
        """How many fall into each bucket."""
        begins = [bisect_left(self.durations, edge * 1000) for edge in EDGES_MS[1:]]
        return [last - first for first, last in pairwise([0, *begins, len(self.durations)])]


async def latency_of(database: Database, principal: Principal, query: RequestsQuery) -> Latency:
    """The newest ended requests that the filters let through."""
    numbers = sorted(await visible_trains(database, principal, query.train_id))
    query = await joined(database, numbers, query)
    leads = await leads_of(database, query)
    async with database.transaction() as transaction:
        await transaction.execute("plan_in_order")
        end = await searched_to(transaction, numbers, query)
        return await sample_of(transaction, numbers, leads, query, end)


async def sample_of(
    transaction: Transaction, trains: Sequence[int], leads: Sequence[Lead], query: RequestsQuery, end: UUID | None
) -> Latency:
    """The same of trains and leads that are known; ``end`` is where a search ends."""
    found: list[int] = []
    capped, seen = end is not None, 0
    for name, account in leads:
        given = filters_of(query, account, end)
        column = await transaction.column_union(name, "duration_us", trains, *given, limit=SAMPLED + 1)
        capped, seen = capped or len(column) > SAMPLED, seen + len(column)
        found += [duration for duration in column[:SAMPLED] if duration is not None]
    return Latency(sorted(found), capped, seen)
