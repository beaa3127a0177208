-- name: plan_in_order
-- As plan_once, for lists that an index gives in their order: how few rows filters leave over no plan can know, and a
-- list that is thought to be short would be gathered as a whole and sorted.
-- returns: PlanModeRow
SELECT set_config('plan_cache_mode', 'force_generic_plan', true) || set_config('enable_sort', 'off', true) AS plan_cache_mode;

-- name: conversations_newest
-- Conversations of a train, last active first. Below the last activity $2 and id $3, from the last activity $4; a filter that is null or false does not filter.
-- returns: ConversationRow
-- order: last_at DESC, conversation_id DESC
SELECT c.train, c.conversation_id, c.title, c.side_call, c.account, c.first_at, c.last_at, c.message_count, c.attempt_count,
    c.error_count, c.in_flight, c.branch_count, c.subtask_count, c.compaction_count, c.input_tokens, c.output_tokens,
    c.cache_creation_input_tokens, c.cache_read_input_tokens, c.cost_usd, c.unpriced_count, c.estimated_count,
    c.models, c.session_ids, c.latest_request,
    c.latest_started_at, c.latest_status_code, c.latest_model, c.shape
FROM conversations AS c
WHERE c.train = $1 AND (c.last_at, c.conversation_id) < ($2::timestamptz, $3::uuid)
    AND c.last_at >= $4::timestamptz
    AND ($5::text IS NULL OR strpos(lower(c.title), lower($5)) > 0)
    AND ($6::text IS NULL OR c.session_ids @> ARRAY[$6])
    AND ($7::integer IS NULL OR c.account = $7)
    AND (NOT $8::boolean OR c.branch_count > 1)
    AND (NOT $9::boolean OR c.subtask_count > 0)
    AND (NOT $10::boolean OR c.error_count > 0)
    AND (NOT $11::boolean OR c.compaction_count > 0)
    AND ($12::boolean OR c.side_call IS NULL)
    AND ($13::text IS NULL OR c.models @> ARRAY[$13])
ORDER BY c.last_at DESC, c.conversation_id DESC
LIMIT $14;

-- name: conversations_of_account
-- Of conversations_newest those that an account paid for, by the index of these.
-- narrows: conversations_newest
AND c.account = $7;

-- name: conversations_of_session
-- Of conversations_newest conversations and side calls of one session. They are few and gathered first: walking the order for them
-- would pass all others.
-- narrows: conversations_newest
AND c.conversation_id = ANY (ARRAY(
        SELECT found.conversation_id
        FROM conversations AS found
        WHERE found.train = $1 AND found.session_ids @> ARRAY[$6::text]
    ));

-- name: conversation_found
-- A conversation in one of the trains $1 by its id, or by the id that it had before it was joined to another; and the versions
-- of its requests, folded: each by its id and the transaction that wrote it, so that any change of any of them gives another.
-- returns: FoundConversationRow
SELECT c.train, c.conversation_id, c.title, c.side_call, c.account, c.first_at, c.last_at, c.message_count, c.attempt_count,
    c.error_count, c.in_flight, c.branch_count, c.subtask_count, c.compaction_count, c.input_tokens, c.output_tokens,
    c.cache_creation_input_tokens, c.cache_read_input_tokens, c.cost_usd, c.unpriced_count, c.estimated_count,
    c.models, c.session_ids, c.latest_request,
    c.latest_started_at, c.latest_status_code, c.latest_model, c.shape, (
        SELECT bit_xor(uuid_hash_extended(r.id, r.xmin::text::bigint))
        FROM requests AS r
        WHERE r.train = c.train AND r.conversation_id = c.conversation_id AND r.id >= c.conversation_id
    ) AS versions
FROM (
    SELECT found.train, found.conversation_id
    FROM conversations AS found
    WHERE found.train = ANY ($1::integer[]) AND found.conversation_id = $2
    UNION ALL
    SELECT a.train, a.conversation_id
    FROM conversation_aliases AS a
    WHERE a.train = ANY ($1::integer[]) AND a.alias = $2
) AS known
JOIN conversations AS c ON c.train = known.train AND c.conversation_id = known.conversation_id
LIMIT 1;

-- name: branches_of
-- The branches of several conversations of a train, each conversation's in the order in which they were opened.
-- returns: BranchRow
SELECT b.conversation_id, b.branch_id, b.parent_hash, b.created_at, b.message_count
FROM branches AS b
WHERE b.train = ANY ($1::integer[]) AND b.conversation_id = ANY ($2::uuid[])
ORDER BY b.conversation_id, b.created_at, b.branch_id;

-- name: requests_in_conversation
-- Every request of a conversation in start order, without bodies. No id in it is smaller than its own: it is the root's.
-- returns: ConversationRequestRow
SELECT r.id, r.account, r.parent_request_id, r.link_method, r.branch_id, r.is_subtask, r.parent_task_request_id, r.attempt_of,
    r.side_call, r.session_id, r.agent_id, r.outcome, r.status_code, r.error_type, r.stop_reason, r.model,
    r.answered_model, r.request_type, r.input_tokens, r.output_tokens, r.total_tokens, r.cache_creation_input_tokens,
    r.cache_read_input_tokens, r.ephemeral_5m_input_tokens, r.ephemeral_1h_input_tokens, r.thinking_tokens, r.cost_usd,
    r.cost_estimated, r.cost_reason, r.started_at, r.ended_at, r.updated_at, r.ttft_us,
    r.duration_us, r.request_bytes, r.item_count, r.current_message_hash, r.parent_message_hash, r.message_id, r.preview,
    CASE WHEN jsonb_typeof(r.task_tool_invocation) = 'array' THEN (
        SELECT jsonb_agg(jsonb_build_object('id', t -> 'id', 'name', t -> 'name', 'purpose', left(coalesce(
            t #>> '{input,description}', t #>> '{input,prompt}'), 120)) ORDER BY n)
        FROM jsonb_array_elements(r.task_tool_invocation) WITH ORDINALITY AS launch (t, n)
    ) END AS launches
FROM requests AS r
WHERE r.train = $1 AND r.conversation_id = $2 AND r.id >= $2
ORDER BY r.id
LIMIT $3;

-- name: request_bodies_of
-- The exact bodies of several requests of a train.
-- returns: RequestBytesRow
SELECT b.id, request_body(b.train, b.id) AS body
FROM request_bodies AS b
WHERE b.train = $1 AND b.id = ANY ($2::uuid[]);

-- name: answers_of
-- The assistant messages of several answers of a train; one whose response is larger than $3 bytes stays where it is.
-- returns: AnswerRow
SELECT b.id, b.message
FROM response_bodies AS b
WHERE b.train = $1 AND b.id = ANY ($2::uuid[]) AND b.size <= $3;

-- name: tool_calls_of
-- The tool calls of several answers of a train, in the order of their blocks.
-- returns: ToolCallRow
SELECT t.id, t.block_index, t.tool_use_id, t.name, t.is_error, t.result_size, t.duration_us
FROM tool_calls AS t
WHERE t.train = $1 AND t.id = ANY ($2::uuid[])
ORDER BY t.id, t.block_index;

-- name: request_neighbours
-- What stands beside the request $2 in its conversation $3: what it follows, its attempts, what follows it; not itself.
-- returns: LinkRow
SELECT r.id, r.parent_request_id, r.attempt_of, r.link_method, r.branch_id, r.is_subtask, r.outcome, r.started_at,
    r.item_count
FROM requests AS r
WHERE r.train = $1 AND r.conversation_id = $3::uuid AND r.id <> $2::uuid
    AND (r.parent_request_id = $2 OR r.attempt_of = $2 OR r.id = $4::uuid OR r.id = $5::uuid)
ORDER BY r.id
LIMIT 100;

-- name: sessions_newest
-- Sessions of a train, last active first. Below the last activity $2 and id $3, from the last activity $4; a filter that is null does not filter.
-- returns: SessionRow
-- order: last_at DESC, session_id DESC
SELECT s.train, s.session_id, s.client, s.client_version, s.account, s.first_at, s.last_at, s.request_count
FROM sessions AS s
WHERE s.train = $1 AND (s.last_at, s.session_id) < ($2::timestamptz, $3::text)
    AND s.last_at >= $4::timestamptz
    AND ($5::integer IS NULL OR s.account = $5)
    AND ($6::text IS NULL OR s.client = $6)
ORDER BY s.last_at DESC, s.session_id DESC
LIMIT $7;

-- name: session_found
-- The session of this id in the trains $1; in each of them there may be one.
-- returns: SessionRow
SELECT s.train, s.session_id, s.client, s.client_version, s.account, s.first_at, s.last_at, s.request_count
FROM sessions AS s
WHERE s.train = ANY ($1::integer[]) AND s.session_id = $2
ORDER BY s.last_at DESC;

-- name: session_talks
-- The conversations of several sessions of the trains $1, at most $3 a session, the longest first.
-- returns: SessionTalkRow
SELECT s.session_id, c.train, c.conversation_id, c.title, c.side_call, c.message_count
FROM unnest($2::text[]) AS s (session_id)
CROSS JOIN LATERAL (
    SELECT c.train, c.conversation_id, c.title, c.side_call, c.message_count
    FROM conversations AS c
    WHERE c.train = ANY ($1::integer[]) AND c.session_ids @> ARRAY[s.session_id]
    ORDER BY c.side_call NULLS FIRST, c.message_count DESC, c.conversation_id
    LIMIT $3
) AS c;

-- name: conversations_now
-- What is going on in trains beside what is recorded: how far their rebuilds have come, and the calls of these sessions
-- ($2) that began at $3 or later and run, newest first.
-- returns: NowRow
(SELECT b.train, b.rebuilt, b.total, b.started_at, NULL::uuid AS id, NULL::text AS session_id, NULL::text AS agent_id
FROM rebuilds AS b
WHERE b.train = ANY ($1::integer[]) AND b.finished_at IS NULL
ORDER BY b.train)
UNION ALL
(SELECT r.train, NULL, NULL, r.started_at, r.id, r.session_id, r.agent_id
FROM requests AS r
WHERE r.train = ANY ($1::integer[]) AND r.session_id = ANY ($2::text[]) AND r.id >= uuid7_floor($3::timestamptz)
    AND r.outcome IS NULL
ORDER BY r.id DESC
LIMIT 100);
