"""Which index a list of requests is read by, and how far a search looks that none serves."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from dashboard.recordings.query import RequestsQuery
from sql.database import Database, Transaction
from sql.rows.directory import AccountRow
from sql.rows.requests import JoinedRow, SearchedToRow

SEARCHED = 20_000
"""Requests of each train that one search looks at for a filter without an index; the next page looks further back."""

Lead = tuple[str, int | None]
"""Name of a list query and the account it is for: the index that serves a filter best comes first."""


async def joined(database: Database, trains: Sequence[int], query: RequestsQuery) -> RequestsQuery:
    """The same query by the id that its conversation has now, where it was joined to another."""
    if query.conversation_id is None:
        return query
    row = await database.fetch_one("conversation_joined", JoinedRow, trains, query.conversation_id)
    return query if row is None or row.id is None else query.model_copy(update={"conversation_id": row.id})


async def leads_of(database: Database, query: RequestsQuery) -> list[Lead]:
    """The queries that together give the list: one, or one for each number an account was filed under."""
    if query.account_id is None:
        return [(_name(query), None)]
    narrower = query.session_id is not None or query.conversation_id is not None
    name = _name(query) if narrower else "requests_of_account"
    return [(name, row.account) for row in await database.fetch("accounts_of_id", AccountRow, query.account_id)]


def _name(query: RequestsQuery) -> str:
    """The list query whose index leaves the fewest rows to look at."""
    if query.conversation_id is not None:
        return "requests_of_conversation"
    if query.session_id is not None:
        return "requests_of_session"
    if query.only_not_ok:
        return "requests_not_ok"
    if query.model is not None:
        return "requests_of_model"
    return "requests_newest" if query.request_type is None else "requests_of_type"


async def searched_to(transaction: Transaction, trains: Sequence[int], query: RequestsQuery) -> UUID | None:
    """Where a search from the query's place ends; None where an index serves it or it reaches the end of the list."""
    if not query.searches:
        return None
    found = await transaction.fetch_one(
        "requests_searched_to", SearchedToRow, trains, query.below_id, query.from_id, SEARCHED
    )
    return None if found is None else found.id


def filters_of(query: RequestsQuery, account: int | None, end: UUID | None = None) -> tuple[Any, ...]:
    """Parameters $2 to $16 of every list query; ``end`` is where a search ends."""
    low, high = query.statuses or (None, None)
    return (
        query.below_id,
        query.from_id if end is None else max(query.from_id, end),
        query.request_type,
        query.outcome,
        low,
        high,
        query.model,
        query.session_id,
        account,
        query.conversation_id,
        query.stop_reason,
        query.error_type,
        query.client,
        *query.durations,
    )
