-- name: rollup_usage
-- Adds what these requests say (view request_usage) to the roll-ups by time; with -1 as $3 it is taken back. Ids are in
-- their order: months before the first and after the last are not even opened (with 19 months that is half of the work).
-- What is of one slot, account, model and type is summed up once; hours and days are sums of these few.
WITH said AS MATERIALIZED (
    SELECT * FROM request_usage AS u
    WHERE u.train = $1 AND u.id = ANY ($2::uuid[])
        AND u.id >= ($2::uuid[])[1] AND u.id <= ($2::uuid[])[cardinality($2::uuid[])]
), timed AS (
    INSERT INTO latency_hourly AS l (train, hour, model, bucket, durations, first_tokens)
    SELECT u.train, u.hour, u.model, b.bucket, $3::bigint * sum(b.durations), $3 * sum(b.first_tokens)
    FROM said AS u
    CROSS JOIN LATERAL (VALUES (u.duration_bucket, 1, 0), (u.ttft_bucket, 0, 1)) AS b (bucket, durations, first_tokens)
    WHERE b.bucket IS NOT NULL
    GROUP BY 1, 2, 3, 4
    ON CONFLICT (train, hour, model, bucket) DO UPDATE SET durations = l.durations + excluded.durations,
        first_tokens = l.first_tokens + excluded.first_tokens
), keyed AS (
    INSERT INTO key_usage AS k (train, key_id, quarter, requests, input_tokens, output_tokens, cost_usd, unpriced)
    SELECT u.train, u.key_id, date_bin('15 minutes', u.slot, '2000-01-01 00:00:00+00'), $3 * sum(u.requests), $3 * sum(u.input_tokens),
        $3 * sum(u.output_tokens), $3 * sum(u.cost_usd), $3 * sum(u.unpriced)
    FROM said AS u
    WHERE u.key_id IS NOT NULL
    GROUP BY 1, 2, 3
    ON CONFLICT (train, key_id, quarter) DO UPDATE SET requests = k.requests + excluded.requests,
        input_tokens = k.input_tokens + excluded.input_tokens, output_tokens = k.output_tokens + excluded.output_tokens,
        cost_usd = k.cost_usd + excluded.cost_usd, unpriced = k.unpriced + excluded.unpriced
), sums AS MATERIALIZED (
    SELECT u.train, u.account, u.slot, u.hour, u.model, u.request_type, min(u.started_at) AS first_at,
        $3 * sum(u.requests) AS requests, $3 * sum(u.ok) AS ok, $3 * sum(u.cancelled) AS cancelled,
        $3 * sum(u.rejected) AS rejected, $3 * sum(u.input_tokens) AS input_tokens,
        $3 * sum(u.output_tokens) AS output_tokens,
        $3 * sum(u.cache_creation_input_tokens) AS cache_creation_input_tokens,
        $3 * sum(u.cache_read_input_tokens) AS cache_read_input_tokens,
        $3 * sum(u.ephemeral_5m_input_tokens) AS ephemeral_5m_input_tokens,
        $3 * sum(u.ephemeral_1h_input_tokens) AS ephemeral_1h_input_tokens,
        $3 * sum(u.thinking_tokens) AS thinking_tokens, $3 * sum(u.web_search_requests) AS web_search_requests,
        $3 * sum(u.cost_usd) AS cost_usd, $3 * sum(u.priced) AS priced, $3 * sum(u.unpriced) AS unpriced,
        $3 * sum(u.estimated) AS estimated, $3 * sum(u.ok_duration_us) AS ok_duration_us
    FROM said AS u
    GROUP BY 1, 2, 3, 4, 5, 6
), slots AS (
    INSERT INTO usage_five_minutes AS f (train, account, slot, model, request_type, first_at, requests, ok, cancelled,
        rejected, input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens,
        ephemeral_5m_input_tokens, ephemeral_1h_input_tokens, thinking_tokens, web_search_requests, cost_usd, priced,
        unpriced, estimated, ok_duration_us)
    SELECT u.train, u.account, u.slot, u.model, u.request_type, u.first_at, u.requests, u.ok, u.cancelled, u.rejected,
        u.input_tokens, u.output_tokens, u.cache_creation_input_tokens, u.cache_read_input_tokens,
        u.ephemeral_5m_input_tokens, u.ephemeral_1h_input_tokens, u.thinking_tokens, u.web_search_requests, u.cost_usd,
        u.priced, u.unpriced, u.estimated, u.ok_duration_us
    FROM sums AS u
    ON CONFLICT (train, account, slot, model, request_type) DO UPDATE SET
        first_at = least(f.first_at, excluded.first_at), requests = f.requests + excluded.requests,
        input_tokens = f.input_tokens + excluded.input_tokens, output_tokens = f.output_tokens + excluded.output_tokens,
        cache_creation_input_tokens = f.cache_creation_input_tokens + excluded.cache_creation_input_tokens,
        cache_read_input_tokens = f.cache_read_input_tokens + excluded.cache_read_input_tokens,
        cost_usd = f.cost_usd + excluded.cost_usd, unpriced = f.unpriced + excluded.unpriced,
        ok = f.ok + excluded.ok, cancelled = f.cancelled + excluded.cancelled, rejected = f.rejected +
        excluded.rejected, ephemeral_5m_input_tokens = f.ephemeral_5m_input_tokens + excluded.ephemeral_5m_input_tokens,
        ephemeral_1h_input_tokens = f.ephemeral_1h_input_tokens + excluded.ephemeral_1h_input_tokens, thinking_tokens =
        f.thinking_tokens + excluded.thinking_tokens, web_search_requests = f.web_search_requests +
        excluded.web_search_requests, priced = f.priced + excluded.priced, estimated = f.estimated + excluded.estimated,
        ok_duration_us = f.ok_duration_us + excluded.ok_duration_us
), daily AS (
    INSERT INTO usage_daily AS d (train, day, account, model, request_type,
        requests, ok, cancelled, rejected, input_tokens, output_tokens, cache_creation_input_tokens,
        cache_read_input_tokens, ephemeral_5m_input_tokens, ephemeral_1h_input_tokens, thinking_tokens,
        web_search_requests, cost_usd, priced, unpriced, estimated, ok_duration_us)
    SELECT u.train, date_trunc('day', u.hour, 'UTC'), u.account, u.model, u.request_type, sum(u.requests), sum(u.ok),
        sum(u.cancelled), sum(u.rejected), sum(u.input_tokens), sum(u.output_tokens),
        sum(u.cache_creation_input_tokens), sum(u.cache_read_input_tokens), sum(u.ephemeral_5m_input_tokens),
        sum(u.ephemeral_1h_input_tokens), sum(u.thinking_tokens), sum(u.web_search_requests), sum(u.cost_usd),
        sum(u.priced), sum(u.unpriced), sum(u.estimated), sum(u.ok_duration_us)
    FROM sums AS u
    GROUP BY 1, 2, 3, 4, 5
    ON CONFLICT (train, day, account, model, request_type) DO UPDATE SET
        requests = d.requests + excluded.requests, ok = d.ok + excluded.ok, cancelled = d.cancelled +
        excluded.cancelled, rejected = d.rejected + excluded.rejected, input_tokens = d.input_tokens +
        excluded.input_tokens, output_tokens = d.output_tokens + excluded.output_tokens, cache_creation_input_tokens =
        d.cache_creation_input_tokens + excluded.cache_creation_input_tokens, cache_read_input_tokens =
        d.cache_read_input_tokens + excluded.cache_read_input_tokens, ephemeral_5m_input_tokens =
        d.ephemeral_5m_input_tokens + excluded.ephemeral_5m_input_tokens, ephemeral_1h_input_tokens =
        d.ephemeral_1h_input_tokens + excluded.ephemeral_1h_input_tokens, thinking_tokens = d.thinking_tokens +
        excluded.thinking_tokens, web_search_requests = d.web_search_requests + excluded.web_search_requests, cost_usd
        = d.cost_usd + excluded.cost_usd, priced = d.priced + excluded.priced, unpriced = d.unpriced +
        excluded.unpriced, estimated = d.estimated + excluded.estimated, ok_duration_us = d.ok_duration_us +
        excluded.ok_duration_us
)
INSERT INTO usage_hourly AS h (train, hour, account, model, request_type, requests, ok, cancelled, rejected, input_tokens,
    output_tokens, cache_creation_input_tokens, cache_read_input_tokens, ephemeral_5m_input_tokens,
    ephemeral_1h_input_tokens, thinking_tokens, web_search_requests, cost_usd, priced, unpriced, estimated,
    ok_duration_us)
SELECT u.train, u.hour, u.account, u.model, u.request_type, sum(u.requests), sum(u.ok), sum(u.cancelled),
    sum(u.rejected), sum(u.input_tokens), sum(u.output_tokens), sum(u.cache_creation_input_tokens),
    sum(u.cache_read_input_tokens), sum(u.ephemeral_5m_input_tokens), sum(u.ephemeral_1h_input_tokens),
    sum(u.thinking_tokens), sum(u.web_search_requests), sum(u.cost_usd), sum(u.priced), sum(u.unpriced),
    sum(u.estimated), sum(u.ok_duration_us)
FROM sums AS u
GROUP BY 1, 2, 3, 4, 5
ON CONFLICT (train, hour, account, model, request_type) DO UPDATE SET
    requests = h.requests + excluded.requests, ok = h.ok + excluded.ok, cancelled = h.cancelled + excluded.cancelled,
    rejected = h.rejected + excluded.rejected, input_tokens = h.input_tokens + excluded.input_tokens,
    output_tokens = h.output_tokens + excluded.output_tokens,
    cache_creation_input_tokens = h.cache_creation_input_tokens + excluded.cache_creation_input_tokens,
    cache_read_input_tokens = h.cache_read_input_tokens + excluded.cache_read_input_tokens,
    ephemeral_5m_input_tokens = h.ephemeral_5m_input_tokens + excluded.ephemeral_5m_input_tokens,
    ephemeral_1h_input_tokens = h.ephemeral_1h_input_tokens + excluded.ephemeral_1h_input_tokens,
    thinking_tokens = h.thinking_tokens + excluded.thinking_tokens,
    web_search_requests = h.web_search_requests + excluded.web_search_requests,
    cost_usd = h.cost_usd + excluded.cost_usd, priced = h.priced + excluded.priced,
    unpriced = h.unpriced + excluded.unpriced, estimated = h.estimated + excluded.estimated,
    ok_duration_us = h.ok_duration_us + excluded.ok_duration_us;
