-- name: plan_once
-- For the rest of the transaction one plan serves all arguments of a statement, the one that tests prove to read by index:
-- planning a list over twenty trains anew takes longer than running it, and a plan for the values it sees may be worse.
-- returns: PlanModeRow
SELECT set_config('plan_cache_mode', 'force_generic_plan', true) AS plan_cache_mode;

-- name: requests_newest
-- Newest requests of a train, by its key. Below the id $2, from the id $3; a filter that is null does not filter.
-- returns: RequestRow
-- order: id DESC
SELECT r.train, r.id, r.account, r.method, r.path, r.request_type, r.model, r.answered_model, r.stream, r.client,
    r.client_version, r.session_id, r.agent_id, r.outcome, r.status_code, r.error_type, r.stop_reason, r.input_tokens,
    r.output_tokens, r.total_tokens, r.cache_creation_input_tokens, r.cache_read_input_tokens, r.thinking_tokens,
    r.usage_complete, r.cost_usd, r.cost_estimated, r.cost_reason, r.started_at, r.ended_at, r.updated_at, r.ttft_us,
    r.duration_us,
    (r.timings ->> 'tape_wait_us')::bigint AS tape_wait_us, r.request_bytes, r.response_bytes, r.retry_count,
    r.conversation_id, r.branch_id, r.parent_request_id, r.link_method, r.attempt_of, r.is_subtask
FROM requests AS r
WHERE r.train = $1 AND r.id < $2::uuid AND r.id >= $3::uuid
    AND ($4::text IS NULL OR r.request_type = $4)
    AND ($5::text IS NULL OR r.outcome = $5 OR ($5 = 'in_flight' AND r.outcome IS NULL)
        OR ($5 = 'failed' AND r.outcome <> 'ok'))
    AND ($6::integer IS NULL OR r.status_code BETWEEN $6 AND $7::integer)
    AND ($8::text IS NULL OR coalesce(r.answered_model, r.model) = $8)
    AND ($9::text IS NULL OR r.session_id = $9)
    AND ($10::integer IS NULL OR r.account = $10)
    AND ($11::uuid IS NULL OR r.conversation_id = $11)
    AND ($12::text IS NULL OR r.stop_reason = $12)
    AND ($13::text IS NULL OR r.error_type = $13)
    AND ($14::text IS NULL OR r.client = $14)
    AND ($15::bigint IS NULL OR r.duration_us >= $15)
    AND ($16::bigint IS NULL OR r.duration_us < $16)
ORDER BY r.id DESC
LIMIT $17;

-- name: requests_searched_to
-- Where a search without an index ends: the newest of the ids that lie $4 requests below $2 in each of the trains $1, not
-- before $3; null where no train has so many.
-- returns: SearchedToRow
SELECT (SELECT max(edge.id::text)::uuid
    FROM unnest($1::integer[]) AS t (train)
    CROSS JOIN LATERAL (
        SELECT r.id
        FROM requests AS r
        WHERE r.train = t.train AND r.id < $2::uuid AND r.id >= $3::uuid
        ORDER BY r.id DESC
        OFFSET $4
        LIMIT 1
    ) AS edge) AS id;

-- name: requests_not_ok
-- Of requests_newest those that did not end well or did not end yet, by the partial index of these.
-- narrows: requests_newest
AND r.outcome IS DISTINCT FROM 'ok';

-- name: requests_of_model
-- Of requests_newest those that a model answered, or that asked for it and none answered.
-- narrows: requests_newest
AND coalesce(r.answered_model, r.model) = $8;

-- name: requests_of_type
-- Of requests_newest those of one type.
-- narrows: requests_newest
AND r.request_type = $4;

-- name: requests_of_session
-- Of requests_newest those of one session.
-- narrows: requests_newest
AND r.session_id = $9;

-- name: requests_of_account
-- Of requests_newest those that one account paid for.
-- narrows: requests_newest
AND r.account = $10;

-- name: requests_of_conversation
-- Of requests_newest those of one conversation.
-- narrows: requests_newest
AND r.conversation_id = $11;

-- name: conversation_joined
-- The conversation that another one, of this id, was joined to, in one of the trains $1; null where it was to none.
-- returns: JoinedRow
SELECT (SELECT a.conversation_id
    FROM conversation_aliases AS a
    WHERE a.train = ANY ($1::integer[]) AND a.alias = $2 AND a.conversation_id IS NOT NULL
    LIMIT 1) AS id;

-- name: request_by_id
-- One request with everything but its bodies, if it is in one of the trains $1 (a bare id is never looked up alone).
-- returns: RequestDetailRow
SELECT r.train, r.id, r.original_id, r.node, r.account, r.key_id, r.method, r.path, r.query, r.request_type,
    r.model, r.answered_model, r.stream, r.client, r.client_version, r.session_id, r.agent_id, r.parent_agent_id, r.retry_count,
    r.outcome, r.status_code, r.error_type, r.error_message, r.parse_error, r.note, r.upstream_request_id, r.message_id,
    r.stop_reason, r.input_tokens, r.output_tokens, r.total_tokens, r.cache_creation_input_tokens,
    r.cache_read_input_tokens, r.ephemeral_5m_input_tokens, r.ephemeral_1h_input_tokens, r.thinking_tokens,
    r.web_search_requests, r.web_fetch_requests, r.code_execution_requests, r.service_tier, r.inference_geo, r.speed,
    r.usage, r.usage_complete, r.cost_usd, r.price_id, r.cost_estimated, r.cost_reason, r.started_at, r.ended_at,
    r.updated_at, r.ttft_us, r.duration_us, r.timings,
    (r.timings ->> 'tape_wait_us')::bigint AS tape_wait_us, r.request_bytes, r.response_bytes, r.delivered_bytes,
    r.request_sha256, r.response_sha256, r.request_headers, r.response_headers, r.event_count, r.lost_frames,
    r.conversation_id, r.branch_id, r.parent_request_id, r.link_method, r.current_message_hash, r.parent_message_hash,
    r.is_subtask, r.parent_task_request_id, r.task_tool_invocation, r.attempt_of, r.deriver_version
FROM requests AS r
WHERE r.train = ANY ($1::integer[]) AND r.id = $2;

-- name: request_body_of
-- The exact bytes of a request's body, with size and hash as they were stored.
-- returns: RequestBodyRow
SELECT request_body(b.train, b.id) AS body, b.size, b.sha256
FROM request_bodies AS b
WHERE b.train = $1 AND b.id = $2;

-- name: request_body_within
-- The exact bytes of a request's body of at most $3 bytes; of a larger one size and hash only.
-- returns: RequestBodyRow
SELECT CASE WHEN b.size <= $3 THEN request_body(b.train, b.id) END AS body, b.size, b.sha256
FROM request_bodies AS b
WHERE b.train = $1 AND b.id = $2;

-- name: response_body_of
-- The exact bytes of a response, its inflated copy, the message in it, and how it came in chunks.
-- returns: ResponseBodyRow
SELECT b.raw, b.decoded, b.message::text AS message_json, b.chunk_sizes, b.decoded_sizes, b.chunk_at_us, b.size, b.sha256
FROM response_bodies AS b
WHERE b.train = $1 AND b.id = $2;

-- name: body_sizes_of
-- How large a request's stored bodies are and in how many chunks the response came, to decide what to read; null where
-- there is none yet.
-- returns: BodySizesRow
SELECT (SELECT b.size FROM request_bodies AS b WHERE b.train = $1 AND b.id = $2) AS request_size,
    (SELECT b.size FROM response_bodies AS b WHERE b.train = $1 AND b.id = $2) AS response_size,
    (SELECT octet_length(b.decoded) FROM response_bodies AS b WHERE b.train = $1 AND b.id = $2) AS decoded_size,
    (SELECT cardinality(b.chunk_sizes) FROM response_bodies AS b WHERE b.train = $1 AND b.id = $2) AS chunks;
