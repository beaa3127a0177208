-- name: rebuild_usage
-- Usage and cost of requests ($2) as they are derived today (proxy/recorder/usage_again.py).
UPDATE requests AS r SET request_type = n.request_type, model = n.model, answered_model = n.answered_model, stream =
    n.stream, message_id = n.message_id, stop_reason = n.stop_reason, input_tokens = n.input_tokens, output_tokens =
    n.output_tokens, cache_creation_input_tokens = n.cache_creation_input_tokens, cache_read_input_tokens =
    n.cache_read_input_tokens, ephemeral_5m_input_tokens = n.ephemeral_5m_input_tokens, ephemeral_1h_input_tokens =
    n.ephemeral_1h_input_tokens, thinking_tokens = n.thinking_tokens, web_search_requests = n.web_search_requests,
    web_fetch_requests = n.web_fetch_requests, code_execution_requests = n.code_execution_requests, service_tier =
    n.service_tier, inference_geo = n.inference_geo, speed = n.speed, usage = n.usage::jsonb, usage_complete =
    n.usage_complete, cost_usd = n.cost_usd, price_id = n.price_id, cost_estimated = n.cost_estimated, cost_reason =
    n.cost_reason, batch_id = n.batch_id, deriver_version = n.deriver_version
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::text[], $8::text[], $9::bigint[],
    $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[],
    $17::bigint[], $18::bigint[], $19::text[], $20::text[], $21::text[], $22::text[], $23::boolean[], $24::numeric[],
    $25::text[], $26::boolean[], $27::text[], $28::text[], $29::integer[]) AS n (id, request_type, model, answered_model, stream,
    message_id, stop_reason, input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens,
    ephemeral_5m_input_tokens, ephemeral_1h_input_tokens, thinking_tokens, web_search_requests, web_fetch_requests,
    code_execution_requests, service_tier, inference_geo, speed, usage, usage_complete, cost_usd, price_id,
    cost_estimated, cost_reason, batch_id, deriver_version)
WHERE r.train = $1 AND r.id = n.id;

-- name: rebuild_forget_hours
-- Forgets the roll-ups by time from the hour of this id on, to be counted anew in the same transaction.
WITH hours AS (
    DELETE FROM usage_hourly AS h WHERE h.train = $1 AND h.hour >= date_trunc('hour', uuid7_time($2), 'UTC')
), slots AS (
    DELETE FROM usage_five_minutes AS f WHERE f.train = $1 AND f.slot >= date_trunc('hour', uuid7_time($2), 'UTC')
), days AS (
    DELETE FROM usage_daily AS d WHERE d.train = $1 AND d.day >= date_trunc('day', uuid7_time($2), 'UTC')
), times AS (
    DELETE FROM latency_hourly AS l WHERE l.train = $1 AND l.hour >= date_trunc('hour', uuid7_time($2), 'UTC')
)
DELETE FROM key_usage AS k WHERE k.train = $1 AND k.quarter >= date_trunc('hour', uuid7_time($2), 'UTC');

-- name: rebuild_count_hours
-- Adds all requests from the hour of this id on to the roll-ups by time, in whose order they are read.
WITH said AS MATERIALIZED (
    SELECT * FROM request_usage AS u WHERE u.train = $1 AND u.hour >= date_trunc('hour', uuid7_time($2), 'UTC')
), timed AS (
    INSERT INTO latency_hourly (train, hour, model, bucket, durations, first_tokens)
    SELECT u.train, u.hour, u.model, b.bucket, sum(b.durations), sum(b.first_tokens)
    FROM said AS u
    CROSS JOIN LATERAL (VALUES (u.duration_bucket, 1, 0), (u.ttft_bucket, 0, 1)) AS b (bucket, durations, first_tokens)
    WHERE b.bucket IS NOT NULL
    GROUP BY 1, 2, 3, 4
    ORDER BY 1, 2, 3, 4
), keyed AS (
    INSERT INTO key_usage (train, key_id, quarter, requests, input_tokens, output_tokens, cost_usd, unpriced)
    SELECT u.train, u.key_id, date_bin('15 minutes', u.slot, '2000-01-01 00:00:00+00'), sum(u.requests),
        sum(u.input_tokens), sum(u.output_tokens), sum(u.cost_usd), sum(u.unpriced)
    FROM said AS u
    WHERE u.key_id IS NOT NULL
    GROUP BY 1, 2, 3
    ORDER BY 1, 2, 3
), slots AS (
    INSERT INTO usage_five_minutes (train, account, slot, model, request_type, first_at, requests, input_tokens,
        output_tokens, cache_creation_input_tokens, cache_read_input_tokens, cost_usd, unpriced,
        ok, cancelled, rejected, ephemeral_5m_input_tokens, ephemeral_1h_input_tokens, thinking_tokens,
        web_search_requests, priced, estimated, ok_duration_us)
    SELECT u.train, u.account, u.slot, u.model, u.request_type, min(u.started_at), sum(u.requests), sum(u.input_tokens),
        sum(u.output_tokens), sum(u.cache_creation_input_tokens), sum(u.cache_read_input_tokens), sum(u.cost_usd),
        sum(u.unpriced),
        sum(u.ok), sum(u.cancelled), sum(u.rejected), sum(u.ephemeral_5m_input_tokens),
        sum(u.ephemeral_1h_input_tokens), sum(u.thinking_tokens), sum(u.web_search_requests), sum(u.priced),
        sum(u.estimated), sum(u.ok_duration_us)
    FROM said AS u
    GROUP BY 1, 2, 3, 4, 5
    ORDER BY 1, 2, 3, 4, 5
)
INSERT INTO usage_hourly (train, hour, account, model, request_type, requests, ok, cancelled, rejected, input_tokens,
    output_tokens, cache_creation_input_tokens, cache_read_input_tokens, ephemeral_5m_input_tokens,
    ephemeral_1h_input_tokens, thinking_tokens, web_search_requests, cost_usd, priced, unpriced, estimated,
    ok_duration_us)
SELECT u.train, u.hour, u.account, u.model, u.request_type, sum(u.requests), sum(u.ok), sum(u.cancelled),
    sum(u.rejected), sum(u.input_tokens), sum(u.output_tokens), sum(u.cache_creation_input_tokens),
    sum(u.cache_read_input_tokens), sum(u.ephemeral_5m_input_tokens), sum(u.ephemeral_1h_input_tokens),
    sum(u.thinking_tokens), sum(u.web_search_requests), sum(u.cost_usd), sum(u.priced),
    sum(u.unpriced), sum(u.estimated), sum(u.ok_duration_us)
FROM said AS u
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5;

-- name: rebuild_count_days
-- Adds up the days from that of this id on, out of their hours.
INSERT INTO usage_daily (train, day, account, model, request_type,
    requests, ok, cancelled, rejected, input_tokens, output_tokens, cache_creation_input_tokens,
    cache_read_input_tokens, ephemeral_5m_input_tokens, ephemeral_1h_input_tokens, thinking_tokens,
    web_search_requests, cost_usd, priced, unpriced, estimated, ok_duration_us)
SELECT h.train, date_trunc('day', h.hour, 'UTC'), h.account, h.model, h.request_type,
    sum(h.requests), sum(h.ok), sum(h.cancelled), sum(h.rejected), sum(h.input_tokens), sum(h.output_tokens),
    sum(h.cache_creation_input_tokens), sum(h.cache_read_input_tokens), sum(h.ephemeral_5m_input_tokens),
    sum(h.ephemeral_1h_input_tokens), sum(h.thinking_tokens), sum(h.web_search_requests), sum(h.cost_usd),
    sum(h.priced), sum(h.unpriced), sum(h.estimated), sum(h.ok_duration_us)
FROM usage_hourly AS h
WHERE h.train = $1 AND h.hour >= date_trunc('day', uuid7_time($2), 'UTC')
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5;
