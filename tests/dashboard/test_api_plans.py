"""How Postgres reads what the dashboard asks for: by index, whatever the train and with plans that fit every train."""

import itertools
import json

import pytest

from sql.loader import queries
from sql.union import counted, union

LISTS = [name for name, query in queries().items() if name.startswith("requests_") and query.order]
LEADS = {"requests_of_model": ("usual", "rare", "unknown"), "requests_of_type": ("inference", "quota", "unknown")}
"""What some lists are asked for, common and rare; the other lists take the one value below."""


@pytest.fixture
async def filled(connection):
    """A connection to 40,000 requests of one train and 3 of another, over two partitions."""
    await connection.execute("""
        INSERT INTO trains (name) VALUES ('busy'), ('rare');
        INSERT INTO requests (train, id, node, method, path, started_at, deriver_version, account, model,
            answered_model, request_type, session_id, outcome, ended_at)
        SELECT CASE WHEN n % 13000 = 0 THEN 2 ELSE 1 END,
            (left(uuid7_floor(now() + n * interval '1 minute')::text, 24) || lpad(to_hex(n), 12, '0'))::uuid,
            'n', 'POST', '/v1/messages', now(), 1, n % 5, CASE WHEN n % 4000 = 0 THEN 'rare' ELSE 'usual' END,
            CASE WHEN n % 4000 = 0 THEN NULL ELSE 'usual' END, CASE WHEN n % 1000 = 0 THEN 'quota' ELSE 'inference' END,
            'session-' || n % 2000, CASE WHEN n % 50 = 0 THEN 'upstream_error' ELSE 'ok' END, now()
        FROM generate_series(1, 40000) AS n;
        ANALYZE requests;
    """)
    return connection


def scans(node):
    """Every node of a plan that reads a table."""
    found = [node] if "Relation Name" in node else []
    return found + [each for inner in node.get("Plans", []) for each in scans(inner)]


async def explained(connection, text, arguments):
    """What a statement reads when it is planned once for all arguments: the rows it gives, the nodes that read."""
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await connection.execute(f"PREPARE asked AS {text}")
    plan = json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE asked({arguments})"))
    await connection.execute("DEALLOCATE asked")
    return plan[0]["Plan"]["Actual Rows"], scans(plan[0]["Plan"])


def read(found):
    """Rows that were read, shown or thrown away. An empty partition may be read in any way: it has none."""
    return sum((each["Actual Rows"] + each.get("Rows Removed by Filter", 0)) * each["Actual Loops"] for each in found)


def ends_to_end(found):
    """Reads from end to end that met any row."""
    return [each["Relation Name"] for each in found if each["Node Type"] == "Seq Scan" and read([each])]


def arguments(name, train, asked):
    """Arguments of a list query as SQL: the filter its name is about set, all others null."""
    kind = f"'{asked}'" if name == "requests_of_type" else "NULL"
    model = f"'{asked}'" if name == "requests_of_model" else "NULL"
    session = "'session-7'" if name == "requests_of_session" else "NULL"
    account = "3" if name == "requests_of_account" else "NULL"
    lowest, highest = "'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"
    return f"{train}, {highest}, {lowest}, {kind}, NULL, NULL, NULL, {model}, {session}, {account}, NULL, 50"


async def test_lists_and_counts_read_by_index(filled):
    """No list or count scans a partition from end to end or walks past rows, be a train busy, rare or unknown."""
    assert len(LISTS) == 6
    for name, train in itertools.product(LISTS, (1, 2, 999)):
        for asked in LEADS.get(name, ("",)):
            given = arguments(name, train, asked)
            for make, trains, more in ((union, 1, ""), (counted, 1, ""), (union, 3, ", 1, 2"), (counted, 3, ", 1, 2")):
                _, found = await explained(filled, make(queries()[name], trains), given + more)
                assert found, name
                assert not ends_to_end(found), (name, train, asked)
                assert read(found) <= 50 * trains, (name, train, asked)


async def test_one_request_is_found_by_train_and_id(filled):
    """A bare id among the caller's trains is a look-up in one partition."""
    request_id = await filled.fetchval("SELECT id FROM requests WHERE train = 2 LIMIT 1")
    rows, found = await explained(filled, queries()["request_by_id"].text, f"'{{1,2,999}}', '{request_id}'")
    assert rows == 1
    assert read(found) == 1
    assert not ends_to_end(found)


async def test_lists_never_touch_bodies():
    """No list query names a table of bodies or a column that holds recorded content."""
    for name in LISTS:
        text = queries()[name].text
        assert "bodies" not in text
        assert "headers" not in text
