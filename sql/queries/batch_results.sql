-- name: batches_counted
-- Which request is counted for each of these batches ($2) of a train; for one that nobody fetched whole there is none.
-- returns: BatchCounted
SELECT b.batch_id, b.request FROM batch_results AS b WHERE b.train = $1 AND b.batch_id = ANY ($2::text[]);

-- name: batch_count
-- From now on this request is counted for a batch.
INSERT INTO batch_results (train, batch_id, request) VALUES ($1, $2, $3) ON CONFLICT (train, batch_id) DO NOTHING;

-- name: batch_parts
-- Requests of a train that fetched batches $2 in part, whose cost is unknown for that reason (core.pricing.NOT_WHOLE),
-- without those of $3.
-- returns: BatchPart
SELECT r.id
FROM requests AS r
WHERE r.train = $1 AND split_part(r.path, '/', 5) = ANY ($2::text[]) AND r.cost_reason = 'batch results not whole'
    AND r.id <> ALL ($3::uuid[]);

-- name: batch_parts_settle
-- These requests sold nothing themselves.
UPDATE requests AS r SET cost_reason = NULL, updated_at = now() WHERE r.train = $1 AND r.id = ANY ($2::uuid[]);

-- name: batch_usage_put
-- The messages of a counted batch, one row for each model, instead of what was there.
WITH gone AS (
    DELETE FROM batch_usage AS b WHERE b.train = $1 AND b.request = $2 AND b.model <> ALL ($3::text[])
)
INSERT INTO batch_usage (train, request, model, messages, input_tokens, output_tokens, cache_creation_input_tokens,
    cache_read_input_tokens, ephemeral_5m_input_tokens, ephemeral_1h_input_tokens, thinking_tokens, web_search_requests,
    cost_usd)
SELECT $1::integer, $2::uuid, n.*
FROM unnest($3, $4::integer[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[],
    $11::bigint[], $12::bigint[], $13::numeric[]) AS n
ON CONFLICT (train, request, model) DO UPDATE SET messages = excluded.messages, input_tokens = excluded.input_tokens,
    output_tokens = excluded.output_tokens, cache_creation_input_tokens = excluded.cache_creation_input_tokens,
    cache_read_input_tokens = excluded.cache_read_input_tokens,
    ephemeral_5m_input_tokens = excluded.ephemeral_5m_input_tokens,
    ephemeral_1h_input_tokens = excluded.ephemeral_1h_input_tokens, thinking_tokens = excluded.thinking_tokens,
    web_search_requests = excluded.web_search_requests, cost_usd = excluded.cost_usd;
