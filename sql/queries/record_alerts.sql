-- name: record_alerts_open
-- Alerts of kinds $1 about subjects $2 whose end was not seen yet.
-- returns: RunningAlert
SELECT a.alert, a.kind, a.subject, a.dedupe_key, a.tone, a.train, a.account, a.told, a.raised_at, a.expires_at, a.state
FROM alerts AS a
WHERE a.recovered_at IS NULL AND a.recovery_of IS NULL AND a.kind = ANY ($1::text[]) AND a.subject = ANY ($2::text[])
ORDER BY a.alert;
