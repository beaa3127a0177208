-- name: usage_by_model_in
-- What trains $1 used of each model in each of several periods, from the five minutes of $2[n] up to $3[n].
-- returns: ModelUseRow
SELECT p.n::integer AS piece, u.model, sum(u.requests)::bigint AS requests, sum(u.ok)::bigint AS ok,
    sum(u.output_tokens)::bigint AS output_tokens,
    sum(u.cache_creation_input_tokens)::bigint AS cache_creation_input_tokens,
    sum(u.cache_read_input_tokens)::bigint AS cache_read_input_tokens,
    sum(u.ephemeral_5m_input_tokens)::bigint AS ephemeral_5m_input_tokens,
    sum(u.ephemeral_1h_input_tokens)::bigint AS ephemeral_1h_input_tokens, sum(u.ok_duration_us)::bigint AS ok_duration_us
FROM unnest($2::timestamptz[], $3::timestamptz[]) WITH ORDINALITY AS p (since, until, n)
CROSS JOIN LATERAL usage_of_period($1::integer[], p.since, p.until) AS u
GROUP BY 1, 2
-- A name that nothing was sold under (clients may ask for anything) says nothing of it.
HAVING sum(u.output_tokens + u.cache_creation_input_tokens + u.cache_read_input_tokens) > 0
ORDER BY 1, 2;

-- name: conversations_begun
-- How many conversations of trains $1 began in each week of zone $3 from $2 on, and what they were in all. Found by their
-- ids, which begin with the time of their first request.
-- returns: BegunRow
SELECT step_begins(c.first_at, 'week', $3::text) AS week, count(*) AS conversations,
    sum(c.message_count)::bigint AS requests, sum(c.cost_usd) AS cost_usd, sum(c.unpriced_count)::bigint AS unpriced
FROM conversations AS c
WHERE c.train = ANY ($1::integer[]) AND c.conversation_id >= uuid7_floor($2::timestamptz) AND c.first_at >= $2
    AND c.side_call IS NULL
GROUP BY 1
ORDER BY 1;

-- name: usage_by_key
-- What came with each client key of trains $1 from $2 up to $3, whole quarters of an hour; and where the key is null all
-- that was used in them. Keys are looked up one after the other in the index, however many quarters each has.
-- returns: KeyUseRow
WITH RECURSIVE keys AS (
    SELECT t.train, (SELECT min(k.key_id) FROM key_usage AS k WHERE k.train = t.train) AS key_id
    FROM unnest($1::integer[]) AS t (train)
    UNION ALL
    SELECT k.train, (SELECT min(n.key_id) FROM key_usage AS n WHERE n.train = k.train AND n.key_id > k.key_id)
    FROM keys AS k
    WHERE k.key_id IS NOT NULL
)
SELECT k.train, k.key_id, u.requests, u.cost_usd, u.unpriced
FROM keys AS k
CROSS JOIN LATERAL (
    SELECT sum(u.requests)::bigint AS requests, sum(u.cost_usd) AS cost_usd, sum(u.unpriced)::bigint AS unpriced
    FROM key_usage AS u
    WHERE u.train = k.train AND u.key_id = k.key_id AND u.quarter >= $2::timestamptz AND u.quarter < $3::timestamptz
) AS u
WHERE u.requests IS NOT NULL
UNION ALL
SELECT NULL, NULL, coalesce(sum(u.requests), 0)::bigint, coalesce(sum(u.cost_usd), 0), coalesce(sum(u.unpriced), 0)::bigint
FROM usage_of_period($1, $2, $3) AS u
ORDER BY 4 DESC, 2;
