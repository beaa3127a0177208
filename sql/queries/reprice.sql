-- name: reprice_begin
-- Begins to price a train's requests again from one id up to another, or goes on with what was broken off: the same
-- requests by the same prices.
-- returns: RepriceState
INSERT INTO reprices AS r (train, since, until, price_changes, list_sha256, reached, total)
SELECT $1::integer, $2::uuid, $3::uuid, $4::bigint, $5::text, $2,
    (SELECT count(*) FROM requests AS q WHERE q.train = $1 AND q.id >= $2 AND q.id < $3 AND q.outcome IS NOT NULL)
ON CONFLICT (train) DO UPDATE SET
    reached = CASE WHEN r.finished_at IS NULL AND (r.since, r.until, r.price_changes, r.list_sha256)
            = (excluded.since, excluded.until, excluded.price_changes, excluded.list_sha256)
        THEN r.reached ELSE excluded.since END,
    repriced = CASE WHEN r.finished_at IS NULL AND (r.since, r.until, r.price_changes, r.list_sha256)
            = (excluded.since, excluded.until, excluded.price_changes, excluded.list_sha256)
        THEN r.repriced ELSE 0 END,
    changed = CASE WHEN r.finished_at IS NULL AND (r.since, r.until, r.price_changes, r.list_sha256)
            = (excluded.since, excluded.until, excluded.price_changes, excluded.list_sha256)
        THEN r.changed ELSE 0 END,
    started_at = CASE WHEN r.finished_at IS NULL THEN r.started_at ELSE now() END,
    since = excluded.since, until = excluded.until, price_changes = excluded.price_changes,
    list_sha256 = excluded.list_sha256, total = excluded.total, finished_at = NULL
RETURNING reached, repriced, changed, total;

-- name: reprice_next
-- The next requests that have ended, behind the id $2 and before $3, with all that their price depends on.
-- returns: RepriceRow
SELECT r.id, r.method, r.path, r.status_code, coalesce(r.answered_model, r.model) AS model, r.usage, r.usage_complete,
    r.batch_id, r.conversation_id, r.started_at, r.cost_usd, r.price_id, r.cost_estimated, r.cost_reason
FROM requests AS r
WHERE r.train = $1 AND r.id > $2 AND r.id < $3 AND r.outcome IS NOT NULL
ORDER BY r.id
LIMIT $4;

-- name: reprice_write
-- The costs of requests, one array per column.
UPDATE requests AS r SET cost_usd = n.cost_usd, price_id = n.price_id, cost_estimated = n.cost_estimated,
    cost_reason = n.cost_reason, updated_at = now()
FROM unnest($2::uuid[], $3::numeric[], $4::text[], $5::boolean[], $6::text[])
    AS n (id, cost_usd, price_id, cost_estimated, cost_reason)
WHERE r.train = $1 AND r.id = n.id;

-- name: reprice_notes
-- What is remembered of these requests.
-- returns: LinkNote
SELECT n.record FROM request_notes AS n WHERE n.train = $1 AND n.request = ANY ($2::uuid[]);

-- name: reprice_write_notes
-- What is remembered of requests from now on.
UPDATE request_notes AS r SET record = n.record
FROM unnest($2::uuid[], $3::bytea[]) AS n (request, record)
WHERE r.train = $1 AND r.request = n.request;

-- name: reprice_conversations
-- What these conversations cost, from the rows of their requests.
UPDATE conversations AS c SET cost_usd = n.cost_usd, unpriced_count = n.unpriced, estimated_count = n.estimated
FROM (
    SELECT r.conversation_id, sum(r.cost_usd) AS cost_usd,
        count(*) FILTER (WHERE r.cost_usd IS NULL AND r.cost_reason IS NOT NULL) AS unpriced,
        count(*) FILTER (WHERE r.cost_estimated) AS estimated
    FROM requests AS r
    WHERE r.train = $1 AND r.conversation_id = ANY ($2::uuid[]) AND r.outcome IS NOT NULL
    GROUP BY r.conversation_id
) AS n
WHERE c.train = $1 AND c.conversation_id = n.conversation_id;

-- name: reprice_reached
-- Everything up to here is priced; so many were, and so many cost something else now.
UPDATE reprices SET reached = $2, repriced = repriced + $3, changed = changed + $4 WHERE train = $1;

-- name: reprice_finish
-- The train is priced again.
UPDATE reprices SET finished_at = now() WHERE train = $1;

-- name: price_changes
-- How often the installation's own prices were changed.
-- returns: PriceChanges
SELECT i.price_changes FROM installation AS i;
