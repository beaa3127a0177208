-- The sums of whole days of UTC, out of which long periods are read: a month is thirty rows where it was seven hundred.
-- What ends within days is the whole ones and the hours at its ends.

CREATE TABLE usage_daily (
    train integer NOT NULL,
    day timestamptz NOT NULL,
    account integer NOT NULL,
    model text NOT NULL,
    request_type text NOT NULL,
    requests bigint NOT NULL DEFAULT 0,
    ok bigint NOT NULL DEFAULT 0,
    cancelled bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    input_tokens bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    cache_creation_input_tokens bigint NOT NULL DEFAULT 0,
    cache_read_input_tokens bigint NOT NULL DEFAULT 0,
    ephemeral_5m_input_tokens bigint NOT NULL DEFAULT 0,
    ephemeral_1h_input_tokens bigint NOT NULL DEFAULT 0,
    thinking_tokens bigint NOT NULL DEFAULT 0,
    web_search_requests bigint NOT NULL DEFAULT 0,
    cost_usd numeric NOT NULL DEFAULT 0,
    priced bigint NOT NULL DEFAULT 0,
    unpriced bigint NOT NULL DEFAULT 0,
    estimated bigint NOT NULL DEFAULT 0,
    ok_duration_us bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (train, day, account, model, request_type)
);
COMMENT ON TABLE usage_daily IS 'The sums of usage_hourly by days of UTC, written together with them.';
COMMENT ON COLUMN usage_daily.day IS 'Its first moment.';
COMMENT ON COLUMN usage_daily.cost_usd IS 'Of the priced requests; estimated ones are among them, unpriced ones are not.';

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
GROUP BY 1, 2, 3, 4, 5;

-- Of a period: from here ...
CREATE FUNCTION whole_days_from(since timestamptz, until timestamptz) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN least(date_bin('1 day', since + interval '23:59:59.999999', '2000-01-01 00:00:00+00'::timestamptz), until);
-- ... up to here are whole days; both are its end where it has none.
CREATE FUNCTION whole_days_to(since timestamptz, until timestamptz) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN greatest(whole_days_from(since, until), date_bin('1 day', until, '2000-01-01 00:00:00+00'::timestamptz));

-- Exactly the sums of the hours from since up to until, in as few rows as there are. Inlined where it is asked.
CREATE FUNCTION usage_of_period(trains integer[], since timestamptz, until timestamptz) RETURNS TABLE (train integer,
    account integer, model text, request_type text,
    requests bigint, ok bigint, cancelled bigint, rejected bigint, input_tokens bigint, output_tokens bigint,
    cache_creation_input_tokens bigint, cache_read_input_tokens bigint, ephemeral_5m_input_tokens bigint,
    ephemeral_1h_input_tokens bigint, thinking_tokens bigint, web_search_requests bigint, cost_usd numeric, priced
    bigint, unpriced bigint, estimated bigint, ok_duration_us bigint)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT d.train, d.account, d.model, d.request_type,
            d.requests, d.ok, d.cancelled, d.rejected, d.input_tokens, d.output_tokens, d.cache_creation_input_tokens,
            d.cache_read_input_tokens, d.ephemeral_5m_input_tokens, d.ephemeral_1h_input_tokens, d.thinking_tokens,
            d.web_search_requests, d.cost_usd, d.priced, d.unpriced, d.estimated, d.ok_duration_us
        FROM usage_daily AS d
        WHERE d.train = ANY (trains) AND d.day >= whole_days_from(since, until) AND d.day < whole_days_to(since, until)
        UNION ALL
        SELECT h.train, h.account, h.model, h.request_type,
            h.requests, h.ok, h.cancelled, h.rejected, h.input_tokens, h.output_tokens, h.cache_creation_input_tokens,
            h.cache_read_input_tokens, h.ephemeral_5m_input_tokens, h.ephemeral_1h_input_tokens, h.thinking_tokens,
            h.web_search_requests, h.cost_usd, h.priced, h.unpriced, h.estimated, h.ok_duration_us
        FROM usage_hourly AS h
        WHERE h.train = ANY (trains) AND h.hour >= since AND h.hour < whole_days_from(since, until)
        UNION ALL
        SELECT h.train, h.account, h.model, h.request_type,
            h.requests, h.ok, h.cancelled, h.rejected, h.input_tokens, h.output_tokens, h.cache_creation_input_tokens,
            h.cache_read_input_tokens, h.ephemeral_5m_input_tokens, h.ephemeral_1h_input_tokens, h.thinking_tokens,
            h.web_search_requests, h.cost_usd, h.priced, h.unpriced, h.estimated, h.ok_duration_us
        FROM usage_hourly AS h
        WHERE h.train = ANY (trains) AND h.hour >= whole_days_to(since, until) AND h.hour < until;
    END;

-- When the step (day, week, month, year) of a zone began that this is in. A midnight is taken as the end of the
-- microsecond before it: where clocks go back over it there are two, and the day begins with the first.
CREATE FUNCTION step_begins(at timestamptz, step text, zone text) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (date_trunc(step, at AT TIME ZONE zone) - interval '1 microsecond') AT TIME ZONE zone + interval '1 microsecond';

-- Of which days and hours of the roll-ups the steps of a period are made; step is also hour (of UTC) or all.
-- A whole day of UTC is booked where its noon is; the hours of it that belong to another step are added there and taken
-- off here (taken_off, null where nothing is). A month by days of Zurich so reads thirty days and thirty or sixty hours.
CREATE FUNCTION usage_steps(trains integer[], since timestamptz, until timestamptz, step text, zone text)
    RETURNS TABLE (starts_at timestamptz, taken_off timestamptz, at timestamptz, whole boolean)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT s.own, s.other, p.at, p.whole
        FROM (
            SELECT p.since, p.until, CASE WHEN step = 'hour' THEN p.until ELSE whole_days_from(p.since, p.until) END
                AS first, CASE WHEN step = 'hour' THEN p.until ELSE whole_days_to(p.since, p.until) END AS last
            FROM (
                SELECT greatest(since, coalesce(min(k.first), until)) AS since,
                    least(until, max(k.last) + interval '24 hours') AS until
                FROM unnest(trains) AS t (train)
                CROSS JOIN LATERAL (
                    SELECT (SELECT d.day FROM usage_daily AS d WHERE d.train = t.train ORDER BY d.day LIMIT 1) AS first,
                        (SELECT d.day FROM usage_daily AS d WHERE d.train = t.train ORDER BY d.day DESC LIMIT 1) AS last
                ) AS k
            ) AS p
        ) AS b
        CROSS JOIN LATERAL (
            SELECT d.day AS at, true AS whole, d.day + interval '12 hours' AS booked, NULL::timestamptz AS told
            FROM generate_series(b.first, b.last - interval '24 hours', interval '24 hours') AS d (day)
            UNION ALL
            SELECT h.hour, false, h.hour, CASE WHEN h.hour >= b.first AND h.hour < b.last THEN
                date_bin('1 day', h.hour, '2000-01-01 00:00:00+00'::timestamptz) + interval '12 hours' END
            FROM generate_series(
                date_bin('1 hour', b.since + interval '00:59:59.999999', '2000-01-01 00:00:00+00'::timestamptz),
                b.until - interval '1 microsecond', interval '1 hour') AS h (hour)
        ) AS p
        CROSS JOIN LATERAL (
            SELECT CASE step WHEN 'all' THEN usage_steps.since WHEN 'hour' THEN p.booked
                ELSE step_begins(p.booked, step, zone) END AS own,
                CASE WHEN p.told IS NULL THEN NULL WHEN step = 'all' THEN usage_steps.since
                ELSE step_begins(p.told, step, zone) END AS other
            OFFSET 0
        ) AS s
        WHERE s.own IS DISTINCT FROM s.other;
    END;
