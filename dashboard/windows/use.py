"""Who and what used a window: trains, models, kinds of call from the sums, conversations from its latest requests."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final
from uuid import UUID

from dashboard.windows.accounts import Account, View
from dashboard.windows.usage import Stretch, Sum, summed, summed_by, usage_of
from sql.database import Database
from sql.rows.windows import AccountUsage, ConversationTitle, WindowRequest

LATEST: Final = 2000
"""Requests that conversations are told from; of a busier window the latest, and it is said."""
MOST: Final = 10
"""Conversations that are named."""


@dataclass(frozen=True, slots=True)
class ConversationUse:
    """What a conversation used of a window, as far as its requests are among the latest."""

    train: int
    conversation_id: UUID
    title: str | None
    requests: int
    total_tokens: int
    cost_usd: Decimal
    priced: int
    """Requests that have a price; where none has, the cost is unknown."""


@dataclass(frozen=True, slots=True)
class Use:
    """What a window was used for. ``told`` is how many of its requests conversations and sub-agents are told from."""

    over: Stretch
    sum: Sum
    trains: Mapping[int, Sum]
    models: Mapping[str, Sum]
    request_types: Mapping[str, Sum]
    told: int = 0
    subagent_requests: int = 0
    subagent_tokens: int = 0
    told_tokens: int = 0
    conversations: Sequence[ConversationUse] = field(default=())


async def use_of(database: Database, view: View, account: Account, over: Stretch) -> Use:
    """What an account's window was used for."""
    rows = (await usage_of(database, view, [account], over))[account.account_id]
    latest = await _latest(database, rows, over)
    return Use(
        over=over,
        sum=summed(rows),
        trains=summed_by(rows, lambda row: row.train),
        models=summed_by(rows, lambda row: row.model),
        request_types=summed_by(rows, lambda row: row.request_type),
        told=len(latest),
        subagent_requests=sum(row.is_subtask for row in latest),
        subagent_tokens=sum(_tokens(row) for row in latest if row.is_subtask),
        told_tokens=sum(_tokens(row) for row in latest),
        conversations=await _conversations(database, latest),
    )


async def _latest(database: Database, rows: Sequence[AccountUsage], over: Stretch) -> list[WindowRequest]:
    """The latest requests, of the trains and under the numbers that the sums found any of."""
    found: list[WindowRequest] = []
    for number in sorted({row.account for row in rows}):
        trains = sorted({row.train for row in rows if row.account == number})
        found += await database.fetch_union(
            "requests_of_window", WindowRequest, trains, number, over.start, over.end, limit=LATEST
        )
    return sorted(found, key=lambda row: row.id, reverse=True)[:LATEST]


async def _conversations(database: Database, latest: Iterable[WindowRequest]) -> list[ConversationUse]:
    of: dict[tuple[int, UUID], list[WindowRequest]] = {}
    for row in latest:
        if row.conversation_id is not None:
            of.setdefault((row.train, row.conversation_id), []).append(row)
    heaviest = sorted(of.items(), key=lambda item: (_cost(item[1]), sum(map(_tokens, item[1]))), reverse=True)[:MOST]
    titles: dict[UUID, str | None] = {}
    for train in {train for (train, _), _ in heaviest}:
        wanted = [conversation for (of_train, conversation), _ in heaviest if of_train == train]
        named = await database.fetch("conversation_titles", ConversationTitle, train, wanted)
        titles |= {one.conversation_id: one.title for one in named}
    return [
        ConversationUse(train, one, titles.get(one), len(rows), sum(map(_tokens, rows)), _cost(rows), _priced(rows))
        for (train, one), rows in heaviest
    ]


def _tokens(row: WindowRequest) -> int:
    return (row.input_tokens or 0) + (row.output_tokens or 0)


def _priced(rows: Iterable[WindowRequest]) -> int:
    return sum(row.cost_usd is not None for row in rows)


def _cost(rows: Iterable[WindowRequest]) -> Decimal:
    return sum((row.cost_usd for row in rows if row.cost_usd is not None), Decimal(0))
