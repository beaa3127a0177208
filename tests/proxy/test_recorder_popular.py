"""The same words sent thousands of times: no request costs more than one of the first did, whatever became of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from core.identity import Facts
from proxy.recorder.facts_memory import FactsMemory
from proxy.recorder.notes_memory import NotesMemory
from sql.database import Database, Transaction
from sql.loader import Query, queries
from sql.rows.record import TrainLock
from tests.forests import Connection, check_rollups, notes
from tests.proxy.test_recorder_ledger import TRAIN, Recorder
from tests.talks import Wire, assistant, user

COUNT, AT_ONCE = 1200, 99
MOST = 12
"""Rows that the server may read for one request."""
# Without the flush, what the transactions of the last second read would be among it.
ROWS_READ = """
SELECT sum(t.seq_tup_read + t.idx_tup_fetch)::bigint AS rows
FROM pg_stat_xact_user_tables AS t, (SELECT pg_stat_force_next_flush() IS NULL) AS flush"""
HI, TALK = [user("hi")], [user("hi"), assistant("Hello."), user("go on")]


@dataclass(frozen=True, slots=True)
class RowsRead:
    """What a transaction has read so far."""

    rows: int


@dataclass
class Watched(Recorder):
    """A recorder that counts what each transaction reads."""

    read: list[int] = field(default_factory=list)

    async def begin(self, transaction: Transaction) -> None:
        """The lock, which also says how statements are planned."""
        await transaction.fetch("record_lock_train", TrainLock, TRAIN, "pglz")

    async def watch(self, transaction: Transaction) -> None:
        """Count."""
        self.read += [row.rows for row in await transaction.fetch("rows_read", RowsRead)]


class Crowd(Wire):
    """Calls of two milliseconds each, some of which end after the next ones."""

    def again(self, number: int, messages: list[object], **more: object) -> None:
        """One more call."""
        self.now_us += 2000
        failed = more.pop("failed", False)
        answer = None if failed else ["Hello."]
        self.call(messages, answer, failed_after_us=1500 if failed else None, **more)

    def ended(self) -> Iterator[Facts]:
        """The calls in the order of their ends: every third is overtaken by five."""
        order = sorted(range(len(self.calls)), key=lambda place: place + (5.5 if place % 3 == 0 else 0))
        return (self.calls[place].facts for place in order)


CROWDS: dict[str, Callable[[Crowd, int], None]] = {
    "openings": lambda crowd, n: crowd.again(n, HI),
    "openings and next turns": lambda crowd, n: crowd.again(n, TALK if n % 2 else HI, session="s"),
    "children of one": lambda crowd, n: crowd.again(n, TALK if n else HI, session="s"),
    "one in ten fails": lambda crowd, n: crowd.again(n, HI, failed=n % 10 == 9),
    "all fail, each a retry": lambda crowd, n: crowd.again(n, HI, failed=True),
    "all fail, none a retry": lambda crowd, n: crowd.again(n, HI, failed=True, retry=0),
}


@pytest.mark.parametrize("analysed", [None, 0, 3], ids=lambda at: f"analysed-{at}")
@pytest.mark.parametrize("name", CROWDS)
async def test_no_request_of_a_crowd_costs_more_than_the_first_ones(
    database_url: str, connection: Connection, name: str, analysed: int | None
) -> None:
    """However many were recorded: the rows that the server reads for a request stay below a constant.

    Whatever its statistics say: that tables are empty, that they are small, or what autovacuum finds in between.
    """
    crowd = Crowd()
    for number in range(COUNT):
        CROWDS[name](crowd, number)
    given = list(crowd.ended())
    await connection.execute("INSERT INTO trains (train, name) OVERRIDING SYSTEM VALUE VALUES ($1, 'crowd')", TRAIN)
    named = {**queries(), "rows_read": Query("rows_read", "What this transaction has read.", ROWS_READ)}
    database = Database.create(database_url, application="test", named=named)
    recorder = Watched(database, FactsMemory(), set(), {}, NotesMemory())
    for number, at in enumerate(range(0, COUNT, AT_ONCE)):
        if number == analysed:
            await connection.execute("ANALYZE")
        await recorder.record(given[at : at + AT_ONCE])
    await database.close()
    # The last may be so small a portion that the recorder forgets (``Recorder``).
    assert max(recorder.read[3:-1]) <= MOST * AT_ONCE, recorder.read
    await check_rollups(connection, await notes(connection))
