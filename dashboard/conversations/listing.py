"""One page of conversations or sessions: rows, what trains and accounts are called, how many there are (capped)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from core.access import Principal
from dashboard.conversations.query import EARLIEST, ConversationsQuery, SessionsQuery, cursor
from dashboard.recordings.leads import Lead
from dashboard.recordings.listing import COUNTED_TO
from dashboard.recordings.query import Paged
from dashboard.trains import account_names, visible_trains
from sql.database import Database
from sql.rows.conversations import BranchRow, ConversationRow, SessionRow, SessionTalkRow
from sql.rows.directory import AccountRow

TALKS_SHOWN = 6
"""Conversations of a session that a list of sessions names."""

R = TypeVar("R", ConversationRow, SessionRow)


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """A page of a list. ``total`` stops at ``COUNTED_TO``; ``total_capped`` says there are more."""

    rows: Sequence[R]
    trains: Mapping[int, str]
    accounts: Mapping[int, AccountRow]
    total: int
    total_capped: bool
    more: bool

    @property
    def next_cursor(self) -> str | None:
        """``before`` of the page that follows; None on the last one."""
        if not self.more or not self.rows:
            return None
        last = self.rows[-1]
        return cursor(last.last_at, _name(last))

    def account(self, row: R) -> AccountRow | None:
        """What the account of a row is called."""
        return self.accounts.get(row.account) if row.account is not None else None


def _name(row: ConversationRow | SessionRow) -> UUID | str:
    return row.conversation_id if isinstance(row, ConversationRow) else row.session_id


async def find_conversations(
    database: Database, principal: Principal, query: ConversationsQuery, *, counted: bool = True
) -> Page[ConversationRow]:
    """The page of conversations that a query asks for, last active first, of the trains the principal may see."""
    trains = await visible_trains(database, principal, query.train_id)
    shape = "conversations_newest" if query.session_id is None else "conversations_of_session"
    name = "conversations_of_account" if query.account_id and query.session_id is None else shape
    leads = await _leads(database, name, query.account_id)

    def arguments(account: int | None, below: tuple[Any, Any]) -> tuple[Any, ...]:
        return *below, *query.filters, account, *query.having, query.model

    first = query.model_copy(update={"before": None}).below
    return await _read(database, ConversationRow, trains, query, [
        (name, arguments(account, query.below), arguments(account, first) if counted else None)
        for name, account in leads
    ])  # fmt: skip


async def find_sessions(
    database: Database, principal: Principal, query: SessionsQuery, *, counted: bool = True
) -> Page[SessionRow]:
    """The page of sessions that a query asks for, last active first, of the trains the principal may see."""
    trains = await visible_trains(database, principal, query.train_id)
    leads = await _leads(database, "sessions_newest", query.account_id)
    first = query.model_copy(update={"before": None}).below

    def rest(account: int | None) -> tuple[Any, ...]:
        return query.date_from or EARLIEST, account, query.client

    return await _read(database, SessionRow, trains, query, [
        (name, (*query.below, *rest(account)), (*first, *rest(account)) if counted else None)
        for name, account in leads
    ])  # fmt: skip


async def branches_of(
    database: Database, trains: Mapping[int, str], rows: Sequence[ConversationRow]
) -> Mapping[UUID, list[BranchRow]]:
    """The branches of each of these conversations."""
    found: dict[UUID, list[BranchRow]] = {row.conversation_id: [] for row in rows}
    if rows:
        for branch in await database.fetch("branches_of", BranchRow, sorted(trains), list(found)):
            found[branch.conversation_id].append(branch)
    return found


async def talks_of(
    database: Database, trains: Mapping[int, str], rows: Sequence[SessionRow], most: int = TALKS_SHOWN + 1
) -> Mapping[tuple[int, str], list[SessionTalkRow]]:
    """The conversations of each of these sessions, the longest first, by train and session; at most so many."""
    found: dict[tuple[int, str], list[SessionTalkRow]] = {(row.train, row.session_id): [] for row in rows}
    if rows:
        names = sorted({row.session_id for row in rows})
        for talk in await database.fetch("session_talks", SessionTalkRow, sorted(trains), names, most):
            found.get((talk.train, talk.session_id), []).append(talk)
    return found


async def _leads(database: Database, name: str, account_id: str | None) -> list[Lead]:
    """The query, or one for each number an account was filed under."""
    if account_id is None:
        return [(name, None)]
    return [(name, row.account) for row in await database.fetch("accounts_of_id", AccountRow, account_id)]


async def _read(
    database: Database,
    row: type[R],
    trains: Mapping[int, str],
    query: Paged,
    leads: Sequence[tuple[str, tuple[Any, ...], tuple[Any, ...] | None]],
) -> Page[R]:
    """Rows by each lead's first arguments, their count by its second, where it has any."""
    numbers, wanted = sorted(trains), query.skip + query.size + 1
    rows: list[R] = []
    total = 0
    async with database.transaction() as transaction:
        # A session's are few and found by another index: these are sorted.
        in_order = all(name != "conversations_of_session" for name, _, _ in leads)
        await transaction.execute("plan_in_order" if in_order else "plan_once")
        for name, of_page, of_all in leads:
            rows += await transaction.fetch_union(name, row, numbers, *of_page, limit=wanted)
            if of_all is not None:
                total += await transaction.count_union(name, numbers, *of_all, limit=COUNTED_TO + 1)
    rows.sort(key=lambda each: (each.last_at, _name(each)), reverse=True)
    shown = rows[query.skip : query.skip + query.size]
    accounts = await account_names(database, {each.account for each in shown if each.account is not None})
    more = len(rows) > query.skip + query.size
    return Page(shown, trains, accounts, min(total, COUNTED_TO), total > COUNTED_TO, more)
