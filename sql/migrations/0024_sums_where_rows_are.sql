-- Sums are made where rows are read: a row that is carried up through a plan first costs twice as much as its sum. And what
-- belongs to one step is read in one go, however many days or hours of it there are.

-- The sums of a period by trains, as usage_of_period has its rows: whole days, the hours before and behind them, and the
-- five minutes of both ends are a row of each train each, of nulls where there is nothing.

CREATE FUNCTION usage_sums(trains integer[], since timestamptz, until timestamptz) RETURNS TABLE (train integer,
    requests bigint, ok bigint, cancelled bigint, rejected bigint, input_tokens bigint, output_tokens bigint,
    cache_creation_input_tokens bigint, cache_read_input_tokens bigint, ephemeral_5m_input_tokens bigint,
    ephemeral_1h_input_tokens bigint, cost_usd numeric, priced bigint, unpriced bigint, estimated bigint,
    ok_duration_us bigint)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT t.train, u.*
        FROM unnest(trains) AS t (train)
        CROSS JOIN LATERAL (
            SELECT sum(d.requests)::bigint AS requests, sum(d.ok)::bigint AS ok, sum(d.cancelled)::bigint
                AS cancelled, sum(d.rejected)::bigint AS rejected, sum(d.input_tokens)::bigint AS
                input_tokens, sum(d.output_tokens)::bigint AS output_tokens,
                sum(d.cache_creation_input_tokens)::bigint AS cache_creation_input_tokens,
                sum(d.cache_read_input_tokens)::bigint AS cache_read_input_tokens,
                sum(d.ephemeral_5m_input_tokens)::bigint AS ephemeral_5m_input_tokens,
                sum(d.ephemeral_1h_input_tokens)::bigint AS ephemeral_1h_input_tokens, sum(d.cost_usd) AS
                cost_usd, sum(d.priced)::bigint AS priced, sum(d.unpriced)::bigint AS unpriced,
                sum(d.estimated)::bigint AS estimated, sum(d.ok_duration_us)::bigint AS ok_duration_us
            FROM usage_daily AS d
            WHERE d.train = t.train AND d.day >= whole_days_from(since, until) AND d.day < whole_days_to(since, until)
        ) AS u
        UNION ALL
        SELECT t.train, u.*
        FROM unnest(trains) AS t (train)
        CROSS JOIN LATERAL (
            SELECT sum(h.requests)::bigint AS requests, sum(h.ok)::bigint AS ok, sum(h.cancelled)::bigint
                AS cancelled, sum(h.rejected)::bigint AS rejected, sum(h.input_tokens)::bigint AS
                input_tokens, sum(h.output_tokens)::bigint AS output_tokens,
                sum(h.cache_creation_input_tokens)::bigint AS cache_creation_input_tokens,
                sum(h.cache_read_input_tokens)::bigint AS cache_read_input_tokens,
                sum(h.ephemeral_5m_input_tokens)::bigint AS ephemeral_5m_input_tokens,
                sum(h.ephemeral_1h_input_tokens)::bigint AS ephemeral_1h_input_tokens, sum(h.cost_usd) AS
                cost_usd, sum(h.priced)::bigint AS priced, sum(h.unpriced)::bigint AS unpriced,
                sum(h.estimated)::bigint AS estimated, sum(h.ok_duration_us)::bigint AS ok_duration_us
            FROM usage_hourly AS h
            WHERE h.train = t.train AND h.hour >= whole_hours_from(since, until)
                AND h.hour < least(whole_days_from(since, until), whole_hours_to(since, until))
        ) AS u
        UNION ALL
        SELECT t.train, u.*
        FROM unnest(trains) AS t (train)
        CROSS JOIN LATERAL (
            SELECT sum(h.requests)::bigint AS requests, sum(h.ok)::bigint AS ok, sum(h.cancelled)::bigint
                AS cancelled, sum(h.rejected)::bigint AS rejected, sum(h.input_tokens)::bigint AS
                input_tokens, sum(h.output_tokens)::bigint AS output_tokens,
                sum(h.cache_creation_input_tokens)::bigint AS cache_creation_input_tokens,
                sum(h.cache_read_input_tokens)::bigint AS cache_read_input_tokens,
                sum(h.ephemeral_5m_input_tokens)::bigint AS ephemeral_5m_input_tokens,
                sum(h.ephemeral_1h_input_tokens)::bigint AS ephemeral_1h_input_tokens, sum(h.cost_usd) AS
                cost_usd, sum(h.priced)::bigint AS priced, sum(h.unpriced)::bigint AS unpriced,
                sum(h.estimated)::bigint AS estimated, sum(h.ok_duration_us)::bigint AS ok_duration_us
            FROM usage_hourly AS h
            WHERE h.train = t.train AND h.hour >= greatest(whole_days_to(since, until), whole_hours_from(since, until))
                AND h.hour < whole_hours_to(since, until)
        ) AS u
        UNION ALL
        SELECT e.train, sum(e.requests)::bigint AS requests, sum(e.ok)::bigint AS ok, sum(e.cancelled)::bigint
            AS cancelled, sum(e.rejected)::bigint AS rejected, sum(e.input_tokens)::bigint AS input_tokens,
            sum(e.output_tokens)::bigint AS output_tokens, sum(e.cache_creation_input_tokens)::bigint AS
            cache_creation_input_tokens, sum(e.cache_read_input_tokens)::bigint AS cache_read_input_tokens,
            sum(e.ephemeral_5m_input_tokens)::bigint AS ephemeral_5m_input_tokens,
            sum(e.ephemeral_1h_input_tokens)::bigint AS ephemeral_1h_input_tokens, sum(e.cost_usd) AS
            cost_usd, sum(e.priced)::bigint AS priced, sum(e.unpriced)::bigint AS unpriced,
            sum(e.estimated)::bigint AS estimated, sum(e.ok_duration_us)::bigint AS ok_duration_us
        FROM usage_at_ends(trains, since, until) AS e
        GROUP BY e.train;
    END;

-- Of which days, hours and five minutes of the roll-ups the steps of a period are made; step is also hour (of UTC) or all.
-- A whole day of UTC is booked where its noon is; what of it belongs to another step, which begins or ends within it, is
-- added there and taken off here (taken_off, null where nothing is). What kind a piece is says piece: day, hour or minutes,
-- the last ones of one hour; it is all of these from at up to up_to. A month by days of Zurich so reads thirty days and what
-- is between thirty midnights and those of UTC.
CREATE OR REPLACE FUNCTION usage_steps(trains integer[], since timestamptz, until timestamptz, step text, zone text)
    RETURNS TABLE (starts_at timestamptz, taken_off timestamptz, piece text, at timestamptz, up_to timestamptz)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT p.starts_at, p.taken_off, p.piece, p.at, p.up_to
        FROM (
            -- From first up to last days are read whole. OFFSET 0: once, not wherever it is named below.
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
            OFFSET 0
        ) AS b
        CROSS JOIN LATERAL (
            SELECT m.*, date_bin('1 day', m.begun, '2000-01-01 00:00:00+00'::timestamptz) AS day
            FROM (
                -- The first one holds all from the beginning on. An array, because the planner takes a series for a thousand
                -- steps, and would keep what it reads of each, to be asked for again.
                SELECT n.begun AS own, lag(n.begun) OVER w AS before, CASE WHEN lag(n.begun) OVER w IS NULL THEN b.since
                    ELSE n.begun END AS begun, coalesce(lead(n.begun) OVER w, b.until) AS ended
                FROM unnest(CASE step WHEN 'all' THEN ARRAY[usage_steps.since] WHEN 'hour' THEN ARRAY(
                    SELECT h.hour
                    FROM generate_series(date_bin('1 hour', b.since, '2000-01-01 00:00:00+00'::timestamptz),
                        b.until - interval '1 microsecond', interval '1 hour') AS h (hour)
                ) ELSE ARRAY(
                    -- As step_begins says it of a moment.
                    SELECT (d.midnight - interval '1 microsecond') AT TIME ZONE zone + interval '1 microsecond'
                    FROM generate_series(date_trunc(step, b.since AT TIME ZONE zone), b.until AT TIME ZONE zone,
                        ('1 ' || step)::interval) AS d (midnight)
                ) END) AS n (begun)
                WINDOW w AS (ORDER BY n.begun)
            ) AS m
        ) AS s
        CROSS JOIN LATERAL (
            SELECT s.own AS starts_at, NULL::timestamptz AS taken_off, 'day' AS piece, date_bin('1 day',
                    greatest(s.begun, b.first) + interval '11:59:59.999999', '2000-01-01 00:00:00+00'::timestamptz) AS at,
                date_bin('1 day', least(s.ended, b.last) + interval '11:59:59.999999',
                    '2000-01-01 00:00:00+00'::timestamptz) AS up_to
            UNION ALL
            SELECT c.starts_at, c.taken_off, e.piece, e.at, e.up_to
            FROM (VALUES
                -- What is before and behind the whole days; and of the day in which the step begins, what lies between
                -- that moment and its midnight on the other side of noon.
                (s.own, NULL::timestamptz, s.begun, least(s.ended, b.first), true),
                (s.own, NULL, greatest(s.begun, b.last), least(s.ended, b.until), true),
                (s.before, s.own, s.day, s.begun,
                    s.begun > b.first AND s.begun < b.last AND s.begun <= s.day + interval '12 hours'),
                (s.own, s.before, s.begun, s.day + interval '24 hours',
                    s.begun > b.first AND s.begun < b.last AND s.begun > s.day + interval '12 hours')
            ) AS c (starts_at, taken_off, at, up_to, counts)
            CROSS JOIN LATERAL (
                SELECT date_bin('1 hour', c.at + interval '00:59:59.999999', '2000-01-01 00:00:00+00'::timestamptz) AS first,
                    date_bin('1 hour', c.up_to, '2000-01-01 00:00:00+00'::timestamptz) AS last
            ) AS h
            CROSS JOIN LATERAL (VALUES
                ('minutes', c.at, least(h.first, c.up_to)),
                ('hour', h.first, h.last),
                ('minutes', greatest(h.last, least(h.first, c.up_to)), c.up_to)
            ) AS e (piece, at, up_to)
            WHERE c.counts AND c.at < c.up_to
        ) AS p
        WHERE p.at < p.up_to;
    END;

-- The sums of a piece by accounts and by what by says: train, account, model, type or none. of_model and of_type narrow
-- where they are not null.
DROP FUNCTION usage_of_piece;
CREATE FUNCTION usage_of_piece(trains integer[], piece text, at timestamptz, until timestamptz, by text, of_model
    text, of_type text) RETURNS TABLE (account integer, part text, requests bigint, ok bigint, cancelled bigint,
    rejected bigint, input_tokens bigint, output_tokens bigint, cache_creation_input_tokens bigint,
    cache_read_input_tokens bigint, ephemeral_5m_input_tokens bigint, ephemeral_1h_input_tokens bigint,
    thinking_tokens bigint, web_search_requests bigint, cost_usd numeric, priced bigint, unpriced bigint, estimated
    bigint, ok_duration_us bigint)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT d.account, CASE by WHEN 'train' THEN d.train::text WHEN 'account' THEN d.account::text WHEN
            'model' THEN d.model WHEN 'type' THEN d.request_type ELSE '' END AS part, sum(d.requests)::bigint
            AS requests, sum(d.ok)::bigint AS ok, sum(d.cancelled)::bigint AS cancelled,
            sum(d.rejected)::bigint AS rejected, sum(d.input_tokens)::bigint AS input_tokens,
            sum(d.output_tokens)::bigint AS output_tokens, sum(d.cache_creation_input_tokens)::bigint AS
            cache_creation_input_tokens, sum(d.cache_read_input_tokens)::bigint AS cache_read_input_tokens,
            sum(d.ephemeral_5m_input_tokens)::bigint AS ephemeral_5m_input_tokens,
            sum(d.ephemeral_1h_input_tokens)::bigint AS ephemeral_1h_input_tokens,
            sum(d.thinking_tokens)::bigint AS thinking_tokens, sum(d.web_search_requests)::bigint AS
            web_search_requests, sum(d.cost_usd) AS cost_usd, sum(d.priced)::bigint AS priced,
            sum(d.unpriced)::bigint AS unpriced, sum(d.estimated)::bigint AS estimated,
            sum(d.ok_duration_us)::bigint AS ok_duration_us
        FROM usage_daily AS d
        WHERE piece = 'day' AND d.train = ANY (trains) AND d.day >= at AND d.day < until
            AND (of_model IS NULL OR d.model = of_model) AND (of_type IS NULL OR d.request_type = of_type)
        GROUP BY 1, 2
        UNION ALL
        SELECT h.account, CASE by WHEN 'train' THEN h.train::text WHEN 'account' THEN h.account::text WHEN
            'model' THEN h.model WHEN 'type' THEN h.request_type ELSE '' END AS part, sum(h.requests)::bigint
            AS requests, sum(h.ok)::bigint AS ok, sum(h.cancelled)::bigint AS cancelled,
            sum(h.rejected)::bigint AS rejected, sum(h.input_tokens)::bigint AS input_tokens,
            sum(h.output_tokens)::bigint AS output_tokens, sum(h.cache_creation_input_tokens)::bigint AS
            cache_creation_input_tokens, sum(h.cache_read_input_tokens)::bigint AS cache_read_input_tokens,
            sum(h.ephemeral_5m_input_tokens)::bigint AS ephemeral_5m_input_tokens,
            sum(h.ephemeral_1h_input_tokens)::bigint AS ephemeral_1h_input_tokens,
            sum(h.thinking_tokens)::bigint AS thinking_tokens, sum(h.web_search_requests)::bigint AS
            web_search_requests, sum(h.cost_usd) AS cost_usd, sum(h.priced)::bigint AS priced,
            sum(h.unpriced)::bigint AS unpriced, sum(h.estimated)::bigint AS estimated,
            sum(h.ok_duration_us)::bigint AS ok_duration_us
        FROM usage_hourly AS h
        WHERE piece = 'hour' AND h.train = ANY (trains) AND h.hour >= at AND h.hour < until
            AND (of_model IS NULL OR h.model = of_model) AND (of_type IS NULL OR h.request_type = of_type)
        GROUP BY 1, 2
        UNION ALL
        SELECT f.account, CASE by WHEN 'train' THEN f.train::text WHEN 'account' THEN f.account::text WHEN
            'model' THEN f.model WHEN 'type' THEN f.request_type ELSE '' END AS part, sum(f.requests)::bigint
            AS requests, sum(f.ok)::bigint AS ok, sum(f.cancelled)::bigint AS cancelled,
            sum(f.rejected)::bigint AS rejected, sum(f.input_tokens)::bigint AS input_tokens,
            sum(f.output_tokens)::bigint AS output_tokens, sum(f.cache_creation_input_tokens)::bigint AS
            cache_creation_input_tokens, sum(f.cache_read_input_tokens)::bigint AS cache_read_input_tokens,
            sum(f.ephemeral_5m_input_tokens)::bigint AS ephemeral_5m_input_tokens,
            sum(f.ephemeral_1h_input_tokens)::bigint AS ephemeral_1h_input_tokens,
            sum(f.thinking_tokens)::bigint AS thinking_tokens, sum(f.web_search_requests)::bigint AS
            web_search_requests, sum(f.cost_usd) AS cost_usd, sum(f.priced)::bigint AS priced,
            sum(f.unpriced)::bigint AS unpriced, sum(f.estimated)::bigint AS estimated,
            sum(f.ok_duration_us)::bigint AS ok_duration_us
        FROM (
            SELECT DISTINCT h.train, h.account
            FROM usage_hourly AS h
            WHERE piece = 'minutes' AND h.train = ANY (trains)
                AND h.hour = date_bin('1 hour', at, '2000-01-01 00:00:00+00'::timestamptz)
        ) AS k
        CROSS JOIN LATERAL (
            SELECT m.*
            FROM usage_five_minutes AS m
            WHERE m.train = k.train AND m.account = k.account AND m.slot >= at AND m.slot < until
            OFFSET 0
        ) AS f
        WHERE (of_model IS NULL OR f.model = of_model) AND (of_type IS NULL OR f.request_type = of_type)
        GROUP BY 1, 2;
    END;
