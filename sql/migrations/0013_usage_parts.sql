-- The results of message batches, which are many messages of several models in one request; and how far pricing again has
-- come.

ALTER TABLE requests ADD batch_id text;
COMMENT ON COLUMN requests.batch_id IS 'The message batch whose results this request fetched whole, before any other of its train: its usage counts here.';

CREATE TABLE batch_results (
    train integer NOT NULL,
    batch_id text NOT NULL,
    request uuid NOT NULL,
    PRIMARY KEY (train, batch_id)
);
COMMENT ON TABLE batch_results IS 'Which request is counted for a batch: results may be fetched any number of times.';

CREATE TABLE batch_usage (
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
    cost_usd numeric NOT NULL,
    PRIMARY KEY (train, request, model)
);
COMMENT ON TABLE batch_usage IS 'The messages of a counted batch by the model that answered; cost_usd is of those that have a price.';

-- How far pricing again has come in a train; one that was broken off goes on behind reached.
CREATE TABLE reprices (
    train integer PRIMARY KEY,
    since uuid NOT NULL,
    until uuid NOT NULL,
    price_changes bigint NOT NULL,
    list_sha256 text NOT NULL,
    reached uuid NOT NULL,
    repriced bigint NOT NULL DEFAULT 0,
    changed bigint NOT NULL DEFAULT 0,
    total bigint,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CHECK (reached >= since)
);

DROP VIEW request_usage;
CREATE VIEW request_usage AS
SELECT r.train, r.id, r.started_at, date_trunc('hour', r.started_at, 'UTC') AS hour,
    date_bin('5 minutes', r.started_at, '2000-01-01 00:00:00+00'::timestamptz) AS slot, coalesce(r.account, 0) AS account,
    coalesce(r.answered_model, r.model, '') AS model, coalesce(r.request_type, '') AS request_type, r.key_id,
    1 AS requests, (r.outcome = 'ok')::integer AS ok, (r.outcome = 'client_cancelled')::integer AS cancelled,
    (r.outcome = 'rejected')::integer AS rejected, n.own * coalesce(r.input_tokens, 0) AS input_tokens,
    n.own * coalesce(r.output_tokens, 0) AS output_tokens,
    n.own * coalesce(r.cache_creation_input_tokens, 0) AS cache_creation_input_tokens,
    n.own * coalesce(r.cache_read_input_tokens, 0) AS cache_read_input_tokens,
    n.own * coalesce(r.ephemeral_5m_input_tokens, 0) AS ephemeral_5m_input_tokens,
    n.own * coalesce(r.ephemeral_1h_input_tokens, 0) AS ephemeral_1h_input_tokens,
    n.own * coalesce(r.thinking_tokens, 0) AS thinking_tokens,
    n.own * coalesce(r.web_search_requests, 0) AS web_search_requests, n.own * coalesce(r.cost_usd, 0) AS cost_usd,
    (r.cost_usd IS NOT NULL)::integer AS priced,
    (r.cost_usd IS NULL AND r.cost_reason IS NOT NULL)::integer AS unpriced,
    coalesce(r.cost_estimated, false)::integer AS estimated,
    CASE WHEN r.outcome = 'ok' THEN coalesce(r.duration_us, 0) ELSE 0 END AS ok_duration_us,
    CASE WHEN r.outcome = 'ok' THEN latency_bucket(r.duration_us) END AS duration_bucket,
    CASE WHEN r.outcome = 'ok' THEN latency_bucket(r.ttft_us) END AS ttft_bucket
FROM requests AS r
CROSS JOIN LATERAL (VALUES ((r.batch_id IS NULL)::integer)) AS n (own)
WHERE r.outcome IS NOT NULL
UNION ALL
SELECT r.train, r.id, r.started_at, date_trunc('hour', r.started_at, 'UTC'),
    date_bin('5 minutes', r.started_at, '2000-01-01 00:00:00+00'::timestamptz), coalesce(r.account, 0), b.model,
    coalesce(r.request_type, ''), r.key_id, 0, 0, 0, 0, b.input_tokens, b.output_tokens, b.cache_creation_input_tokens,
    b.cache_read_input_tokens, b.ephemeral_5m_input_tokens, b.ephemeral_1h_input_tokens, b.thinking_tokens,
    b.web_search_requests, b.cost_usd, 0, 0, 0, 0, NULL, NULL
FROM batch_usage AS b
JOIN requests AS r ON r.train = b.train AND r.id = b.request
WHERE r.outcome IS NOT NULL;
COMMENT ON VIEW request_usage IS 'What each request that has ended adds to the roll-ups; of a counted batch the messages are booked under the models that answered them, as no requests of their own.';
