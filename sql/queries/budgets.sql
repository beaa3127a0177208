-- name: budgets_of
-- The budgets of trains $1.
-- returns: BudgetRow
SELECT b.budget, b.train, b.key_id, b.unit, b.amount, b.period, b.zone, b.hard, b.created_by, b.created_at, b.updated_at
FROM budgets AS b
WHERE b.train = ANY ($1::integer[])
ORDER BY b.train, b.key_id NULLS FIRST, b.unit, b.period;

-- name: budgets_used
-- What trains ($1), or keys of them ($2 where not null), used from $3 up to $4; one row for each, numbered from 1.
-- returns: BudgetUsedRow
SELECT n.n::integer AS n, coalesce(s.cost_usd, 0) AS cost_usd, coalesce(s.tokens, 0)::bigint AS tokens,
    coalesce(s.unpriced, 0)::bigint AS unpriced
FROM unnest($1::integer[], $2::text[], $3::timestamptz[], $4::timestamptz[]) WITH ORDINALITY
    AS n (train, key_id, starts_at, ends_at, n)
CROSS JOIN LATERAL (
    SELECT sum(u.cost_usd) AS cost_usd, sum(u.tokens) AS tokens, sum(u.unpriced) AS unpriced
    FROM (
        SELECT h.cost_usd, h.input_tokens + h.output_tokens AS tokens, h.unpriced
        FROM usage_of_period(ARRAY[n.train], n.starts_at, n.ends_at) AS h
        WHERE n.key_id IS NULL
        UNION ALL
        SELECT k.cost_usd, k.input_tokens + k.output_tokens, k.unpriced
        FROM key_usage AS k
        WHERE k.train = n.train AND k.key_id = n.key_id AND k.quarter >= n.starts_at AND k.quarter < n.ends_at
    ) AS u
) AS s
ORDER BY n.n;

-- name: budget_put
-- A new budget; no row where the train has one of this key, unit and period.
-- returns: BudgetRow
INSERT INTO budgets AS b (train, key_id, unit, amount, period, zone, hard, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (train, coalesce(key_id, ''), unit, period) DO NOTHING
RETURNING b.budget, b.train, b.key_id, b.unit, b.amount, b.period, b.zone, b.hard, b.created_by, b.created_at,
    b.updated_at;

-- name: budget_change
-- Another amount, zone or hardness of a budget of trains $1.
-- returns: BudgetRow
UPDATE budgets AS b SET amount = $3, zone = $4, hard = $5, updated_at = now()
WHERE b.train = ANY ($1::integer[]) AND b.budget = $2
RETURNING b.budget, b.train, b.key_id, b.unit, b.amount, b.period, b.zone, b.hard, b.created_by, b.created_at,
    b.updated_at;

-- name: budget_delete
-- A budget of trains $1 is no more.
-- returns: BudgetRow
DELETE FROM budgets AS b
WHERE b.train = ANY ($1::integer[]) AND b.budget = $2
RETURNING b.budget, b.train, b.key_id, b.unit, b.amount, b.period, b.zone, b.hard, b.created_by, b.created_at,
    b.updated_at;
