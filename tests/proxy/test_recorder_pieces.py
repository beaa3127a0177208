"""Each text of a conversation is stored once in its train's month, and every body comes back exactly."""

import asyncio
import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from core.ids import uuid7, uuid7_month
from core.lanes import Lanes
from core.pieces import Division, children, divide
from proxy.recorder import pieces
from proxy.recorder.pieces import Request
from sql.database import Database
from sql.loader import queries
from sql.rows.record import TrainKey
from tests.conversations import conversation
from tests.taping import Taping, asked, drained, now_ms

pytestmark = pytest.mark.postgres
Connection = "asyncpg.Connection[asyncpg.Record]"

# Tables, their indexes and what lies beside them, as the server counts them, packed.
SIZE = """
SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('request_bodies')
UNION ALL
SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('pieces')"""


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """The folder of a tape."""
    return tmp_path / "tape" / "host-0"


async def train(database: Database, name: str = "atlas") -> int:
    """A train's key."""
    found = await database.fetch_one("record_train", TrainKey, name)
    assert found is not None
    return found.train


async def require_exact(connection: Connection, bodies: dict[UUID, bytes]) -> None:
    """Every body read by SQL is the one that was sent."""
    rows = await connection.fetch("SELECT train, id, size, sha256, request_body(train, id) AS body FROM request_bodies")
    assert {row["id"]: row["body"] for row in rows} == bodies
    for row in rows:
        assert (row["size"], row["sha256"]) == (len(row["body"]), hashlib.sha256(row["body"]).digest())


@pytest.mark.parametrize(
    ("turns", "size", "most"), [(50, 4096, 0.05), (200, 10240, 0.015)], ids=["50 × 4 KB", "200 × 10 KB"]
)
async def test_a_conversation_costs_what_is_new_in_it(
    database_url: str, connection: Connection, tmp_path: Path, node: Path, turns: int, size: int, most: float
) -> None:
    """On disk, with indexes and all, against the raw bytes (performance.md, size on disk)."""
    before = sum(row[0] for row in await connection.fetch(SIZE))
    sent: dict[UUID, bytes] = {}
    with Taping(node, now_ms()) as tape:
        for body in conversation(turns, size):
            sent[tape.whole(asks=body).start.request_id] = body
            # A tape that is written faster than the disk takes it counts losses.
            await tape.synced()
    await drained(database_url, tmp_path)
    for table in ("request_bodies", "pieces"):
        await connection.execute(f"VACUUM FULL {table}")
    raw = sum(map(len, sent.values()))
    share = (sum(row[0] for row in await connection.fetch(SIZE)) - before) / raw
    assert share <= most
    await require_exact(connection, sent)


async def test_the_views_give_whole_bodies(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """Who asks the contract views never learns how bodies are stored."""
    body = list(conversation(40, 2000))[-1]
    with Taping(node, now_ms()) as tape:
        tape.whole(asks=body)
        tape.whole(asks=asked())
    await drained(database_url, tmp_path)
    shown = await connection.fetch("SELECT request_body = $1::jsonb FROM api_requests ORDER BY id", body.decode())
    assert [row[0] for row in shown] == [True, False]
    assert await connection.fetchval("SELECT count(*) FROM request_bodies WHERE body IS NULL") == 1


async def test_a_second_reading_writes_no_piece(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """The same tape again, by a recorder that remembers nothing: the same rows, none moved."""
    sent: dict[UUID, bytes] = {}
    with Taping(node, now_ms()) as tape:
        for body in conversation(20, 3000):
            sent[tape.whole(asks=body).start.request_id] = body
    await drained(database_url, tmp_path)
    rows = "SELECT ctid, xmin, * FROM pieces ORDER BY hash"
    before = await connection.fetch(rows)
    await connection.execute("UPDATE tape_positions SET segment = '00000000-0000-0000-0000-000000000000'")
    await drained(database_url, tmp_path)
    assert await connection.fetch(rows) == before
    await require_exact(connection, sent)


async def test_trains_share_no_piece(database_url: str, connection: Connection, tmp_path: Path, node: Path) -> None:
    """What one train said is nobody else's, not even as a row that happens to be there: erasing it erases it."""
    body = list(conversation(10, 3000))[-1]
    with Taping(node, now_ms()) as tape:
        for name in ("atlas", "borealis"):
            tape.whole(asks=body, train=name)
    await drained(database_url, tmp_path)
    counts = await connection.fetch("SELECT count(*) FROM pieces GROUP BY train")
    assert len(counts) == 2
    assert counts[0] == counts[1]
    await connection.execute("DELETE FROM pieces WHERE train = (SELECT train FROM trains WHERE name = 'atlas')")
    left = await connection.fetch(
        "SELECT name, request_body(train, id) AS body FROM request_bodies JOIN trains USING (train) ORDER BY name"
    )
    assert [tuple(row) for row in left] == [("atlas", None), ("borealis", body)], "nothing, never a part"


async def test_a_months_pieces_are_its_own(database: Database, connection: Connection) -> None:
    """A conversation over midnight of the last day: each month can be read, and dropped, without the other."""
    edge = (datetime.now(UTC).replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0)
    edge_ms = int(edge.replace(microsecond=0).timestamp() * 1000)
    lanes = Lanes()
    sent = {uuid7(edge_ms - 6 + n, os.urandom(10)): body for n, body in enumerate(conversation(12, 3000))}
    requests = [Request(key, body, lanes.divide("lane", body)) for key, body in sent.items()]
    assert lanes.continued > 6
    await write(database, await train(database), requests)
    await require_exact(connection, sent)
    (old, new) = sorted({uuid7_month(key) for key in sent})
    months = "SELECT month FROM pieces GROUP BY month ORDER BY month"
    assert [row[0] for row in await connection.fetch(months)] == [old, new]
    for parent in ("pieces", "request_bodies"):
        await connection.execute(f"DROP TABLE {parent}_{old // 100}_{old % 100:02}")
    await require_exact(connection, {key: body for key, body in sent.items() if uuid7_month(key) == new})


async def write(database: Database, key: int, requests: list[Request]) -> None:
    """Pieces and lists in one transaction under the train's lock, as the recorder does."""
    async with database.transaction(lock_timeout_ms=20_000) as transaction:
        await transaction.execute("record_lock_train", key, "pglz")
        assert await pieces.write(transaction, key, requests)


async def test_many_recorders_write_the_same_pieces_at_once(database: Database, connection: Connection) -> None:
    """Eight of them, the turns of one conversation in any order, half of them cold: no deadlock, each piece once."""
    key = await train(database)
    bodies = list(conversation(24, 3000))
    sent = {uuid7(now_ms() + n, os.urandom(10)): body for n, body in enumerate(bodies * 8)}
    given = list(sent.items())

    async def record(number: int) -> None:
        lanes = Lanes()
        mine = given[number::8] if number % 2 else given[number::8][::-1]
        for begin in range(0, len(mine), 5):
            part = mine[begin : begin + 5]
            requests = [Request(one, body, lanes.divide(number % 3, body)) for one, body in part]
            await write(database, key, requests)

    async with asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(record(number))
    await require_exact(connection, sent)
    assert await connection.fetchval("SELECT count(*) FROM pieces") == len({k for b in bodies for k in divide(b).fresh})


async def test_what_was_swept_meanwhile_is_written_again(database: Database, connection: Connection) -> None:
    """A lane's memory takes pieces for written that retention has removed: existence is decided by the database."""
    key, lanes = await train(database), Lanes()
    *before, last = conversation(40, 3000)
    sent = {uuid7(now_ms() + n, os.urandom(10)): body for n, body in enumerate(before)}
    await write(database, key, [Request(one, body, lanes.divide("lane", body)) for one, body in sent.items()])
    await connection.execute("DELETE FROM request_bodies")
    await connection.execute("DELETE FROM pieces")
    division = lanes.divide("lane", last)
    assert not division.complete
    one = uuid7(now_ms() + 1000, os.urandom(10))
    await write(database, key, [Request(one, last, division)])
    await require_exact(connection, {one: last})


async def test_only_what_is_new_is_sent(database: Database, connection: Connection) -> None:
    """A turn after a hundred others, divided from its beginning, writes its own words and no more."""
    key = await train(database)
    bodies = list(conversation(101, 3000))
    ids = [uuid7(now_ms() + n, os.urandom(10)) for n in range(101)]
    cold = [Request(one, body, divide(body)) for one, body in zip(ids, bodies, strict=True)]
    await write(database, key, cold[:-1])
    sum_of_bytes = "SELECT sum(length(bytes)) FROM pieces"
    before = await connection.fetchval(sum_of_bytes)
    await write(database, key, cold[-1:])
    assert await connection.fetchval(sum_of_bytes) - before < 3000 + 1000


async def test_a_list_node_is_never_without_its_pieces(database: Database, connection: Connection) -> None:
    """Everything a node lists is there too, so a node that is there needs no look below."""
    key = await train(database)
    bodies = list(conversation(600, 1200))[::37]
    await write(
        database, key, [Request(uuid7(now_ms() + n, bytes(10)), body, divide(body)) for n, body in enumerate(bodies)]
    )
    there = {row["hash"].bytes: row["bytes"] for row in await connection.fetch("SELECT hash, bytes FROM pieces")}
    nodes = [found for body in bodies for found, level in divide(body).levels() if level]
    assert len(nodes) > 20
    assert all(child in there for node in nodes for child in children(there[node]))


@pytest.mark.parametrize("query", ["record_missing_pieces", "record_request_bodies"])
async def test_pieces_are_looked_up_by_their_keys(database: Database, connection: Connection, query: str) -> None:
    """Whatever the planner knows, even that the month is tiny: what it remembers must hold when it has grown."""
    await write(
        database, await train(database), [Request(uuid7(now_ms(), bytes(10)), b"x" * 5000, divide(b"x" * 5000))]
    )
    await connection.execute("ANALYZE pieces")
    for mode in ("force_generic_plan", "force_custom_plan"):
        async with connection.transaction():
            await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
            await connection.fetch(queries()["record_lock_train"].text, 1, "pglz")
            found = await connection.prepare("EXPLAIN " + queries()[query].text)
            arrays = [[] for _ in found.get_parameters()[2:]]
            plan = "\n".join(row[0] for row in await found.fetch(1, uuid7_month(uuid7(now_ms(), bytes(10))), *arrays))
        assert "Seq Scan" not in plan
        assert "using pieces" in plan


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ((None, None, None), "neither whole nor a list"),
        ((b"x", b"k" * 16, 1), "both"),
        ((None, b"k" * 15, 1), "half a key"),
        ((None, b"k" * 16, None), "nobody knows what is folded"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_body_is_stored_in_one_way(connection: Connection, values: tuple[object, ...], why: str) -> None:
    """The database refuses rows that nobody could read."""
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute(
            "INSERT INTO request_bodies (train, id, body, list, folded, size, sha256)"
            " VALUES (1, $1, $2, $3, $4, 1, sha256(''))",
            uuid7(now_ms(), bytes(10)),
            *values,
        )
    assert why


async def test_sql_joins_lists_of_every_length(database: Database, connection: Connection) -> None:
    """At the edges of runs on all levels ``request_body`` unfolds as ``core.pieces.join`` does."""
    key = await train(database)
    sent: dict[UUID, bytes] = {}
    for n, count in enumerate((1, 30, 31, 32, 33, 1023, 1024, 1030, 33_000)):
        body = b'{"messages":[' + b",".join(b'"%0600d"' % (i % 40) for i in range(count)) + b"]}"
        sent[uuid7(now_ms() + n, bytes(10))] = body
    requests = [Request(one, body, divide(body)) for one, body in sent.items()]
    assert {level for request in requests for _, level in request.division.levels()} == {0, 1, 2, 3}
    await write(database, key, requests)
    await require_exact(connection, sent)


def test_a_division_that_is_whole_has_no_list() -> None:
    """Small bodies go as they are."""
    assert divide(asked()) == Division(len(asked()), hashlib.sha256(asked()).digest(), None, 0, {})


async def test_months_are_numbered_alike(connection: Connection) -> None:
    """``uuid7_month`` of the database is that of core, at both ends of a month and of the year."""
    for moment in (datetime(2026, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)):
        one = uuid7(int(moment.timestamp() * 1000), os.urandom(10))
        assert await connection.fetchval("SELECT uuid7_month($1)", one) == uuid7_month(one)
        assert uuid7_month(one) == moment.year * 100 + moment.month
