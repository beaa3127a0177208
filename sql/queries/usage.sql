-- name: usage_series
-- Sums of trains $1 from $2 up to $3 (whole hours), one row for each step of time and part. $4 is the step: hour, day,
-- week, month or all; days and longer begin at midnight in zone $5, so one of them may have 23 or 25 hours; of two midnights,
-- where clocks go back over it, with the first, which is right behind the microsecond before it. $6 is what the parts
-- are: train, account, model, type or none. $7 to $9 narrow to accounts, a model, a type where not null.
-- returns: UsageRow
SELECT CASE $4::text WHEN 'all' THEN $2::timestamptz WHEN 'hour' THEN u.hour
        ELSE (date_trunc($4, u.hour AT TIME ZONE $5::text) - interval '1 microsecond') AT TIME ZONE $5
            + interval '1 microsecond' END AS starts_at, u.part,
    sum(u.requests)::bigint AS requests, sum(u.ok)::bigint AS ok, sum(u.cancelled)::bigint AS cancelled,
    sum(u.rejected)::bigint AS rejected, sum(u.input_tokens)::bigint AS input_tokens, sum(u.output_tokens)::bigint AS
    output_tokens, sum(u.cache_creation_input_tokens)::bigint AS cache_creation_input_tokens,
    sum(u.cache_read_input_tokens)::bigint AS cache_read_input_tokens, sum(u.ephemeral_5m_input_tokens)::bigint AS
    ephemeral_5m_input_tokens, sum(u.ephemeral_1h_input_tokens)::bigint AS ephemeral_1h_input_tokens,
    sum(u.thinking_tokens)::bigint AS thinking_tokens, sum(u.web_search_requests)::bigint AS web_search_requests,
    sum(u.cost_usd) AS cost_usd, sum(u.priced)::bigint AS priced, sum(u.unpriced)::bigint AS unpriced,
    sum(u.estimated)::bigint AS estimated, sum(u.ok_duration_us)::bigint AS ok_duration_us
FROM (
    -- By the hour first: cutting days in a zone costs more than adding, so it is done once an hour.
    SELECT h.hour,
        CASE $6::text WHEN 'train' THEN h.train::text WHEN 'account' THEN h.account::text WHEN 'model' THEN h.model
            WHEN 'type' THEN h.request_type ELSE '' END AS part,
        sum(h.requests) AS requests, sum(h.ok) AS ok, sum(h.cancelled) AS cancelled, sum(h.rejected) AS rejected,
        sum(h.input_tokens) AS input_tokens, sum(h.output_tokens) AS output_tokens, sum(h.cache_creation_input_tokens)
        AS cache_creation_input_tokens, sum(h.cache_read_input_tokens) AS cache_read_input_tokens,
        sum(h.ephemeral_5m_input_tokens) AS ephemeral_5m_input_tokens, sum(h.ephemeral_1h_input_tokens) AS
        ephemeral_1h_input_tokens, sum(h.thinking_tokens) AS thinking_tokens, sum(h.web_search_requests) AS
        web_search_requests, sum(h.cost_usd) AS cost_usd, sum(h.priced) AS priced, sum(h.unpriced) AS unpriced,
        sum(h.estimated) AS estimated, sum(h.ok_duration_us) AS ok_duration_us
    FROM usage_hourly AS h
    WHERE h.train = ANY ($1::integer[]) AND h.hour >= $2 AND h.hour < $3
        AND ($7::integer[] IS NULL OR h.account = ANY ($7)) AND ($8::text IS NULL OR h.model = $8)
        AND ($9::text IS NULL OR h.request_type = $9)
    GROUP BY 1, 2
) AS u
GROUP BY 1, 2
ORDER BY 1, 2;

-- name: usage_latency
-- How long ok requests of trains $1 took from $2 up to $3, of the model $4 where it is not null: one row for each bucket
-- that has any. Bucket n is from 2^(n/2) up to 2^((n+1)/2) milliseconds.
-- returns: LatencyRow
SELECT l.bucket, sum(l.durations)::bigint AS durations, sum(l.first_tokens)::bigint AS first_tokens
FROM latency_hourly AS l
WHERE l.train = ANY ($1::integer[]) AND l.hour >= $2 AND l.hour < $3 AND ($4::text IS NULL OR l.model = $4)
GROUP BY l.bucket
ORDER BY l.bucket;

-- name: usage_latency_series
-- The same for each step of time; step $4 and zone $5 as in usage_series, $6 the model or null.
-- returns: LatencySeriesRow
SELECT CASE $4::text WHEN 'all' THEN $2::timestamptz WHEN 'hour' THEN l.hour
        ELSE (date_trunc($4, l.hour AT TIME ZONE $5::text) - interval '1 microsecond') AT TIME ZONE $5
            + interval '1 microsecond' END AS starts_at,
    l.bucket, sum(l.durations)::bigint AS durations, sum(l.first_tokens)::bigint AS first_tokens
FROM latency_hourly AS l
WHERE l.train = ANY ($1::integer[]) AND l.hour >= $2 AND l.hour < $3 AND ($6::text IS NULL OR l.model = $6)
GROUP BY 1, 2
ORDER BY 1, 2;

-- name: usage_unpriced
-- Models of trains $1 that were used from $2 up to $3 at a price nobody knows, the most used first.
-- returns: UnpricedRow
SELECT u.model, sum(u.unpriced)::bigint AS unpriced,
    sum(u.input_tokens + u.output_tokens + u.cache_creation_input_tokens + u.cache_read_input_tokens)::bigint AS tokens,
    min(u.hour) AS first_hour, max(u.hour) AS last_hour
FROM usage_hourly AS u
WHERE u.train = ANY ($1::integer[]) AND u.hour >= $2 AND u.hour < $3 AND u.unpriced > 0
GROUP BY u.model
ORDER BY unpriced DESC, u.model;

-- name: usage_costliest
-- Conversations of trains $1 that were last active from $2 up to $3, the costliest first.
-- returns: CostliestRow
SELECT c.train, c.conversation_id, c.title, c.account, c.last_at, c.message_count, c.input_tokens, c.output_tokens,
    c.cache_creation_input_tokens, c.cache_read_input_tokens, c.cost_usd, c.unpriced_count, c.estimated_count
FROM conversations AS c
WHERE c.train = ANY ($1::integer[]) AND c.last_at >= $2 AND c.last_at < $3 AND c.cost_usd > 0
ORDER BY c.cost_usd DESC, c.conversation_id DESC
LIMIT $4;
