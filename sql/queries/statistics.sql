-- name: statistics_of_period
-- Sums over trains $1 from the hour of $2 up to $3, out of the roll-ups. No rows recorded: zeros.
-- returns: StatisticsRow
SELECT coalesce(sum(u.requests), 0)::bigint AS requests, coalesce(sum(u.ok), 0)::bigint AS ok,
    coalesce(sum(u.cancelled), 0)::bigint AS cancelled, coalesce(sum(u.rejected), 0)::bigint AS rejected,
    coalesce(sum(u.input_tokens + u.output_tokens), 0)::bigint AS total_tokens,
    coalesce(sum(u.ok_duration_us), 0)::bigint AS ok_duration_us,
    (SELECT count(*)::integer FROM (SELECT DISTINCT n FROM unnest($1::integer[]) AS n) AS t
        WHERE EXISTS (SELECT FROM usage_hourly AS h WHERE h.train = t.n
            AND h.hour >= date_trunc('hour', $2::timestamptz, 'UTC') AND h.hour < $3)) AS trains,
    coalesce(sum(u.cache_creation_input_tokens), 0)::bigint AS cache_creation_input_tokens,
    coalesce(sum(u.cache_read_input_tokens), 0)::bigint AS cache_read_input_tokens,
    coalesce(sum(u.cost_usd), 0) AS cost_usd, coalesce(sum(u.priced), 0)::bigint AS priced,
    coalesce(sum(u.unpriced), 0)::bigint AS unpriced, coalesce(sum(u.estimated), 0)::bigint AS estimated
FROM usage_of_period($1, date_trunc('hour', $2::timestamptz, 'UTC'), $3) AS u;

-- name: subtasks_of_period
-- Sub-agents that trains $1 launched from the hour of $2 up to $3. A conversation launches none after its last activity.
-- returns: SubtasksRow
SELECT coalesce(sum(n.launched::bigint), 0)::bigint AS subtasks
FROM conversations AS c
CROSS JOIN LATERAL jsonb_each_text(c.subtask_hours) AS n (hour, launched)
WHERE c.train = ANY ($1::integer[]) AND c.last_at >= date_trunc('hour', $2::timestamptz, 'UTC') AND c.first_at < $3
    AND c.subtask_count > 0 AND to_timestamp(3600 * n.hour::bigint) >= date_trunc('hour', $2, 'UTC')
    AND to_timestamp(3600 * n.hour::bigint) < $3;

-- name: totals_by_train
-- All-time sums of trains $1 from the roll-up, one row for each train, model and type; last_hour is the train's.
-- returns: TotalsRow
SELECT u.train, u.model, u.request_type, sum(u.requests)::bigint AS requests, sum(u.ok)::bigint AS ok,
    sum(u.cancelled)::bigint AS cancelled, sum(u.rejected)::bigint AS rejected,
    sum(u.input_tokens)::bigint AS input_tokens, sum(u.output_tokens)::bigint AS output_tokens,
    sum(u.cache_creation_input_tokens)::bigint AS cache_creation_input_tokens,
    sum(u.cache_read_input_tokens)::bigint AS cache_read_input_tokens,
    sum(u.ok_duration_us)::bigint AS ok_duration_us,
    (SELECT h.hour FROM usage_hourly AS h WHERE h.train = u.train ORDER BY h.hour DESC LIMIT 1) AS last_hour
FROM usage_daily AS u
WHERE u.train = ANY ($1::integer[])
GROUP BY u.train, u.model, u.request_type
ORDER BY u.train, u.model, u.request_type;

-- name: tapes
-- How far each tape has been read, and how long ago a recorder said so.
-- returns: TapeRow
SELECT p.node, p.lag_bytes,
    coalesce(extract(epoch FROM now() - p.oldest_unrecorded_at), 0)::double precision AS lag_seconds,
    extract(epoch FROM now() - p.heartbeat_at)::double precision AS silent_seconds
FROM tape_positions AS p
ORDER BY p.node;

-- name: dead_letter_count
-- How many calls the database could not take.
-- returns: DeadLetterCountRow
SELECT count(*) AS dead_letters FROM dead_letters;
