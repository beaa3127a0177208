-- The sums by five minutes are a roll-up like the hourly ones: what a request adds to them is said by the view too.

CREATE OR REPLACE VIEW request_usage AS
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
    CASE WHEN r.outcome = 'ok' THEN latency_bucket(r.ttft_us) END AS ttft_bucket,
    date_bin('5 minutes', r.started_at, '2000-01-01 00:00:00+00') AS slot, r.started_at
FROM requests AS r
WHERE r.outcome IS NOT NULL;

COMMENT ON COLUMN usage_five_minutes.cost_usd IS 'Of the priced requests; unpriced ones are not among them.';
COMMENT ON COLUMN usage_five_minutes.unpriced IS 'Requests whose price nobody knows.';

TRUNCATE usage_five_minutes;
INSERT INTO usage_five_minutes (train, account, slot, model, request_type, first_at, requests, input_tokens, output_tokens,
    cache_creation_input_tokens, cache_read_input_tokens, cost_usd, unpriced)
SELECT u.train, u.account, u.slot, u.model, u.request_type, min(u.started_at), sum(u.requests), sum(u.input_tokens),
    sum(u.output_tokens), sum(u.cache_creation_input_tokens), sum(u.cache_read_input_tokens), sum(u.cost_usd),
    sum(u.unpriced)
FROM request_usage AS u
GROUP BY 1, 2, 3, 4, 5;
