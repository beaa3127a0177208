"""One conversation among the trains a principal may see: its roll-up, its tree, how its sub-agents are numbered."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from core.access import Principal
from core.conversation_tree import Tree
from dashboard.conversations.now import Now, now_of
from dashboard.trains import account_names, visible_trains
from sql.database import Database
from sql.rows.conversations import ConversationRequestRow, ConversationRow, LinkRow
from sql.rows.directory import AccountRow
from sql.rows.requests import RequestDetailRow

MOST_REQUESTS = 20_000
"""Requests of a conversation that are read; of a longer one the first so many, and it is said."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation with what its train and account are called."""

    row: ConversationRow
    train: str
    account: AccountRow | None
    now: Now

    @property
    def id(self) -> UUID:
        """The id it has now; the one it was asked for by may be an older one."""
        return self.row.conversation_id


async def find_conversation(database: Database, principal: Principal, wanted: UUID) -> Conversation | None:
    """The conversation of this id or alias, or None where there is none, or none that the principal may see."""
    trains = await visible_trains(database, principal)
    row = await database.fetch_one("conversation_found", ConversationRow, sorted(trains), wanted)
    if row is None:
        return None
    train = {row.train: trains[row.train]}
    accounts = await account_names(database, [] if row.account is None else [row.account])
    now = await now_of(database, train, [row])
    return Conversation(row, train[row.train], accounts.get(row.account or 0), now)


async def requests_of(database: Database, row: ConversationRow) -> list[ConversationRequestRow]:
    """Every request of a conversation in start order, without bodies."""
    limit = MOST_REQUESTS
    return await database.fetch(
        "requests_in_conversation", ConversationRequestRow, row.train, row.conversation_id, limit
    )


async def neighbours_of(database: Database, row: RequestDetailRow) -> list[LinkRow]:
    """What stands beside a request in its conversation: what it follows, its attempts, what follows it."""
    if row.conversation_id is None:
        return []
    key = (row.train, row.id, row.conversation_id, row.parent_request_id, row.attempt_of)
    return await database.fetch("request_neighbours", LinkRow, *key)


def launch_numbers(tree: Tree[ConversationRequestRow]) -> Mapping[tuple[UUID, str], str]:
    """The branch of each launch, by launching request and tool_use id.

    N of ``subtask_N`` counts launches by launching request and block; sub-agents that forked without a launch count
    behind their parent's launches (conversations.md).
    """
    forked: dict[UUID, set[str]] = {}
    for place, row in enumerate(tree.rows):
        if row.branch_id and row.parent_task_request_id and tree.is_launched(place):
            forked.setdefault(row.parent_task_request_id, set()).add(row.branch_id)
    names: dict[tuple[UUID, str], str] = {}
    number = 0
    for row in tree.rows:
        own = forked.get(row.id, set())
        for launch in row.launches or ():
            number += 1
            own.discard(f"subtask_{number}")
            names[row.id, str(launch.get("id"))] = f"subtask_{number}"
        number += len(own)
    return names
