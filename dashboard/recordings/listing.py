"""One page of requests: rows, what trains and accounts are called, and how many there are (capped)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from core.access import Principal
from core.ids import uuid7_ms
from dashboard.recordings.latency import SAMPLED, Latency, sample_of
from dashboard.recordings.leads import Lead, filters_of, joined, leads_of, searched_to
from dashboard.recordings.query import RequestsQuery
from dashboard.trains import account_names, wanted_trains
from sql.database import Database, Transaction
from sql.rows.directory import AccountRow
from sql.rows.requests import RequestRow

COUNTED_TO = SAMPLED
"""A count stops one behind this: "10,000+" costs milliseconds, an exact count of a million rows does not."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list. ``total`` stops at ``COUNTED_TO``; ``total_capped`` says there are more."""

    rows: Sequence[RequestRow]
    trains: Mapping[int, str]
    accounts: Mapping[int, AccountRow]
    total: int
    total_capped: bool
    more: bool
    searched_to: UUID | None = None
    """The oldest request that was looked at, where a search ended before the list did."""
    latency: Latency | None = None

    @property
    def next_cursor(self) -> UUID | None:
        """``before`` of the page that follows; None on the last one."""
        return self.rows[-1].id if self.more and self.rows else self.searched_to

    @property
    def searched_back_to(self) -> datetime | None:
        """When the oldest request was accepted that the search looked at; None where it looked at all."""
        return None if self.searched_to is None else datetime.fromtimestamp(uuid7_ms(self.searched_to) / 1000, UTC)


async def find_requests(
    database: Database,
    principal: Principal,
    query: RequestsQuery,
    *,
    counted: bool = True,
    sampled: bool = False,
    known: Mapping[int, str] | None = None,
) -> Listing:
    """The page of requests that a query asks for, newest first, of the trains the principal may see.

    ``counted=False`` leaves the total out: 0. ``sampled``, of a first page, says how long they took.
    ``known`` are the trains the principal may see, where the caller has read them.
    """
    trains = await wanted_trains(database, principal, query.train_id, known)
    numbers = sorted(trains)
    query = await joined(database, numbers, query)
    leads = await leads_of(database, query)
    rows: list[RequestRow] = []
    total, latency = 0, None
    async with database.transaction() as transaction:
        await transaction.execute("plan_in_order")
        end = await searched_to(transaction, numbers, query)
        for lead in leads:
            rows += await _page_of(transaction, lead, numbers, query, end)
            if counted and not sampled:
                total += await _count_of(transaction, lead, numbers, query, end)
        if sampled:
            latency = await sample_of(transaction, numbers, leads, query, end)
            total = latency.seen  # the same rows, read once
    rows.sort(key=lambda row: row.id, reverse=True)
    shown = rows[query.skip : query.skip + query.size]
    accounts = await account_names(database, {row.account for row in shown if row.account is not None})
    more = len(rows) > query.skip + query.size
    capped = total > COUNTED_TO or end is not None
    return Listing(shown, trains, accounts, min(total, COUNTED_TO), capped, more, end, latency)


async def _page_of(
    transaction: Transaction, lead: Lead, trains: Sequence[int], query: RequestsQuery, end: UUID | None
) -> list[RequestRow]:
    name, account = lead
    limit = query.skip + query.size + 1
    return await transaction.fetch_union(name, RequestRow, trains, *filters_of(query, account, end), limit=limit)


async def _count_of(
    transaction: Transaction, lead: Lead, trains: Sequence[int], query: RequestsQuery, end: UUID | None
) -> int:
    name, account = lead
    # What a search has not looked at it does not count either: from its own place, not from the list's beginning.
    counted = query if query.searches else query.model_copy(update={"before": None})
    return await transaction.count_union(name, trains, *filters_of(counted, account, end), limit=COUNTED_TO + 1)
