-- name: usage_by_slot
-- What trains $1 used from the five minutes of $2 up to $3, by the $4 ('hour', 'day', 'week' …) of zone $5 and by $6 ('train', 'account',
-- 'model' or 'type') and kind of account; and where slot is null (if $8), what is drawn by weekday and hour of
-- zone $7.
-- returns: UsageSlotRow
WITH stepped AS MATERIALIZED (
    -- As few rows as steps, names and accounts there are, before anything is made of their names.
    SELECT n.starts_at, u.account, u.part,
        sum(n.sign * u.requests)::bigint AS requests, sum(n.sign * u.ok)::bigint AS ok, sum(n.sign *
        u.cancelled)::bigint AS cancelled, sum(n.sign * u.rejected)::bigint AS rejected, sum(n.sign *
        u.input_tokens)::bigint AS input_tokens, sum(n.sign * u.output_tokens)::bigint AS output_tokens, sum(n.sign *
        u.cache_creation_input_tokens)::bigint AS cache_creation_input_tokens, sum(n.sign *
        u.cache_read_input_tokens)::bigint AS cache_read_input_tokens, sum(n.sign *
        u.ephemeral_5m_input_tokens)::bigint AS ephemeral_5m_input_tokens, sum(n.sign *
        u.ephemeral_1h_input_tokens)::bigint AS ephemeral_1h_input_tokens, sum(n.sign * u.cost_usd) AS cost_usd,
        sum(n.sign * u.priced)::bigint AS priced, sum(n.sign * u.unpriced)::bigint AS unpriced, sum(n.sign *
        u.estimated)::bigint AS estimated
    FROM (
        SELECT s.starts_at, s.taken_off, r.*
        FROM usage_steps($1::integer[], $2, $3, $4, $5) AS s
        CROSS JOIN LATERAL usage_of_piece($1, s.piece, s.at, s.up_to, $6, NULL, NULL) AS r
        -- A piece is read once, not for each of its signs.
        OFFSET 0
    ) AS u
    CROSS JOIN LATERAL (VALUES (u.starts_at, 1), (u.taken_off, -1)) AS n (starts_at, sign)
    WHERE n.starts_at IS NOT NULL
    GROUP BY 1, 2, 3
    -- What was only taken off again is nothing.
    HAVING sum(n.sign * u.requests) > 0 OR sum(n.sign * (u.input_tokens + u.output_tokens)) > 0
        OR sum(n.sign * u.cost_usd) > 0
), named AS (
    SELECT CASE $6 WHEN 'account' THEN coalesce(a.merged_into, s.account)::text ELSE s.part END AS name,
        coalesce(m.kind, a.kind, '') AS kind, coalesce(m.account_id, a.account_id) AS account_id,
        coalesce(m.display_name, a.display_name) AS display_name, s.*
    FROM stepped AS s
    LEFT JOIN accounts AS a ON a.account = s.account
    LEFT JOIN accounts AS m ON m.account = a.merged_into
), hourly AS MATERIALIZED (
    -- By trains, as a train's rows lie in the order of its hours.
    SELECT u.*
    FROM unnest($1) AS t (train)
    CROSS JOIN LATERAL (
        SELECT h.hour, sum(h.requests)::bigint AS requests, sum(h.input_tokens)::bigint AS input_tokens,
            sum(h.output_tokens)::bigint AS output_tokens, sum(h.cache_creation_input_tokens)::bigint AS
            cache_creation_input_tokens, sum(h.cache_read_input_tokens)::bigint AS cache_read_input_tokens,
            sum(h.cost_usd) AS cost_usd, sum(h.priced)::bigint AS priced, sum(h.unpriced)::bigint AS unpriced
        FROM usage_hourly AS h
        WHERE h.train = t.train AND h.hour >= whole_hours_from($2, $3) AND h.hour < whole_hours_to($2, $3)
        GROUP BY h.hour
    ) AS u
    WHERE $8::boolean
    UNION ALL
    SELECT e.at, sum(e.requests)::bigint AS requests, sum(e.input_tokens)::bigint AS input_tokens,
        sum(e.output_tokens)::bigint AS output_tokens, sum(e.cache_creation_input_tokens)::bigint AS
        cache_creation_input_tokens, sum(e.cache_read_input_tokens)::bigint AS cache_read_input_tokens,
        sum(e.cost_usd) AS cost_usd, sum(e.priced)::bigint AS priced, sum(e.unpriced)::bigint AS unpriced
    FROM usage_at_ends($1, $2, $3) AS e
    WHERE $8
    GROUP BY e.at
)
SELECT u.starts_at AS slot, u.name, u.kind, max(u.account_id) AS account_id, max(u.display_name) AS display_name,
    NULL::integer AS weekday, NULL::integer AS hour,
    sum(u.requests)::bigint AS requests, sum(u.ok)::bigint AS ok, sum(u.cancelled)::bigint AS cancelled,
    sum(u.rejected)::bigint AS rejected, sum(u.input_tokens)::bigint AS input_tokens, sum(u.output_tokens)::bigint AS
    output_tokens, sum(u.cache_creation_input_tokens)::bigint AS cache_creation_input_tokens,
    sum(u.cache_read_input_tokens)::bigint AS cache_read_input_tokens, sum(u.ephemeral_5m_input_tokens)::bigint AS
    ephemeral_5m_input_tokens, sum(u.ephemeral_1h_input_tokens)::bigint AS ephemeral_1h_input_tokens, sum(u.cost_usd)
    AS cost_usd, sum(u.priced)::bigint AS priced, sum(u.unpriced)::bigint AS unpriced, sum(u.estimated)::bigint AS
    estimated
FROM named AS u
GROUP BY 1, 2, 3
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, extract(isodow FROM h.hour AT TIME ZONE $7::text)::integer,
    extract(hour FROM h.hour AT TIME ZONE $7)::integer,
    sum(h.requests)::bigint, 0, 0, 0, sum(h.input_tokens)::bigint, sum(h.output_tokens)::bigint,
    sum(h.cache_creation_input_tokens)::bigint, sum(h.cache_read_input_tokens)::bigint, 0, 0, sum(h.cost_usd),
    sum(h.priced)::bigint, sum(h.unpriced)::bigint, 0
FROM hourly AS h
GROUP BY 6, 7
ORDER BY 1, 2, 3, 6, 7;

-- name: usage_between
-- What trains $1 used from the five minutes of $2 up to $3, all in one row; and from which hour on anything is known of them.
-- returns: UsageSumRow
SELECT coalesce(sum(u.requests), 0)::bigint AS requests, coalesce(sum(u.ok), 0)::bigint AS ok,
    coalesce(sum(u.cancelled), 0)::bigint AS cancelled, coalesce(sum(u.rejected), 0)::bigint AS rejected,
    coalesce(sum(u.input_tokens), 0)::bigint AS input_tokens, coalesce(sum(u.output_tokens), 0)::bigint AS output_tokens,
    coalesce(sum(u.cache_creation_input_tokens), 0)::bigint AS cache_creation_input_tokens,
    coalesce(sum(u.cache_read_input_tokens), 0)::bigint AS cache_read_input_tokens,
    coalesce(sum(u.ephemeral_5m_input_tokens), 0)::bigint AS ephemeral_5m_input_tokens,
    coalesce(sum(u.ephemeral_1h_input_tokens), 0)::bigint AS ephemeral_1h_input_tokens,
    coalesce(sum(u.cost_usd), 0) AS cost_usd, coalesce(sum(u.priced), 0)::bigint AS priced,
    coalesce(sum(u.unpriced), 0)::bigint AS unpriced, coalesce(sum(u.estimated), 0)::bigint AS estimated,
    (SELECT min(f.hour) FROM unnest($1::integer[]) AS t (train)
        CROSS JOIN LATERAL (
            SELECT h.hour FROM usage_hourly AS h WHERE h.train = t.train ORDER BY h.hour LIMIT 1
        ) AS f) AS first_hour
FROM usage_sums($1, $2, $3) AS u;

-- name: dearest_conversations
-- Conversations of trains $1 that were active from $2 up to $3, the dearest first; each with all that it ever cost.
-- returns: DearConversationRow
SELECT c.train, c.conversation_id, c.title, c.side_call, c.message_count, c.error_count, c.in_flight, c.cost_usd,
    c.unpriced_count, c.estimated_count, c.input_tokens + c.cache_creation_input_tokens + c.cache_read_input_tokens
        AS total_input_tokens, c.output_tokens, c.last_at, c.latest_status_code
FROM conversations AS c
WHERE c.train = ANY ($1::integer[]) AND c.last_at >= $2 AND c.last_at < $3 AND c.side_call IS NULL
ORDER BY c.cost_usd DESC NULLS LAST, c.output_tokens DESC, c.conversation_id
LIMIT $4;

-- name: state_of_now
-- What runs, what waits and what was put aside: calls of trains $1 in flight since $2, the tapes, the dead letters; and
-- the hour since $3 with the most errors, where these were at least $4 and a share of $5 of the calls that counted; and
-- the models that were used from $6 up to $7 without a price. That what runs is not ok is said for the index's sake.
-- returns: StateOfNowRow
SELECT (SELECT count(*) FROM requests AS r WHERE r.train = ANY ($1::integer[]) AND r.outcome IS NULL
        AND r.outcome IS DISTINCT FROM 'ok' AND r.id >= uuid7_floor($2))::bigint AS running,
    (SELECT count(*) FROM dead_letters)::bigint AS dead_letters,
    (SELECT max(d.created_at) FROM dead_letters AS d) AS last_dead_letter_at,
    coalesce((SELECT sum(p.lag_bytes) FROM tape_positions AS p), 0)::bigint AS lag_bytes,
    (SELECT min(p.oldest_unrecorded_at) FROM tape_positions AS p) AS oldest_unrecorded_at,
    (SELECT max(p.heartbeat_at) FROM tape_positions AS p) AS heartbeat_at,
    n.models AS unpriced_models, n.requests AS unpriced_requests, b.hour AS burst_hour, b.errors AS burst_errors, b.counted AS burst_counted
FROM (
    SELECT coalesce(array_agg(m.model ORDER BY m.unpriced DESC, m.model), '{}') AS models,
        coalesce(sum(m.unpriced), 0)::bigint AS requests
    FROM (
        SELECT u.model, sum(u.unpriced) AS unpriced
        FROM usage_of_period($1, $6, $7) AS u
        WHERE u.unpriced > 0
        GROUP BY u.model
        ORDER BY unpriced DESC
        LIMIT 50
    ) AS m
) AS n
LEFT JOIN LATERAL (
    SELECT u.hour, sum(u.requests - u.cancelled - u.rejected - u.ok)::bigint AS errors,
        sum(u.requests - u.cancelled - u.rejected)::bigint AS counted
    FROM usage_hourly AS u
    WHERE u.train = ANY ($1::integer[]) AND u.hour >= $3
    GROUP BY u.hour
    HAVING sum(u.requests - u.cancelled - u.rejected - u.ok) >= greatest($4::bigint,
        $5::double precision * sum(u.requests - u.cancelled - u.rejected))
    ORDER BY errors DESC, u.hour DESC
    LIMIT 1
) AS b ON true;

-- name: windows_at_a_glance
-- The accounts that trains $1 used since $2 (where $3 also those whose windows were seen since then), with what each
-- source said last of each window, and the utilisation seen since $4; a merged account under the id it bears now. Whether
-- a train used an account is a step in an index each (see window_accounts).
-- returns: WindowGlance
SELECT coalesce(m.account_id, a.account_id) AS account_id, coalesce(m.display_name, a.display_name) AS display_name,
    coalesce(m.kind, a.kind) AS kind, w.window_name, w.source, w.utilization, w.status, w.reset_at, w.last_at, w.rejected_at,
    ARRAY(SELECT o.observed_at FROM window_observations AS o
        WHERE o.account = w.account AND o.window_name = w.window_name AND o.source = w.source AND o.minute >= $4
            AND o.utilization IS NOT NULL ORDER BY o.minute, o.observed_at) AS seen_at,
    ARRAY(SELECT o.utilization FROM window_observations AS o
        WHERE o.account = w.account AND o.window_name = w.window_name AND o.source = w.source AND o.minute >= $4
            AND o.utilization IS NOT NULL ORDER BY o.minute, o.observed_at) AS seen
FROM accounts AS a
LEFT JOIN accounts AS m ON m.account = a.merged_into
LEFT JOIN LATERAL (
    SELECT DISTINCT ON (s.window_name, s.source) s.account, s.window_name, s.source, s.utilization, s.status, s.reset_at,
        s.last_at, s.rejected_at
    FROM account_windows AS s
    WHERE s.account = a.account AND s.last_at >= $2 AND s.window_name <> 'unified'
    ORDER BY s.window_name, s.source, s.last_at DESC
) AS w ON true
WHERE coalesce(
    (SELECT true FROM unnest($1::integer[]) AS t (train)
        WHERE (SELECT u.slot FROM usage_five_minutes AS u
            WHERE u.train = t.train AND u.account = a.account AND u.slot >= $2::timestamptz
            ORDER BY u.slot DESC LIMIT 1) IS NOT NULL
        LIMIT 1),
    $3::boolean AND w.account IS NOT NULL)
ORDER BY 1, w.window_name, w.source, w.last_at DESC
LIMIT 1000;

-- name: rate_limits_called
-- The per-minute limits of the accounts called $1, as they were told last since $2.
-- returns: CalledLimit
SELECT coalesce(m.account_id, a.account_id) AS account_id, l.model, l.name, l.quota, l.remaining, l.reset_at, l.observed_at
FROM accounts AS a
LEFT JOIN accounts AS m ON m.account = a.merged_into
JOIN rate_limits AS l ON l.account = a.account
WHERE coalesce(m.account_id, a.account_id) = ANY ($1::text[]) AND l.observed_at >= $2
ORDER BY 1, l.model, l.name
LIMIT 500;

-- name: budgets_now
-- The budgets of trains $1 with their periods that run at $2, and what was used of each. A midnight is taken as the end of
-- the microsecond before it: where clocks go back over it there are two, and the day begins with the first.
-- returns: BudgetNow
SELECT b.budget, b.train, b.key_id, b.unit, b.amount, b.period, b.zone, b.hard, p.starts_at, p.ends_at,
    coalesce(s.cost_usd, 0) AS cost_usd, coalesce(s.tokens, 0)::bigint AS tokens, coalesce(s.unpriced, 0)::bigint AS unpriced
FROM budgets AS b
CROSS JOIN LATERAL (
    SELECT (d.begins - interval '1 microsecond') AT TIME ZONE b.zone + interval '1 microsecond' AS starts_at,
        (d.begins + ('1 ' || b.period)::interval - interval '1 microsecond') AT TIME ZONE b.zone
            + interval '1 microsecond' AS ends_at
    FROM (SELECT date_trunc(b.period, $2::timestamptz AT TIME ZONE b.zone) AS begins) AS d
) AS p
CROSS JOIN LATERAL (
    SELECT sum(u.cost_usd) AS cost_usd, sum(u.tokens) AS tokens, sum(u.unpriced) AS unpriced
    FROM (
        SELECT h.cost_usd, h.input_tokens + h.output_tokens AS tokens, h.unpriced
        FROM usage_sums(ARRAY[b.train], p.starts_at, p.ends_at) AS h
        WHERE b.key_id IS NULL
        UNION ALL
        SELECT k.cost_usd, k.input_tokens + k.output_tokens, k.unpriced
        FROM key_usage AS k
        WHERE k.train = b.train AND k.key_id = b.key_id AND k.quarter >= p.starts_at AND k.quarter < p.ends_at
    ) AS u
) AS s
WHERE b.train = ANY ($1::integer[])
ORDER BY b.train, b.key_id NULLS FIRST, b.unit, b.period
LIMIT 200;

-- name: budget_courses
-- How the running periods of budgets $1 of trains $2 were used at $3: by hour where a budget lasts a day, else by day of
-- its zone, in order of time.
-- returns: BudgetStep
SELECT b.budget, u.at, sum(u.cost_usd) AS cost_usd, sum(u.tokens)::bigint AS tokens
FROM budgets AS b
CROSS JOIN LATERAL (
    SELECT step_begins($3, b.period, b.zone) AS starts_at, CASE b.period WHEN 'day' THEN 'hour' ELSE 'day' END AS step
) AS p
CROSS JOIN LATERAL (
    -- The first hour of a day may begin before it, where the zone is half an hour off.
    SELECT greatest(n.starts_at, p.starts_at) AS at, n.sign * h.cost_usd AS cost_usd,
        n.sign * (h.input_tokens + h.output_tokens) AS tokens
    FROM usage_steps(ARRAY[b.train], p.starts_at, $3::timestamptz + interval '1 microsecond', p.step, b.zone) AS s
    CROSS JOIN LATERAL usage_of_piece(ARRAY[b.train], s.piece, s.at, s.up_to, 'none', NULL, NULL) AS h
    CROSS JOIN LATERAL (VALUES (s.starts_at, 1), (s.taken_off, -1)) AS n (starts_at, sign)
    WHERE b.key_id IS NULL AND n.starts_at IS NOT NULL
    UNION ALL
    SELECT greatest(p.starts_at, CASE p.step WHEN 'hour' THEN date_trunc('hour', k.quarter, 'UTC')
            ELSE step_begins(k.quarter, p.step, b.zone) END), k.cost_usd, k.input_tokens + k.output_tokens
    FROM key_usage AS k
    WHERE k.train = b.train AND k.key_id = b.key_id AND k.quarter >= p.starts_at AND k.quarter <= $3
) AS u
WHERE b.budget = ANY ($1::integer[]) AND b.train = ANY ($2::integer[])
GROUP BY 1, 2
ORDER BY 1, 2;
