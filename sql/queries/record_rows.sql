-- name: record_rows
-- Rows of one train, in flight or complete, one array per column (proxy/recorder/columns.py). A row only ever goes from in
-- flight to complete; what this call made complete is returned, to be added to the roll-ups: a replay adds nothing.
-- returns: Completed
WITH written AS (
    INSERT INTO requests AS r (train, id, original_id, node, account, key_id, method, path, query, request_type, model,
        answered_model, stream, client, client_version, session_id, agent_id, parent_agent_id, retry_count, outcome,
        status_code, error_type, error_message, parse_error, note, upstream_request_id, message_id, stop_reason,
        input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens, ephemeral_5m_input_tokens,
        ephemeral_1h_input_tokens, thinking_tokens, web_search_requests, web_fetch_requests, code_execution_requests,
        service_tier, inference_geo, speed, usage, usage_complete, cost_usd, price_id, cost_estimated, cost_reason,
        batch_id, started_at, ended_at, ttft_us, duration_us, timings, request_bytes, response_bytes, delivered_bytes,
        request_sha256, response_sha256, request_headers, response_headers, event_count, lost_frames, conversation_id,
        branch_id, parent_request_id, link_method, current_message_hash, parent_message_hash, is_subtask,
        parent_task_request_id, task_tool_invocation, attempt_of, side_call, identity_version, item_count, preview,
        deriver_version)
    SELECT $1::integer, n.id, n.original_id, n.node, n.account, n.key_id, n.method, n.path, n.query, n.request_type,
        n.model, n.answered_model, n.stream, n.client, n.client_version, n.session_id, n.agent_id, n.parent_agent_id,
        n.retry_count, n.outcome, n.status_code, n.error_type, n.error_message, n.parse_error, n.note,
        n.upstream_request_id, n.message_id, n.stop_reason, n.input_tokens, n.output_tokens,
        n.cache_creation_input_tokens, n.cache_read_input_tokens, n.ephemeral_5m_input_tokens,
        n.ephemeral_1h_input_tokens, n.thinking_tokens, n.web_search_requests, n.web_fetch_requests,
        n.code_execution_requests, n.service_tier, n.inference_geo, n.speed, n.usage::jsonb, n.usage_complete,
        n.cost_usd, n.price_id, n.cost_estimated, n.cost_reason, n.batch_id, n.started_at, n.ended_at, n.ttft_us,
        n.duration_us, n.timings::jsonb, n.request_bytes, n.response_bytes, n.delivered_bytes, n.request_sha256,
        n.response_sha256, n.request_headers::jsonb, n.response_headers::jsonb, n.event_count, n.lost_frames,
        n.conversation_id, n.branch_id, n.parent_request_id, n.link_method, n.current_message_hash,
        n.parent_message_hash, n.is_subtask, n.parent_task_request_id, n.task_tool_invocation::jsonb, n.attempt_of,
        n.side_call, n.identity_version, n.item_count, n.preview, n.deriver_version
    FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::integer[], $6::text[], $7::text[], $8::text[], $9::text[],
        $10::text[], $11::text[], $12::text[], $13::boolean[], $14::text[], $15::text[], $16::text[], $17::text[],
        $18::text[], $19::integer[], $20::text[], $21::smallint[], $22::text[], $23::text[], $24::text[], $25::text[],
        $26::text[], $27::text[], $28::text[], $29::bigint[], $30::bigint[], $31::bigint[], $32::bigint[],
        $33::bigint[], $34::bigint[], $35::bigint[], $36::bigint[], $37::bigint[], $38::bigint[], $39::text[],
        $40::text[], $41::text[], $42::text[], $43::boolean[], $44::numeric[], $45::text[], $46::boolean[], $47::text[],
        $48::text[], $49::timestamptz[], $50::timestamptz[], $51::bigint[], $52::bigint[], $53::text[], $54::bigint[],
        $55::bigint[], $56::bigint[], $57::bytea[], $58::bytea[], $59::text[], $60::text[], $61::integer[],
        $62::integer[], $63::uuid[], $64::text[], $65::uuid[], $66::text[], $67::text[], $68::text[], $69::boolean[],
        $70::uuid[], $71::text[], $72::uuid[], $73::text[], $74::integer[], $75::integer[], $76::text[], $77::integer[])
        AS n (id, original_id, node, account, key_id, method, path, query, request_type, model, answered_model, stream,
        client, client_version, session_id, agent_id, parent_agent_id, retry_count, outcome, status_code, error_type,
        error_message, parse_error, note, upstream_request_id, message_id, stop_reason, input_tokens, output_tokens,
        cache_creation_input_tokens, cache_read_input_tokens, ephemeral_5m_input_tokens, ephemeral_1h_input_tokens,
        thinking_tokens, web_search_requests, web_fetch_requests, code_execution_requests, service_tier, inference_geo,
        speed, usage, usage_complete, cost_usd, price_id, cost_estimated, cost_reason, batch_id, started_at, ended_at,
        ttft_us, duration_us, timings, request_bytes, response_bytes, delivered_bytes, request_sha256, response_sha256,
        request_headers, response_headers, event_count, lost_frames, conversation_id, branch_id, parent_request_id,
        link_method, current_message_hash, parent_message_hash, is_subtask, parent_task_request_id,
        task_tool_invocation, attempt_of, side_call, identity_version, item_count, preview, deriver_version)
    ON CONFLICT (train, id) DO UPDATE SET node = excluded.node, account = excluded.account, key_id = excluded.key_id,
        method = excluded.method, path = excluded.path, query = excluded.query, request_type = excluded.request_type,
        model = excluded.model, answered_model = excluded.answered_model, stream = excluded.stream, client =
        excluded.client, client_version = excluded.client_version, session_id = excluded.session_id, agent_id =
        excluded.agent_id, parent_agent_id = excluded.parent_agent_id, retry_count = excluded.retry_count, outcome =
        excluded.outcome, status_code = excluded.status_code, error_type = excluded.error_type, error_message =
        excluded.error_message, parse_error = excluded.parse_error, note = excluded.note, upstream_request_id =
        excluded.upstream_request_id, message_id = excluded.message_id, stop_reason = excluded.stop_reason, input_tokens
        = excluded.input_tokens, output_tokens = excluded.output_tokens, cache_creation_input_tokens =
        excluded.cache_creation_input_tokens, cache_read_input_tokens = excluded.cache_read_input_tokens,
        ephemeral_5m_input_tokens = excluded.ephemeral_5m_input_tokens, ephemeral_1h_input_tokens =
        excluded.ephemeral_1h_input_tokens, thinking_tokens = excluded.thinking_tokens, web_search_requests =
        excluded.web_search_requests, web_fetch_requests = excluded.web_fetch_requests, code_execution_requests =
        excluded.code_execution_requests, service_tier = excluded.service_tier, inference_geo = excluded.inference_geo,
        speed = excluded.speed, usage = excluded.usage, usage_complete = excluded.usage_complete, cost_usd =
        excluded.cost_usd, price_id = excluded.price_id, cost_estimated = excluded.cost_estimated, cost_reason =
        excluded.cost_reason, batch_id = excluded.batch_id, started_at = excluded.started_at, ended_at =
        excluded.ended_at, ttft_us = excluded.ttft_us, duration_us = excluded.duration_us, timings = excluded.timings,
        request_bytes = excluded.request_bytes, response_bytes = excluded.response_bytes, delivered_bytes =
        excluded.delivered_bytes, request_sha256 = excluded.request_sha256, response_sha256 = excluded.response_sha256,
        request_headers = excluded.request_headers, response_headers = excluded.response_headers, event_count =
        excluded.event_count, lost_frames = excluded.lost_frames, conversation_id = excluded.conversation_id, branch_id
        = excluded.branch_id, parent_request_id = excluded.parent_request_id, link_method = excluded.link_method,
        current_message_hash = excluded.current_message_hash, parent_message_hash = excluded.parent_message_hash,
        is_subtask = excluded.is_subtask, parent_task_request_id = excluded.parent_task_request_id, task_tool_invocation
        = excluded.task_tool_invocation, attempt_of = excluded.attempt_of, side_call = excluded.side_call,
        identity_version = excluded.identity_version, item_count = excluded.item_count, preview = excluded.preview,
        deriver_version = excluded.deriver_version, updated_at = now()
    WHERE r.outcome IS NULL AND excluded.outcome IS NOT NULL
    RETURNING id, outcome
)
SELECT id FROM written WHERE outcome IS NOT NULL;
