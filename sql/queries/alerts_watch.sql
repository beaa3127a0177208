-- name: alerts_watch_lock
-- One watcher at a time puts into the outbox what it found, until its transaction ends; what another put there is seen.
-- returns: AlertWatchLock
SELECT pg_advisory_xact_lock(7810779)::text = '' AS locked;

-- name: alerts_open
-- Alerts of kinds $1 whose end was not seen yet, expired ones too; kind by kind in the order of the index of those: asked
-- for at once by their numbers, the whole log would be read backwards.
-- returns: RunningAlert
SELECT o.alert, o.kind, o.subject, o.dedupe_key, o.tone, o.train, o.account, o.told, o.raised_at, o.expires_at, o.state
FROM unnest($1::text[]) AS k (kind)
CROSS JOIN LATERAL (
    SELECT a.alert, a.kind, a.subject, a.dedupe_key, a.tone, a.train, a.account, a.told, a.raised_at, a.expires_at, a.state
    FROM alerts AS a
    WHERE a.recovered_at IS NULL AND a.recovery_of IS NULL AND a.kind = k.kind
    ORDER BY a.kind, a.subject, a.alert
    LIMIT 1000
) AS o;

-- name: alerts_wake
-- What of kinds $1 was not told because it was snoozed, or its rule switched off, is told when that is so no more at a
-- moment ($2) and it still lasts; of one thing the newest alert only.
UPDATE alerts AS a SET state = 'waiting', reason = NULL, due_at = $2
FROM (
    SELECT DISTINCT ON (o.kind, o.subject) o.alert
    FROM alerts AS o
    WHERE o.recovered_at IS NULL AND o.recovery_of IS NULL AND o.kind = ANY ($1::text[])
    ORDER BY o.kind, o.subject, o.alert DESC
) AS newest
WHERE a.alert = newest.alert AND a.state = 'dropped' AND a.acknowledged_at IS NULL
    AND (a.reason LIKE 'snoozed by %' OR a.reason = 'its rule is switched off')
    AND (a.expires_at IS NULL OR a.expires_at > $2)
    AND NOT EXISTS (SELECT FROM alert_rules AS r WHERE r.kind = a.kind AND NOT r.enabled)
    AND NOT EXISTS (
        SELECT FROM alert_snoozes AS z WHERE z.kind = a.kind AND z.subject IN ('', a.subject) AND z.until > $2
    );

-- name: alert_accounts
-- The numbers of the accounts that bear ids $1.
-- returns: AlertAccount
SELECT a.account, a.account_id FROM accounts AS a WHERE a.account_id = ANY ($1::text[]) AND a.merged_into IS NULL;

-- name: alert_budget_trains
-- The trains that have budgets.
-- returns: TrainKey
SELECT DISTINCT b.train FROM budgets AS b ORDER BY b.train;

-- name: alert_tapes
-- How far behind each tape's rows are, when its recorder was last heard of, and how full it is; by the server's clock.
-- returns: AlertTape
SELECT p.node, p.lag_bytes, coalesce(extract(epoch FROM now() - p.oldest_unrecorded_at), 0)::double precision AS behind,
    extract(epoch FROM now() - p.heartbeat_at)::double precision AS silent, p.tape_bytes, p.tape_max_bytes
FROM tape_positions AS p
ORDER BY p.node
LIMIT 2000;

-- name: alert_letters
-- How long ago the last call was put aside, in seconds; null where none ever was.
-- returns: AlertLetters
SELECT extract(epoch FROM now() - max(d.created_at))::double precision AS quiet FROM dead_letters AS d;

-- name: alert_failures
-- Calls of trains $1 that broke since $3, by train, account and what became of them: what Anthropic refused for its own
-- or its limits' sake (429, 529, 5xx) and answers that broke off or stalled; not what a client cancelled or asked wrongly.
-- Of each train the last $4 calls that did not go well since $2 are looked at, by the index of those.
-- returns: AlertFailure
SELECT f.train, f.account, f.outcome, f.status_code, count(*) AS failures, min(f.ended_at) AS first_at, max(f.ended_at) AS last_at
FROM unnest($1::integer[]) AS t (train)
CROSS JOIN LATERAL (
    SELECT r.train, r.account, r.outcome, r.status_code::integer AS status_code, r.ended_at
    FROM requests AS r
    WHERE r.train = t.train AND r.outcome IS DISTINCT FROM 'ok' AND r.id >= uuid7_floor($2)
    ORDER BY r.id DESC
    LIMIT $4
) AS f
WHERE f.ended_at >= $3 AND (
    f.outcome IN ('stream_error', 'upstream_reset', 'upstream_incomplete', 'upstream_timeout', 'upstream_unreachable', 'proxy_crash')
    OR f.outcome = 'upstream_error' AND (f.status_code = 429 OR f.status_code >= 500))
GROUP BY f.train, f.account, f.outcome, f.status_code;

-- name: alert_calls
-- Calls of trains $1 from the five minutes of $2 up to $3 that counted (not cancelled, not refused by us), by account.
-- returns: AlertCalls
SELECT u.train, u.account, sum(u.requests - u.cancelled - u.rejected)::bigint AS calls
FROM usage_of_period($1::integer[], $2, $3) AS u
GROUP BY u.train, u.account;

-- name: alert_bursts_over
-- The trains whose bursts of errors were over since a moment ($1), and when.
-- returns: AlertBurstOver
SELECT a.train, max(a.recovered_at) AS over_at
FROM alerts AS a
WHERE a.kind = 'burst' AND a.recovered_at >= $1 AND a.train IS NOT NULL AND a.recovery_of IS NULL
GROUP BY a.train;

-- name: alert_digests
-- The trains that want a digest, when, and whether they want to hear what users write.
-- returns: AlertDigest
SELECT f.train, f.digest_at, f.zone, f.feed FROM train_feeds AS f WHERE f.digest ORDER BY f.train;

-- name: alerts_known
-- Which of these keys are in the outbox.
-- returns: AlertKnown
SELECT a.dedupe_key FROM alerts AS a WHERE a.dedupe_key = ANY ($1::text[]);

-- name: alert_day
-- What train $1 used from $2 up to $3, by model, the dearest first.
-- returns: AlertDay
SELECT u.model, sum(u.requests)::bigint AS requests, sum(u.requests - u.ok - u.cancelled - u.rejected)::bigint AS failures,
    sum(u.input_tokens + u.cache_creation_input_tokens + u.cache_read_input_tokens)::bigint AS input_tokens,
    sum(u.output_tokens)::bigint AS output_tokens, sum(u.cost_usd) AS cost_usd, sum(u.unpriced)::bigint AS unpriced
FROM usage_of_period(ARRAY[$1::integer], $2, $3) AS u
GROUP BY u.model
ORDER BY cost_usd DESC, requests DESC, u.model;

-- name: alerts_forget
-- Deletes alerts that were raised before a moment ($1), at most $3, the oldest first. What is still to be told stays, and
-- of kinds $2, which last, what is not over; and each as long as one that stays refers to it.
WITH old AS (
    SELECT a.alert FROM alerts AS a
    WHERE a.raised_at < $1 AND a.state IN ('sent', 'summed', 'dropped', 'failed', 'unsure')
        AND (a.recovered_at IS NOT NULL OR a.recovery_of IS NOT NULL OR a.kind <> ALL ($2::text[]))
        AND NOT EXISTS (SELECT FROM alerts AS r WHERE r.recovery_of = a.alert)
        AND NOT EXISTS (SELECT FROM alerts AS m WHERE m.summed_in = a.alert)
        AND NOT EXISTS (SELECT FROM alerts AS s WHERE s.alert = a.summed_in AND s.state IN ('waiting', 'claimed', 'sending'))
    ORDER BY a.raised_at
    LIMIT $3
    FOR UPDATE OF a SKIP LOCKED
)
DELETE FROM alerts AS a USING old WHERE a.alert = old.alert;
