"""Sums of usage by time: whatever the order and the months of the requests that are added or taken back."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID

import pytest

from proxy.recorder import usage_sums
from proxy.recorder.writing import make_partitions
from sql.database import Database
from sql.loader import queries
from tests.forests import Connection
from tests.recordings import SEEDS, insert

SUMS = "SELECT coalesce(sum(requests), 0) FROM usage_hourly"


async def recorded(connection: Connection) -> list[UUID]:
    """Requests of this month, the next and the one behind that."""
    first = datetime.now(UTC).replace(day=10)
    call = next(make() for make in SEEDS.values() if make().outcome is not None)
    return [await insert(connection, call, at=first + timedelta(days=31 * month), number=month) for month in range(3)]


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
async def test_all_are_counted_in_whatever_order_they_come(
    database: Database, connection: Connection, order: tuple[int, ...]
) -> None:
    """The statement takes them in their order; who calls it need not know."""
    ids = await recorded(connection)
    train = await connection.fetchval("SELECT train FROM requests LIMIT 1")
    before = await connection.fetchval(SUMS)
    async with database.transaction() as transaction:
        await usage_sums.take_back(transaction, train, [ids[place] for place in order])
    assert (before, await connection.fetchval(SUMS)) == (3, 0)
    async with database.transaction() as transaction:
        await usage_sums.add(transaction, train, [ids[place] for place in order])
        await usage_sums.add(transaction, train, [])
    assert await connection.fetchval(SUMS) == 3


@pytest.mark.parametrize("name", ["rollup_usage", "linking_begin"])
async def test_no_month_is_opened_but_those_of_the_requests(
    database: Database, connection: Connection, name: str
) -> None:
    """However many months there are: a statement of every recording transaction costs what one month costs."""
    await make_partitions(database)
    request = (await recorded(connection))[0]
    train = await connection.fetchval("SELECT train FROM requests LIMIT 1")
    months = await connection.fetchval("SELECT count(*) FROM pg_inherits WHERE inhparent = 'requests'::regclass")
    async with connection.transaction():
        await connection.fetch(queries()["record_lock_train"].text, train, "pglz")
        given = f"{train}, ARRAY['{request}']::uuid[]" + (", 1" if name == "rollup_usage" else "")
        await connection.execute(f"PREPARE tried AS {queries()[name].text}")
        plan = await connection.fetch(f"EXPLAIN EXECUTE tried({given})")
    lines = [row[0] for row in plan]
    removed = [int(line.rsplit(" ", 1)[1]) for line in lines if "Subplans Removed" in line]
    assert set(removed) == {months - 1}, "\n".join(lines)
