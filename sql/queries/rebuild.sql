-- name: rebuild_trains
-- The trains to work on: all, or the one of that name.
-- returns: RebuildTrain
SELECT train, name FROM trains WHERE $1::text IS NULL OR name = $1 ORDER BY train;

-- name: rebuild_run
-- The trains that a rebuild has yet to do, and when it began: one that was broken off leaves out what it has finished.
-- returns: RebuildRun
WITH asked AS (
    SELECT t.train, t.name, r.started_at, r.finished_at
    FROM trains AS t
    LEFT JOIN rebuilds AS r ON r.train = t.train AND (r.deriver_version, r.identity_version) = ($3::integer, $4::integer)
        AND r.since = coalesce(uuid7_floor($2::timestamptz), '00000000-0000-0000-0000-000000000000')
    WHERE $1::text IS NULL OR t.name = $1
), broken AS (SELECT max(started_at) AS began FROM asked WHERE finished_at IS NULL)
SELECT a.train, a.name, coalesce(b.began, now()) AS began
FROM asked AS a
CROSS JOIN broken AS b
WHERE a.finished_at IS NULL OR a.started_at IS DISTINCT FROM b.began
ORDER BY a.train;

-- name: rebuild_begin
-- Begins a train's part of the rebuild that began at $5, or goes on with one that was broken off and is the same.
-- returns: RebuildState
INSERT INTO rebuilds AS r (train, since, reached, deriver_version, identity_version, started_at, total)
SELECT $1::integer, n.since, n.since, $3, $4, $5, (
    SELECT count(*) FROM requests AS q WHERE q.train = $1::integer AND q.id > n.since AND q.outcome IS NOT NULL)
FROM (SELECT coalesce(uuid7_floor($2::timestamptz), '00000000-0000-0000-0000-000000000000') AS since) AS n
ON CONFLICT (train) DO UPDATE SET
    started_at = excluded.started_at, total = excluded.total,
    cleared = r.cleared AND r.finished_at IS NULL AND r.since = excluded.since
        AND (r.deriver_version, r.identity_version) = (excluded.deriver_version, excluded.identity_version),
    reached = CASE WHEN r.finished_at IS NULL AND r.since = excluded.since
            AND (r.deriver_version, r.identity_version) = (excluded.deriver_version, excluded.identity_version)
        THEN r.reached ELSE excluded.since END,
    rebuilt = CASE WHEN r.finished_at IS NULL AND r.since = excluded.since
            AND (r.deriver_version, r.identity_version) = (excluded.deriver_version, excluded.identity_version)
        THEN r.rebuilt ELSE 0 END,
    since = excluded.since, deriver_version = excluded.deriver_version, identity_version = excluded.identity_version,
    finished_at = NULL
RETURNING since, cleared, reached, rebuilt;

-- name: rebuild_due
-- Begins the rebuild of trains whose oldest note another version packed than $1: until then those requests take no part.
-- returns: RebuildDue
INSERT INTO rebuilds AS r (train, since, reached, deriver_version, identity_version, total)
SELECT t.train, '00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000', $2::integer, $3::integer,
    (SELECT count(*) FROM requests AS q WHERE q.train = t.train AND q.outcome IS NOT NULL)
FROM trains AS t
CROSS JOIN LATERAL (
    SELECT n.record FROM request_notes AS n WHERE n.train = t.train ORDER BY n.request LIMIT 1) AS oldest
WHERE get_byte(oldest.record, 1) <> $1::integer
    AND NOT EXISTS (SELECT FROM rebuilds AS b WHERE b.train = t.train AND b.finished_at IS NULL)
ON CONFLICT (train) DO UPDATE SET since = excluded.since, reached = excluded.reached, cleared = false, rebuilt = 0,
    deriver_version = excluded.deriver_version, identity_version = excluded.identity_version, total = excluded.total,
    started_at = now(), finished_at = NULL
RETURNING r.train;

-- name: rebuild_clear
-- Forgets what linking remembers of the newest requests; none: all of it is forgotten.
-- returns: LinkRequest
WITH newest AS (
    SELECT request FROM request_notes WHERE train = $1 AND request >= $2 ORDER BY request DESC LIMIT $3
), keys AS (
    DELETE FROM link_keys AS k USING newest AS n WHERE k.train = $1 AND k.request = n.request
), waits AS (
    DELETE FROM wants AS w USING newest AS n WHERE w.train = $1 AND w.request = n.request
), failed AS (
    DELETE FROM failures AS f USING newest AS n WHERE f.train = $1 AND f.request = n.request
), claims AS (
    UPDATE failures AS f SET claimed_by = NULL FROM newest AS n
    WHERE f.train = $1 AND f.claimed_by = n.request AND f.request < $2
)
DELETE FROM request_notes AS r USING newest AS n WHERE r.train = $1 AND r.request = n.request
RETURNING r.request;

-- name: rebuild_cleared
-- All is forgotten: from here on requests are linked anew.
UPDATE rebuilds SET cleared = true WHERE train = $1;

-- name: rebuild_next
-- The next requests, in the order of their ids, and how large they are.
-- returns: RebuildNext
SELECT id, coalesce(request_bytes, 0) + coalesce(response_bytes, 0) AS bytes
FROM requests WHERE train = $1 AND id > $2 AND outcome IS NOT NULL ORDER BY id LIMIT $3;

-- name: rebuild_noted
-- Which of these requests were linked meanwhile, and what people said of them.
-- returns: LinkBegin
SELECT n.id, true AS complete, r.request IS NOT NULL AS noted, c.request IS NOT NULL AS corrected, c.parent
FROM unnest($2::uuid[]) AS n (id)
LEFT JOIN request_notes AS r ON r.train = $1 AND r.request = n.id
LEFT JOIN link_corrections AS c ON c.train = $1 AND c.request = n.id
WHERE r.request IS NOT NULL OR c.request IS NOT NULL;

-- name: rebuild_identify
-- What linking knows of requests by themselves.
UPDATE requests AS r SET current_message_hash = n.current_message_hash, side_call = n.side_call,
    task_tool_invocation = n.task_tool_invocation::jsonb, identity_version = n.identity_version,
    item_count = n.item_count, preview = n.preview
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::integer[], $8::text[])
    AS n (id, current_message_hash, side_call, task_tool_invocation, identity_version, item_count, preview)
WHERE r.train = $1 AND r.id = n.id;

-- name: rebuild_reached
-- Everything up to here is rebuilt.
UPDATE rebuilds SET reached = $2, rebuilt = rebuilt + $3 WHERE train = $1;

-- name: rebuild_sweep_conversations
-- Conversations that no request is in any more.
DELETE FROM conversations AS c
WHERE c.train = $1
    AND NOT EXISTS (SELECT FROM request_notes AS n WHERE n.train = $1 AND n.conversation_id = c.conversation_id);

-- name: rebuild_sweep_branches
-- Branches of conversations that are no more.
DELETE FROM branches AS b
WHERE b.train = $1
    AND NOT EXISTS (SELECT FROM conversations AS c WHERE c.train = $1 AND c.conversation_id = b.conversation_id);

-- name: rebuild_chain_aliases
-- Aliases whose own request is no longer recorded lead to where the root is now that they led to.
UPDATE conversation_aliases AS a SET conversation_id = n.conversation_id
FROM request_notes AS n
WHERE a.train = $1 AND n.train = $1 AND n.request = a.conversation_id
    AND n.conversation_id NOT IN (a.conversation_id, a.alias)
    AND NOT EXISTS (SELECT FROM request_notes AS own WHERE own.train = $1 AND own.request = a.alias);

-- name: rebuild_aliases
-- Aliases lead to where their request is now.
UPDATE conversation_aliases AS a SET conversation_id = n.conversation_id
FROM request_notes AS n
WHERE a.train = $1 AND n.train = $1 AND n.request = a.alias AND n.conversation_id NOT IN (a.conversation_id, a.alias);

-- name: rebuild_sweep_aliases
-- Aliases of requests that are roots, and those that lead nowhere.
DELETE FROM conversation_aliases AS a
WHERE a.train = $1
    AND (EXISTS (SELECT FROM request_notes AS n WHERE n.train = $1 AND n.request = a.alias AND n.conversation_id = a.alias)
        OR NOT EXISTS (SELECT FROM conversations AS c WHERE c.train = $1 AND c.conversation_id = a.conversation_id));

-- name: rebuild_sessions
-- Counts sessions anew that have a request from this id on.
INSERT INTO sessions (train, session_id, client, client_version, account, first_at, last_at, request_count)
SELECT $1::integer, r.session_id, (array_agg(r.client ORDER BY r.ended_at DESC, r.id DESC))[1],
    (array_agg(r.client_version ORDER BY r.ended_at DESC, r.id DESC))[1],
    (array_agg(r.account ORDER BY r.ended_at DESC, r.id DESC))[1], min(r.started_at), max(r.ended_at), count(*)
FROM requests AS r
WHERE r.train = $1 AND r.outcome IS NOT NULL AND r.session_id IN (
    SELECT s.session_id FROM requests AS s WHERE s.train = $1 AND s.id >= $2 AND s.session_id IS NOT NULL)
GROUP BY r.session_id
ON CONFLICT (train, session_id) DO UPDATE SET client = excluded.client, client_version = excluded.client_version,
    account = excluded.account, first_at = excluded.first_at, last_at = excluded.last_at,
    request_count = excluded.request_count;

-- name: rebuild_finish
-- The train is rebuilt.
UPDATE rebuilds SET finished_at = now() WHERE train = $1;
