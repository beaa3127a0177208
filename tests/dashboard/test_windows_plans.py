"""How Postgres reads windows: by index, few rows of many, whatever the account; the requests never end to end."""

from sql.loader import queries
from sql.union import union
from tests.dashboard.test_api_plans import ends_to_end, explained, read

TRAINS, ACCOUNTS = "'{1,2,3}'", "'{2}'"


FILL = """
    INSERT INTO trains (name) VALUES ('a'), ('b'), ('c');
    INSERT INTO accounts (account_id, kind, strength) SELECT 'account-' || n, 'oauth', 'account_uuid'
    FROM generate_series(1, 40) AS n;
    INSERT INTO usage_five_minutes
    SELECT t, a, slot, m, 'inference', slot, 9, 900, 90, 0, 9000, 0.5, 0
    FROM generate_series(1, 3) AS t, generate_series(1, 5) AS a, unnest(ARRAY['opus', 'haiku']) AS m,
        generate_series(date_bin('5 minutes', now() - interval '30 days', '2000-01-01'), now(), '5 minutes')
            AS slot;
    INSERT INTO window_observations (account, window_name, source, observed_at, utilization, status, reset_at)
    SELECT a, w, 'reported', at, random(), 'allowed', date_bin('5 hours', at, '2000-01-01') + interval '5 hours'
    FROM generate_series(1, 5) AS a, unnest(ARRAY['5h', '7d']) AS w,
        generate_series(now() - interval '10 days', now(), '3 minutes') AS at;
    INSERT INTO account_windows (account, window_name, source, reset_at, first_at, last_at, utilization, peak,
        rejected_at)
    SELECT a, w, 'reported', at, at - interval '5 hours', at, 0.5, 0.9, at
    FROM generate_series(1, 40) AS a, unnest(ARRAY['5h', '7d']) AS w,
        generate_series(now() - interval '90 days', now(), '5 hours') AS at;
    INSERT INTO rate_limits
    SELECT a, 'model-' || m, 'requests', 1, 1, now(), now()
    FROM generate_series(1, 40) AS a, generate_series(1, 200) AS m;
    INSERT INTO requests (train, id, node, method, path, started_at, deriver_version, account, outcome, ended_at)
    SELECT 1 + n % 3, (left(uuid7_floor(now())::text, 24) || lpad(to_hex(n), 12, '0'))::uuid, 'n', 'POST', '/',
        now(), 1, 1 + n % 5, 'ok', now()
    FROM generate_series(1, 20000) AS n;
    ANALYZE;
"""
"""Three trains and 40 accounts in use for 30 days: sums, windows, observations, requests."""


# Query, its arguments, and the most rows it may read: what it gives, not what there is.
READS = (
    ("windows_now", f"{ACCOUNTS}, now() - interval '8 days'", 100),
    ("windows_seen", "'{2}', '5h', 'reported', now() - interval '7 days'", 40),
    ("window_samples", "'{2}', '5h', 'reported', now() - interval '1 hour', 4000", 40),
    ("window_series", "'{2}', '5h', 'reported', now() - interval '5 hours', '5 minutes'", 120),
    ("usage_of_accounts", f"{TRAINS}, {ACCOUNTS}, now() - interval '5 hours', now()", 3 * 62 * 2),
    ("usage_series_of_account", f"{TRAINS}, {ACCOUNTS}, now() - interval '1 day', now(), '30 minutes'", 3 * 290 * 2),
    ("rejected_windows", f"{TRAINS}, {ACCOUNTS}, '5h', '5 hours', now() - interval '10 days'", 5000),
    ("rate_limits_of", f"{ACCOUNTS}, now() - interval '8 days'", 200),
    ("window_account_numbers", f"'account-2', {TRAINS}, false", 130),
    ("window_accounts", f"{TRAINS}, now() - interval '8 days', true", 240),
    ("conversation_titles", "1, '{}'", 0),
)


async def test_windows_are_read_by_index(filled):
    """No more rows than the answer is made of; of the tables that grow none from end to end, accounts are few."""
    for name, given, most in READS:
        _, found = await explained(filled, queries()[name].text, given)
        assert {"accounts", *ends_to_end(found)} == {"accounts"}, name
        assert read(found) <= most, (name, read(found))
        assert not any(each["Relation Name"].startswith("requests") for each in found), name


async def test_what_a_window_was_used_for_reads_the_latest_only(filled):
    """Of one account of each train as many requests as are wanted, not those of the others."""
    text = union(queries()["requests_of_window"], 3)
    given = "1, 2, now() - interval '5 hours', now() + interval '1 hour', 100, 2, 3"
    rows, found = await explained(filled, text, given)
    assert rows == 100
    assert not ends_to_end(found)
    assert read(found) <= 300
