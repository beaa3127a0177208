-- name: prices_own
-- The installation's own prices that hold, the oldest first.
-- returns: PriceRow
SELECT p.price, p.model, p.valid_from, p.valid_to, p.min_prompt, p.max_prompt, p.speed, p.input, p.output,
    p.cache_write_5m, p.cache_write_1h, p.cache_read, p.unconfirmed, p.source, p.created_by, p.created_at
FROM prices AS p
WHERE p.deleted_at IS NULL
ORDER BY p.price;

-- name: price_put
-- A new own price; it counts from now on.
-- returns: PriceRow
WITH counted AS (
    UPDATE installation SET price_changes = price_changes + 1
)
INSERT INTO prices AS p (model, valid_from, valid_to, min_prompt, max_prompt, speed, input, output, cache_write_5m,
    cache_write_1h, cache_read, unconfirmed, source, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
RETURNING p.price, p.model, p.valid_from, p.valid_to, p.min_prompt, p.max_prompt, p.speed, p.input, p.output,
    p.cache_write_5m, p.cache_write_1h, p.cache_read, p.unconfirmed, p.source, p.created_by, p.created_at;

-- name: price_delete
-- An own price that counts no more; it stays in the table for those who ask what a request was priced by.
-- returns: PriceRow
WITH gone AS (
    UPDATE prices AS p SET deleted_at = now(), deleted_by = $2 WHERE p.price = $1 AND p.deleted_at IS NULL
    RETURNING p.price, p.model, p.valid_from, p.valid_to, p.min_prompt, p.max_prompt, p.speed, p.input, p.output,
        p.cache_write_5m, p.cache_write_1h, p.cache_read, p.unconfirmed, p.source, p.created_by, p.created_at
), counted AS (
    UPDATE installation SET price_changes = price_changes + 1 WHERE EXISTS (SELECT FROM gone)
)
SELECT * FROM gone;
