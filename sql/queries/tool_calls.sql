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
UPDATE tool_calls AS t SET result_request = found.request, is_error = found.is_error, result_size = found.size,
    duration_us = found.duration_us
FROM (
    SELECT DISTINCT ON (c.id, c.block_index) c.id, c.block_index, a.request, a.is_error, a.size,
        greatest(a.started_us - (extract(epoch FROM r.ended_at) * 1000000)::bigint, 0) AS duration_us
    FROM tool_calls AS c
    JOIN tool_results AS a ON a.train = $1 AND a.tool_use_id = c.tool_use_id AND a.request > c.id
    JOIN requests AS r ON r.train = $1 AND r.id = c.id
    WHERE c.train = $1 AND c.tool_use_id = ANY ($2::text[])
    ORDER BY c.id, c.block_index, a.request
) AS found
WHERE t.train = $1 AND t.id = found.id AND t.block_index = found.block_index
    AND t.result_request IS DISTINCT FROM found.request;
