"""How Postgres reads for the watcher of alerts: by index, few rows of many; requests and log never end to end."""

from sql.loader import queries
from tests.dashboard.test_api_plans import ends_to_end, explained, read

FILL = """
    INSERT INTO trains (name) VALUES ('a'), ('b'), ('c');
    INSERT INTO accounts (account_id, kind, strength) SELECT 'account-' || n, 'oauth', 'account_uuid'
    FROM generate_series(1, 40) AS n;
    INSERT INTO requests (train, id, node, method, path, started_at, deriver_version, account, outcome, status_code,
        ended_at)
    SELECT 1 + n % 2, (left(uuid7_floor(now() - n * interval '1 second')::text, 24) || lpad(to_hex(n), 12, '0'))::uuid,
        'n', 'POST', '/', now() - n * interval '1 second', 1, 1 + n % 5,
        CASE WHEN n % 10 = 0 THEN 'upstream_error' ELSE 'ok' END, CASE WHEN n % 10 = 0 THEN 529 ELSE 200 END,
        now() - n * interval '1 second'
    FROM generate_series(1, 40000) AS n;
    INSERT INTO usage_five_minutes
    SELECT t, a, slot, m, 'inference', slot, 9, 900, 90, 0, 9000, 0.5, 0
    FROM generate_series(1, 3) AS t, generate_series(1, 5) AS a, unnest(ARRAY['opus', 'haiku']) AS m,
        generate_series(date_bin('5 minutes', now() - interval '20 days', '2000-01-01'), now(), '5 minutes') AS slot;
    INSERT INTO usage_hourly (train, hour, account, model, request_type, requests)
    SELECT train, date_trunc('hour', slot, 'UTC'), account, model, request_type, sum(requests)
    FROM usage_five_minutes GROUP BY 1, 2, 3, 4, 5;
    INSERT INTO usage_daily (train, day, account, model, request_type, requests)
    SELECT train, date_trunc('day', hour, 'UTC'), account, model, request_type, sum(requests)
    FROM usage_hourly GROUP BY 1, 2, 3, 4, 5;
    INSERT INTO alerts (kind, subject, dedupe_key, tone, told, recovered_at)
    SELECT CASE WHEN n % 10 = 0 THEN 'window' ELSE 'feed' END, 'subject ' || n, 'key ' || n, 'info', '{}',
        CASE WHEN n % 10 = 0 AND n % 1000 > 0 THEN now() END
    FROM generate_series(1, 20000) AS n;
    ANALYZE;
"""
"""A call a second for eleven hours, a tenth of them broken; 20,000 alerts, nearly all of the feed, 20 windows open."""

SINCE = "now() - interval '30 minutes', now() - interval '10 minutes'"

# Query, its arguments, and the most rows it may read: what it gives, not what there is.
READS = (
    ("alert_failures", f"'{{1,2,3}}', {SINCE}, 2000", 200),
    ("alert_failures", f"'{{1,2,3}}', {SINCE.replace('30', '3000')}, 100", 210),  # the bound, whatever there is
    ("alert_calls", "'{1,2,3}', now() - interval '10 minutes', now() + interval '10 minutes'", 300),
    ("alert_day", "1, date_trunc('day', now()) - interval '1 day', date_trunc('day', now())", 400),
    ("alerts_open", "'{window,budget,lag}'", 30),
    ("record_alerts_open", "'{window}', '{subject 1000}'", 30),
    ("alerts_known", "'{key 7,key 8,key x}'", 5),
    ("alert_accounts", "'{account-7}'", 60),
)


async def test_the_watcher_reads_by_index(filled):
    """No more rows than the answer is made of, whatever was recorded and told before."""
    for name, given, most in READS:
        _, found = await explained(filled, queries()[name].text, given)
        assert {"accounts", *ends_to_end(found)} == {"accounts"}, name
        assert read(found) <= most, (name, read(found))
