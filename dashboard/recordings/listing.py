"""One page of requests: rows, what trains and accounts are called, and how many there are (capped)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.access import Principal
from dashboard.recordings.query import RequestsQuery
from dashboard.trains import account_names, visible_trains
from sql.database import Database, Transaction
from sql.rows.directory import AccountRow
from sql.rows.requests import RequestRow

COUNTED_TO = 10_000
"""A count stops one behind this: "10,000+" costs milliseconds, an exact count of a million rows does not."""

Lead = tuple[str, int | None]
"""Name of a list query and the account it is for: the index that serves a filter best comes first."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list. ``total`` stops at ``COUNTED_TO``; ``total_capped`` says there are more."""

    rows: Sequence[RequestRow]
    trains: Mapping[int, str]
    accounts: Mapping[int, AccountRow]
    total: int
    total_capped: bool
    more: bool

    @property
    def next_cursor(self) -> UUID | None:
        """``before`` of the page that follows; None on the last one."""
        return self.rows[-1].id if self.more and self.rows else None


async def find_requests(
    database: Database, principal: Principal, query: RequestsQuery, *, counted: bool = True
) -> Listing:
    """The page of requests that a query asks for, newest first, of the trains the principal may see.

    ``counted=False`` leaves the total out: 0.
    """
    trains = await visible_trains(database, principal, query.train_id)
    leads = await _leads(database, query)
    numbers = sorted(trains)
    rows: list[RequestRow] = []
    total = 0
    async with database.transaction() as transaction:
        await transaction.execute("plan_once")
        for lead in leads:
            rows += await _page_of(transaction, lead, numbers, query)
            total += 0 if not counted else await _count_of(transaction, lead, numbers, query)
    rows.sort(key=lambda row: row.id, reverse=True)
    shown = rows[query.skip : query.skip + query.size]
    accounts = await account_names(database, {row.account for row in shown if row.account is not None})
    more = len(rows) > query.skip + query.size
    return Listing(shown, trains, accounts, min(total, COUNTED_TO), total > COUNTED_TO, more)


async def _leads(database: Database, query: RequestsQuery) -> list[Lead]:
    """The queries that together give the list: one, or one for each number an account was filed under."""
    if query.account_id is None:
        return [(_name(query), None)]
    name = "requests_of_account" if query.session_id is None else "requests_of_session"
    return [(name, row.account) for row in await database.fetch("accounts_of_id", AccountRow, query.account_id)]


def _name(query: RequestsQuery) -> str:
    """The list query whose index leaves the fewest rows to look at."""
    if query.session_id is not None:
        return "requests_of_session"
    if query.only_not_ok:
        return "requests_not_ok"
    if query.model is not None:
        return "requests_of_model"
    return "requests_newest" if query.request_type is None else "requests_of_type"


async def _page_of(
    transaction: Transaction, lead: Lead, trains: Sequence[int], query: RequestsQuery
) -> list[RequestRow]:
    name, account = lead
    limit = query.skip + query.size + 1
    return await transaction.fetch_union(name, RequestRow, trains, *_filters(query, account), limit=limit)


async def _count_of(transaction: Transaction, lead: Lead, trains: Sequence[int], query: RequestsQuery) -> int:
    name, account = lead
    filters = _filters(query.model_copy(update={"before": None}), account)
    return await transaction.count_union(name, trains, *filters, limit=COUNTED_TO + 1)


def _filters(query: RequestsQuery, account: int | None) -> tuple[Any, ...]:
    """Parameters $2 to $11 of every list query."""
    low, high = query.statuses or (None, None)
    return (
        query.below_id,
        query.from_id,
        query.request_type,
        query.outcome,
        low,
        high,
        query.model,
        query.session_id,
        account,
        query.conversation_id,
    )
