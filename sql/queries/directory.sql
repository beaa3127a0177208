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
