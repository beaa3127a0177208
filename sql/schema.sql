-- Written by `python -m tests.sql.schema_dump` from the migrations; do not edit.

CREATE TABLE public.pieces (
    train integer NOT NULL,
    month integer NOT NULL,
    hash uuid NOT NULL,
    bytes bytea NOT NULL,
    CONSTRAINT pieces_month_check CHECK ((((month % 100) >= 1) AND ((month % 100) <= 12)))
)
PARTITION BY LIST (month);
ALTER TABLE ONLY public.pieces ALTER COLUMN bytes SET STORAGE MAIN;

CREATE FUNCTION public.joined_pieces(of_train integer, of_month integer, list bytea, number integer) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    SET enable_seqscan TO 'off'
    RETURN (SELECT string_agg(piece.bytes, '\x'::bytea ORDER BY n.n) AS string_agg FROM (generate_series(0, (joined_pieces.number - 1)) n(n) CROSS JOIN LATERAL (SELECT p.bytes FROM public.pieces p WHERE ((p.train = joined_pieces.of_train) AND (p.month = joined_pieces.of_month) AND (p.hash = (encode(SUBSTRING(joined_pieces.list FROM ((16 * n.n) + 1) FOR 16), 'hex'::text))::uuid)) LIMIT 1) piece));

CREATE FUNCTION public.latency_bucket(us bigint) RETURNS smallint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (us IS NOT NULL) THEN (LEAST(floor((((2)::double precision * ln(((GREATEST(us, (1000)::bigint))::double precision / (1000)::double precision))) / ln((2)::double precision))), (47)::double precision))::smallint ELSE NULL::smallint END;

CREATE FUNCTION public.make_partitions(ahead integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
DECLARE
    parent text;
    month timestamp;
    child text;
    bounds text;
    made integer := 0;
BEGIN
    PERFORM 1 FROM installation FOR UPDATE;
    FOR month IN
        SELECT m FROM generate_series(
            date_trunc('month', (SELECT created_at - interval '1 day' FROM installation) AT TIME ZONE 'UTC'),
            date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead), interval '1 month') AS m
    LOOP
        FOREACH parent IN ARRAY ARRAY['requests', 'request_bodies', 'response_bodies', 'pieces', 'tool_calls'] LOOP
            child := parent || to_char(month, '_YYYY_MM');
            CONTINUE WHEN to_regclass(child) IS NOT NULL;
            bounds := CASE parent
                WHEN 'pieces' THEN format('IN (%s)', to_char(month, 'YYYYMM'))
                ELSE format('FROM (%L) TO (%L)', uuid7_floor(month AT TIME ZONE 'UTC'),
                    uuid7_floor((month + interval '1 month') AT TIME ZONE 'UTC'))
            END;
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', child, parent);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES %s', parent, child, bounds);
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;

CREATE FUNCTION public.readable_json(bytes bytea) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE STRICT
    AS $$
DECLARE
    -- A backslash escapes only behind an even number of backslashes.
    even CONSTANT text := '(?<!\\)((?:\\\\)*)';
    high CONSTANT text := '([dD][89abAB][0-9a-fA-F]{2})';
    low CONSTANT text := '([dD][c-fC-F][0-9a-fA-F]{2})';
    readable text;
BEGIN
    RETURN convert_from(bytes, 'UTF8')::jsonb;
EXCEPTION WHEN OTHERS THEN
    BEGIN
        -- Pairs step aside as \U, which JSON does not know; what is left of surrogates is alone.
        readable := regexp_replace(readable_text(bytes), even || '\\u' || high || '\\u' || low, '\1\\U\2\3', 'g');
        readable := regexp_replace(readable, even || '\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})', E'\\1\uFFFD', 'g');
        readable := regexp_replace(readable, even || '\\U([0-9a-fA-F]{4})([0-9a-fA-F]{4})', '\1\\u\2\\u\3', 'g');
        RETURN readable::jsonb;
    EXCEPTION WHEN OTHERS THEN
        RETURN NULL;
    END;
END $$;

CREATE FUNCTION public.readable_text(bytes bytea) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT
    AS $$
DECLARE
    -- What UTF-8 allows (RFC 3629 §4), in the octal that encode(…, 'escape') writes NUL and high bytes in.
    following CONSTANT text := '\\2[0-7]{2}';
    valid CONSTANT text := '(?:[^\\]|\\\\'
        || '|\\3(?:0[2-7]|[1-3][0-7])' || following
        || '|(?:\\340\\2[4-7][0-7]|\\355\\2[0-3][0-7]|\\3(?:4[1-7]|5[0-467])' || following || ')' || following
        || '|(?:\\360\\2[2-7][0-7]|\\364\\2[01][0-7]|\\36[1-3]' || following || ')' || following || following || ')';
BEGIN
    RETURN convert_from(bytes, 'UTF8');
EXCEPTION WHEN OTHERS THEN
    -- A character cut in two at the end of a chunk comes here, so what is around it must stay.
    RETURN coalesce((
        SELECT string_agg(coalesce(convert_from(decode(part.found[1], 'escape'), 'UTF8'), E'\uFFFD'), '' ORDER BY n)
        FROM regexp_matches(encode(bytes, 'escape'), '(' || valid || '+)|\\[0-7]{3}', 'g')
            WITH ORDINALITY AS part (found, n)
    ), '');
END $$;

CREATE FUNCTION public.request_body(of_train integer, of_id uuid) RETURNS bytea
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
DECLARE
    of_month CONSTANT integer := uuid7_month(of_id);
    stored record;
    nodes integer;
    whole bytea;
BEGIN
    SELECT b.body, b.list, b.folded, b.size INTO stored FROM request_bodies AS b WHERE b.train = of_train AND b.id = of_id;
    IF stored.list IS NULL THEN
        RETURN stored.body;
    END IF;
    whole := stored.list;
    FOR level IN REVERSE 3..1 LOOP
        nodes := stored.folded >> 5 * level;
        CONTINUE WHEN nodes = 0;
        whole := joined_pieces(of_train, of_month, whole, nodes) || substring(whole FROM 16 * nodes + 1);
    END LOOP;
    whole := joined_pieces(of_train, of_month, whole, length(whole) / 16);
    RETURN CASE WHEN length(whole) = stored.size THEN whole END;
END $$;

CREATE FUNCTION public.step_begins(at timestamp with time zone, step text, zone text) RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (((date_trunc(step, (at AT TIME ZONE zone)) - '00:00:00.000001'::interval) AT TIME ZONE zone) + '00:00:00.000001'::interval);

CREATE FUNCTION public.whole_hours_from(since timestamp with time zone, until timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN LEAST(date_bin('01:00:00'::interval, (since + '00:59:59.999999'::interval), '2000-01-01 00:00:00+00'::timestamp with time zone), until);

CREATE FUNCTION public.whole_hours_to(since timestamp with time zone, until timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN GREATEST(public.whole_hours_from(since, until), date_bin('01:00:00'::interval, until, '2000-01-01 00:00:00+00'::timestamp with time zone));

CREATE TABLE public.usage_five_minutes (
    train integer NOT NULL,
    account integer NOT NULL,
    slot timestamp with time zone NOT NULL,
    model text NOT NULL,
    request_type text NOT NULL,
    first_at timestamp with time zone NOT NULL,
    requests bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cache_creation_input_tokens bigint NOT NULL,
    cache_read_input_tokens bigint NOT NULL,
    cost_usd numeric NOT NULL,
    unpriced bigint NOT NULL,
    ok bigint DEFAULT 0 NOT NULL,
    cancelled bigint DEFAULT 0 NOT NULL,
    rejected bigint DEFAULT 0 NOT NULL,
    ephemeral_5m_input_tokens bigint DEFAULT 0 NOT NULL,
    ephemeral_1h_input_tokens bigint DEFAULT 0 NOT NULL,
    thinking_tokens bigint DEFAULT 0 NOT NULL,
    web_search_requests bigint DEFAULT 0 NOT NULL,
    priced bigint DEFAULT 0 NOT NULL,
    estimated bigint DEFAULT 0 NOT NULL,
    ok_duration_us bigint DEFAULT 0 NOT NULL
);

COMMENT ON COLUMN public.usage_five_minutes.first_at IS 'When its first request started.';

COMMENT ON COLUMN public.usage_five_minutes.cost_usd IS 'Of the priced requests; unpriced ones are not among them.';

COMMENT ON COLUMN public.usage_five_minutes.unpriced IS 'Requests whose price nobody knows.';

CREATE TABLE public.usage_hourly (
    train integer NOT NULL,
    hour timestamp with time zone NOT NULL,
    account integer NOT NULL,
    model text NOT NULL,
    request_type text NOT NULL,
    requests bigint DEFAULT 0 NOT NULL,
    ok bigint DEFAULT 0 NOT NULL,
    cancelled bigint DEFAULT 0 NOT NULL,
    rejected bigint DEFAULT 0 NOT NULL,
    input_tokens bigint DEFAULT 0 NOT NULL,
    output_tokens bigint DEFAULT 0 NOT NULL,
    cache_creation_input_tokens bigint DEFAULT 0 NOT NULL,
    cache_read_input_tokens bigint DEFAULT 0 NOT NULL,
    ok_duration_us bigint DEFAULT 0 NOT NULL,
    ephemeral_5m_input_tokens bigint DEFAULT 0 NOT NULL,
    ephemeral_1h_input_tokens bigint DEFAULT 0 NOT NULL,
    thinking_tokens bigint DEFAULT 0 NOT NULL,
    web_search_requests bigint DEFAULT 0 NOT NULL,
    cost_usd numeric DEFAULT 0 NOT NULL,
    priced bigint DEFAULT 0 NOT NULL,
    unpriced bigint DEFAULT 0 NOT NULL,
    estimated bigint DEFAULT 0 NOT NULL
);

COMMENT ON COLUMN public.usage_hourly.cost_usd IS 'Of the priced requests; estimated ones are among them, unpriced ones are not.';

CREATE FUNCTION public.usage_at_ends(trains integer[], since timestamp with time zone, until timestamp with time zone) RETURNS TABLE(at timestamp with time zone, train integer, account integer, model text, request_type text, requests bigint, ok bigint, cancelled bigint, rejected bigint, input_tokens bigint, output_tokens bigint, cache_creation_input_tokens bigint, cache_read_input_tokens bigint, ephemeral_5m_input_tokens bigint, ephemeral_1h_input_tokens bigint, thinking_tokens bigint, web_search_requests bigint, cost_usd numeric, priced bigint, unpriced bigint, estimated bigint, ok_duration_us bigint)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
 SELECT e.hour,
     u.train,
     u.account,
     u.model,
     u.request_type,
     u.requests,
     u.ok,
     u.cancelled,
     u.rejected,
     u.input_tokens,
     u.output_tokens,
     u.cache_creation_input_tokens,
     u.cache_read_input_tokens,
     u.ephemeral_5m_input_tokens,
     u.ephemeral_1h_input_tokens,
     u.thinking_tokens,
     u.web_search_requests,
     u.cost_usd,
     u.priced,
     u.unpriced,
     u.estimated,
     u.ok_duration_us
    FROM ((( SELECT date_bin('01:00:00'::interval, v.first, '2000-01-01 00:00:00+00'::timestamp with time zone) AS hour,
             date_bin('00:05:00'::interval, v.first, '2000-01-01 00:00:00+00'::timestamp with time zone) AS first,
             v.last
            FROM ( VALUES (usage_at_ends.since,public.whole_hours_from(usage_at_ends.since, usage_at_ends.until)), (public.whole_hours_to(usage_at_ends.since, usage_at_ends.until),usage_at_ends.until)) v(first, last)
           WHERE (v.first < v.last)) e
      CROSS JOIN LATERAL ( SELECT DISTINCT h.train,
             h.account
            FROM public.usage_hourly h
           WHERE ((h.train = ANY (usage_at_ends.trains)) AND (h.hour = e.hour))) k)
      CROSS JOIN LATERAL ( SELECT f.train,
             f.account,
             f.model,
             f.request_type,
             f.requests,
             f.ok,
             f.cancelled,
             f.rejected,
             f.input_tokens,
             f.output_tokens,
             f.cache_creation_input_tokens,
             f.cache_read_input_tokens,
             f.ephemeral_5m_input_tokens,
             f.ephemeral_1h_input_tokens,
             f.thinking_tokens,
             f.web_search_requests,
             f.cost_usd,
             f.priced,
             f.unpriced,
             f.estimated,
             f.ok_duration_us
            FROM public.usage_five_minutes f
           WHERE ((f.train = k.train) AND (f.account = k.account) AND (f.slot >= e.first) AND (f.slot < e.last))
          OFFSET 0) u);
END;

CREATE FUNCTION public.usage_by_hour(trains integer[], since timestamp with time zone, until timestamp with time zone) RETURNS TABLE(at timestamp with time zone, train integer, account integer, model text, request_type text, requests bigint, ok bigint, cancelled bigint, rejected bigint, input_tokens bigint, output_tokens bigint, cache_creation_input_tokens bigint, cache_read_input_tokens bigint, ephemeral_5m_input_tokens bigint, ephemeral_1h_input_tokens bigint, thinking_tokens bigint, web_search_requests bigint, cost_usd numeric, priced bigint, unpriced bigint, estimated bigint, ok_duration_us bigint)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
 SELECT u.hour,
     u.train,
     u.account,
     u.model,
     u.request_type,
     u.requests,
     u.ok,
     u.cancelled,
     u.rejected,
     u.input_tokens,
     u.output_tokens,
     u.cache_creation_input_tokens,
     u.cache_read_input_tokens,
     u.ephemeral_5m_input_tokens,
     u.ephemeral_1h_input_tokens,
     u.thinking_tokens,
     u.web_search_requests,
     u.cost_usd,
     u.priced,
     u.unpriced,
     u.estimated,
     u.ok_duration_us
    FROM (unnest(usage_by_hour.trains) t(train)
      CROSS JOIN LATERAL ( SELECT h.hour,
             h.train,
             h.account,
             h.model,
             h.request_type,
             h.requests,
             h.ok,
             h.cancelled,
             h.rejected,
             h.input_tokens,
             h.output_tokens,
             h.cache_creation_input_tokens,
             h.cache_read_input_tokens,
             h.ephemeral_5m_input_tokens,
             h.ephemeral_1h_input_tokens,
             h.thinking_tokens,
             h.web_search_requests,
             h.cost_usd,
             h.priced,
             h.unpriced,
             h.estimated,
             h.ok_duration_us
            FROM public.usage_hourly h
           WHERE ((h.train = t.train) AND (h.hour >= public.whole_hours_from(usage_by_hour.since, usage_by_hour.until)) AND (h.hour < public.whole_hours_to(usage_by_hour.since, usage_by_hour.until)))
          OFFSET 0) u)
 UNION ALL
  SELECT u.at,
     u.train,
     u.account,
     u.model,
     u.request_type,
     u.requests,
     u.ok,
     u.cancelled,
     u.rejected,
     u.input_tokens,
     u.output_tokens,
     u.cache_creation_input_tokens,
     u.cache_read_input_tokens,
     u.ephemeral_5m_input_tokens,
     u.ephemeral_1h_input_tokens,
     u.thinking_tokens,
     u.web_search_requests,
     u.cost_usd,
     u.priced,
     u.unpriced,
     u.estimated,
     u.ok_duration_us
    FROM public.usage_at_ends(usage_by_hour.trains, usage_by_hour.since, usage_by_hour.until) u(at, train, account, model, request_type, requests, ok, cancelled, rejected, input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens, ephemeral_5m_input_tokens, ephemeral_1h_input_tokens, thinking_tokens, web_search_requests, cost_usd, priced, unpriced, estimated, ok_duration_us);
END;

CREATE FUNCTION public.whole_days_from(since timestamp with time zone, until timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN LEAST(date_bin('1 day'::interval, (since + '23:59:59.999999'::interval), '2000-01-01 00:00:00+00'::timestamp with time zone), until);

CREATE FUNCTION public.whole_days_to(since timestamp with time zone, until timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN GREATEST(public.whole_days_from(since, until), date_bin('1 day'::interval, until, '2000-01-01 00:00:00+00'::timestamp with time zone));

CREATE TABLE public.usage_daily (
    train integer NOT NULL,
    day timestamp with time zone NOT NULL,
    account integer NOT NULL,
    model text NOT NULL,
    request_type text NOT NULL,
    requests bigint DEFAULT 0 NOT NULL,
    ok bigint DEFAULT 0 NOT NULL,
    cancelled bigint DEFAULT 0 NOT NULL,
    rejected bigint DEFAULT 0 NOT NULL,
    input_tokens bigint DEFAULT 0 NOT NULL,
    output_tokens bigint DEFAULT 0 NOT NULL,
    cache_creation_input_tokens bigint DEFAULT 0 NOT NULL,
    cache_read_input_tokens bigint DEFAULT 0 NOT NULL,
    ephemeral_5m_input_tokens bigint DEFAULT 0 NOT NULL,
    ephemeral_1h_input_tokens bigint DEFAULT 0 NOT NULL,
    thinking_tokens bigint DEFAULT 0 NOT NULL,
    web_search_requests bigint DEFAULT 0 NOT NULL,
    cost_usd numeric DEFAULT 0 NOT NULL,
    priced bigint DEFAULT 0 NOT NULL,
    unpriced bigint DEFAULT 0 NOT NULL,
    estimated bigint DEFAULT 0 NOT NULL,
    ok_duration_us bigint DEFAULT 0 NOT NULL
);

COMMENT ON TABLE public.usage_daily IS 'The sums of usage_hourly by days of UTC, written together with them.';

COMMENT ON COLUMN public.usage_daily.day IS 'Its first moment.';

COMMENT ON COLUMN public.usage_daily.cost_usd IS 'Of the priced requests; estimated ones are among them, unpriced ones are not.';

CREATE FUNCTION public.usage_of_period(trains integer[], since timestamp with time zone, until timestamp with time zone) RETURNS TABLE(train integer, account integer, model text, request_type text, requests bigint, ok bigint, cancelled bigint, rejected bigint, input_tokens bigint, output_tokens bigint, cache_creation_input_tokens bigint, cache_read_input_tokens bigint, ephemeral_5m_input_tokens bigint, ephemeral_1h_input_tokens bigint, thinking_tokens bigint, web_search_requests bigint, cost_usd numeric, priced bigint, unpriced bigint, estimated bigint, ok_duration_us bigint)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
 SELECT u.train,
     u.account,
     u.model,
     u.request_type,
     u.requests,
     u.ok,
     u.cancelled,
     u.rejected,
     u.input_tokens,
     u.output_tokens,
     u.cache_creation_input_tokens,
     u.cache_read_input_tokens,
     u.ephemeral_5m_input_tokens,
     u.ephemeral_1h_input_tokens,
     u.thinking_tokens,
     u.web_search_requests,
     u.cost_usd,
     u.priced,
     u.unpriced,
     u.estimated,
     u.ok_duration_us
    FROM (unnest(usage_of_period.trains) t(train)
      CROSS JOIN LATERAL ( SELECT d.train,
             d.account,
             d.model,
             d.request_type,
             d.requests,
             d.ok,
             d.cancelled,
             d.rejected,
             d.input_tokens,
             d.output_tokens,
             d.cache_creation_input_tokens,
             d.cache_read_input_tokens,
             d.ephemeral_5m_input_tokens,
             d.ephemeral_1h_input_tokens,
             d.thinking_tokens,
             d.web_search_requests,
             d.cost_usd,
             d.priced,
             d.unpriced,
             d.estimated,
             d.ok_duration_us
            FROM public.usage_daily d
           WHERE ((d.train = t.train) AND (d.day >= public.whole_days_from(usage_of_period.since, usage_of_period.until)) AND (d.day < public.whole_days_to(usage_of_period.since, usage_of_period.until)))
          OFFSET 0) u)
 UNION ALL
  SELECT u.train,
     u.account,
     u.model,
     u.request_type,
     u.requests,
     u.ok,
     u.cancelled,
     u.rejected,
     u.input_tokens,
     u.output_tokens,
     u.cache_creation_input_tokens,
     u.cache_read_input_tokens,
     u.ephemeral_5m_input_tokens,
     u.ephemeral_1h_input_tokens,
     u.thinking_tokens,
     u.web_search_requests,
     u.cost_usd,
     u.priced,
     u.unpriced,
     u.estimated,
     u.ok_duration_us
    FROM (unnest(usage_of_period.trains) t(train)
      CROSS JOIN LATERAL ( SELECT h.train,
             h.account,
             h.model,
             h.request_type,
             h.requests,
             h.ok,
             h.cancelled,
             h.rejected,
             h.input_tokens,
             h.output_tokens,
             h.cache_creation_input_tokens,
             h.cache_read_input_tokens,
             h.ephemeral_5m_input_tokens,
             h.ephemeral_1h_input_tokens,
             h.thinking_tokens,
             h.web_search_requests,
             h.cost_usd,
             h.priced,
             h.unpriced,
             h.estimated,
             h.ok_duration_us
            FROM public.usage_hourly h
           WHERE ((h.train = t.train) AND (h.hour >= public.whole_hours_from(usage_of_period.since, usage_of_period.until)) AND (h.hour < LEAST(public.whole_days_from(usage_of_period.since, usage_of_period.until), public.whole_hours_to(usage_of_period.since, usage_of_period.until))))
          OFFSET 0) u)
 UNION ALL
  SELECT u.train,
     u.account,
     u.model,
     u.request_type,
     u.requests,
     u.ok,
     u.cancelled,
     u.rejected,
     u.input_tokens,
     u.output_tokens,
     u.cache_creation_input_tokens,
     u.cache_read_input_tokens,
     u.ephemeral_5m_input_tokens,
     u.ephemeral_1h_input_tokens,
     u.thinking_tokens,
     u.web_search_requests,
     u.cost_usd,
     u.priced,
     u.unpriced,
     u.estimated,
     u.ok_duration_us
    FROM (unnest(usage_of_period.trains) t(train)
      CROSS JOIN LATERAL ( SELECT h.train,
             h.account,
             h.model,
             h.request_type,
             h.requests,
             h.ok,
             h.cancelled,
             h.rejected,
             h.input_tokens,
             h.output_tokens,
             h.cache_creation_input_tokens,
             h.cache_read_input_tokens,
             h.ephemeral_5m_input_tokens,
             h.ephemeral_1h_input_tokens,
             h.thinking_tokens,
             h.web_search_requests,
             h.cost_usd,
             h.priced,
             h.unpriced,
             h.estimated,
             h.ok_duration_us
            FROM public.usage_hourly h
           WHERE ((h.train = t.train) AND (h.hour >= GREATEST(public.whole_days_to(usage_of_period.since, usage_of_period.until), public.whole_hours_from(usage_of_period.since, usage_of_period.until))) AND (h.hour < public.whole_hours_to(usage_of_period.since, usage_of_period.until)))
          OFFSET 0) u)
 UNION ALL
  SELECT u.train,
     u.account,
     u.model,
     u.request_type,
     u.requests,
     u.ok,
     u.cancelled,
     u.rejected,
     u.input_tokens,
     u.output_tokens,
     u.cache_creation_input_tokens,
     u.cache_read_input_tokens,
     u.ephemeral_5m_input_tokens,
     u.ephemeral_1h_input_tokens,
     u.thinking_tokens,
     u.web_search_requests,
     u.cost_usd,
     u.priced,
     u.unpriced,
     u.estimated,
     u.ok_duration_us
    FROM public.usage_at_ends(usage_of_period.trains, usage_of_period.since, usage_of_period.until) u(at, train, account, model, request_type, requests, ok, cancelled, rejected, input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens, ephemeral_5m_input_tokens, ephemeral_1h_input_tokens, thinking_tokens, web_search_requests, cost_usd, priced, unpriced, estimated, ok_duration_us);
END;

CREATE FUNCTION public.usage_of_piece(trains integer[], piece text, at timestamp with time zone, until timestamp with time zone, by text, of_model text, of_type text) RETURNS TABLE(account integer, part text, requests bigint, ok bigint, cancelled bigint, rejected bigint, input_tokens bigint, output_tokens bigint, cache_creation_input_tokens bigint, cache_read_input_tokens bigint, ephemeral_5m_input_tokens bigint, ephemeral_1h_input_tokens bigint, thinking_tokens bigint, web_search_requests bigint, cost_usd numeric, priced bigint, unpriced bigint, estimated bigint, ok_duration_us bigint)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
 SELECT d.account,
         CASE usage_of_piece.by
             WHEN 'train'::text THEN (d.train)::text
             WHEN 'account'::text THEN (d.account)::text
             WHEN 'model'::text THEN d.model
             WHEN 'type'::text THEN d.request_type
             ELSE ''::text
         END AS part,
     (sum(d.requests))::bigint AS requests,
     (sum(d.ok))::bigint AS ok,
     (sum(d.cancelled))::bigint AS cancelled,
     (sum(d.rejected))::bigint AS rejected,
     (sum(d.input_tokens))::bigint AS input_tokens,
     (sum(d.output_tokens))::bigint AS output_tokens,
     (sum(d.cache_creation_input_tokens))::bigint AS cache_creation_input_tokens,
     (sum(d.cache_read_input_tokens))::bigint AS cache_read_input_tokens,
     (sum(d.ephemeral_5m_input_tokens))::bigint AS ephemeral_5m_input_tokens,
     (sum(d.ephemeral_1h_input_tokens))::bigint AS ephemeral_1h_input_tokens,
     (sum(d.thinking_tokens))::bigint AS thinking_tokens,
     (sum(d.web_search_requests))::bigint AS web_search_requests,
     sum(d.cost_usd) AS cost_usd,
     (sum(d.priced))::bigint AS priced,
     (sum(d.unpriced))::bigint AS unpriced,
     (sum(d.estimated))::bigint AS estimated,
     (sum(d.ok_duration_us))::bigint AS ok_duration_us
    FROM public.usage_daily d
   WHERE ((usage_of_piece.piece = 'day'::text) AND (d.train = ANY (usage_of_piece.trains)) AND (d.day >= usage_of_piece.at) AND (d.day < usage_of_piece.until) AND ((usage_of_piece.of_model IS NULL) OR (d.model = usage_of_piece.of_model)) AND ((usage_of_piece.of_type IS NULL) OR (d.request_type = usage_of_piece.of_type)))
   GROUP BY d.account,
         CASE usage_of_piece.by
             WHEN 'train'::text THEN (d.train)::text
             WHEN 'account'::text THEN (d.account)::text
             WHEN 'model'::text THEN d.model
             WHEN 'type'::text THEN d.request_type
             ELSE ''::text
         END
 UNION ALL
  SELECT h.account,
         CASE usage_of_piece.by
             WHEN 'train'::text THEN (h.train)::text
             WHEN 'account'::text THEN (h.account)::text
             WHEN 'model'::text THEN h.model
             WHEN 'type'::text THEN h.request_type
             ELSE ''::text
         END AS part,
     (sum(h.requests))::bigint AS requests,
     (sum(h.ok))::bigint AS ok,
     (sum(h.cancelled))::bigint AS cancelled,
     (sum(h.rejected))::bigint AS rejected,
     (sum(h.input_tokens))::bigint AS input_tokens,
     (sum(h.output_tokens))::bigint AS output_tokens,
     (sum(h.cache_creation_input_tokens))::bigint AS cache_creation_input_tokens,
     (sum(h.cache_read_input_tokens))::bigint AS cache_read_input_tokens,
     (sum(h.ephemeral_5m_input_tokens))::bigint AS ephemeral_5m_input_tokens,
     (sum(h.ephemeral_1h_input_tokens))::bigint AS ephemeral_1h_input_tokens,
     (sum(h.thinking_tokens))::bigint AS thinking_tokens,
     (sum(h.web_search_requests))::bigint AS web_search_requests,
     sum(h.cost_usd) AS cost_usd,
     (sum(h.priced))::bigint AS priced,
     (sum(h.unpriced))::bigint AS unpriced,
     (sum(h.estimated))::bigint AS estimated,
     (sum(h.ok_duration_us))::bigint AS ok_duration_us
    FROM public.usage_hourly h
   WHERE ((usage_of_piece.piece = 'hour'::text) AND (h.train = ANY (usage_of_piece.trains)) AND (h.hour >= usage_of_piece.at) AND (h.hour < usage_of_piece.until) AND ((usage_of_piece.of_model IS NULL) OR (h.model = usage_of_piece.of_model)) AND ((usage_of_piece.of_type IS NULL) OR (h.request_type = usage_of_piece.of_type)))
   GROUP BY h.account,
         CASE usage_of_piece.by
             WHEN 'train'::text THEN (h.train)::text
             WHEN 'account'::text THEN (h.account)::text
             WHEN 'model'::text THEN h.model
             WHEN 'type'::text THEN h.request_type
             ELSE ''::text
         END
 UNION ALL
  SELECT f.account,
         CASE usage_of_piece.by
             WHEN 'train'::text THEN (f.train)::text
             WHEN 'account'::text THEN (f.account)::text
             WHEN 'model'::text THEN f.model
             WHEN 'type'::text THEN f.request_type
             ELSE ''::text
         END AS part,
     (sum(f.requests))::bigint AS requests,
     (sum(f.ok))::bigint AS ok,
     (sum(f.cancelled))::bigint AS cancelled,
     (sum(f.rejected))::bigint AS rejected,
     (sum(f.input_tokens))::bigint AS input_tokens,
     (sum(f.output_tokens))::bigint AS output_tokens,
     (sum(f.cache_creation_input_tokens))::bigint AS cache_creation_input_tokens,
     (sum(f.cache_read_input_tokens))::bigint AS cache_read_input_tokens,
     (sum(f.ephemeral_5m_input_tokens))::bigint AS ephemeral_5m_input_tokens,
     (sum(f.ephemeral_1h_input_tokens))::bigint AS ephemeral_1h_input_tokens,
     (sum(f.thinking_tokens))::bigint AS thinking_tokens,
     (sum(f.web_search_requests))::bigint AS web_search_requests,
     sum(f.cost_usd) AS cost_usd,
     (sum(f.priced))::bigint AS priced,
     (sum(f.unpriced))::bigint AS unpriced,
     (sum(f.estimated))::bigint AS estimated,
     (sum(f.ok_duration_us))::bigint AS ok_duration_us
    FROM (( SELECT DISTINCT h.train,
             h.account
            FROM public.usage_hourly h
           WHERE ((usage_of_piece.piece = 'minutes'::text) AND (h.train = ANY (usage_of_piece.trains)) AND (h.hour = date_bin('01:00:00'::interval, usage_of_piece.at, '2000-01-01 00:00:00+00'::timestamp with time zone)))) k
      CROSS JOIN LATERAL ( SELECT m.train,
             m.account,
             m.slot,
             m.model,
             m.request_type,
             m.first_at,
             m.requests,
             m.input_tokens,
             m.output_tokens,
             m.cache_creation_input_tokens,
             m.cache_read_input_tokens,
             m.cost_usd,
             m.unpriced,
             m.ok,
             m.cancelled,
             m.rejected,
             m.ephemeral_5m_input_tokens,
             m.ephemeral_1h_input_tokens,
             m.thinking_tokens,
             m.web_search_requests,
             m.priced,
             m.estimated,
             m.ok_duration_us
            FROM public.usage_five_minutes m
           WHERE ((m.train = k.train) AND (m.account = k.account) AND (m.slot >= usage_of_piece.at) AND (m.slot < usage_of_piece.until))
          OFFSET 0) f)
   WHERE (((usage_of_piece.of_model IS NULL) OR (f.model = usage_of_piece.of_model)) AND ((usage_of_piece.of_type IS NULL) OR (f.request_type = usage_of_piece.of_type)))
   GROUP BY f.account,
         CASE usage_of_piece.by
             WHEN 'train'::text THEN (f.train)::text
             WHEN 'account'::text THEN (f.account)::text
             WHEN 'model'::text THEN f.model
             WHEN 'type'::text THEN f.request_type
             ELSE ''::text
         END;
END;

CREATE FUNCTION public.usage_steps(trains integer[], since timestamp with time zone, until timestamp with time zone, step text, zone text) RETURNS TABLE(starts_at timestamp with time zone, taken_off timestamp with time zone, piece text, at timestamp with time zone, up_to timestamp with time zone)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
 SELECT p.starts_at,
     p.taken_off,
     p.piece,
     p.at,
     p.up_to
    FROM ((( SELECT p_1.since,
             p_1.until,
                 CASE
                     WHEN (usage_steps.step = 'hour'::text) THEN p_1.until
                     ELSE public.whole_days_from(p_1.since, p_1.until)
                 END AS first,
                 CASE
                     WHEN (usage_steps.step = 'hour'::text) THEN p_1.until
                     ELSE public.whole_days_to(p_1.since, p_1.until)
                 END AS last
            FROM ( SELECT GREATEST(date_bin('00:05:00'::interval, usage_steps.since, '2000-01-01 00:00:00+00'::timestamp with time zone), COALESCE(min(k.first), usage_steps.until)) AS since,
                     LEAST(usage_steps.until, (max(k.last) + '24:00:00'::interval)) AS until
                    FROM (unnest(usage_steps.trains) t(train)
                      CROSS JOIN LATERAL ( SELECT ( SELECT d.day
                                    FROM public.usage_daily d
                                   WHERE (d.train = t.train)
                                   ORDER BY d.day
                                  LIMIT 1) AS first,
                             ( SELECT d.day
                                    FROM public.usage_daily d
                                   WHERE (d.train = t.train)
                                   ORDER BY d.day DESC
                                  LIMIT 1) AS last) k)) p_1
          OFFSET 0) b
      CROSS JOIN LATERAL ( SELECT m.own,
             m.before,
             m.begun,
             m.ended,
             date_bin('1 day'::interval, m.begun, '2000-01-01 00:00:00+00'::timestamp with time zone) AS day
            FROM ( SELECT n.begun AS own,
                     lag(n.begun) OVER w AS before,
                         CASE
                             WHEN (lag(n.begun) OVER w IS NULL) THEN b.since
                             ELSE n.begun
                         END AS begun,
                     COALESCE(lead(n.begun) OVER w, b.until) AS ended
                    FROM unnest(
                         CASE usage_steps.step
                             WHEN 'all'::text THEN ARRAY[usage_steps.since]
                             WHEN 'hour'::text THEN ARRAY( SELECT h.hour
                                FROM generate_series(date_bin('01:00:00'::interval, b.since, '2000-01-01 00:00:00+00'::timestamp with time zone), (b.until - '00:00:00.000001'::interval), '01:00:00'::interval) h(hour))
                             ELSE ARRAY( SELECT (((d.midnight - '00:00:00.000001'::interval) AT TIME ZONE usage_steps.zone) + '00:00:00.000001'::interval)
                                FROM generate_series(date_trunc(usage_steps.step, (b.since AT TIME ZONE usage_steps.zone)), (b.until AT TIME ZONE usage_steps.zone), (('1 '::text || usage_steps.step))::interval) d(midnight))
                         END) n(begun)
                   WINDOW w AS (ORDER BY n.begun)) m) s)
      CROSS JOIN LATERAL ( SELECT s.own AS starts_at,
             NULL::timestamp with time zone AS taken_off,
             'day'::text AS piece,
             date_bin('1 day'::interval, (GREATEST(s.begun, b.first) + '11:59:59.999999'::interval), '2000-01-01 00:00:00+00'::timestamp with time zone) AS at,
             date_bin('1 day'::interval, (LEAST(s.ended, b.last) + '11:59:59.999999'::interval), '2000-01-01 00:00:00+00'::timestamp with time zone) AS up_to
         UNION ALL
          SELECT c.starts_at,
             c.taken_off,
             e.piece,
             e.at,
             e.up_to
            FROM ((( VALUES (s.own,NULL::timestamp with time zone,s.begun,LEAST(s.ended, b.first),true), (s.own,NULL::timestamp with time zone,GREATEST(s.begun, b.last),LEAST(s.ended, b.until),true), (s.before,s.own,s.day,s.begun,((s.begun > b.first) AND (s.begun < b.last) AND (s.begun <= (s.day + '12:00:00'::interval)))), (s.own,s.before,s.begun,(s.day + '24:00:00'::interval),((s.begun > b.first) AND (s.begun < b.last) AND (s.begun > (s.day + '12:00:00'::interval))))) c(starts_at, taken_off, at, up_to, counts)
              CROSS JOIN LATERAL ( SELECT date_bin('01:00:00'::interval, (c.at + '00:59:59.999999'::interval), '2000-01-01 00:00:00+00'::timestamp with time zone) AS first,
                     date_bin('01:00:00'::interval, c.up_to, '2000-01-01 00:00:00+00'::timestamp with time zone) AS last) h)
              CROSS JOIN LATERAL ( VALUES ('minutes'::text,c.at,LEAST(h.first, c.up_to)), ('hour'::text,h.first,h.last), ('minutes'::text,GREATEST(h.last, LEAST(h.first, c.up_to)),c.up_to)) e(piece, at, up_to))
           WHERE (c.counts AND (c.at < c.up_to))) p)
   WHERE (p.at < p.up_to);
END;

CREATE FUNCTION public.usage_sums(trains integer[], since timestamp with time zone, until timestamp with time zone) RETURNS TABLE(train integer, requests bigint, ok bigint, cancelled bigint, rejected bigint, input_tokens bigint, output_tokens bigint, cache_creation_input_tokens bigint, cache_read_input_tokens bigint, ephemeral_5m_input_tokens bigint, ephemeral_1h_input_tokens bigint, cost_usd numeric, priced bigint, unpriced bigint, estimated bigint, ok_duration_us bigint)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
 SELECT t.train,
     u.requests,
     u.ok,
     u.cancelled,
     u.rejected,
     u.input_tokens,
     u.output_tokens,
     u.cache_creation_input_tokens,
     u.cache_read_input_tokens,
     u.ephemeral_5m_input_tokens,
     u.ephemeral_1h_input_tokens,
     u.cost_usd,
     u.priced,
     u.unpriced,
     u.estimated,
     u.ok_duration_us
    FROM (unnest(usage_sums.trains) t(train)
      CROSS JOIN LATERAL ( SELECT (sum(d.requests))::bigint AS requests,
             (sum(d.ok))::bigint AS ok,
             (sum(d.cancelled))::bigint AS cancelled,
             (sum(d.rejected))::bigint AS rejected,
             (sum(d.input_tokens))::bigint AS input_tokens,
             (sum(d.output_tokens))::bigint AS output_tokens,
             (sum(d.cache_creation_input_tokens))::bigint AS cache_creation_input_tokens,
             (sum(d.cache_read_input_tokens))::bigint AS cache_read_input_tokens,
             (sum(d.ephemeral_5m_input_tokens))::bigint AS ephemeral_5m_input_tokens,
             (sum(d.ephemeral_1h_input_tokens))::bigint AS ephemeral_1h_input_tokens,
             sum(d.cost_usd) AS cost_usd,
             (sum(d.priced))::bigint AS priced,
             (sum(d.unpriced))::bigint AS unpriced,
             (sum(d.estimated))::bigint AS estimated,
             (sum(d.ok_duration_us))::bigint AS ok_duration_us
            FROM public.usage_daily d
           WHERE ((d.train = t.train) AND (d.day >= public.whole_days_from(usage_sums.since, usage_sums.until)) AND (d.day < public.whole_days_to(usage_sums.since, usage_sums.until)))) u)
 UNION ALL
  SELECT t.train,
     u.requests,
     u.ok,
     u.cancelled,
     u.rejected,
     u.input_tokens,
     u.output_tokens,
     u.cache_creation_input_tokens,
     u.cache_read_input_tokens,
     u.ephemeral_5m_input_tokens,
     u.ephemeral_1h_input_tokens,
     u.cost_usd,
     u.priced,
     u.unpriced,
     u.estimated,
     u.ok_duration_us
    FROM (unnest(usage_sums.trains) t(train)
      CROSS JOIN LATERAL ( SELECT (sum(h.requests))::bigint AS requests,
             (sum(h.ok))::bigint AS ok,
             (sum(h.cancelled))::bigint AS cancelled,
             (sum(h.rejected))::bigint AS rejected,
             (sum(h.input_tokens))::bigint AS input_tokens,
             (sum(h.output_tokens))::bigint AS output_tokens,
             (sum(h.cache_creation_input_tokens))::bigint AS cache_creation_input_tokens,
             (sum(h.cache_read_input_tokens))::bigint AS cache_read_input_tokens,
             (sum(h.ephemeral_5m_input_tokens))::bigint AS ephemeral_5m_input_tokens,
             (sum(h.ephemeral_1h_input_tokens))::bigint AS ephemeral_1h_input_tokens,
             sum(h.cost_usd) AS cost_usd,
             (sum(h.priced))::bigint AS priced,
             (sum(h.unpriced))::bigint AS unpriced,
             (sum(h.estimated))::bigint AS estimated,
             (sum(h.ok_duration_us))::bigint AS ok_duration_us
            FROM public.usage_hourly h
           WHERE ((h.train = t.train) AND (h.hour >= public.whole_hours_from(usage_sums.since, usage_sums.until)) AND (h.hour < LEAST(public.whole_days_from(usage_sums.since, usage_sums.until), public.whole_hours_to(usage_sums.since, usage_sums.until))))) u)
 UNION ALL
  SELECT t.train,
     u.requests,
     u.ok,
     u.cancelled,
     u.rejected,
     u.input_tokens,
     u.output_tokens,
     u.cache_creation_input_tokens,
     u.cache_read_input_tokens,
     u.ephemeral_5m_input_tokens,
     u.ephemeral_1h_input_tokens,
     u.cost_usd,
     u.priced,
     u.unpriced,
     u.estimated,
     u.ok_duration_us
    FROM (unnest(usage_sums.trains) t(train)
      CROSS JOIN LATERAL ( SELECT (sum(h.requests))::bigint AS requests,
             (sum(h.ok))::bigint AS ok,
             (sum(h.cancelled))::bigint AS cancelled,
             (sum(h.rejected))::bigint AS rejected,
             (sum(h.input_tokens))::bigint AS input_tokens,
             (sum(h.output_tokens))::bigint AS output_tokens,
             (sum(h.cache_creation_input_tokens))::bigint AS cache_creation_input_tokens,
             (sum(h.cache_read_input_tokens))::bigint AS cache_read_input_tokens,
             (sum(h.ephemeral_5m_input_tokens))::bigint AS ephemeral_5m_input_tokens,
             (sum(h.ephemeral_1h_input_tokens))::bigint AS ephemeral_1h_input_tokens,
             sum(h.cost_usd) AS cost_usd,
             (sum(h.priced))::bigint AS priced,
             (sum(h.unpriced))::bigint AS unpriced,
             (sum(h.estimated))::bigint AS estimated,
             (sum(h.ok_duration_us))::bigint AS ok_duration_us
            FROM public.usage_hourly h
           WHERE ((h.train = t.train) AND (h.hour >= GREATEST(public.whole_days_to(usage_sums.since, usage_sums.until), public.whole_hours_from(usage_sums.since, usage_sums.until))) AND (h.hour < public.whole_hours_to(usage_sums.since, usage_sums.until)))) u)
 UNION ALL
  SELECT e.train,
     (sum(e.requests))::bigint AS requests,
     (sum(e.ok))::bigint AS ok,
     (sum(e.cancelled))::bigint AS cancelled,
     (sum(e.rejected))::bigint AS rejected,
     (sum(e.input_tokens))::bigint AS input_tokens,
     (sum(e.output_tokens))::bigint AS output_tokens,
     (sum(e.cache_creation_input_tokens))::bigint AS cache_creation_input_tokens,
     (sum(e.cache_read_input_tokens))::bigint AS cache_read_input_tokens,
     (sum(e.ephemeral_5m_input_tokens))::bigint AS ephemeral_5m_input_tokens,
     (sum(e.ephemeral_1h_input_tokens))::bigint AS ephemeral_1h_input_tokens,
     sum(e.cost_usd) AS cost_usd,
     (sum(e.priced))::bigint AS priced,
     (sum(e.unpriced))::bigint AS unpriced,
     (sum(e.estimated))::bigint AS estimated,
     (sum(e.ok_duration_us))::bigint AS ok_duration_us
    FROM public.usage_at_ends(usage_sums.trains, usage_sums.since, usage_sums.until) e(at, train, account, model, request_type, requests, ok, cancelled, rejected, input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens, ephemeral_5m_input_tokens, ephemeral_1h_input_tokens, thinking_tokens, web_search_requests, cost_usd, priced, unpriced, estimated, ok_duration_us)
   GROUP BY e.train;
END;

CREATE FUNCTION public.uuid7_floor(moment timestamp with time zone) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ((lpad(to_hex((floor((EXTRACT(epoch FROM moment) * (1000)::numeric)))::bigint), 12, '0'::text) || '70008000000000000000'::text))::uuid;

CREATE FUNCTION public.uuid7_time(id uuid) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN to_timestamp((((((('x'::text || translate("left"((id)::text, 13), '-'::text, ''::text)))::bit(48))::bigint)::numeric / 1000.0))::double precision);

CREATE FUNCTION public.uuid7_month(id uuid) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ((SELECT ((EXTRACT(year FROM moment.day) * (100)::numeric) + EXTRACT(month FROM moment.day)) FROM (SELECT (public.uuid7_time(uuid7_month.id) AT TIME ZONE 'UTC'::text) AS day) moment))::integer;

CREATE TABLE public.account_hmacs (
    credential_hmac text NOT NULL,
    account integer NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT account_hmacs_credential_hmac_check CHECK ((credential_hmac ~ '^[0-9a-f]{32}$'::text))
);

CREATE TABLE public.account_windows (
    account integer NOT NULL,
    window_name text NOT NULL,
    source text NOT NULL,
    reset_about timestamp with time zone GENERATED ALWAYS AS (date_bin('00:05:00'::interval, reset_at, '1999-12-31 23:57:30+00'::timestamp with time zone)) STORED,
    reset_at timestamp with time zone,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    utilization double precision,
    status text,
    more jsonb,
    peak double precision,
    rejected_at timestamp with time zone,
    CONSTRAINT account_windows_check CHECK ((first_at <= last_at)),
    CONSTRAINT account_windows_source_check CHECK ((source = ANY (ARRAY['reported'::text, 'polled'::text]))),
    CONSTRAINT account_windows_window_name_check CHECK (((window_name <> ''::text) AND (length(window_name) <= 64)))
);

COMMENT ON COLUMN public.account_windows.peak IS 'The highest utilisation that was seen in it.';

COMMENT ON COLUMN public.account_windows.rejected_at IS 'When it first refused a call because it was used up.';

CREATE TABLE public.accounts (
    account integer NOT NULL,
    account_id text NOT NULL,
    kind text NOT NULL,
    strength text NOT NULL,
    display_name text,
    merged_into integer,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT accounts_account_id_check CHECK ((length(account_id) <= 128)),
    CONSTRAINT accounts_check CHECK ((merged_into <> account)),
    CONSTRAINT accounts_kind_check CHECK ((kind = ANY (ARRAY['api_key'::text, 'oauth'::text]))),
    CONSTRAINT accounts_strength_check CHECK ((strength = ANY (ARRAY['hmac'::text, 'organization'::text, 'account_uuid'::text, 'api_key'::text])))
);

ALTER TABLE public.accounts ALTER COLUMN account ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.accounts_account_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.alert_deliveries (
    delivery bigint NOT NULL,
    alert bigint NOT NULL,
    channel integer,
    tried_at timestamp with time zone DEFAULT now() NOT NULL,
    outcome text NOT NULL,
    status smallint,
    detail text NOT NULL,
    CONSTRAINT alert_deliveries_detail_check CHECK ((length(detail) <= 400)),
    CONSTRAINT alert_deliveries_outcome_check CHECK ((outcome = ANY (ARRAY['sent'::text, 'again'::text, 'never'::text])))
);

COMMENT ON COLUMN public.alert_deliveries.outcome IS 'Slack took it; it is to be asked again; it never will take it.';

ALTER TABLE public.alert_deliveries ALTER COLUMN delivery ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alert_deliveries_delivery_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.alert_rules (
    kind text NOT NULL,
    enabled boolean NOT NULL,
    thresholds double precision[] NOT NULL,
    minimum_interval interval NOT NULL,
    quiet_from time without time zone,
    quiet_until time without time zone,
    zone text NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    enabled_since timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    CONSTRAINT alert_rules_check CHECK ((((quiet_from IS NULL) = (quiet_until IS NULL)) AND (quiet_from <> quiet_until))),
    CONSTRAINT alert_rules_kind_check CHECK (((length(kind) >= 1) AND (length(kind) <= 32))),
    CONSTRAINT alert_rules_minimum_interval_check CHECK (((minimum_interval >= '00:00:00'::interval) AND (minimum_interval <= '7 days'::interval))),
    CONSTRAINT alert_rules_zone_check CHECK ((length(zone) <= 64))
);

COMMENT ON COLUMN public.alert_rules.minimum_interval IS 'Between two messages of the kind on one channel; what comes in between is summed up in one.';

COMMENT ON COLUMN public.alert_rules.quiet_from IS 'From this hour of the zone on nothing is told; before quiet_until, which may be of the next day.';

COMMENT ON COLUMN public.alert_rules.enabled_since IS 'When the rule was switched on again last.';

CREATE TABLE public.alert_snoozes (
    kind text NOT NULL,
    subject text NOT NULL,
    until timestamp with time zone NOT NULL,
    snoozed_by text NOT NULL
);

CREATE TABLE public.alerts (
    alert bigint NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    dedupe_key text NOT NULL,
    tone text NOT NULL,
    train integer,
    account integer,
    told jsonb NOT NULL,
    raised_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    recovered_at timestamp with time zone,
    recovery_of bigint,
    state text DEFAULT 'waiting'::text NOT NULL,
    reason text,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    channel integer,
    claim uuid,
    claimed_until timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    lost_marks integer DEFAULT 0 NOT NULL,
    sent_at timestamp with time zone,
    message_ts text,
    message jsonb,
    summed_in bigint,
    acknowledged_by text,
    acknowledged_at timestamp with time zone,
    CONSTRAINT alerts_check CHECK (((claim IS NOT NULL) = (state = ANY (ARRAY['claimed'::text, 'sending'::text])))),
    CONSTRAINT alerts_check1 CHECK (((claim IS NULL) = (claimed_until IS NULL))),
    CONSTRAINT alerts_check2 CHECK (((sent_at IS NOT NULL) = (state = 'sent'::text))),
    CONSTRAINT alerts_check3 CHECK (((summed_in IS NOT NULL) = (state = 'summed'::text))),
    CONSTRAINT alerts_check4 CHECK (((acknowledged_by IS NULL) = (acknowledged_at IS NULL))),
    CONSTRAINT alerts_dedupe_key_check CHECK (((length(dedupe_key) >= 1) AND (length(dedupe_key) <= 500))),
    CONSTRAINT alerts_kind_check CHECK (((length(kind) >= 1) AND (length(kind) <= 32))),
    CONSTRAINT alerts_message_ts_check CHECK ((length(message_ts) <= 64)),
    CONSTRAINT alerts_reason_check CHECK ((length(reason) <= 400)),
    CONSTRAINT alerts_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'claimed'::text, 'sending'::text, 'sent'::text, 'summed'::text, 'dropped'::text, 'failed'::text, 'unsure'::text]))),
    CONSTRAINT alerts_subject_check CHECK (((length(subject) >= 1) AND (length(subject) <= 400))),
    CONSTRAINT alerts_tone_check CHECK ((tone = ANY (ARRAY['good'::text, 'info'::text, 'warning'::text, 'danger'::text])))
);

COMMENT ON COLUMN public.alerts.subject IS 'What it is about, the same for every alert of one thing: snoozes and recoveries go by kind and subject.';

COMMENT ON COLUMN public.alerts.told IS 'What is said (core/alerts/told.py); without secrets.';

COMMENT ON COLUMN public.alerts.expires_at IS 'From then on it does not matter any more: the window was reset, the day of the budget is over.';

COMMENT ON COLUMN public.alerts.recovered_at IS 'When what it is about was over.';

COMMENT ON COLUMN public.alerts.due_at IS 'Not sent earlier: quiet hours, the interval of its kind, a retry.';

COMMENT ON COLUMN public.alerts.lost_marks IS 'Claims that ran out while Slack was being asked: it may have heard the message.';

COMMENT ON COLUMN public.alerts.message_ts IS 'Slack''s name of the message, where a bot sent it: replies go to its thread.';

COMMENT ON COLUMN public.alerts.message IS 'The payload as Slack last got it.';

ALTER TABLE public.alerts ALTER COLUMN alert ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alerts_alert_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.requests (
    train integer NOT NULL,
    id uuid NOT NULL,
    original_id uuid,
    node text NOT NULL,
    account integer,
    key_id text,
    method text NOT NULL,
    path text NOT NULL,
    query text,
    request_type text,
    model text,
    answered_model text,
    stream boolean,
    client text,
    client_version text,
    session_id text,
    agent_id text,
    parent_agent_id text,
    retry_count integer,
    outcome text,
    status_code smallint,
    error_type text,
    error_message text,
    parse_error text,
    note text,
    upstream_request_id text,
    message_id text,
    stop_reason text,
    input_tokens bigint,
    output_tokens bigint,
    total_tokens bigint GENERATED ALWAYS AS ((input_tokens + output_tokens)) STORED,
    cache_creation_input_tokens bigint,
    cache_read_input_tokens bigint,
    ephemeral_5m_input_tokens bigint,
    ephemeral_1h_input_tokens bigint,
    thinking_tokens bigint,
    web_search_requests bigint,
    web_fetch_requests bigint,
    code_execution_requests bigint,
    service_tier text,
    inference_geo text,
    speed text,
    usage jsonb,
    usage_complete boolean,
    cost_usd numeric,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    ttft_us bigint,
    duration_us bigint,
    timings jsonb,
    request_bytes bigint,
    response_bytes bigint,
    delivered_bytes bigint,
    request_sha256 bytea,
    response_sha256 bytea,
    request_headers jsonb DEFAULT '[]'::jsonb NOT NULL,
    response_headers jsonb,
    event_count integer,
    lost_frames integer DEFAULT 0 NOT NULL,
    conversation_id uuid,
    branch_id text,
    parent_request_id uuid,
    link_method text,
    current_message_hash character varying(64),
    parent_message_hash character varying(64),
    is_subtask boolean DEFAULT false NOT NULL,
    parent_task_request_id uuid,
    task_tool_invocation jsonb,
    attempt_of uuid,
    deriver_version integer NOT NULL,
    side_call text,
    identity_version integer,
    item_count integer,
    preview text,
    price_id text,
    cost_estimated boolean,
    cost_reason text,
    batch_id text,
    CONSTRAINT requests_check CHECK (((outcome IS NULL) = (ended_at IS NULL))),
    CONSTRAINT requests_duration_us_check CHECK ((duration_us >= 0)),
    CONSTRAINT requests_outcome_check CHECK ((outcome = ANY (ARRAY['ok'::text, 'upstream_error'::text, 'stream_error'::text, 'upstream_reset'::text, 'upstream_incomplete'::text, 'upstream_timeout'::text, 'upstream_unreachable'::text, 'client_cancelled'::text, 'client_timeout'::text, 'rejected'::text, 'proxy_shutdown'::text, 'proxy_crash'::text]))),
    CONSTRAINT requests_preview_check CHECK ((length(preview) <= 200)),
    CONSTRAINT requests_request_sha256_check CHECK ((length(request_sha256) = 32)),
    CONSTRAINT requests_request_type_check CHECK ((request_type = ANY (ARRAY['inference'::text, 'query_evaluation'::text, 'quota'::text]))),
    CONSTRAINT requests_response_sha256_check CHECK ((length(response_sha256) = 32)),
    CONSTRAINT requests_ttft_us_check CHECK ((ttft_us >= 0))
)
PARTITION BY RANGE (id);

COMMENT ON COLUMN public.requests.cost_usd IS 'By the price valid at its start; null: unknown where cost_reason says why, else nothing was sold.';

COMMENT ON COLUMN public.requests.side_call IS 'What a call beside the conversation is for (title, quota, topic …); null where it is none.';

COMMENT ON COLUMN public.requests.item_count IS 'Items of its own messages in normal form; the state current_message_hash is the chain after them.';

COMMENT ON COLUMN public.requests.preview IS 'First 200 characters of the last user text that this request added; null where it added only tool results.';

COMMENT ON COLUMN public.requests.cost_reason IS 'Why the cost is an estimate, or why there is none.';

COMMENT ON COLUMN public.requests.batch_id IS 'The message batch whose results this request fetched whole, before any other of its train: its usage counts here.';

CREATE TABLE public.response_bodies (
    train integer NOT NULL,
    id uuid NOT NULL,
    raw bytea NOT NULL,
    decoded bytea,
    message jsonb,
    chunk_sizes integer[] NOT NULL,
    decoded_sizes integer[],
    chunk_at_us bigint[] NOT NULL,
    size bigint NOT NULL,
    sha256 bytea NOT NULL,
    CONSTRAINT response_bodies_check CHECK ((cardinality(chunk_at_us) = cardinality(chunk_sizes))),
    CONSTRAINT response_bodies_check1 CHECK ((cardinality(decoded_sizes) = cardinality(chunk_sizes))),
    CONSTRAINT response_bodies_sha256_check CHECK ((length(sha256) = 32))
)
PARTITION BY RANGE (id);

CREATE TABLE public.trains (
    train integer NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    linkings bigint DEFAULT 0 NOT NULL,
    CONSTRAINT trains_name_check CHECK (((name ~ '^[a-zA-Z0-9._:-]+$'::text) AND (length(name) <= 128)))
);

CREATE VIEW public.api_requests AS
 SELECT r.id,
    t.name AS train_id,
    a.account_id,
    r.method,
    r.path,
    (r.status_code)::integer AS status_code,
    r.error_type,
    r.error_message,
    COALESCE(r.answered_model, r.model) AS model,
    r.request_type,
    r.input_tokens,
    r.output_tokens,
    r.total_tokens,
    (r.duration_us / 1000) AS response_time_ms,
    public.readable_json(public.request_body(r.train, r.id)) AS request_body,
    COALESCE(b.message, public.readable_json(COALESCE(b.decoded, b.raw))) AS response_body,
    ( SELECT jsonb_object_agg((h.value ->> 0), (h.value ->> 1)) AS jsonb_object_agg
           FROM jsonb_array_elements(r.request_headers) h(value)) AS headers,
    r.conversation_id,
    r.branch_id,
    r.current_message_hash,
    r.parent_message_hash,
    r.is_subtask,
    r.parent_task_request_id,
    r.task_tool_invocation,
    r.started_at AS created_at,
    r.updated_at
   FROM ((((public.requests r
     JOIN public.trains t ON ((t.train = r.train)))
     LEFT JOIN public.response_bodies b ON (((b.train = r.train) AND (b.id = r.id))))
     LEFT JOIN public.accounts first ON ((first.account = r.account)))
     LEFT JOIN public.accounts a ON ((a.account = COALESCE(first.merged_into, first.account))));

CREATE TABLE public.batch_results (
    train integer NOT NULL,
    batch_id text NOT NULL,
    request uuid NOT NULL
);

COMMENT ON TABLE public.batch_results IS 'Which request is counted for a batch: results may be fetched any number of times.';

CREATE TABLE public.batch_usage (
    train integer NOT NULL,
    request uuid NOT NULL,
    model text NOT NULL,
    messages integer NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cache_creation_input_tokens bigint NOT NULL,
    cache_read_input_tokens bigint NOT NULL,
    ephemeral_5m_input_tokens bigint NOT NULL,
    ephemeral_1h_input_tokens bigint NOT NULL,
    thinking_tokens bigint NOT NULL,
    web_search_requests bigint NOT NULL,
    cost_usd numeric NOT NULL
);

COMMENT ON TABLE public.batch_usage IS 'The messages of a counted batch by the model that answered; cost_usd is of those that have a price.';

CREATE TABLE public.branches (
    train integer NOT NULL,
    conversation_id uuid NOT NULL,
    branch_id text NOT NULL,
    parent_hash character varying(64),
    first_request uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    message_count integer DEFAULT 0 NOT NULL
);

CREATE TABLE public.budgets (
    budget integer NOT NULL,
    train integer NOT NULL,
    key_id text,
    unit text NOT NULL,
    amount numeric(18,6) NOT NULL,
    period text NOT NULL,
    zone text NOT NULL,
    hard boolean DEFAULT false NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT budgets_amount_check CHECK ((amount > (0)::numeric)),
    CONSTRAINT budgets_key_id_check CHECK (((length(key_id) >= 1) AND (length(key_id) <= 256))),
    CONSTRAINT budgets_period_check CHECK ((period = ANY (ARRAY['day'::text, 'week'::text, 'month'::text]))),
    CONSTRAINT budgets_unit_check CHECK ((unit = ANY (ARRAY['usd'::text, 'tokens'::text]))),
    CONSTRAINT budgets_zone_check CHECK ((length(zone) <= 64))
);

COMMENT ON COLUMN public.budgets.unit IS 'usd of priced requests, or tokens: input and output as reported.';

COMMENT ON COLUMN public.budgets.hard IS 'Whether the proxy is to refuse what goes beyond; a soft one only warns.';

ALTER TABLE public.budgets ALTER COLUMN budget ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.budgets_budget_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.channels (
    channel integer NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    origin text NOT NULL,
    sealed bytea,
    masked text NOT NULL,
    destination text,
    train integer,
    account integer,
    off_reason text,
    off_at timestamp with time zone,
    not_before timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    last_sent_at timestamp with time zone,
    created_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    away_since timestamp with time zone,
    away_until timestamp with time zone,
    CONSTRAINT channels_away CHECK (((away_until IS NULL) OR (away_until >= away_since))),
    CONSTRAINT channels_check CHECK ((num_nonnulls(train, account) <= 1)),
    CONSTRAINT channels_check1 CHECK (((kind = 'bot'::text) = (destination IS NOT NULL))),
    CONSTRAINT channels_check2 CHECK (((origin = 'environment'::text) = (sealed IS NULL))),
    CONSTRAINT channels_check3 CHECK (((off_reason IS NULL) = (off_at IS NULL))),
    CONSTRAINT channels_destination_check CHECK (((length(destination) >= 1) AND (length(destination) <= 80))),
    CONSTRAINT channels_failures_check CHECK ((failures >= 0)),
    CONSTRAINT channels_kind_check CHECK ((kind = ANY (ARRAY['webhook'::text, 'bot'::text]))),
    CONSTRAINT channels_masked_check CHECK ((length(masked) <= 200)),
    CONSTRAINT channels_name_check CHECK (((length(name) >= 1) AND (length(name) <= 80))),
    CONSTRAINT channels_off_reason_check CHECK ((length(off_reason) <= 400)),
    CONSTRAINT channels_origin_check CHECK ((origin = ANY (ARRAY['environment'::text, 'page'::text])))
);

COMMENT ON COLUMN public.channels.sealed IS 'Webhook URL or bot token, AES-256-GCM under the installation''s secret; the one of the environment is not kept.';

COMMENT ON COLUMN public.channels.masked IS 'What may be shown of it.';

COMMENT ON COLUMN public.channels.destination IS 'Which Slack conversation a bot writes to.';

COMMENT ON COLUMN public.channels.off_reason IS 'Why nothing is sent any more: Slack said it never will work, or somebody switched it off.';

COMMENT ON COLUMN public.channels.not_before IS 'Nothing is sent earlier: one message a second, retry-after, back-off.';

COMMENT ON COLUMN public.channels.away_since IS 'Since when Slack took nothing, the last time that happened.';

COMMENT ON COLUMN public.channels.away_until IS 'When it took something again; none while it still does not.';

ALTER TABLE public.channels ALTER COLUMN channel ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.channels_channel_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.conversation_aliases (
    train integer NOT NULL,
    alias uuid NOT NULL,
    conversation_id uuid NOT NULL,
    CONSTRAINT conversation_aliases_check CHECK ((alias <> conversation_id))
);

CREATE TABLE public.conversations (
    train integer NOT NULL,
    conversation_id uuid NOT NULL,
    title text,
    side_call text,
    account integer,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    message_count integer DEFAULT 0 NOT NULL,
    attempt_count integer DEFAULT 0 NOT NULL,
    error_count integer DEFAULT 0 NOT NULL,
    in_flight integer DEFAULT 0 NOT NULL,
    branch_count integer DEFAULT 0 NOT NULL,
    subtask_count integer DEFAULT 0 NOT NULL,
    compaction_count integer DEFAULT 0 NOT NULL,
    input_tokens bigint DEFAULT 0 NOT NULL,
    output_tokens bigint DEFAULT 0 NOT NULL,
    cache_creation_input_tokens bigint DEFAULT 0 NOT NULL,
    cache_read_input_tokens bigint DEFAULT 0 NOT NULL,
    cost_usd numeric,
    models text[] DEFAULT '{}'::text[] NOT NULL,
    session_ids text[] DEFAULT '{}'::text[] NOT NULL,
    latest_request uuid NOT NULL,
    latest_status_code smallint,
    latest_model text,
    shape jsonb DEFAULT '[]'::jsonb NOT NULL,
    unpriced_count integer DEFAULT 0 NOT NULL,
    estimated_count integer DEFAULT 0 NOT NULL,
    subtask_slots jsonb DEFAULT '{}'::jsonb CONSTRAINT conversations_subtask_hours_not_null NOT NULL,
    latest_started_at timestamp with time zone
);

COMMENT ON COLUMN public.conversations.cost_usd IS 'Of its priced requests, attempts included; null where none is.';

COMMENT ON COLUMN public.conversations.subtask_slots IS 'How many of subtask_count were launched in which five minutes, counted from 1970.';

COMMENT ON COLUMN public.conversations.latest_started_at IS 'When latest_request began.';

CREATE TABLE public.dead_letters (
    dead_letter uuid DEFAULT gen_random_uuid() NOT NULL,
    request_id uuid NOT NULL,
    node text NOT NULL,
    train_name text NOT NULL,
    sqlstate text,
    error text NOT NULL,
    raw bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.failures (
    train integer NOT NULL,
    request uuid NOT NULL,
    rivals bytea NOT NULL,
    failed_at_us bigint NOT NULL,
    retry_count integer,
    claimed_by uuid
);

COMMENT ON COLUMN public.failures.rivals IS '16 bytes: equal for requests that may be attempts of one another.';

COMMENT ON COLUMN public.failures.claimed_by IS 'The request that is its next attempt.';

CREATE TABLE public.installation (
    only_row boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    price_changes bigint DEFAULT 0 NOT NULL,
    CONSTRAINT installation_only_row_check CHECK (only_row)
);

CREATE TABLE public.key_usage (
    train integer NOT NULL,
    key_id text NOT NULL,
    quarter timestamp with time zone NOT NULL,
    requests bigint DEFAULT 0 NOT NULL,
    input_tokens bigint DEFAULT 0 NOT NULL,
    output_tokens bigint DEFAULT 0 NOT NULL,
    cost_usd numeric DEFAULT 0 NOT NULL,
    unpriced bigint DEFAULT 0 NOT NULL
);

COMMENT ON TABLE public.key_usage IS 'What went through each client key by quarters of an hour, for its budgets.';

COMMENT ON COLUMN public.key_usage.quarter IS 'Its first moment; midnight is one wherever people live.';

CREATE TABLE public.latency_hourly (
    train integer NOT NULL,
    hour timestamp with time zone NOT NULL,
    model text NOT NULL,
    bucket smallint NOT NULL,
    durations bigint DEFAULT 0 NOT NULL,
    first_tokens bigint DEFAULT 0 NOT NULL,
    CONSTRAINT latency_hourly_bucket_check CHECK (((bucket >= 0) AND (bucket <= 47)))
);

COMMENT ON TABLE public.latency_hourly IS 'Of ok requests: how many took so long (durations), and how many had their first token after so long.';

CREATE TABLE public.link_corrections (
    train integer NOT NULL,
    request uuid NOT NULL,
    parent uuid,
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT link_corrections_check CHECK ((parent < request))
);

CREATE TABLE public.link_keys (
    train integer NOT NULL,
    kind smallint NOT NULL,
    key bytea NOT NULL,
    request uuid NOT NULL,
    lane bytea NOT NULL,
    client text NOT NULL,
    started_us bigint NOT NULL,
    state bytea,
    messages integer DEFAULT 0 NOT NULL,
    answered boolean DEFAULT false NOT NULL,
    failed boolean DEFAULT false NOT NULL,
    first bytea,
    summary bytea
);

CREATE TABLE public.migrations (
    number integer NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.notifiers (
    notifier uuid NOT NULL,
    webhook text NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    CONSTRAINT notifiers_webhook_check CHECK (((length(webhook) >= 1) AND (length(webhook) <= 16)))
);

COMMENT ON COLUMN public.notifiers.webhook IS '"none", or by what its SLACK_WEBHOOK_URL is told from another: a part of a keyed hash; "unknown" without a key.';

CREATE TABLE public.prices (
    price integer NOT NULL,
    model text NOT NULL,
    valid_from timestamp with time zone,
    valid_to timestamp with time zone,
    min_prompt bigint DEFAULT 0 NOT NULL,
    max_prompt bigint,
    speed text DEFAULT 'standard'::text NOT NULL,
    input numeric(14,6) NOT NULL,
    output numeric(14,6) NOT NULL,
    cache_write_5m numeric(14,6) NOT NULL,
    cache_write_1h numeric(14,6) NOT NULL,
    cache_read numeric(14,6) NOT NULL,
    unconfirmed text[] DEFAULT '{}'::text[] NOT NULL,
    source text,
    created_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_by text,
    deleted_at timestamp with time zone,
    CONSTRAINT prices_cache_read_check CHECK ((cache_read >= (0)::numeric)),
    CONSTRAINT prices_cache_write_1h_check CHECK ((cache_write_1h >= (0)::numeric)),
    CONSTRAINT prices_cache_write_5m_check CHECK ((cache_write_5m >= (0)::numeric)),
    CONSTRAINT prices_check CHECK ((valid_from < valid_to)),
    CONSTRAINT prices_check1 CHECK ((min_prompt <= max_prompt)),
    CONSTRAINT prices_check2 CHECK (((deleted_by IS NULL) = (deleted_at IS NULL))),
    CONSTRAINT prices_input_check CHECK ((input >= (0)::numeric)),
    CONSTRAINT prices_min_prompt_check CHECK ((min_prompt >= 0)),
    CONSTRAINT prices_model_check CHECK (((length(model) >= 1) AND (length(model) <= 128))),
    CONSTRAINT prices_output_check CHECK ((output >= (0)::numeric)),
    CONSTRAINT prices_source_check CHECK ((length(source) <= 500)),
    CONSTRAINT prices_speed_check CHECK (((length(speed) >= 1) AND (length(speed) <= 32))),
    CONSTRAINT prices_unconfirmed_check CHECK ((unconfirmed <@ ARRAY['input'::text, 'output'::text, 'cache_write_5m'::text, 'cache_write_1h'::text, 'cache_read'::text]))
);

COMMENT ON TABLE public.prices IS 'Own prices, USD per million tokens; they go before the list that comes with the program, the newest first.';

ALTER TABLE public.prices ALTER COLUMN price ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.prices_price_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.rate_limits (
    account integer NOT NULL,
    model text NOT NULL,
    name text NOT NULL,
    quota bigint,
    remaining bigint,
    reset_at timestamp with time zone,
    observed_at timestamp with time zone NOT NULL,
    CONSTRAINT rate_limits_name_check CHECK (((name <> ''::text) AND (length(name) <= 64))),
    CONSTRAINT rate_limits_quota_check CHECK ((quota >= 0)),
    CONSTRAINT rate_limits_remaining_check CHECK ((remaining >= 0))
);

CREATE TABLE public.rebuilds (
    train integer NOT NULL,
    since uuid NOT NULL,
    cleared boolean DEFAULT false NOT NULL,
    reached uuid NOT NULL,
    rebuilt bigint DEFAULT 0 NOT NULL,
    deriver_version integer NOT NULL,
    identity_version integer NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    total bigint,
    CONSTRAINT rebuilds_check CHECK ((reached >= since))
);

CREATE TABLE public.reprices (
    train integer NOT NULL,
    since uuid NOT NULL,
    until uuid NOT NULL,
    price_changes bigint NOT NULL,
    list_sha256 text NOT NULL,
    reached uuid NOT NULL,
    repriced bigint DEFAULT 0 NOT NULL,
    changed bigint DEFAULT 0 NOT NULL,
    total bigint,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT reprices_check CHECK ((reached >= since))
);

CREATE TABLE public.request_bodies (
    train integer NOT NULL,
    id uuid NOT NULL,
    body bytea,
    size bigint NOT NULL,
    sha256 bytea NOT NULL,
    list bytea,
    folded integer,
    CONSTRAINT request_bodies_check CHECK (((body IS NULL) = (list IS NOT NULL))),
    CONSTRAINT request_bodies_check1 CHECK (((folded IS NULL) = (list IS NULL))),
    CONSTRAINT request_bodies_folded_check CHECK ((folded >= 0)),
    CONSTRAINT request_bodies_list_check CHECK (((length(list) > 0) AND ((length(list) % 16) = 0))),
    CONSTRAINT request_bodies_sha256_check CHECK ((length(sha256) = 32))
)
PARTITION BY RANGE (id);
ALTER TABLE ONLY public.request_bodies ALTER COLUMN list SET STORAGE EXTERNAL;

CREATE TABLE public.request_notes (
    train integer NOT NULL,
    request uuid NOT NULL,
    conversation_id uuid NOT NULL,
    parent uuid,
    record bytea NOT NULL,
    attempt_of uuid
);

CREATE VIEW public.request_usage AS
 SELECT r.train,
    r.id,
    r.started_at,
    date_trunc('hour'::text, r.started_at, 'UTC'::text) AS hour,
    date_bin('00:05:00'::interval, r.started_at, '2000-01-01 00:00:00+00'::timestamp with time zone) AS slot,
    COALESCE(r.account, 0) AS account,
    COALESCE(r.answered_model, r.model, ''::text) AS model,
    COALESCE(r.request_type, ''::text) AS request_type,
    r.key_id,
    1 AS requests,
    ((r.outcome = 'ok'::text))::integer AS ok,
    ((r.outcome = 'client_cancelled'::text))::integer AS cancelled,
    ((r.outcome = 'rejected'::text))::integer AS rejected,
    (n.own * COALESCE(r.input_tokens, (0)::bigint)) AS input_tokens,
    (n.own * COALESCE(r.output_tokens, (0)::bigint)) AS output_tokens,
    (n.own * COALESCE(r.cache_creation_input_tokens, (0)::bigint)) AS cache_creation_input_tokens,
    (n.own * COALESCE(r.cache_read_input_tokens, (0)::bigint)) AS cache_read_input_tokens,
    (n.own * COALESCE(r.ephemeral_5m_input_tokens, (0)::bigint)) AS ephemeral_5m_input_tokens,
    (n.own * COALESCE(r.ephemeral_1h_input_tokens, (0)::bigint)) AS ephemeral_1h_input_tokens,
    (n.own * COALESCE(r.thinking_tokens, (0)::bigint)) AS thinking_tokens,
    (n.own * COALESCE(r.web_search_requests, (0)::bigint)) AS web_search_requests,
    ((n.own)::numeric * COALESCE(r.cost_usd, (0)::numeric)) AS cost_usd,
    ((r.cost_usd IS NOT NULL))::integer AS priced,
    (((r.cost_usd IS NULL) AND (r.cost_reason IS NOT NULL)))::integer AS unpriced,
    (COALESCE(r.cost_estimated, false))::integer AS estimated,
        CASE
            WHEN (r.outcome = 'ok'::text) THEN COALESCE(r.duration_us, (0)::bigint)
            ELSE (0)::bigint
        END AS ok_duration_us,
        CASE
            WHEN (r.outcome = 'ok'::text) THEN public.latency_bucket(r.duration_us)
            ELSE NULL::smallint
        END AS duration_bucket,
        CASE
            WHEN (r.outcome = 'ok'::text) THEN public.latency_bucket(r.ttft_us)
            ELSE NULL::smallint
        END AS ttft_bucket
   FROM (public.requests r
     CROSS JOIN LATERAL ( VALUES (((r.batch_id IS NULL))::integer)) n(own))
  WHERE (r.outcome IS NOT NULL)
UNION ALL
 SELECT r.train,
    r.id,
    r.started_at,
    date_trunc('hour'::text, r.started_at, 'UTC'::text) AS hour,
    date_bin('00:05:00'::interval, r.started_at, '2000-01-01 00:00:00+00'::timestamp with time zone) AS slot,
    COALESCE(r.account, 0) AS account,
    b.model,
    COALESCE(r.request_type, ''::text) AS request_type,
    r.key_id,
    0 AS requests,
    0 AS ok,
    0 AS cancelled,
    0 AS rejected,
    b.input_tokens,
    b.output_tokens,
    b.cache_creation_input_tokens,
    b.cache_read_input_tokens,
    b.ephemeral_5m_input_tokens,
    b.ephemeral_1h_input_tokens,
    b.thinking_tokens,
    b.web_search_requests,
    b.cost_usd,
    0 AS priced,
    0 AS unpriced,
    0 AS estimated,
    0 AS ok_duration_us,
    NULL::smallint AS duration_bucket,
    NULL::smallint AS ttft_bucket
   FROM (public.batch_usage b
     JOIN public.requests r ON (((r.train = b.train) AND (r.id = b.request))))
  WHERE (r.outcome IS NOT NULL);

COMMENT ON VIEW public.request_usage IS 'What each request that has ended adds to the roll-ups; of a counted batch the messages are booked under the models that answered them, as no requests of their own.';

CREATE TABLE public.sessions (
    train integer NOT NULL,
    session_id text NOT NULL,
    client text,
    client_version text,
    account integer,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    request_count integer DEFAULT 0 NOT NULL
);

CREATE VIEW public.streaming_chunks AS
 SELECT (md5((((b.id)::text || ':'::text) || c.n)))::uuid AS id,
    b.id AS request_id,
    ((c.n - 1))::integer AS chunk_index,
    public.readable_text(SUBSTRING(body.bytes FROM (((c.ends - c.size) + 1))::integer FOR c.size)) AS content,
    (r.started_at + ((c.at_us)::double precision * '00:00:00.000001'::interval)) AS created_at
   FROM (((public.requests r
     JOIN public.response_bodies b ON (((b.train = r.train) AND (b.id = r.id))))
     CROSS JOIN LATERAL ( SELECT (COALESCE(b.decoded, b.raw) || '\x'::bytea) AS bytes
         OFFSET 0) body)
     CROSS JOIN LATERAL ( SELECT u.n,
            u.size,
            u.at_us,
            sum(u.size) OVER (ORDER BY u.n) AS ends
           FROM UNNEST(COALESCE(b.decoded_sizes, b.chunk_sizes), b.chunk_at_us) WITH ORDINALITY u(size, at_us, n)) c)
  WHERE r.stream;

CREATE TABLE public.tape_positions (
    node text NOT NULL,
    segment uuid NOT NULL,
    segment_offset bigint NOT NULL,
    generation bigint DEFAULT 0 NOT NULL,
    lag_bytes bigint DEFAULT 0 NOT NULL,
    oldest_unrecorded_at timestamp with time zone,
    heartbeat_at timestamp with time zone DEFAULT now() NOT NULL,
    tape_bytes bigint,
    tape_max_bytes bigint,
    CONSTRAINT tape_positions_segment_offset_check CHECK ((segment_offset >= 0)),
    CONSTRAINT tape_positions_tape_bytes_check CHECK ((tape_bytes >= 0)),
    CONSTRAINT tape_positions_tape_max_bytes_check CHECK ((tape_max_bytes > 0))
);

CREATE TABLE public.tool_calls (
    train integer NOT NULL,
    id uuid NOT NULL,
    block_index integer NOT NULL,
    tool_use_id text NOT NULL,
    name text NOT NULL,
    input_size integer NOT NULL,
    result_request uuid,
    is_error boolean,
    result_size integer,
    duration_us bigint,
    CONSTRAINT tool_calls_duration_us_check CHECK ((duration_us >= 0))
)
PARTITION BY RANGE (id);

CREATE TABLE public.tool_results (
    train integer NOT NULL,
    tool_use_id text NOT NULL,
    request uuid NOT NULL,
    is_error boolean NOT NULL,
    size integer NOT NULL,
    started_us bigint NOT NULL
);

CREATE TABLE public.train_feeds (
    train integer NOT NULL,
    feed boolean DEFAULT false NOT NULL,
    digest boolean DEFAULT false NOT NULL,
    digest_at time without time zone DEFAULT '08:00:00'::time without time zone NOT NULL,
    zone text NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    feed_since timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT train_feeds_zone_check CHECK ((length(zone) <= 64))
);

COMMENT ON COLUMN public.train_feeds.feed IS 'One message for each new turn of a user.';

COMMENT ON COLUMN public.train_feeds.digest IS 'One message a day, at digest_at of the zone, about the day before.';

COMMENT ON COLUMN public.train_feeds.feed_since IS 'When the feed was switched on last: turns that ended earlier are nobody''s business.';

ALTER TABLE public.trains ALTER COLUMN train ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.trains_train_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.wants (
    train integer NOT NULL,
    key bytea NOT NULL,
    request uuid NOT NULL,
    keys bytea
);
ALTER TABLE ONLY public.wants ALTER COLUMN keys SET STORAGE EXTERNAL;

COMMENT ON COLUMN public.wants.keys IS 'Keys of 16 bytes, one behind the other, that the request waits for; null: for the key of the row itself.';

CREATE TABLE public.window_observations (
    account integer NOT NULL,
    window_name text NOT NULL,
    source text NOT NULL,
    minute timestamp with time zone GENERATED ALWAYS AS (date_bin('00:01:00'::interval, observed_at, '2000-01-01 00:00:00+00'::timestamp with time zone)) STORED NOT NULL,
    percent integer GENERATED ALWAYS AS (round((utilization * (100)::double precision))) STORED,
    observed_at timestamp with time zone NOT NULL,
    utilization double precision,
    status text,
    reset_at timestamp with time zone,
    more jsonb,
    CONSTRAINT window_observations_source_check CHECK ((source = ANY (ARRAY['reported'::text, 'polled'::text]))),
    CONSTRAINT window_observations_status_check CHECK ((length(status) <= 64)),
    CONSTRAINT window_observations_utilization_check CHECK (((utilization >= (0)::double precision) AND (utilization <= ('1000000'::numeric)::double precision))),
    CONSTRAINT window_observations_window_name_check CHECK (((window_name <> ''::text) AND (length(window_name) <= 64)))
);

COMMENT ON COLUMN public.window_observations.utilization IS 'Share of the window that is used up: 1 is all of it, more can be.';

COMMENT ON COLUMN public.window_observations.more IS 'Members of the window that we have no column for, by name.';

ALTER TABLE ONLY public.account_hmacs
    ADD CONSTRAINT account_hmacs_pkey PRIMARY KEY (credential_hmac);

ALTER TABLE ONLY public.account_windows
    ADD CONSTRAINT account_windows_account_window_name_source_reset_about_key UNIQUE NULLS NOT DISTINCT (account, window_name, source, reset_about);

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_account_id_key UNIQUE (account_id);

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (account);

ALTER TABLE ONLY public.alert_deliveries
    ADD CONSTRAINT alert_deliveries_pkey PRIMARY KEY (delivery);

ALTER TABLE ONLY public.alert_rules
    ADD CONSTRAINT alert_rules_pkey PRIMARY KEY (kind);

ALTER TABLE ONLY public.alert_snoozes
    ADD CONSTRAINT alert_snoozes_pkey PRIMARY KEY (kind, subject);

ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_dedupe_key_key UNIQUE (dedupe_key);

ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_pkey PRIMARY KEY (alert);

ALTER TABLE ONLY public.batch_results
    ADD CONSTRAINT batch_results_pkey PRIMARY KEY (train, batch_id);

ALTER TABLE ONLY public.batch_usage
    ADD CONSTRAINT batch_usage_pkey PRIMARY KEY (train, request, model);

ALTER TABLE ONLY public.branches
    ADD CONSTRAINT branches_pkey PRIMARY KEY (train, conversation_id, branch_id);

ALTER TABLE ONLY public.budgets
    ADD CONSTRAINT budgets_pkey PRIMARY KEY (budget);

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_name_key UNIQUE (name);

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_pkey PRIMARY KEY (channel);

ALTER TABLE ONLY public.conversation_aliases
    ADD CONSTRAINT conversation_aliases_pkey PRIMARY KEY (train, alias);

ALTER TABLE ONLY public.conversations
    ADD CONSTRAINT conversations_pkey PRIMARY KEY (train, conversation_id);

ALTER TABLE ONLY public.dead_letters
    ADD CONSTRAINT dead_letters_pkey PRIMARY KEY (dead_letter);

ALTER TABLE ONLY public.dead_letters
    ADD CONSTRAINT dead_letters_request_id_key UNIQUE (request_id);

ALTER TABLE ONLY public.failures
    ADD CONSTRAINT failures_pkey PRIMARY KEY (train, request);

ALTER TABLE ONLY public.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.key_usage
    ADD CONSTRAINT key_usage_pkey PRIMARY KEY (train, key_id, quarter);

ALTER TABLE ONLY public.latency_hourly
    ADD CONSTRAINT latency_hourly_pkey PRIMARY KEY (train, hour, model, bucket);

ALTER TABLE ONLY public.link_corrections
    ADD CONSTRAINT link_corrections_pkey PRIMARY KEY (train, request);

ALTER TABLE ONLY public.link_keys
    ADD CONSTRAINT link_keys_pkey PRIMARY KEY (train, kind, key, lane, client, answered, messages, request);

ALTER TABLE ONLY public.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.notifiers
    ADD CONSTRAINT notifiers_pkey PRIMARY KEY (notifier);

ALTER TABLE ONLY public.pieces
    ADD CONSTRAINT pieces_pkey PRIMARY KEY (train, month, hash);

ALTER TABLE ONLY public.prices
    ADD CONSTRAINT prices_pkey PRIMARY KEY (price);

ALTER TABLE ONLY public.rate_limits
    ADD CONSTRAINT rate_limits_pkey PRIMARY KEY (account, model, name);

ALTER TABLE ONLY public.rebuilds
    ADD CONSTRAINT rebuilds_pkey PRIMARY KEY (train);

ALTER TABLE ONLY public.reprices
    ADD CONSTRAINT reprices_pkey PRIMARY KEY (train);

ALTER TABLE ONLY public.request_bodies
    ADD CONSTRAINT request_bodies_pkey PRIMARY KEY (train, id);

ALTER TABLE ONLY public.request_notes
    ADD CONSTRAINT request_notes_pkey PRIMARY KEY (train, request);

ALTER TABLE ONLY public.requests
    ADD CONSTRAINT requests_pkey PRIMARY KEY (train, id);

ALTER TABLE ONLY public.response_bodies
    ADD CONSTRAINT response_bodies_pkey PRIMARY KEY (train, id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (train, session_id);

ALTER TABLE ONLY public.tape_positions
    ADD CONSTRAINT tape_positions_pkey PRIMARY KEY (node);

ALTER TABLE ONLY public.tool_calls
    ADD CONSTRAINT tool_calls_pkey PRIMARY KEY (train, id, block_index);

ALTER TABLE ONLY public.tool_results
    ADD CONSTRAINT tool_results_pkey PRIMARY KEY (train, tool_use_id, request);

ALTER TABLE ONLY public.train_feeds
    ADD CONSTRAINT train_feeds_pkey PRIMARY KEY (train);

ALTER TABLE ONLY public.trains
    ADD CONSTRAINT trains_name_key UNIQUE (name);

ALTER TABLE ONLY public.trains
    ADD CONSTRAINT trains_pkey PRIMARY KEY (train);

ALTER TABLE ONLY public.usage_daily
    ADD CONSTRAINT usage_daily_pkey PRIMARY KEY (train, day, account, model, request_type);

ALTER TABLE ONLY public.usage_five_minutes
    ADD CONSTRAINT usage_five_minutes_pkey PRIMARY KEY (train, account, slot, model, request_type);

ALTER TABLE ONLY public.usage_hourly
    ADD CONSTRAINT usage_hourly_pkey PRIMARY KEY (train, hour, account, model, request_type);

ALTER TABLE ONLY public.wants
    ADD CONSTRAINT wants_pkey PRIMARY KEY (train, key, request);

ALTER TABLE ONLY public.window_observations
    ADD CONSTRAINT window_observations_account_window_name_source_minute_perce_key UNIQUE NULLS NOT DISTINCT (account, window_name, source, minute, percent, status, reset_at);

CREATE INDEX account_windows_last ON public.account_windows USING btree (account, last_at);

CREATE INDEX alert_deliveries_of ON public.alert_deliveries USING btree (alert, delivery);

CREATE INDEX alerts_by_kind ON public.alerts USING btree (channel, kind, sent_at DESC) WHERE (state = 'sent'::text);

CREATE INDEX alerts_due ON public.alerts USING btree (due_at, alert) WHERE (state = ANY (ARRAY['waiting'::text, 'claimed'::text, 'sending'::text]));

CREATE INDEX alerts_ended ON public.alerts USING btree (raised_at) WHERE (state = ANY (ARRAY['sent'::text, 'summed'::text, 'dropped'::text, 'failed'::text, 'unsure'::text]));

CREATE INDEX alerts_of_kind ON public.alerts USING btree (kind, state, alert);

CREATE INDEX alerts_of_train ON public.alerts USING btree (train, kind, state, alert);

CREATE INDEX alerts_over_at ON public.alerts USING btree (kind, recovered_at) WHERE (recovered_at IS NOT NULL);

CREATE INDEX alerts_recoveries ON public.alerts USING btree (recovery_of) WHERE (recovery_of IS NOT NULL);

CREATE INDEX alerts_running ON public.alerts USING btree (kind, subject, alert) WHERE ((recovered_at IS NULL) AND (recovery_of IS NULL));

CREATE INDEX alerts_summed ON public.alerts USING btree (summed_in) WHERE (summed_in IS NOT NULL);

CREATE UNIQUE INDEX budgets_of ON public.budgets USING btree (train, COALESCE(key_id, ''::text), unit, period);

CREATE UNIQUE INDEX channels_of ON public.channels USING btree (COALESCE(train, 0), COALESCE(account, 0), origin);

CREATE INDEX conversation_aliases_of ON public.conversation_aliases USING btree (train, conversation_id) WHERE (conversation_id IS NOT NULL);

CREATE INDEX conversations_account ON public.conversations USING btree (train, account, last_at, conversation_id);

CREATE INDEX conversations_last ON public.conversations USING btree (train, last_at, conversation_id);

CREATE INDEX conversations_sessions ON public.conversations USING gin (session_ids);

CREATE INDEX conversations_subtasks ON public.conversations USING btree (train, last_at) INCLUDE (subtask_count) WHERE (subtask_count > 0);

CREATE INDEX failures_claimed ON public.failures USING btree (train, claimed_by) WHERE (claimed_by IS NOT NULL);

CREATE INDEX failures_counted ON public.failures USING btree (train, rivals, retry_count, failed_at_us, request) WHERE (claimed_by IS NULL);

CREATE INDEX failures_open ON public.failures USING btree (train, rivals, failed_at_us, request) WHERE (claimed_by IS NULL);

CREATE INDEX failures_taken ON public.failures USING btree (train, rivals, failed_at_us) WHERE (claimed_by IS NOT NULL);

CREATE INDEX link_keys_client ON public.link_keys USING btree (train, kind, key, client, request) WHERE (kind = ANY (ARRAY[2, 3, 4]));

CREATE INDEX link_keys_request ON public.link_keys USING hash (request);

CREATE INDEX link_keys_summaries ON public.link_keys USING btree (train, request) WHERE (kind = 5);

CREATE INDEX link_keys_summary ON public.link_keys USING btree (train, key, request) WHERE (kind = 5);

CREATE INDEX request_notes_attempts ON public.request_notes USING btree (train, attempt_of) WHERE (attempt_of IS NOT NULL);

CREATE INDEX request_notes_conversation ON public.request_notes USING btree (train, conversation_id) WHERE (conversation_id IS NOT NULL);

CREATE INDEX request_notes_parent ON public.request_notes USING btree (train, parent) WHERE ((parent IS NOT NULL) AND (attempt_of IS NULL));

CREATE INDEX requests_account ON ONLY public.requests USING btree (train, account, id) WHERE (account IS NOT NULL);

CREATE INDEX requests_batch_parts ON ONLY public.requests USING btree (train, split_part(path, '/'::text, 5)) WHERE (cost_reason = 'batch results not whole'::text);

CREATE INDEX requests_conversation ON ONLY public.requests USING btree (train, conversation_id, id) WHERE (conversation_id IS NOT NULL);

CREATE INDEX requests_model ON ONLY public.requests USING btree (train, COALESCE(answered_model, model), id) WHERE (COALESCE(answered_model, model) IS NOT NULL);

CREATE INDEX requests_not_ok ON ONLY public.requests USING btree (train, id) WHERE (outcome IS DISTINCT FROM 'ok'::text);

CREATE INDEX requests_original ON ONLY public.requests USING btree (train, original_id) WHERE (original_id IS NOT NULL);

CREATE INDEX requests_session ON ONLY public.requests USING btree (train, session_id, id) WHERE (session_id IS NOT NULL);

CREATE INDEX requests_type ON ONLY public.requests USING btree (train, request_type, id) WHERE (request_type IS NOT NULL);

CREATE INDEX sessions_last ON public.sessions USING btree (train, last_at, session_id);

CREATE INDEX tool_calls_use ON ONLY public.tool_calls USING btree (train, tool_use_id);

CREATE INDEX wants_request ON public.wants USING btree (train, request);

ALTER TABLE ONLY public.account_hmacs
    ADD CONSTRAINT account_hmacs_account_fkey FOREIGN KEY (account) REFERENCES public.accounts(account);

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_merged_into_fkey FOREIGN KEY (merged_into) REFERENCES public.accounts(account);

ALTER TABLE ONLY public.alert_deliveries
    ADD CONSTRAINT alert_deliveries_alert_fkey FOREIGN KEY (alert) REFERENCES public.alerts(alert) ON DELETE CASCADE;

ALTER TABLE ONLY public.alert_deliveries
    ADD CONSTRAINT alert_deliveries_channel_fkey FOREIGN KEY (channel) REFERENCES public.channels(channel) ON DELETE SET NULL;

ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_channel_fkey FOREIGN KEY (channel) REFERENCES public.channels(channel) ON DELETE SET NULL;

ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_recovery_of_fkey FOREIGN KEY (recovery_of) REFERENCES public.alerts(alert);

ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_summed_in_fkey FOREIGN KEY (summed_in) REFERENCES public.alerts(alert);

ALTER TABLE ONLY public.budgets
    ADD CONSTRAINT budgets_train_fkey FOREIGN KEY (train) REFERENCES public.trains(train);

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_account_fkey FOREIGN KEY (account) REFERENCES public.accounts(account);

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_train_fkey FOREIGN KEY (train) REFERENCES public.trains(train);

ALTER TABLE ONLY public.train_feeds
    ADD CONSTRAINT train_feeds_train_fkey FOREIGN KEY (train) REFERENCES public.trains(train);
