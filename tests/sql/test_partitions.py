"""Months are there before anybody needs them, each complete, and can be taken away again."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from core.ids import uuid7, uuid7_ms
from sql.database import Database
from sql.rows.partitions import PartitionsMade

pytestmark = pytest.mark.postgres
PARENTS = ("requests", "request_bodies", "response_bodies", "pieces", "tool_calls")

MONTHS = """
SELECT parent.relname AS parent, child.relname AS child, pg_get_expr(child.relpartbound, child.oid) AS bounds
FROM pg_inherits AS i
JOIN pg_class AS parent ON parent.oid = i.inhparent
JOIN pg_class AS child ON child.oid = i.inhrelid
WHERE parent.relkind = 'p'
ORDER BY parent.relname, child.relname
"""
INSERT = """
INSERT INTO requests (train, id, node, method, path, started_at, deriver_version, input_tokens, output_tokens)
VALUES (1, $1, 'n', 'POST', '/v1/messages', now(), 1, 2, 3)
"""


def id_of(moment: datetime) -> object:
    """The smallest id of a moment."""
    return uuid7(int(moment.timestamp() * 1000), bytes(10))


async def test_a_migrated_database_takes_rows_from_yesterday_to_three_months_ahead(
    connection: asyncpg.Connection,
) -> None:
    """Every parent has every month, and months touch: no moment in between is without a place."""
    months = await connection.fetch(MONTHS)
    for parent in PARENTS:
        names = [row["child"] for row in months if row["parent"] == parent]
        assert len(names) >= 4
        assert len(names) == len(months) / len(PARENTS)
    now = datetime.now(UTC)
    for days in (-1, 0, 1, 31, 62):
        await connection.execute(INSERT, id_of(now + timedelta(days=days)))


async def test_bounds_are_the_months_first_moments(connection: asyncpg.Connection) -> None:
    """The last id of a month and the first of the next lie in neighbouring partitions."""
    edge = (datetime.now(UTC).replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0)
    edge = edge.replace(microsecond=0)
    milliseconds = int(edge.timestamp() * 1000)
    await connection.execute(INSERT, uuid7(milliseconds - 1, b"\xff" * 10))
    await connection.execute(INSERT, uuid7(milliseconds, bytes(10)))
    places = await connection.fetch("SELECT tableoid::regclass::text AS place FROM requests ORDER BY id")
    before = edge - timedelta(days=1)
    assert [row["place"] for row in places] == [f"requests_{before:%Y_%m}", f"requests_{edge:%Y_%m}"]


async def test_making_them_again_makes_none_and_further_ones_are_added(database: Database) -> None:
    """Daily calls are free; asking for more makes just those."""
    assert await database.fetch("make_partitions", PartitionsMade, 3) == [PartitionsMade(0)]
    assert await database.fetch("make_partitions", PartitionsMade, 5) == [PartitionsMade(2 * len(PARENTS))]


async def test_several_callers_at_once_make_each_once(database: Database) -> None:
    """Recorders on several nodes do this at the same hour: nobody fails, each partition is made by one of them."""
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(database.fetch("make_partitions", PartitionsMade, 6)) for _ in range(4)]
    assert sorted(call.result()[0].made for call in calls) == [0, 0, 0, 3 * len(PARENTS)]


async def test_each_has_every_index_of_its_parent(connection: asyncpg.Connection) -> None:
    """An index that a month lacks is a slow month: attached means complete, and the parent's index is valid."""
    assert await connection.fetchval("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0
    lacking = await connection.fetch("""
        SELECT index.indexrelid::regclass AS missing, partition.inhrelid::regclass AS on_partition
        FROM pg_index AS index
        JOIN pg_inherits AS partition ON partition.inhparent = index.indrelid
        WHERE NOT EXISTS (
            SELECT FROM pg_inherits AS attached JOIN pg_index AS own ON own.indexrelid = attached.inhrelid
            WHERE attached.inhparent = index.indexrelid AND own.indrelid = partition.inhrelid)""")
    assert lacking == []


async def test_each_has_every_rule_of_its_parent(connection: asyncpg.Connection) -> None:
    """CHECKs, defaults, NOT NULL, compression and the generated column come along."""
    different = await connection.fetch("""
        SELECT child.attrelid::regclass AS place, child.attname
        FROM pg_inherits AS i
        JOIN pg_attribute AS parent ON parent.attrelid = i.inhparent AND parent.attnum > 0
        JOIN pg_attribute AS child ON child.attrelid = i.inhrelid AND child.attname = parent.attname
        LEFT JOIN pg_attrdef AS theirs ON theirs.adrelid = child.attrelid AND theirs.adnum = child.attnum
        LEFT JOIN pg_attrdef AS ours ON ours.adrelid = parent.attrelid AND ours.adnum = parent.attnum
        WHERE i.inhparent IN ('requests'::regclass, 'request_bodies'::regclass, 'response_bodies'::regclass,
                'pieces'::regclass, 'tool_calls'::regclass)
            AND (child.attgenerated, child.attnotnull, child.attcompression,
                pg_get_expr(theirs.adbin, theirs.adrelid)) IS DISTINCT FROM
                (parent.attgenerated, parent.attnotnull, parent.attcompression,
                pg_get_expr(ours.adbin, ours.adrelid))""")
    assert different == []
    checks = await connection.fetch("""
        SELECT i.inhrelid::regclass, count(c) FILTER (WHERE c.conrelid = i.inhrelid) AS theirs,
            count(c) FILTER (WHERE c.conrelid = i.inhparent) AS ours
        FROM pg_inherits AS i
        JOIN pg_constraint AS c ON c.conrelid IN (i.inhrelid, i.inhparent) AND c.contype = 'c'
        GROUP BY i.inhrelid""")
    assert checks
    assert all(row["theirs"] == row["ours"] > 0 for row in checks)


async def test_total_tokens_are_generated_in_partitions_too(connection: asyncpg.Connection) -> None:
    """LIKE … INCLUDING ALL keeps the generated column; unknown plus known is unknown."""
    now = id_of(datetime.now(UTC))
    await connection.execute(INSERT, now)
    assert await connection.fetchval("SELECT total_tokens FROM requests") == 5
    await connection.execute("UPDATE requests SET output_tokens = NULL")
    assert await connection.fetchval("SELECT total_tokens FROM requests") is None


async def test_an_old_month_goes_by_detach_and_drop(connection: asyncpg.Connection) -> None:
    """Nothing hangs on a partition: it is detached while others write, dropped, and only its rows are gone."""
    now = datetime.now(UTC)
    later = now + timedelta(days=32)
    await connection.execute(INSERT, id_of(now))
    await connection.execute(INSERT, id_of(later))
    old = f"requests_{now:%Y_%m}"
    await connection.execute(f"ALTER TABLE requests DETACH PARTITION {old} CONCURRENTLY")
    await connection.execute(f"DROP TABLE {old}")
    assert await connection.fetchval("SELECT count(*) FROM requests") == 1


async def test_the_database_computes_ids_as_core_does(connection: asyncpg.Connection) -> None:
    """``uuid7_floor`` is the smallest id of its millisecond, ``uuid7_time`` the moment of any id of it."""
    for moment in (
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 31, 23, 59, 59, 999_000, tzinfo=UTC),
        datetime(2026, 2, 1, tzinfo=UTC),
        datetime(2100, 12, 31, 12, 0, 0, 1_000, tzinfo=UTC),
    ):
        floor = await connection.fetchval("SELECT uuid7_floor($1)", moment)
        milliseconds = round((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))
        assert floor.int == uuid7(milliseconds, bytes(10)).int
        assert uuid7_ms(floor) == milliseconds
        last = uuid7(milliseconds, b"\xff" * 10)
        assert await connection.fetchval("SELECT uuid7_time($1)", last) == moment
        within = moment + timedelta(microseconds=999)
        assert await connection.fetchval("SELECT uuid7_floor($1)", within) == floor
