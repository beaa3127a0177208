"""What is going on beside what is recorded: calls that run, a rebuild on its way.

Where a call belongs its whole body decides, which is known at its end. Until then it is shown with its session.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sql.database import Database
from sql.rows.conversations import ConversationRow, NowRow

LONGEST_CALL = timedelta(hours=2)
"""What began before and has no end does not run: its proxy was killed, and its end will be told."""


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """How far the rebuild of a train has come."""

    train: str
    rebuilt: int
    total: int | None
    started_at: datetime

    @property
    def percent(self) -> int | None:
        """Rounded down, and below 100 until it is finished; None where nobody counted."""
        if not self.total:
            return None
        return min(99, 100 * self.rebuilt // self.total)


@dataclass(frozen=True, slots=True)
class Now:
    """What is going on in the trains of a page."""

    rebuilding: Sequence[Rebuilding] = ()
    running: Mapping[tuple[int, str], Sequence[NowRow]] = field(default_factory=dict)
    """Calls that run, newest first, by train and session."""

    def calls_of(self, row: ConversationRow) -> list[NowRow]:
        """The calls that run in the sessions of a conversation; of a side call none, it has ended."""
        if row.side_call is not None:
            return []
        return [call for session in row.session_ids for call in self.running.get((row.train, session), ())]

    def going_on(self, rows: Collection[ConversationRow]) -> set[UUID]:
        """The conversations that a running call most likely goes on: of each session the one last active."""
        latest: dict[tuple[int, str], ConversationRow] = {}
        for row in rows:
            for session in row.session_ids if row.side_call is None else ():
                before = latest.get((row.train, session))
                if before is None or before.last_at < row.last_at:
                    latest[row.train, session] = row
        return {row.conversation_id for session, row in latest.items() if session in self.running}


async def now_of(database: Database, trains: Mapping[int, str], rows: Collection[ConversationRow]) -> Now:
    """What is going on in these trains and in the sessions of these conversations, in one query."""
    sessions = sorted({session for row in rows for session in row.session_ids})
    since = datetime.now(UTC) - LONGEST_CALL
    rebuilding: list[Rebuilding] = []
    running: dict[tuple[int, str], list[NowRow]] = {}
    for row in await database.fetch("conversations_now", NowRow, sorted(trains), sessions, since):
        if row.session_id is not None:
            running.setdefault((row.train, row.session_id), []).append(row)
        elif row.rebuilt is not None:
            rebuilding.append(Rebuilding(trains[row.train], row.rebuilt, row.total, row.started_at))
    return Now(rebuilding, running)
