-- name: trains_named
-- The trains of these names, or all of them where $1 is null.
-- returns: TrainRow
SELECT t.train, t.name, t.created_at
FROM trains AS t
WHERE $1::text[] IS NULL OR t.name = ANY ($1)
ORDER BY t.name;

-- name: accounts_numbered
-- The accounts of these numbers under the id they bear now: one that was merged answers as the one it went into.
-- returns: AccountRow
SELECT a.account, coalesce(m.account_id, a.account_id) AS account_id,
    coalesce(m.display_name, a.display_name) AS display_name
FROM accounts AS a
LEFT JOIN accounts AS m ON m.account = a.merged_into
WHERE a.account = ANY ($1::integer[]);

-- name: accounts_of_id
-- Every account number that an account id stands for: its own and those merged into it.
-- returns: AccountRow
SELECT a.account, coalesce(m.account_id, a.account_id) AS account_id,
    coalesce(m.display_name, a.display_name) AS display_name
FROM accounts AS a
LEFT JOIN accounts AS m ON m.account = a.merged_into
WHERE coalesce(m.account_id, a.account_id) = $1 OR a.account_id = $1
ORDER BY a.account;

-- name: accounts_all
-- Accounts by the id they bear now, and what trains $2 used of each; where $1 is false only those that they used at all.
-- returns: AccountUseRow
SELECT m.account_id, m.kind, m.display_name, m.created_at, coalesce(sum(u.requests), 0)::bigint AS requests,
    coalesce(sum(u.input_tokens), 0)::bigint AS input_tokens, coalesce(sum(u.output_tokens), 0)::bigint AS output_tokens,
    coalesce(sum(u.cost_usd), 0) AS cost_usd, coalesce(sum(u.unpriced), 0)::bigint AS unpriced, max(u.hour) AS last_hour
FROM accounts AS a
JOIN accounts AS m ON m.account = coalesce(a.merged_into, a.account)
LEFT JOIN usage_hourly AS u ON u.account = a.account AND u.train = ANY ($2::integer[]) AND u.hour >= $3::timestamptz
GROUP BY m.account, m.account_id, m.kind, m.display_name, m.created_at
HAVING $1::boolean OR count(u.hour) > 0
ORDER BY m.account_id;

-- name: account_name
-- Another display name of the account that bears this id now; null takes it back.
-- returns: AccountRow
UPDATE accounts AS a SET display_name = $2 WHERE a.account_id = $1 AND a.merged_into IS NULL
RETURNING a.account, a.account_id, a.display_name;
