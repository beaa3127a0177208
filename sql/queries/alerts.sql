-- name: alert_rules_changed
-- The rules that somebody changed.
-- returns: AlertRuleRow
SELECT r.kind, r.enabled, r.thresholds, r.minimum_interval, r.quiet_from, r.quiet_until, r.zone, r.changed_by, r.changed_at
FROM alert_rules AS r
ORDER BY r.kind;

-- name: alerts_raise
-- Puts alerts into the outbox; one whose dedupe key is known already is the same again and stays as it is. One that is
-- snoozed, or whose rule is switched off, is kept as dropped, with the reason.
-- returns: AlertRaised
INSERT INTO alerts AS a (kind, subject, dedupe_key, tone, train, account, told, expires_at, recovery_of, state, reason)
SELECT n.kind, n.subject, n.dedupe_key, n.tone, n.train, n.account, n.told::jsonb, n.expires_at, n.recovery_of,
    CASE WHEN s.kind IS NOT NULL OR r.enabled IS FALSE THEN 'dropped' ELSE 'waiting' END,
    CASE WHEN r.enabled IS FALSE THEN 'its rule is switched off' WHEN s.kind IS NOT NULL THEN 'snoozed by ' || s.snoozed_by END
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::integer[], $7::text[], $8::timestamptz[],
    $9::bigint[]) AS n (kind, subject, dedupe_key, tone, train, account, told, expires_at, recovery_of)
LEFT JOIN alert_rules AS r ON r.kind = n.kind
LEFT JOIN LATERAL (
    SELECT z.kind, z.snoozed_by FROM alert_snoozes AS z
    WHERE z.kind = n.kind AND z.subject IN ('', n.subject) AND z.until > now()
    LIMIT 1
) AS s ON true
ON CONFLICT (dedupe_key) DO NOTHING
RETURNING a.alert, a.dedupe_key;

-- name: alerts_running
-- Alerts whose end was not seen yet and that have not expired, of the last 40 days.
-- returns: RunningAlert
SELECT a.alert, a.kind, a.subject, a.dedupe_key, a.tone, a.train, a.account, a.told, a.raised_at, a.expires_at, a.state
FROM alerts AS a
WHERE a.recovered_at IS NULL AND a.recovery_of IS NULL AND (a.expires_at IS NULL OR a.expires_at > now())
    AND a.raised_at > now() - interval '40 days'
ORDER BY a.alert;

-- name: alerts_over
-- What these alerts ($1) are about is over; returns those that were not over yet.
-- returns: RunningAlert
UPDATE alerts AS a SET recovered_at = now()
WHERE a.alert = ANY ($1::bigint[]) AND a.recovered_at IS NULL
RETURNING a.alert, a.kind, a.subject, a.dedupe_key, a.tone, a.train, a.account, a.told, a.raised_at, a.expires_at, a.state;
