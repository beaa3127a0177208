"""A list over several trains reads each train's own first rows, by index, also when the plan knows no value."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from core.ids import uuid7
from sql.database import Database
from sql.loader import Query, queries
from sql.union import projected, union

pytestmark = pytest.mark.postgres

NEWEST = Query(
    "newest",
    "The newest requests of a train before an id.",
    "SELECT r.train, r.id FROM requests AS r WHERE r.train = $1 AND r.id < $2 ORDER BY r.id DESC LIMIT $3",
    returns="Newest",
    order="id DESC",
)
LAST = UUID(int=(1 << 128) - 1)
LISTS = [pytest.param(query, id=name) for name, query in queries().items() if query.order]


@dataclass(frozen=True)
class Newest:
    train: int
    id: UUID


async def fill(connection: asyncpg.Connection) -> None:
    """12,000 requests this month: nearly all of train 1, a few of train 2, one of train 3, none of train 4."""
    now = datetime.now(UTC)
    first = int(now.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)
    rows = []
    for n in range(12_000):
        train = 3 if n == 7 else 2 if n % 2_000 == 5 else 1
        rows.append((train, uuid7(first + n, bytes(10))))
    await connection.execute(
        """
        INSERT INTO requests (train, id, node, method, path, started_at, ended_at, outcome, session_id, answered_model,
            account, deriver_version)
        SELECT t, i, 'n', 'POST', '/v1/messages', now(), now(), 'ok', 's' || t, 'm', 1, 1
        FROM unnest($1::integer[], $2::uuid[]) AS u (t, i)""",
        [row[0] for row in rows],
        [row[1] for row in rows],
    )
    await connection.execute("ANALYZE requests")


async def test_the_newest_of_several_trains_are_merged(database_url: str, connection: asyncpg.Connection) -> None:
    """The order is over all trains, the limit too; an unknown train adds nothing, no train gives nothing."""
    await fill(connection)
    database = Database.create(database_url, application="test", named={"newest": NEWEST})
    try:
        rows = await database.fetch_union("newest", Newest, [2, 3, 4], LAST, limit=16)
        assert [row.train for row in rows] == [2] * 5 + [3, 2]
        assert [row.id for row in rows] == sorted((row.id for row in rows), reverse=True)
        deeper = await database.fetch_union("newest", Newest, [1, 2, 3], rows[5].id, limit=5)
        assert all(row.id < rows[5].id for row in deeper)
        assert [row.train for row in await database.fetch_union("newest", Newest, [3], LAST, limit=5)] == [3]
        assert await database.fetch_union("newest", Newest, [], LAST, limit=5) == []
    finally:
        await database.close()


def test_parameters_keep_their_meaning() -> None:
    """$1 is the first train, the others stand behind the shared ones; $10 is not $1."""
    text = "SELECT $1 AS a, $10 AS b, $2 AS c LIMIT $11"
    assert union(Query("q", "Says.", text, order="a"), 3) == (
        "SELECT * FROM (\n(SELECT $1 AS a, $10 AS b, $2 AS c LIMIT $11)\nUNION ALL\n"
        "(SELECT $12 AS a, $10 AS b, $2 AS c LIMIT $11)\nUNION ALL\n"
        "(SELECT $13 AS a, $10 AS b, $2 AS c LIMIT $11)\n) AS merged ORDER BY a LIMIT $11"
    )
    with pytest.raises(ValueError, match="no `-- order:`"):
        union(Query("q", "Says.", text), 2)


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """A plan's nodes, flat."""
    return [plan, *(node for below in plan.get("Plans", ()) for node in nodes(below))]


async def explained(connection: asyncpg.Connection, text: str, *, executed: str | None = None) -> list[dict[str, Any]]:
    """The nodes of the plan that is made without knowing any value."""
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await connection.execute(f"PREPARE listed AS {text}")
    count = await connection.fetchval(
        "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'listed'"
    )
    arguments = executed or ", ".join(["NULL"] * count)
    options = "(ANALYZE, FORMAT json)" if executed else "(FORMAT json)"
    plan = await connection.fetchval(f"EXPLAIN {options} EXECUTE listed ({arguments})")
    return nodes(json.loads(plan)[0]["Plan"])


async def test_each_train_is_read_by_its_key(connection: asyncpg.Connection) -> None:
    """No value known, a frequent, a rare and an unknown train: index scans only, and few rows read."""
    await fill(connection)
    found = await explained(connection, union(NEWEST, 3), executed=f"1, '{LAST}', 20, 3, 4")
    scans = [node for node in found if "Scan" in node["Node Type"]]
    assert {node["Node Type"] for node in scans} <= {
        "Index Scan",
        "Index Only Scan",
        "Subquery Scan",
        "Bitmap Heap Scan",
    }
    read = [node for node in scans if "Relation Name" in node]
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in read) <= 3 * 20
    assert sum(node.get("Rows Removed by Filter", 0) for node in read) == 0


@pytest.mark.parametrize("query", LISTS)
async def test_no_list_scans_a_partitioned_table(connection: asyncpg.Connection, query: Query) -> None:
    """Every list query, composed for three trains, planned without values over a month of rows."""
    await fill(connection)
    found = await explained(connection, union(query, 3))
    scanned = [node["Relation Name"] for node in found if node["Node Type"] == "Seq Scan"]
    grown = {"requests", "request_bodies", "response_bodies", "pieces"}
    assert not [name for name in scanned if any(name.startswith(parent) for parent in grown)]


def test_only_a_column_can_be_projected() -> None:
    """Text that is no plain name never gets into a statement."""
    for column in ("id, train", "count(*)", "id; DROP TABLE requests", ""):
        with pytest.raises(ValueError, match="no column"):
            projected(NEWEST, 1, column)
