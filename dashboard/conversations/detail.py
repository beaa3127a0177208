"""One conversation among the trains a principal may see: its roll-up, and what is going on in it."""

from dataclasses import dataclass
from uuid import UUID

from core.access import Principal
from dashboard.conversations.now import Now, now_of
from dashboard.trains import account_names, visible_trains
from sql.database import Database
from sql.rows.conversations import FoundConversationRow, LinkRow
from sql.rows.directory import AccountRow
from sql.rows.requests import RequestDetailRow


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation with what its train and account are called."""

    row: FoundConversationRow
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
    row = await database.fetch_one("conversation_found", FoundConversationRow, sorted(trains), wanted)
    if row is None:
        return None
    train = {row.train: trains[row.train]}
    accounts = await account_names(database, [] if row.account is None else [row.account])
    now = await now_of(database, train, [row])
    return Conversation(row, train[row.train], accounts.get(row.account or 0), now)


async def neighbours_of(database: Database, row: RequestDetailRow) -> list[LinkRow]:
    """What stands beside a request in its conversation: what it follows, its attempts, what follows it."""
    if row.conversation_id is None:
        return []
    key = (row.train, row.id, row.conversation_id, row.parent_request_id, row.attempt_of)
    return await database.fetch("request_neighbours", LinkRow, *key)
