"""No statistic reads requests: sums come from the roll-ups, by their keys, whatever the train."""

import json

import pytest

from sql.loader import queries

MONTH = "now() - interval '30 days', now()"
DAY = "now() - interval '24 hours', now()"
TRAINS = "'{1,2,999}'"
# (query, arguments): every query that pages, API, metrics and budgets sum up with.
SUMS = [
    ("statistics_of_period", f"{TRAINS}, {DAY}"),
    ("statistics_of_period", f"{TRAINS}, '2000-01-01', now()"),
    ("totals_by_train", TRAINS),
    ("token_stats", ""),
    ("usage_series", f"{TRAINS}, {MONTH}, 'day', 'Europe/Zurich', 'model', NULL, NULL, NULL"),
    ("usage_series", f"{TRAINS}, {MONTH}, 'hour', 'UTC', 'none', '{{1}}', 'm1', 'quota'"),
    ("usage_latency", f"{TRAINS}, {DAY}, NULL"),
    ("usage_unpriced", f"{TRAINS}, {MONTH}"),
    ("usage_by_slot", f"{TRAINS}, {MONTH}, 'day', 'UTC', 'model', 'UTC', true"),
    ("usage_by_slot", f"{TRAINS}, {MONTH}, 'day', 'Asia/Kolkata', 'model', 'Asia/Kolkata', false"),
    ("usage_between", f"{TRAINS}, {MONTH}"),
    ("usage_of_accounts", f"{TRAINS}, '{{1,2}}', now() - interval '5 hours', now()"),
    (
        "usage_by_model_in",
        f"{TRAINS}, ARRAY[now() - interval '30 days', now() - interval '1 day'], ARRAY[now(), now()]",
    ),
    ("conversations_begun", f"{TRAINS}, now() - interval '84 days', 'Europe/Zurich'"),
    ("usage_by_key", f"{TRAINS}, {MONTH}"),
    ("accounts_all", f"true, {TRAINS}, now() - interval '30 days'"),
    ("budgets_used", f"{TRAINS}, '{{NULL,ana,NULL}}', '{{now,now,now}}', '{{tomorrow,tomorrow,tomorrow}}'"),
]


FILL = """
    INSERT INTO trains (name) VALUES ('busy'), ('rare');
    INSERT INTO usage_hourly (train, hour, account, model, request_type, requests, unpriced)
    SELECT 1 + (n % 97 = 0)::integer, date_trunc('hour', now(), 'UTC') - n / 8 * interval '1 hour', n % 2,
        'm' || n % 4, CASE WHEN n / 4 % 2 = 0 THEN '' ELSE 'quota' END, 1, n % 2
    FROM generate_series(0, 11519) AS n;
    INSERT INTO usage_daily (train, day, account, model, request_type, requests, unpriced)
    SELECT train, date_trunc('day', hour, 'UTC'), account, model, request_type, sum(requests), sum(unpriced)
    FROM usage_hourly GROUP BY 1, 2, 3, 4, 5;
    -- Of a train that nobody asks for: a table of a few pages would be read whole.
    INSERT INTO usage_daily (train, day, account, model, request_type)
    SELECT 3, date_trunc('day', now(), 'UTC') - n % 60 * interval '1 day', 0, 'm' || n, ''
    FROM generate_series(1, 30000) AS n;
    INSERT INTO latency_hourly (train, hour, model, bucket, durations)
    SELECT 1, date_trunc('hour', now(), 'UTC') - n / 8 * interval '1 hour', 'm', n % 8, 1
    FROM generate_series(0, 11519) AS n;
    INSERT INTO usage_five_minutes
    SELECT 1, n % 2, date_bin('5 minutes', now(), '2000-01-01') - n / 2 * interval '5 minutes', 'm', '', now(), 1,
        1, 1, 1, 1, 1, 0
    FROM generate_series(0, 34559) AS n;
    INSERT INTO requests (train, id, node, method, path, started_at, deriver_version, outcome, ended_at)
    SELECT 1, (left(uuid7_floor(now())::text, 24) || lpad(to_hex(n), 12, '0'))::uuid, 'n', 'POST', '/', now(), 1,
        'ok', now()
    FROM generate_series(1, 5000) AS n;
    INSERT INTO key_usage (train, key_id, quarter, requests)
    SELECT 1, 'key' || n % 5, date_bin('15 minutes', now(), '2000-01-01') - n / 5 * interval '15 minutes', 1
    FROM generate_series(0, 19999) AS n;
    INSERT INTO conversations (train, conversation_id, first_at, last_at, latest_request)
    SELECT 1 + n % 2, (left(uuid7_floor(b.at)::text, 24) || lpad(to_hex(n), 12, '0'))::uuid, b.at, b.at,
        gen_random_uuid()
    FROM generate_series(0, 9999) AS n, LATERAL (SELECT now() - n * interval '1 hour' AS at) AS b;
    ANALYZE;
"""
"""Roll-ups of 60 days of three trains, and some requests that nobody is to read."""


async def reads(connection, text, arguments):
    """What a statement reads, planned once for all arguments: (table, how, rows that were met)."""
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await connection.execute(f"PREPARE asked AS {text}")
    given = f"({arguments})" if arguments else ""
    plan = json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE asked{given}"))[0]["Plan"]
    await connection.execute("DEALLOCATE asked")
    return list(_reads(plan))


def _reads(node):
    if "Relation Name" in node:
        met = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        yield node["Relation Name"], node["Node Type"], met * node["Actual Loops"]
    for inner in node.get("Plans", ()):
        yield from _reads(inner)


@pytest.mark.parametrize(("query", "arguments"), SUMS, ids=[f"{query}-{n}" for n, (query, _) in enumerate(SUMS)])
async def test_sums_never_read_requests(filled, query, arguments):
    """Neither from end to end nor by index."""
    found = await reads(filled, queries()[query].text, arguments)
    assert found
    assert not [table for table, _, _ in found if table.startswith(("requests", "response", "request_"))]


@pytest.mark.parametrize(
    ("query", "arguments", "most"),
    [
        ("statistics_of_period", f"{TRAINS}, {DAY}", 250),
        ("usage_of_accounts", "'{1}', '{1}', now() - interval '5 hours', now()", 80),
        ("usage_latency", f"{TRAINS}, {DAY}, NULL", 250),
        # Five keys, each by its newest day of quarters, and the day's sums.
        ("usage_by_key", f"'{{1,999}}', {DAY}", 2 * 5 * 97 + 250),
        # Every second hour of a week began one.
        ("conversations_begun", "'{1,999}', now() - interval '7 days', 'UTC'", 90),
        # Days, the hours of the ends, and twice the one or two hours of each day that are another's in Zurich.
        ("statistics_of_period", f"{TRAINS}, '2000-01-01', now()", 61 * 16 + 25 * 8),
        ("usage_series", f"{TRAINS}, {MONTH}, 'day', 'Europe/Zurich', 'model', NULL, NULL, NULL", 31 * 16 + 150 * 8),
        ("usage_series", "'{999}', now() - interval '30 days', now(), 'day', 'UTC', 'none', NULL, NULL, NULL", 0),
    ],
)
async def test_a_day_reads_a_day(filled, query, arguments, most):
    """By the key of the roll-up: what lies outside of the period or belongs to others is not met."""
    found = await reads(filled, queries()[query].text, arguments)
    assert sum(met for _, _, met in found) <= most
