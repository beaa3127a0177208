-- name: record_window_observations
-- What answers said of windows, one array per column. Of what falls into one row the last moment stays, so neither the
-- order of observations nor a second writing of one makes a difference. In the order of the key: no two deadlock.
INSERT INTO window_observations AS o (account, window_name, source, observed_at, utilization, status, reset_at, more)
SELECT DISTINCT ON (n.account, n.window_name, n.source, date_bin('1 minute', n.observed_at, '2000-01-01 00:00:00+00'),
        round(n.utilization * 100), n.status, n.reset_at)
    n.account, n.window_name, n.source, n.observed_at, n.utilization, n.status, n.reset_at, n.more::jsonb
FROM unnest($1::integer[], $2::text[], $3::text[], $4::timestamptz[], $5::double precision[], $6::text[],
    $7::timestamptz[], $8::text[])
    AS n (account, window_name, source, observed_at, utilization, status, reset_at, more)
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

-- name: record_usage_five_minutes
-- Adds rows of train $1 that this transaction completed ($2) to the sums by five minutes; each is given once in its life.
INSERT INTO usage_five_minutes AS u (train, account, slot, model, request_type, first_at, requests, input_tokens,
    output_tokens, cache_creation_input_tokens, cache_read_input_tokens, cost_usd, unpriced)
SELECT r.train, coalesce(r.account, 0), date_bin('5 minutes', r.started_at, '2000-01-01 00:00:00+00'),
    coalesce(r.answered_model, r.model, ''), coalesce(r.request_type, ''), min(r.started_at), count(*),
    coalesce(sum(r.input_tokens), 0), coalesce(sum(r.output_tokens), 0),
    coalesce(sum(r.cache_creation_input_tokens), 0), coalesce(sum(r.cache_read_input_tokens), 0),
    coalesce(sum(r.cost_usd), 0),
    count(*) FILTER (WHERE r.cost_usd IS NULL AND coalesce(r.input_tokens, r.output_tokens) IS NOT NULL)
FROM requests AS r
WHERE r.train = $1 AND r.id = ANY ($2::uuid[]) AND r.outcome IS NOT NULL
GROUP BY 1, 2, 3, 4, 5
ON CONFLICT (train, account, slot, model, request_type) DO UPDATE SET
    first_at = least(u.first_at, excluded.first_at), requests = u.requests + excluded.requests,
    input_tokens = u.input_tokens + excluded.input_tokens, output_tokens = u.output_tokens + excluded.output_tokens,
    cache_creation_input_tokens = u.cache_creation_input_tokens + excluded.cache_creation_input_tokens,
    cache_read_input_tokens = u.cache_read_input_tokens + excluded.cache_read_input_tokens,
    cost_usd = u.cost_usd + excluded.cost_usd, unpriced = u.unpriced + excluded.unpriced;

-- name: forget_window_observations
-- Drops what was observed more than 90 days ago; what became of those windows stays in account_windows.
DELETE FROM window_observations WHERE observed_at < now() - interval '90 days';

-- name: recost_five_minutes
-- Takes the cost of train $1's sums from its rows again, from $2 up to $3, after they were priced anew. Whoever calls
-- it holds the train's row (record_lock_train).
UPDATE usage_five_minutes AS u SET cost_usd = s.cost_usd, unpriced = s.unpriced
FROM (
    SELECT coalesce(r.account, 0) AS account,
        date_bin('5 minutes', r.started_at, '2000-01-01 00:00:00+00') AS slot,
        coalesce(r.answered_model, r.model, '') AS model, coalesce(r.request_type, '') AS request_type,
        coalesce(sum(r.cost_usd), 0) AS cost_usd,
        count(*) FILTER (WHERE r.cost_usd IS NULL AND coalesce(r.input_tokens, r.output_tokens) IS NOT NULL) AS unpriced
    FROM requests AS r
    WHERE r.train = $1 AND r.outcome IS NOT NULL
        AND r.started_at >= date_bin('5 minutes', $2::timestamptz, '2000-01-01 00:00:00+00')
        AND r.started_at < date_bin('5 minutes', $3::timestamptz + interval '5 minutes', '2000-01-01 00:00:00+00')
    GROUP BY 1, 2, 3, 4
) AS s
WHERE u.train = $1 AND u.account = s.account AND u.slot = s.slot AND u.model = s.model
    AND u.request_type = s.request_type;
