-- name: conversation_usage
-- What the requests of a conversation of train $1 that sold something used, in start order, with all that their prices
-- depend on; the parts of a message that was several pieces of work as they were reported.
-- returns: ConversationUsageRow
SELECT r.id, r.started_at, coalesce(r.answered_model, r.model) AS model, r.key_id, r.input_tokens, r.output_tokens,
    r.cache_creation_input_tokens, r.cache_read_input_tokens, r.ephemeral_5m_input_tokens, r.ephemeral_1h_input_tokens,
    r.thinking_tokens, r.web_search_requests, r.code_execution_requests, r.service_tier, r.inference_geo, r.speed,
    r.usage_complete, CASE WHEN jsonb_typeof(r.usage -> 'iterations') = 'array' THEN r.usage -> 'iterations' END
        AS iterations, r.cost_usd
FROM requests AS r
WHERE r.train = $1 AND r.conversation_id = $2 AND r.id >= $2 AND (r.cost_usd IS NOT NULL OR r.cost_reason IS NOT NULL)
ORDER BY r.id
LIMIT $3;
