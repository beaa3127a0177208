-- name: models_seen
-- The models that answered (or were asked) in trains $1 since the day of $2, by name: what the list's filter offers.
-- returns: ModelRow
SELECT DISTINCT u.model
FROM usage_daily AS u
WHERE u.train = ANY ($1::integer[]) AND u.day >= date_trunc('day', $2::timestamptz, 'UTC') AND u.model <> ''
ORDER BY u.model
LIMIT 100;

-- name: anything_recorded
-- Whether trains $1 hold any request at all.
-- returns: RecordedRow
SELECT EXISTS (SELECT 1 FROM requests AS r WHERE r.train = ANY ($1::integer[])) AS recorded;
