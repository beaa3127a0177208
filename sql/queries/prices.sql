-- name: prices_own
-- The installation's own prices that hold, the oldest first.
-- returns: PriceRow
SELECT p.price, p.model, p.valid_from, p.valid_to, p.min_prompt, p.max_prompt, p.speed, p.input, p.output,
    p.cache_write_5m, p.cache_write_1h, p.cache_read, p.unconfirmed, p.source, p.created_by, p.created_at
FROM prices AS p
WHERE p.deleted_at IS NULL
ORDER BY p.price;
