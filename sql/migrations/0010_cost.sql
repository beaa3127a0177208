-- What requests cost, an installation's own prices, and the roll-ups of it. What a request adds to the roll-ups is said in
-- one place, the view request_usage: recording, pricing again and rebuilding all read it there.

ALTER TABLE requests ADD price_id text, ADD cost_estimated boolean, ADD cost_reason text;
COMMENT ON COLUMN requests.cost_usd IS 'By the price valid at its start; null: unknown where cost_reason says why, else nothing was sold.';
COMMENT ON COLUMN requests.cost_reason IS 'Why the cost is an estimate, or why there is none.';

CREATE TABLE prices (
    price integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model text NOT NULL CHECK (length(model) BETWEEN 1 AND 128),
    valid_from timestamptz,
    valid_to timestamptz,
    min_prompt bigint NOT NULL DEFAULT 0 CHECK (min_prompt >= 0),
    max_prompt bigint,
    speed text NOT NULL DEFAULT 'standard' CHECK (length(speed) BETWEEN 1 AND 32),
    input numeric(14, 6) NOT NULL CHECK (input >= 0),
    output numeric(14, 6) NOT NULL CHECK (output >= 0),
    cache_write_5m numeric(14, 6) NOT NULL CHECK (cache_write_5m >= 0),
    cache_write_1h numeric(14, 6) NOT NULL CHECK (cache_write_1h >= 0),
    cache_read numeric(14, 6) NOT NULL CHECK (cache_read >= 0),
    unconfirmed text[] NOT NULL DEFAULT '{}'
        CHECK (unconfirmed <@ ARRAY['input', 'output', 'cache_write_5m', 'cache_write_1h', 'cache_read']),
    source text CHECK (length(source) <= 500),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_by text,
    deleted_at timestamptz,
    CHECK (valid_from < valid_to),
    CHECK (min_prompt <= max_prompt),
    CHECK ((deleted_by IS NULL) = (deleted_at IS NULL))
);
COMMENT ON TABLE prices IS 'Own prices, USD per million tokens; they go before the list that comes with the program, the newest first.';

-- Counted up by each change of the table: who prices requests under the number he read prices by the prices of now.
ALTER TABLE installation ADD price_changes bigint NOT NULL DEFAULT 0;

-- Bucket n holds what took from 2^(n/2) up to 2^((n+1)/2) ms; 0 also less, 47 (3.3 h) also more.
CREATE FUNCTION latency_bucket(us bigint) RETURNS smallint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN least(floor(2 * ln(greatest(us, 1000)::double precision / 1000) / ln(2::double precision)), 47)::smallint;

CREATE VIEW request_usage AS
SELECT r.train, r.id, date_trunc('hour', r.started_at, 'UTC') AS hour, coalesce(r.account, 0) AS account,
    coalesce(r.answered_model, r.model, '') AS model, coalesce(r.request_type, '') AS request_type, r.key_id,
    1 AS requests, (r.outcome = 'ok')::integer AS ok, (r.outcome = 'client_cancelled')::integer AS cancelled,
    (r.outcome = 'rejected')::integer AS rejected, coalesce(r.input_tokens, 0) AS input_tokens,
    coalesce(r.output_tokens, 0) AS output_tokens,
    coalesce(r.cache_creation_input_tokens, 0) AS cache_creation_input_tokens,
    coalesce(r.cache_read_input_tokens, 0) AS cache_read_input_tokens,
    coalesce(r.ephemeral_5m_input_tokens, 0) AS ephemeral_5m_input_tokens,
    coalesce(r.ephemeral_1h_input_tokens, 0) AS ephemeral_1h_input_tokens,
    coalesce(r.thinking_tokens, 0) AS thinking_tokens, coalesce(r.web_search_requests, 0) AS web_search_requests,
    coalesce(r.cost_usd, 0) AS cost_usd, (r.cost_usd IS NOT NULL)::integer AS priced,
    (r.cost_usd IS NULL AND r.cost_reason IS NOT NULL)::integer AS unpriced,
    coalesce(r.cost_estimated, false)::integer AS estimated,
    CASE WHEN r.outcome = 'ok' THEN coalesce(r.duration_us, 0) ELSE 0 END AS ok_duration_us,
    CASE WHEN r.outcome = 'ok' THEN latency_bucket(r.duration_us) END AS duration_bucket,
    CASE WHEN r.outcome = 'ok' THEN latency_bucket(r.ttft_us) END AS ttft_bucket
FROM requests AS r
WHERE r.outcome IS NOT NULL;
COMMENT ON VIEW request_usage IS 'What each request that has ended adds to the roll-ups.';

ALTER TABLE usage_hourly
    ADD ephemeral_5m_input_tokens bigint NOT NULL DEFAULT 0,
    ADD ephemeral_1h_input_tokens bigint NOT NULL DEFAULT 0,
    ADD thinking_tokens bigint NOT NULL DEFAULT 0,
    ADD web_search_requests bigint NOT NULL DEFAULT 0,
    ADD cost_usd numeric NOT NULL DEFAULT 0,
    ADD priced bigint NOT NULL DEFAULT 0,
    ADD unpriced bigint NOT NULL DEFAULT 0,
    ADD estimated bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN usage_hourly.cost_usd IS 'Of the priced requests; estimated ones are among them, unpriced ones are not.';

CREATE TABLE latency_hourly (
    train integer NOT NULL,
    hour timestamptz NOT NULL,
    model text NOT NULL,
    bucket smallint NOT NULL CHECK (bucket BETWEEN 0 AND 47),
    durations bigint NOT NULL DEFAULT 0,
    first_tokens bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (train, hour, model, bucket)
);
COMMENT ON TABLE latency_hourly IS 'Of ok requests: how many took so long (durations), and how many had their first token after so long.';

CREATE TABLE key_usage_hourly (
    train integer NOT NULL,
    key_id text NOT NULL,
    hour timestamptz NOT NULL,
    requests bigint NOT NULL DEFAULT 0,
    input_tokens bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    cost_usd numeric NOT NULL DEFAULT 0,
    unpriced bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (train, key_id, hour)
);
COMMENT ON TABLE key_usage_hourly IS 'What went through each client key, for its budgets.';

UPDATE usage_hourly AS u SET ephemeral_5m_input_tokens = n.short, ephemeral_1h_input_tokens = n.long,
    thinking_tokens = n.thinking, web_search_requests = n.searches
FROM (
    SELECT train, hour, account, model, request_type, sum(ephemeral_5m_input_tokens) AS short,
        sum(ephemeral_1h_input_tokens) AS long, sum(thinking_tokens) AS thinking, sum(web_search_requests) AS searches
    FROM request_usage GROUP BY 1, 2, 3, 4, 5
) AS n
WHERE (u.train, u.hour, u.account, u.model, u.request_type) = (n.train, n.hour, n.account, n.model, n.request_type);

INSERT INTO latency_hourly (train, hour, model, bucket, durations, first_tokens)
SELECT u.train, u.hour, u.model, b.bucket, sum(b.durations), sum(b.first_tokens)
FROM request_usage AS u
CROSS JOIN LATERAL (VALUES (u.duration_bucket, 1, 0), (u.ttft_bucket, 0, 1)) AS b (bucket, durations, first_tokens)
WHERE b.bucket IS NOT NULL
GROUP BY 1, 2, 3, 4;

INSERT INTO key_usage_hourly (train, key_id, hour, requests, input_tokens, output_tokens)
SELECT train, key_id, hour, sum(requests), sum(input_tokens), sum(output_tokens)
FROM request_usage WHERE key_id IS NOT NULL GROUP BY 1, 2, 3;

ALTER TABLE conversations
    ADD unpriced_count integer NOT NULL DEFAULT 0,
    ADD estimated_count integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN conversations.cost_usd IS 'Of its priced requests, attempts included; null where none is.';
