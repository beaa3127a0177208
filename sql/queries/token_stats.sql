-- name: token_stats
-- All-time requests and tokens by train, model and request type, out of the roll-up; the empty text stands for "none".
-- returns: TokenStatsRow
SELECT t.name AS train, u.model, u.request_type, sum(u.requests)::bigint AS requests,
    sum(u.input_tokens)::bigint AS input_tokens, sum(u.output_tokens)::bigint AS output_tokens
FROM usage_daily AS u
JOIN trains AS t ON t.train = u.train
GROUP BY t.name, u.model, u.request_type
ORDER BY t.name, u.model, u.request_type;
