-- name: tool_calls_asked
-- The tools that answers ask for.
INSERT INTO tool_calls (train, id, block_index, tool_use_id, name, input_size)
SELECT $1::integer, n.* FROM unnest($2::uuid[], $3::integer[], $4::text[], $5::text[], $6::integer[]) AS n
ON CONFLICT (train, id, block_index) DO UPDATE SET tool_use_id = excluded.tool_use_id, name = excluded.name,
    input_size = excluded.input_size;

-- name: tool_calls_answered
-- The results that requests bring.
INSERT INTO tool_results (train, tool_use_id, request, is_error, size, started_us)
SELECT $1::integer, n.* FROM unnest($2::text[], $3::uuid[], $4::boolean[], $5::integer[], $6::bigint[]) AS n
ON CONFLICT (train, tool_use_id, request) DO NOTHING;

-- name: tool_calls_settle
-- Gives the calls of these tools the first result that a later request brought, whichever of the two was recorded first.
-- Looked up one by one and written where they were found: under the train's lock they stay there.
UPDATE tool_calls AS t SET result_request = a.request, is_error = a.is_error, result_size = a.size,
    duration_us = greatest(a.started_us - (extract(epoch FROM r.ended_at) * 1000000)::bigint, 0)
FROM unnest($2::text[]) AS p (tool_use_id)
CROSS JOIN LATERAL (
    SELECT c.tableoid AS month, c.ctid AS place, c.id, c.result_request FROM tool_calls AS c
    WHERE c.train = $1 AND c.tool_use_id = p.tool_use_id
    OFFSET 0) AS c
CROSS JOIN LATERAL (
    SELECT a.request, a.is_error, a.size, a.started_us FROM tool_results AS a
    WHERE a.train = $1 AND a.tool_use_id = p.tool_use_id AND a.request > c.id
    ORDER BY a.request LIMIT 1) AS a
CROSS JOIN LATERAL (SELECT r.ended_at FROM requests AS r WHERE r.train = $1 AND r.id = c.id OFFSET 0) AS r
WHERE t.tableoid = c.month AND t.ctid = c.place AND c.result_request IS DISTINCT FROM a.request;
