-- name: record_window_observations
-- What answers said of windows, one array per column. Of what falls into one row the last moment stays, so neither the
-- order of observations nor a second writing of one makes a difference. In the order of the key: no two deadlock. What
-- is older than they are kept for (a rebuild comes by it) is left out.
INSERT INTO window_observations AS o (account, window_name, source, observed_at, utilization, status, reset_at, more)
SELECT DISTINCT ON (n.account, n.window_name, n.source, date_bin('1 minute', n.observed_at, '2000-01-01 00:00:00+00'),
        round(n.utilization * 100), n.status, n.reset_at)
    n.account, n.window_name, n.source, n.observed_at, n.utilization, n.status, n.reset_at, n.more::jsonb
FROM unnest($1::integer[], $2::text[], $3::text[], $4::timestamptz[], $5::double precision[], $6::text[],
    $7::timestamptz[], $8::text[])
    AS n (account, window_name, source, observed_at, utilization, status, reset_at, more)
WHERE n.observed_at >= now() - interval '90 days'
ORDER BY n.account, n.window_name, n.source, date_bin('1 minute', n.observed_at, '2000-01-01 00:00:00+00'),
    round(n.utilization * 100), n.status, n.reset_at, n.observed_at DESC, n.utilization DESC
ON CONFLICT (account, window_name, source, minute, percent, status, reset_at) DO UPDATE SET
    observed_at = excluded.observed_at, utilization = excluded.utilization, more = excluded.more
WHERE (excluded.observed_at, coalesce(excluded.utilization, 0)) > (o.observed_at, coalesce(o.utilization, 0));

-- name: record_account_windows
-- The same observations, summed up by the window's end; parameters and properties as above.
INSERT INTO account_windows AS w (account, window_name, source, reset_at, first_at, last_at, utilization, status, more,
    peak, rejected_at)
SELECT n.account, n.window_name, n.source, (array_agg(n.reset_at ORDER BY n.observed_at DESC, n.utilization DESC))[1],
    min(n.observed_at), max(n.observed_at),
    (array_agg(n.utilization ORDER BY n.observed_at DESC, n.utilization DESC))[1],
    (array_agg(n.status ORDER BY n.observed_at DESC, n.utilization DESC))[1],
    (array_agg(n.more ORDER BY n.observed_at DESC, n.utilization DESC))[1]::jsonb,
    max(n.utilization), min(n.observed_at) FILTER (WHERE n.status = 'rejected')
FROM unnest($1::integer[], $2::text[], $3::text[], $4::timestamptz[], $5::double precision[], $6::text[],
    $7::timestamptz[], $8::text[])
    AS n (account, window_name, source, observed_at, utilization, status, reset_at, more)
GROUP BY n.account, n.window_name, n.source, date_bin('5 minutes', n.reset_at, '1999-12-31 23:57:30+00')
ORDER BY n.account, n.window_name, n.source, date_bin('5 minutes', n.reset_at, '1999-12-31 23:57:30+00')
ON CONFLICT (account, window_name, source, reset_about) DO UPDATE SET
    reset_at = CASE WHEN excluded.last_at >= w.last_at THEN excluded.reset_at ELSE w.reset_at END,
    utilization = CASE WHEN excluded.last_at >= w.last_at THEN excluded.utilization ELSE w.utilization END,
    status = CASE WHEN excluded.last_at >= w.last_at THEN excluded.status ELSE w.status END,
    more = CASE WHEN excluded.last_at >= w.last_at THEN excluded.more ELSE w.more END,
    first_at = least(w.first_at, excluded.first_at), last_at = greatest(w.last_at, excluded.last_at),
    peak = greatest(w.peak, excluded.peak), rejected_at = least(w.rejected_at, excluded.rejected_at);

-- name: record_rate_limits
-- What answers said of an API key's per-minute limits: the last word stays.
INSERT INTO rate_limits AS r (account, model, name, quota, remaining, reset_at, observed_at)
SELECT DISTINCT ON (n.account, n.model, n.name)
    n.account, n.model, n.name, n.quota, n.remaining, n.reset_at, n.observed_at
FROM unnest($1::integer[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::timestamptz[])
    AS n (account, model, name, quota, remaining, reset_at, observed_at)
ORDER BY n.account, n.model, n.name, n.observed_at DESC, n.remaining
ON CONFLICT (account, model, name) DO UPDATE SET
    quota = excluded.quota, remaining = excluded.remaining, reset_at = excluded.reset_at,
    observed_at = excluded.observed_at
WHERE excluded.observed_at >= r.observed_at;

-- name: forget_window_observations
-- Drops what was observed more than 90 days ago; what became of those windows stays in account_windows.
DELETE FROM window_observations WHERE observed_at < now() - interval '90 days';
