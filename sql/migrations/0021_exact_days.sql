-- Days that begin within an hour of UTC, as in India, Nepal or South Australia: the sums by five minutes hold now all that
-- those by the hour hold, and what begins or ends within an hour is read from them, so no part of it is booked beside.

ALTER TABLE usage_five_minutes
    ADD ok bigint NOT NULL DEFAULT 0,
    ADD cancelled bigint NOT NULL DEFAULT 0,
    ADD rejected bigint NOT NULL DEFAULT 0,
    ADD ephemeral_5m_input_tokens bigint NOT NULL DEFAULT 0,
    ADD ephemeral_1h_input_tokens bigint NOT NULL DEFAULT 0,
    ADD thinking_tokens bigint NOT NULL DEFAULT 0,
    ADD web_search_requests bigint NOT NULL DEFAULT 0,
    ADD priced bigint NOT NULL DEFAULT 0,
    ADD estimated bigint NOT NULL DEFAULT 0,
    ADD ok_duration_us bigint NOT NULL DEFAULT 0;

-- A row whose requests are gone keeps zeros in these, as it has no others to be told apart from.
UPDATE usage_five_minutes AS f SET
    ok = n.ok, cancelled = n.cancelled, rejected = n.rejected, ephemeral_5m_input_tokens = n.ephemeral_5m_input_tokens,
    ephemeral_1h_input_tokens = n.ephemeral_1h_input_tokens, thinking_tokens = n.thinking_tokens, web_search_requests =
    n.web_search_requests, priced = n.priced, estimated = n.estimated, ok_duration_us = n.ok_duration_us
FROM (
    SELECT u.train, u.account, u.slot, u.model, u.request_type,
        sum(u.ok) AS ok, sum(u.cancelled) AS cancelled, sum(u.rejected) AS rejected, sum(u.ephemeral_5m_input_tokens) AS
        ephemeral_5m_input_tokens, sum(u.ephemeral_1h_input_tokens) AS ephemeral_1h_input_tokens, sum(u.thinking_tokens)
        AS thinking_tokens, sum(u.web_search_requests) AS web_search_requests, sum(u.priced) AS priced, sum(u.estimated)
        AS estimated, sum(u.ok_duration_us) AS ok_duration_us
    FROM request_usage AS u
    GROUP BY 1, 2, 3, 4, 5
) AS n
WHERE (f.train, f.account, f.slot, f.model, f.request_type) = (n.train, n.account, n.slot, n.model, n.request_type);

-- Budgets of keys end at midnight too. There are no more rows than a key has quarters of an hour, so they need no hours.
CREATE TABLE key_usage (
    train integer NOT NULL,
    key_id text NOT NULL,
    quarter timestamptz NOT NULL,
    requests bigint NOT NULL DEFAULT 0,
    input_tokens bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    cost_usd numeric NOT NULL DEFAULT 0,
    unpriced bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (train, key_id, quarter)
);
COMMENT ON TABLE key_usage IS 'What went through each client key by quarters of an hour, for its budgets.';
COMMENT ON COLUMN key_usage.quarter IS 'Its first moment; midnight is one wherever people live.';
INSERT INTO key_usage (train, key_id, quarter, requests, input_tokens, output_tokens, cost_usd, unpriced)
SELECT u.train, u.key_id, date_bin('15 minutes', u.slot, '2000-01-01 00:00:00+00'::timestamptz), sum(u.requests),
    sum(u.input_tokens), sum(u.output_tokens), sum(u.cost_usd), sum(u.unpriced)
FROM request_usage AS u
WHERE u.key_id IS NOT NULL
GROUP BY 1, 2, 3;
DROP TABLE key_usage_hourly;

-- Of a period: from here ...
CREATE FUNCTION whole_hours_from(since timestamptz, until timestamptz) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN least(date_bin('1 hour', since + interval '00:59:59.999999', '2000-01-01 00:00:00+00'::timestamptz), until);
-- ... up to here are whole hours; both are its end where it has none.
CREATE FUNCTION whole_hours_to(since timestamptz, until timestamptz) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN greatest(whole_hours_from(since, until), date_bin('1 hour', until, '2000-01-01 00:00:00+00'::timestamptz));

-- The five minutes of a period that are in no whole hour of it: from that of since on, and up to until; at is their hour. They
-- are found by the accounts of that hour, as their key begins with these. Inlined where it is asked, like the functions
-- below. OFFSET 0 keeps each part a look-up by its key, train by train: the planner knows neither the period nor the
-- trains, and would read tables whole, or start workers for a few rows. Each train is named once.
CREATE FUNCTION usage_at_ends(trains integer[], since timestamptz, until timestamptz) RETURNS TABLE (at timestamptz,
    train integer, account integer, model text, request_type text, requests bigint, ok bigint, cancelled bigint,
    rejected bigint, input_tokens bigint, output_tokens bigint, cache_creation_input_tokens bigint,
    cache_read_input_tokens bigint, ephemeral_5m_input_tokens bigint, ephemeral_1h_input_tokens bigint, thinking_tokens
    bigint, web_search_requests bigint, cost_usd numeric, priced bigint, unpriced bigint, estimated bigint,
    ok_duration_us bigint)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT e.hour, u.*
        FROM (
            SELECT date_bin('1 hour', v.first, '2000-01-01 00:00:00+00'::timestamptz) AS hour,
                date_bin('5 minutes', v.first, '2000-01-01 00:00:00+00'::timestamptz) AS first, v.last
            FROM (VALUES (since, whole_hours_from(since, until)), (whole_hours_to(since, until), until)) AS v (first, last)
            WHERE v.first < v.last
        ) AS e
        CROSS JOIN LATERAL (
            SELECT DISTINCT h.train, h.account FROM usage_hourly AS h WHERE h.train = ANY (trains) AND h.hour = e.hour
        ) AS k
        CROSS JOIN LATERAL (
            SELECT f.train, f.account, f.model, f.request_type,
                f.requests, f.ok, f.cancelled, f.rejected, f.input_tokens, f.output_tokens,
                f.cache_creation_input_tokens, f.cache_read_input_tokens, f.ephemeral_5m_input_tokens,
                f.ephemeral_1h_input_tokens, f.thinking_tokens, f.web_search_requests, f.cost_usd, f.priced, f.unpriced,
                f.estimated, f.ok_duration_us
            FROM usage_five_minutes AS f
            WHERE f.train = k.train AND f.account = k.account AND f.slot >= e.first AND f.slot < e.last
            OFFSET 0
        ) AS u;
    END;

-- The hours and five minutes from the five minutes of since up to until; at is the hour that they are of.
CREATE FUNCTION usage_by_hour(trains integer[], since timestamptz, until timestamptz) RETURNS TABLE (at timestamptz,
    train integer, account integer, model text, request_type text, requests bigint, ok bigint, cancelled bigint,
    rejected bigint, input_tokens bigint, output_tokens bigint, cache_creation_input_tokens bigint,
    cache_read_input_tokens bigint, ephemeral_5m_input_tokens bigint, ephemeral_1h_input_tokens bigint, thinking_tokens
    bigint, web_search_requests bigint, cost_usd numeric, priced bigint, unpriced bigint, estimated bigint,
    ok_duration_us bigint)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT u.*
        FROM unnest(trains) AS t (train)
        CROSS JOIN LATERAL (
            SELECT h.hour, h.train, h.account, h.model, h.request_type,
                h.requests, h.ok, h.cancelled, h.rejected, h.input_tokens, h.output_tokens,
                h.cache_creation_input_tokens, h.cache_read_input_tokens, h.ephemeral_5m_input_tokens,
                h.ephemeral_1h_input_tokens, h.thinking_tokens, h.web_search_requests, h.cost_usd, h.priced, h.unpriced,
                h.estimated, h.ok_duration_us
            FROM usage_hourly AS h
            WHERE h.train = t.train AND h.hour >= whole_hours_from(since, until)
                AND h.hour < whole_hours_to(since, until)
            OFFSET 0
        ) AS u
        UNION ALL
        SELECT u.* FROM usage_at_ends(trains, since, until) AS u;
    END;

-- Exactly the sums of the five minutes from that of since up to until, in as few rows as there are: whole days, the hours
-- before and behind them, and the five minutes of both ends.
CREATE OR REPLACE FUNCTION usage_of_period(trains integer[], since timestamptz, until timestamptz) RETURNS TABLE (
    train integer, account integer, model text, request_type text, requests bigint, ok bigint, cancelled bigint,
    rejected bigint, input_tokens bigint, output_tokens bigint, cache_creation_input_tokens bigint,
    cache_read_input_tokens bigint, ephemeral_5m_input_tokens bigint, ephemeral_1h_input_tokens bigint, thinking_tokens
    bigint, web_search_requests bigint, cost_usd numeric, priced bigint, unpriced bigint, estimated bigint,
    ok_duration_us bigint)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT u.*
        FROM unnest(trains) AS t (train)
        CROSS JOIN LATERAL (
            SELECT d.train, d.account, d.model, d.request_type,
                d.requests, d.ok, d.cancelled, d.rejected, d.input_tokens, d.output_tokens,
                d.cache_creation_input_tokens, d.cache_read_input_tokens, d.ephemeral_5m_input_tokens,
                d.ephemeral_1h_input_tokens, d.thinking_tokens, d.web_search_requests, d.cost_usd, d.priced, d.unpriced,
                d.estimated, d.ok_duration_us
            FROM usage_daily AS d
            WHERE d.train = t.train AND d.day >= whole_days_from(since, until) AND d.day < whole_days_to(since, until)
            OFFSET 0
        ) AS u
        UNION ALL
        SELECT u.*
        FROM unnest(trains) AS t (train)
        CROSS JOIN LATERAL (
            SELECT h.train, h.account, h.model, h.request_type,
                h.requests, h.ok, h.cancelled, h.rejected, h.input_tokens, h.output_tokens,
                h.cache_creation_input_tokens, h.cache_read_input_tokens, h.ephemeral_5m_input_tokens,
                h.ephemeral_1h_input_tokens, h.thinking_tokens, h.web_search_requests, h.cost_usd, h.priced, h.unpriced,
                h.estimated, h.ok_duration_us
            FROM usage_hourly AS h
            WHERE h.train = t.train AND h.hour >= whole_hours_from(since, until)
                AND h.hour < least(whole_days_from(since, until), whole_hours_to(since, until))
            OFFSET 0
        ) AS u
        UNION ALL
        SELECT u.*
        FROM unnest(trains) AS t (train)
        CROSS JOIN LATERAL (
            SELECT h.train, h.account, h.model, h.request_type,
                h.requests, h.ok, h.cancelled, h.rejected, h.input_tokens, h.output_tokens,
                h.cache_creation_input_tokens, h.cache_read_input_tokens, h.ephemeral_5m_input_tokens,
                h.ephemeral_1h_input_tokens, h.thinking_tokens, h.web_search_requests, h.cost_usd, h.priced, h.unpriced,
                h.estimated, h.ok_duration_us
            FROM usage_hourly AS h
            WHERE h.train = t.train AND h.hour >= greatest(whole_days_to(since, until), whole_hours_from(since, until))
                AND h.hour < whole_hours_to(since, until)
            OFFSET 0
        ) AS u
        UNION ALL
        SELECT u.train, u.account, u.model, u.request_type,
            u.requests, u.ok, u.cancelled, u.rejected, u.input_tokens, u.output_tokens, u.cache_creation_input_tokens,
            u.cache_read_input_tokens, u.ephemeral_5m_input_tokens, u.ephemeral_1h_input_tokens, u.thinking_tokens,
            u.web_search_requests, u.cost_usd, u.priced, u.unpriced, u.estimated, u.ok_duration_us
        FROM usage_at_ends(trains, since, until) AS u;
    END;

-- Of which days, hours and five minutes of the roll-ups the steps of a period are made; step is also hour (of UTC) or all.
-- A whole day of UTC is booked where its noon is; what of it belongs to another step is added there and taken off here
-- (taken_off, null where nothing is): hours, and of an hour in which a step begins its five minutes. A month by days of
-- Zurich so reads thirty days and thirty or sixty hours. What kind a part is says piece: day, hour or minutes.
DROP FUNCTION usage_steps;
CREATE FUNCTION usage_steps(trains integer[], since timestamptz, until timestamptz, step text, zone text)
    RETURNS TABLE (starts_at timestamptz, taken_off timestamptz, piece text, at timestamptz, up_to timestamptz)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT s.own, s.other, p.piece, p.at, p.up_to
        FROM (
            SELECT p.since, p.until, CASE WHEN step = 'hour' THEN p.until ELSE whole_days_from(p.since, p.until) END
                AS first, CASE WHEN step = 'hour' THEN p.until ELSE whole_days_to(p.since, p.until) END AS last
            FROM (
                SELECT greatest(date_bin('5 minutes', usage_steps.since, '2000-01-01 00:00:00+00'::timestamptz),
                        coalesce(min(k.first), usage_steps.until)) AS since,
                    least(usage_steps.until, max(k.last) + interval '24 hours') AS until
                FROM unnest(trains) AS t (train)
                CROSS JOIN LATERAL (
                    SELECT (SELECT d.day FROM usage_daily AS d WHERE d.train = t.train ORDER BY d.day LIMIT 1) AS first,
                        (SELECT d.day FROM usage_daily AS d WHERE d.train = t.train ORDER BY d.day DESC LIMIT 1) AS last
                ) AS k
            ) AS p
        ) AS b
        CROSS JOIN LATERAL (
            SELECT 'day' AS piece, d.day AS at, d.day + interval '24 hours' AS up_to, NULL::timestamptz AS begun,
                d.day + interval '12 hours' AS booked, NULL::timestamptz AS told
            FROM generate_series(b.first, b.last - interval '24 hours', interval '24 hours') AS d (day)
            UNION ALL
            -- An hour whose last moment is in a step that begins within it is cut there.
            SELECT CASE WHEN c.up_to - c.at = interval '1 hour' THEN 'hour' ELSE 'minutes' END, c.at, c.up_to, c.begun, c.at,
                CASE WHEN h.hour >= b.first AND h.hour < b.last THEN
                    date_bin('1 day', h.hour, '2000-01-01 00:00:00+00'::timestamptz) + interval '12 hours' END
            FROM generate_series(date_bin('1 hour', b.since, '2000-01-01 00:00:00+00'::timestamptz),
                b.until - interval '1 microsecond', interval '1 hour') AS h (hour)
            CROSS JOIN LATERAL (
                SELECT greatest(h.hour, b.since) AS first, least(h.hour + interval '1 hour', b.until) AS last,
                    CASE step WHEN 'all' THEN usage_steps.since WHEN 'hour' THEN h.hour
                        ELSE step_begins(h.hour + interval '00:59:59.999999', step, zone) END AS begun
                OFFSET 0
            ) AS e
            CROSS JOIN LATERAL (VALUES
                (e.first, least(e.begun, e.last), NULL::timestamptz),
                (greatest(e.first, e.begun), e.last, e.begun)
            ) AS c (at, up_to, begun)
            WHERE c.at < c.up_to
        ) AS p
        CROSS JOIN LATERAL (
            SELECT CASE WHEN p.begun IS NOT NULL THEN p.begun WHEN step = 'all' THEN usage_steps.since
                ELSE step_begins(p.booked, step, zone) END AS own,
                CASE WHEN p.told IS NULL THEN NULL WHEN step = 'all' THEN usage_steps.since
                ELSE step_begins(p.told, step, zone) END AS other
            OFFSET 0
        ) AS s
        WHERE s.own IS DISTINCT FROM s.other;
    END;

-- The rows of a part: of a day, of an hour, or of minutes within one.
CREATE FUNCTION usage_of_piece(trains integer[], piece text, at timestamptz, until timestamptz) RETURNS TABLE (
    train integer, account integer, model text, request_type text, requests bigint, ok bigint, cancelled bigint,
    rejected bigint, input_tokens bigint, output_tokens bigint, cache_creation_input_tokens bigint,
    cache_read_input_tokens bigint, ephemeral_5m_input_tokens bigint, ephemeral_1h_input_tokens bigint, thinking_tokens
    bigint, web_search_requests bigint, cost_usd numeric, priced bigint, unpriced bigint, estimated bigint,
    ok_duration_us bigint)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT d.train, d.account, d.model, d.request_type,
            d.requests, d.ok, d.cancelled, d.rejected, d.input_tokens, d.output_tokens, d.cache_creation_input_tokens,
            d.cache_read_input_tokens, d.ephemeral_5m_input_tokens, d.ephemeral_1h_input_tokens, d.thinking_tokens,
            d.web_search_requests, d.cost_usd, d.priced, d.unpriced, d.estimated, d.ok_duration_us
        FROM usage_daily AS d
        WHERE piece = 'day' AND d.train = ANY (trains) AND d.day = at
        UNION ALL
        SELECT h.train, h.account, h.model, h.request_type,
            h.requests, h.ok, h.cancelled, h.rejected, h.input_tokens, h.output_tokens, h.cache_creation_input_tokens,
            h.cache_read_input_tokens, h.ephemeral_5m_input_tokens, h.ephemeral_1h_input_tokens, h.thinking_tokens,
            h.web_search_requests, h.cost_usd, h.priced, h.unpriced, h.estimated, h.ok_duration_us
        FROM usage_hourly AS h
        WHERE piece = 'hour' AND h.train = ANY (trains) AND h.hour = at
        UNION ALL
        SELECT f.*
        FROM (
            SELECT DISTINCT h.train, h.account
            FROM usage_hourly AS h
            WHERE piece = 'minutes' AND h.train = ANY (trains)
                AND h.hour = date_bin('1 hour', at, '2000-01-01 00:00:00+00'::timestamptz)
        ) AS k
        CROSS JOIN LATERAL (
            SELECT m.train, m.account, m.model, m.request_type,
                m.requests, m.ok, m.cancelled, m.rejected, m.input_tokens, m.output_tokens,
                m.cache_creation_input_tokens, m.cache_read_input_tokens, m.ephemeral_5m_input_tokens,
                m.ephemeral_1h_input_tokens, m.thinking_tokens, m.web_search_requests, m.cost_usd, m.priced, m.unpriced,
                m.estimated, m.ok_duration_us
            FROM usage_five_minutes AS m
            WHERE m.train = k.train AND m.account = k.account AND m.slot >= at AND m.slot < until
            OFFSET 0
        ) AS f;
    END;

-- Sub-agents by five minutes too. Where the requests of an hour do not tell all of its launches (some forked without one),
-- all of them stay at its beginning until their conversation goes on, or is rebuilt.
ALTER TABLE conversations RENAME subtask_hours TO subtask_slots;
COMMENT ON COLUMN conversations.subtask_slots IS 'How many of subtask_count were launched in which five minutes, counted from 1970.';
UPDATE conversations AS c SET subtask_slots = n.slots
FROM (
    SELECT t.train, t.conversation_id, jsonb_object_agg(coalesce(l.slot, 12 * h.hour::bigint),
        coalesce(l.launched, h.launched::bigint)) AS slots
    FROM conversations AS t
    CROSS JOIN LATERAL jsonb_each_text(t.subtask_slots) AS h (hour, launched)
    LEFT JOIN LATERAL (
        SELECT p.slot, p.launched
        FROM (
            SELECT floor(extract(epoch FROM uuid7_time(r.id)) / 300)::bigint AS slot,
                sum(jsonb_array_length(r.task_tool_invocation)) AS launched,
                sum(sum(jsonb_array_length(r.task_tool_invocation))) OVER () AS whole
            FROM requests AS r
            WHERE r.train = t.train AND r.conversation_id = t.conversation_id
                AND jsonb_typeof(r.task_tool_invocation) = 'array'
                AND r.id >= uuid7_floor(to_timestamp(3600 * h.hour::bigint))
                AND r.id < uuid7_floor(to_timestamp(3600 * (h.hour::bigint + 1)))
            GROUP BY 1
        ) AS p
        WHERE p.whole = h.launched::bigint AND p.launched > 0
    ) AS l ON true
    WHERE t.subtask_count > 0
    GROUP BY 1, 2
) AS n
WHERE c.train = n.train AND c.conversation_id = n.conversation_id;

-- Who fetched a batch in part is found when somebody fetches it whole: then its cost is known. A rebuild settles older ones.
CREATE INDEX requests_batch_parts ON requests (train, split_part(path, '/', 5))
    WHERE cost_reason = 'batch results not whole';
