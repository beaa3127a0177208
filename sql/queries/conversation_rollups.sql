-- name: rollup_conversations
-- Writes the roll-ups of conversations, each computed from all of its requests.
INSERT INTO conversations AS c (train, conversation_id, title, side_call, account, first_at, last_at, message_count,
    attempt_count, error_count, in_flight, branch_count, subtask_count, compaction_count, input_tokens, output_tokens,
    cache_creation_input_tokens, cache_read_input_tokens, models, session_ids, latest_request, latest_status_code,
    latest_model, shape, cost_usd, unpriced_count, estimated_count, latest_started_at, subtask_slots)
SELECT $1::integer, n.conversation_id, n.title, n.side_call, n.account, n.first_at, n.last_at, n.message_count,
    n.attempt_count, n.error_count, n.in_flight, n.branch_count, n.subtask_count, n.compaction_count, n.input_tokens,
    n.output_tokens, n.cache_creation_input_tokens, n.cache_read_input_tokens,
    ARRAY(SELECT jsonb_array_elements_text(n.models::jsonb)), ARRAY(SELECT jsonb_array_elements_text(n.session_ids::jsonb)),
    n.latest_request, n.latest_status_code, n.latest_model, n.shape::jsonb, n.cost_usd, n.unpriced_count,
    n.estimated_count, n.latest_started_at, n.subtask_slots::jsonb
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::integer[], $6::timestamptz[], $7::timestamptz[], $8::integer[],
    $9::integer[], $10::integer[], $11::integer[], $12::integer[], $13::integer[], $14::integer[], $15::bigint[],
    $16::bigint[], $17::bigint[], $18::bigint[], $19::text[], $20::text[], $21::uuid[], $22::smallint[], $23::text[],
    $24::text[], $25::numeric[], $26::integer[], $27::integer[],
    $28::timestamptz[], $29::text[]) AS n (conversation_id, title, side_call, account, first_at, last_at, message_count, attempt_count,
    error_count, in_flight, branch_count, subtask_count, compaction_count, input_tokens, output_tokens,
    cache_creation_input_tokens, cache_read_input_tokens, models, session_ids, latest_request, latest_status_code,
    latest_model, shape, cost_usd, unpriced_count, estimated_count, latest_started_at, subtask_slots)
ON CONFLICT (train, conversation_id) DO UPDATE SET title = excluded.title, side_call = excluded.side_call,
    account = excluded.account, first_at = excluded.first_at, last_at = excluded.last_at,
    message_count = excluded.message_count, attempt_count = excluded.attempt_count, error_count = excluded.error_count,
    in_flight = excluded.in_flight, branch_count = excluded.branch_count, subtask_count = excluded.subtask_count,
    compaction_count = excluded.compaction_count, input_tokens = excluded.input_tokens,
    output_tokens = excluded.output_tokens, cache_creation_input_tokens = excluded.cache_creation_input_tokens,
    cache_read_input_tokens = excluded.cache_read_input_tokens, models = excluded.models,
    session_ids = excluded.session_ids, latest_request = excluded.latest_request,
    latest_status_code = excluded.latest_status_code, latest_model = excluded.latest_model, shape = excluded.shape,
    cost_usd = excluded.cost_usd, unpriced_count = excluded.unpriced_count, estimated_count = excluded.estimated_count,
    latest_started_at = excluded.latest_started_at, subtask_slots = excluded.subtask_slots;

-- name: rollup_drop_conversations
-- Conversations that are part of others now.
DELETE FROM conversations WHERE ctid = ANY (ARRAY(
    SELECT c.place
    FROM unnest($2::uuid[]) AS p (conversation_id)
    CROSS JOIN LATERAL (
        SELECT c.ctid AS place FROM conversations AS c
        WHERE c.train = $1 AND c.conversation_id = p.conversation_id OFFSET 0) AS c));

-- name: rollup_branches
-- Writes branches ($3 to $8): one that is as it was is left alone. Of these conversations ($2) others are no more.
WITH gone AS (
    DELETE FROM branches WHERE ctid = ANY (ARRAY(
        SELECT b.place
        FROM unnest($2::uuid[]) AS p (conversation_id)
        CROSS JOIN LATERAL (
            SELECT b.ctid AS place, b.branch_id FROM branches AS b
            WHERE b.train = $1 AND b.conversation_id = p.conversation_id OFFSET 0) AS b
        WHERE (p.conversation_id, b.branch_id) NOT IN (SELECT n.* FROM unnest($3::uuid[], $4::text[]) AS n)))
)
INSERT INTO branches AS b (train, conversation_id, branch_id, parent_hash, first_request, created_at, message_count)
SELECT $1::integer, n.*
FROM unnest($3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::timestamptz[], $8::integer[]) AS n
ON CONFLICT (train, conversation_id, branch_id) DO UPDATE SET parent_hash = excluded.parent_hash,
    first_request = excluded.first_request, created_at = excluded.created_at, message_count = excluded.message_count
WHERE (b.parent_hash, b.first_request, b.created_at, b.message_count)
    IS DISTINCT FROM (excluded.parent_hash, excluded.first_request, excluded.created_at, excluded.message_count);

-- name: rollup_chain_aliases
-- What led to a root that joins another conversation leads on with it, also where its own request is no longer recorded.
UPDATE conversation_aliases AS a SET conversation_id = n.conversation_id
FROM unnest($2::uuid[], $3::uuid[]) AS n (root, conversation_id)
CROSS JOIN LATERAL (
    SELECT o.ctid AS place FROM conversation_aliases AS o
    WHERE o.train = $1 AND o.conversation_id = n.root AND o.alias <> n.conversation_id OFFSET 0) AS o
WHERE a.ctid = o.place;

-- name: rollup_drop_branches
-- Branches ($3) of conversations ($2) that no request is on any more.
DELETE FROM branches WHERE ctid = ANY (ARRAY(
    SELECT b.place
    FROM unnest($2::uuid[], $3::text[]) AS n (conversation_id, branch_id)
    CROSS JOIN LATERAL (
        SELECT b.ctid AS place FROM branches AS b
        WHERE b.train = $1 AND b.conversation_id = n.conversation_id AND b.branch_id = n.branch_id OFFSET 0) AS b));

-- name: rollup_aliases
-- Roots that joined another conversation keep leading to it.
INSERT INTO conversation_aliases (train, alias, conversation_id)
SELECT $1::integer, n.* FROM unnest($2::uuid[], $3::uuid[]) AS n
ON CONFLICT (train, alias) DO UPDATE SET conversation_id = excluded.conversation_id;

-- name: rollup_move_aliases
-- Where a request that was a root once has moved on, its alias moves with it.
UPDATE conversation_aliases AS a SET conversation_id = n.conversation_id
FROM unnest($2::uuid[], $3::uuid[]) AS n (alias, conversation_id)
CROSS JOIN LATERAL (
    SELECT o.ctid AS place FROM conversation_aliases AS o WHERE o.train = $1 AND o.alias = n.alias OFFSET 0) AS o
WHERE a.ctid = o.place;

-- name: rollup_drop_aliases
-- Requests that are roots again need no alias.
DELETE FROM conversation_aliases WHERE ctid = ANY (ARRAY(
    SELECT a.place
    FROM unnest($2::uuid[]) AS p (alias)
    CROSS JOIN LATERAL (
        SELECT a.ctid AS place FROM conversation_aliases AS a WHERE a.train = $1 AND a.alias = p.alias OFFSET 0) AS a));

-- name: rollup_sessions
-- Adds calls that became complete to their sessions; client and account are those of the latest.
INSERT INTO sessions AS s (train, session_id, client, client_version, account, first_at, last_at, request_count)
SELECT $1::integer, n.session_id, (array_agg(n.client ORDER BY n.ended_at DESC, n.id DESC))[1],
    (array_agg(n.client_version ORDER BY n.ended_at DESC, n.id DESC))[1],
    (array_agg(n.account ORDER BY n.ended_at DESC, n.id DESC))[1], min(n.started_at), max(n.ended_at), count(*)
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::timestamptz[], $8::timestamptz[])
    AS n (id, session_id, client, client_version, account, started_at, ended_at)
GROUP BY n.session_id
ON CONFLICT (train, session_id) DO UPDATE SET
    client = CASE WHEN excluded.last_at >= s.last_at THEN excluded.client ELSE s.client END,
    client_version = CASE WHEN excluded.last_at >= s.last_at THEN excluded.client_version ELSE s.client_version END,
    account = CASE WHEN excluded.last_at >= s.last_at THEN excluded.account ELSE s.account END,
    first_at = least(s.first_at, excluded.first_at), last_at = greatest(s.last_at, excluded.last_at),
    request_count = s.request_count + excluded.request_count;
