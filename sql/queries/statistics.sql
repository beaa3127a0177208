-- name: statistics_of_period
-- Sums over trains $1 from the five minutes of $2 up to $3, out of the roll-ups; and how many trains had any request.
-- No rows recorded: zeros.
-- returns: StatisticsRow
SELECT coalesce(sum(t.requests), 0)::bigint AS requests, coalesce(sum(t.ok), 0)::bigint AS ok,
    coalesce(sum(t.cancelled), 0)::bigint AS cancelled, coalesce(sum(t.rejected), 0)::bigint AS rejected,
    coalesce(sum(t.input_tokens + t.output_tokens), 0)::bigint AS total_tokens,
    coalesce(sum(t.ok_duration_us), 0)::bigint AS ok_duration_us,
    count(DISTINCT t.train) FILTER (WHERE t.requests > 0)::integer AS trains,
    coalesce(sum(t.cache_creation_input_tokens), 0)::bigint AS cache_creation_input_tokens,
    coalesce(sum(t.cache_read_input_tokens), 0)::bigint AS cache_read_input_tokens,
    coalesce(sum(t.cost_usd), 0) AS cost_usd, coalesce(sum(t.priced), 0)::bigint AS priced,
    coalesce(sum(t.unpriced), 0)::bigint AS unpriced, coalesce(sum(t.estimated), 0)::bigint AS estimated
FROM usage_sums($1::integer[], $2, $3) AS t;

-- name: subtasks_of_period
-- Sub-agents that trains $1 launched from the five minutes of $2 up to $3. A conversation launches none after its last activity.
-- returns: SubtasksRow
SELECT coalesce(sum(n.launched::bigint), 0)::bigint AS subtasks
FROM conversations AS c
CROSS JOIN LATERAL jsonb_each_text(c.subtask_slots) AS n (slot, launched)
WHERE c.train = ANY ($1::integer[]) AND c.last_at >= date_bin('5 minutes', $2::timestamptz, '2000-01-01 00:00:00+00') AND c.first_at < $3
    AND c.subtask_count > 0 AND to_timestamp(300 * n.slot::bigint) >= date_bin('5 minutes', $2, '2000-01-01 00:00:00+00')
    AND to_timestamp(300 * n.slot::bigint) < $3;

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
