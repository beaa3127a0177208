-- name: usage_series
-- Sums of trains $1 from the five minutes of $2 up to $3, one row for each step of time and part. $4 is the step: hour, day,
-- week, month or all; days and longer begin at midnight in zone $5, so one of them may have 23 or 25 hours; of two midnights,
-- where clocks go back over it, with the first, which is right behind the microsecond before it. $6 is what the parts
-- are: train, account, model, type or none. $7 to $9 narrow to accounts, a model, a type where not null.
-- returns: UsageRow
SELECT n.starts_at, u.part,
    sum(n.sign * u.requests)::bigint AS requests, sum(n.sign * u.ok)::bigint AS ok, sum(n.sign * u.cancelled)::bigint
    AS cancelled, sum(n.sign * u.rejected)::bigint AS rejected, sum(n.sign * u.input_tokens)::bigint AS input_tokens,
    sum(n.sign * u.output_tokens)::bigint AS output_tokens, sum(n.sign * u.cache_creation_input_tokens)::bigint AS
    cache_creation_input_tokens, sum(n.sign * u.cache_read_input_tokens)::bigint AS cache_read_input_tokens, sum(n.sign
    * u.ephemeral_5m_input_tokens)::bigint AS ephemeral_5m_input_tokens, sum(n.sign *
    u.ephemeral_1h_input_tokens)::bigint AS ephemeral_1h_input_tokens, sum(n.sign * u.thinking_tokens)::bigint AS
    thinking_tokens, sum(n.sign * u.web_search_requests)::bigint AS web_search_requests, sum(n.sign * u.cost_usd) AS
    cost_usd, sum(n.sign * u.priced)::bigint AS priced, sum(n.sign * u.unpriced)::bigint AS unpriced, sum(n.sign *
    u.estimated)::bigint AS estimated, sum(n.sign * u.ok_duration_us)::bigint AS ok_duration_us
FROM (
    SELECT s.starts_at, s.taken_off, r.*
    FROM usage_steps($1::integer[], $2, $3, $4, $5) AS s
    CROSS JOIN LATERAL usage_of_piece($1, s.piece, s.at, s.up_to, $6, $8, $9) AS r
    WHERE $7::integer[] IS NULL OR r.account = ANY ($7)
    -- A piece is read once, not for each of its signs.
    OFFSET 0
) AS u
CROSS JOIN LATERAL (VALUES (u.starts_at, 1), (u.taken_off, -1)) AS n (starts_at, sign)
WHERE n.starts_at IS NOT NULL
GROUP BY 1, 2
-- What was only taken off again is nothing.
HAVING sum(n.sign * u.requests) > 0 OR sum(n.sign * (u.input_tokens + u.output_tokens)) > 0
    OR sum(n.sign * u.cost_usd) > 0
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

-- name: usage_unpriced
-- Models of trains $1 that were used from $2 up to $3 at a price nobody knows, the most used first.
-- returns: UnpricedRow
SELECT u.model, sum(u.unpriced)::bigint AS unpriced,
    sum(u.input_tokens + u.output_tokens + u.cache_creation_input_tokens + u.cache_read_input_tokens)::bigint AS tokens,
    min(u.at) AS first_hour, max(u.at) AS last_hour
FROM usage_by_hour($1::integer[], $2, $3) AS u
WHERE u.unpriced > 0
    -- Where there is none, as is usual, the days say so before any hour is read.
    AND (SELECT coalesce(sum(d.unpriced), 0) FROM usage_sums($1, $2, $3) AS d) > 0
GROUP BY u.model
ORDER BY unpriced DESC, u.model;
