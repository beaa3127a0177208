"""How Postgres reads what the dashboard asks for: by index, whatever the train and with plans that fit every train."""

import itertools
import json
from datetime import timedelta
from uuid import UUID

from sql.loader import queries
from sql.union import counted, projected, union

LISTS = [name for name, query in queries().items() if query.returns == "RequestRow"]
LEADS = {"requests_of_model": ("usual", "rare", "unknown"), "requests_of_type": ("inference", "quota", "unknown")}
"""What some lists are asked for, common and rare; the other lists take the one value below."""


FILL = """
    INSERT INTO trains (name) VALUES ('busy'), ('rare');
    INSERT INTO requests (train, id, node, method, path, started_at, deriver_version, account, model,
        answered_model, request_type, session_id, outcome, ended_at)
    SELECT CASE WHEN n % 13000 = 0 THEN 2 ELSE 1 END,
        (left(uuid7_floor(date_trunc('month', now()) + interval '14 days' + n * interval '1 minute')::text, 24)
            || lpad(to_hex(n), 12, '0'))::uuid,
        'n', 'POST', '/v1/messages', now(), 1, n % 5, CASE WHEN n % 4000 = 0 THEN 'rare' ELSE 'usual' END,
        CASE WHEN n % 4000 = 0 THEN NULL ELSE 'usual' END, CASE WHEN n % 1000 = 0 THEN 'quota' ELSE 'inference' END,
        'session-' || n % 2000, CASE WHEN n % 50 = 0 THEN 'upstream_error' ELSE 'ok' END, now()
    FROM generate_series(1, 40000) AS n;
    ANALYZE requests;
    INSERT INTO conversations (train, conversation_id, account, first_at, last_at, latest_request, session_ids)
    SELECT CASE WHEN n % 6500 = 0 THEN 2 ELSE 1 END, uuid7_floor(now() + n * interval '1 minute'), n % 5, now(),
        now() + n * interval '1 minute', uuid7_floor(now()), ARRAY['session-' || n % 5000]
    FROM generate_series(1, 20000) AS n;
    INSERT INTO sessions (train, session_id, first_at, last_at)
    SELECT CASE WHEN n % 6500 = 0 THEN 2 ELSE 1 END, 'session-' || n, now(), now() + n * interval '1 minute'
    FROM generate_series(1, 20000) AS n;
    INSERT INTO branches (train, conversation_id, branch_id, first_request, created_at)
    SELECT train, conversation_id, 'main', conversation_id, first_at FROM conversations;
    INSERT INTO conversation_aliases
    SELECT train, uuid7_floor(last_at + interval '1 year'), conversation_id FROM conversations;
    INSERT INTO tool_calls (train, id, block_index, tool_use_id, name, input_size)
    SELECT train, id, 0, 'toolu', 'Bash', 2 FROM requests;
    UPDATE requests SET conversation_id = '0199aaaa-0000-7000-8000-000000000001'
    WHERE session_id IN ('session-7', 'session-8');
    ANALYZE;
"""
"""40,000 requests of one train and 3 of another, over two partitions whatever day it is."""


def scans(node):
    """Every node of a plan that reads a table."""
    found = [node] if "Relation Name" in node else []
    return found + [each for inner in node.get("Plans", []) for each in scans(inner)]


async def explained(connection, text, arguments, mode="force_generic_plan"):
    """What a statement reads when it is planned once for all arguments: the rows it gives, the nodes that read."""
    await connection.execute(f"SET plan_cache_mode = {mode}")
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


TALK = "0199aaaa-0000-7000-8000-000000000001"
LOWEST, HIGHEST = "'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"


def arguments(name, train, asked, lowest=LOWEST, rest="NULL, NULL, NULL, NULL, NULL", most=50):
    """Arguments of a list query as SQL: the filter its name is about set, all others null but ``rest``."""
    kind = f"'{asked}'" if name == "requests_of_type" else "NULL"
    model = f"'{asked}'" if name == "requests_of_model" else "NULL"
    session = "'session-7'" if name == "requests_of_session" else "NULL"
    account = "3" if name == "requests_of_account" else "NULL"
    talk = f"'{TALK}'" if name == "requests_of_conversation" else "NULL"
    own = f"{kind}, NULL, NULL, NULL, {model}, {session}, {account}, {talk}"
    return f"{train}, {HIGHEST}, {lowest}, {own}, {rest}, {most}"


async def test_lists_and_counts_read_by_index(filled):
    """No list or count scans a partition from end to end or walks past rows, be a train busy, rare or unknown."""
    assert len(LISTS) == 7
    await filled.execute("SET enable_sort = off")  # as plan_in_order does
    for name, train in itertools.product(LISTS, (1, 2, 999)):
        for asked in LEADS.get(name, ("",)):
            given = arguments(name, train, asked)
            for make, trains, more in ((union, 1, ""), (counted, 1, ""), (union, 3, ", 1, 2"), (counted, 3, ", 1, 2")):
                _, found = await explained(filled, make(queries()[name], trains), given + more)
                assert found, name
                assert not ends_to_end(found), (name, train, asked)
                assert read(found) <= 50 * trains, (name, train, asked)


LAST = "'9999-12-31', 'ffffffff-ffff-ffff-ffff-ffffffffffff'"


async def test_a_search_without_an_index_is_bounded(filled):
    """Filters that no index serves look at so many rows of a train and no further, whether many fit, few or none."""
    await filled.execute("SET enable_sort = off")
    for rest in ("'x', NULL, NULL, NULL, NULL", "NULL, NULL, 'x', NULL, NULL", "NULL, NULL, NULL, 5, NULL"):
        _, found = await explained(
            filled, queries()["requests_searched_to"].text, f"'{{1,2,999}}', {HIGHEST}, {LOWEST}, 500"
        )
        assert not ends_to_end(found)
        assert read(found) <= 2 * 501 + 10
        end = await filled.fetchval(
            queries()["requests_searched_to"].text, [1, 2, 999], UUID(HIGHEST.strip("'")), UUID(LOWEST.strip("'")), 500
        )
        for make in (union, counted):
            given = arguments("requests_newest", 1, "", f"'{end}'", rest)
            _, found = await explained(filled, make(queries()["requests_newest"], 1), given)
            assert 0 < read(found) <= 501, rest


async def test_a_sample_of_durations_is_bounded(filled):
    """The histogram reads as many rows as it samples, by the same index as its list, and never a whole partition."""
    await filled.execute("SET enable_sort = off")
    for name in LISTS:
        text = projected(queries()[name], 3, "duration_us")
        rows, found = await explained(filled, text, arguments(name, 1, "usual", most=100) + ", 2, 999")
        assert not ends_to_end(found), name
        assert read(found) <= 300, name
        assert rows <= 100


FIRST = "'0001-01-01'"
TALK_LISTS = {
    "conversations_newest": f"{LAST}, {FIRST}, NULL, NULL, NULL, false, false, false, false, false, NULL, 50",
    "conversations_of_account": f"{LAST}, {FIRST}, NULL, NULL, 3, false, false, false, false, false, NULL, 50",
    "conversations_of_session": f"{LAST}, {FIRST}, NULL, 'session-7', NULL, false, false, false, false, true, NULL, 50",
    "sessions_newest": f"'9999-12-31', 'z', {FIRST}, NULL, NULL, 50",
}


async def test_lists_of_conversations_read_by_index(filled):
    """First page, page in the middle, count; one train and three; busy, rare, unknown; planned as the pages are."""
    for (name, given), train in itertools.product(TALK_LISTS.items(), (1, 2, 999)):
        for moment in ("9999-12-31", "2027-01-01"):
            asked = f"{train}, {given.replace('9999-12-31', moment)}"
            await filled.execute(f"SET enable_sort = {'on' if name == 'conversations_of_session' else 'off'}")
            for make, trains, more in ((union, 1, ""), (counted, 1, ""), (union, 3, ", 1, 2"), (counted, 3, ", 1, 2")):
                _, found = await explained(filled, make(queries()[name], trains), asked + more)
                assert found, name
                assert not ends_to_end(found), (name, train, moment)
                assert read(found) <= 60 * trains, (name, train, moment)


async def test_a_short_period_reads_only_itself(filled):
    """What lies before the period is not walked past, however few rows lie in it."""
    newest = await filled.fetchval("SELECT max(last_at) FROM conversations WHERE train = 1")
    await filled.execute("SET enable_sort = off")
    for name in ("conversations_newest", "conversations_of_account", "sessions_newest"):
        asked = "1, " + TALK_LISTS[name].replace("'0001-01-01'", f"'{newest - timedelta(minutes=30)}'")
        _, found = await explained(filled, union(queries()[name], 1), asked)
        assert 0 < read(found) <= 40, (name, read(found))


async def test_one_conversation_is_read_by_index(filled):
    """Its row, by id or alias; its branches, its requests, their bodies and tool calls; what a session talked about."""
    row = await filled.fetchrow("SELECT train, conversation_id FROM conversations WHERE train = 2 LIMIT 1")
    alias = await filled.fetchval("SELECT alias FROM conversation_aliases WHERE train = 2 LIMIT 1")
    request = await filled.fetchval("SELECT id FROM requests WHERE train = 1 LIMIT 1")
    talk = await filled.fetchval("SELECT conversation_id FROM requests WHERE conversation_id IS NOT NULL LIMIT 1")
    for name, given, most in (
        ("conversation_found", f"'{{1,2,999}}', '{row['conversation_id']}'", 2),
        ("conversation_found", f"'{{1,2,999}}', '{alias}'", 2),
        ("conversation_joined", f"'{{1,2,999}}', '{alias}'", 1),
        ("branches_of", f"'{{1,2}}', '{{{row['conversation_id']}}}'", 1),
        ("requests_in_conversation", f"1, '{talk}', 1000", 40),
        ("request_neighbours", f"1, '{request}', '{talk}', NULL, NULL", 40),
        ("tool_calls_of", f"1, '{{{request}}}'", 1),
        ("session_found", "'{1,2,999}', 'session-9'", 1),
        ("session_talks", "'{1,2,999}', '{session-7,session-8}', 6", 20),
    ):
        _, found = await explained(filled, queries()[name].text, given)
        assert not ends_to_end(found), name
        assert read(found) <= most, (name, read(found))


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
