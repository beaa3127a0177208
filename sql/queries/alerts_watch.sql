-- name: alerts_watch_lock
-- One watcher at a time puts into the outbox what it found, until its transaction ends; what another put there is seen.
-- returns: AlertWatchLock
SELECT pg_advisory_xact_lock(7810779)::text = '' AS locked;

-- name: alerts_open
-- Alerts of kinds $1 whose end was not seen yet, expired ones too.
-- returns: RunningAlert
SELECT a.alert, a.kind, a.subject, a.dedupe_key, a.tone, a.train, a.account, a.told, a.raised_at, a.expires_at, a.state
FROM alerts AS a
WHERE a.recovered_at IS NULL AND a.recovery_of IS NULL AND a.kind = ANY ($1::text[])
ORDER BY a.alert DESC
LIMIT 2000;

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
