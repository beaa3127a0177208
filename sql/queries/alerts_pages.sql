-- name: alerts_log
-- A page of the log of alerts, newest first: of trains $1 and of windows of accounts they used, or of all where $2; of
-- kinds $3 and trains $5 where those are given, in states $4, older than $6; 31, one more than a page. Each kind, state and train is
-- looked up by itself, in the order of its index: what matches nothing would be sought through the whole log otherwise.
-- It is asked for as a range because the planner takes the order of an equal column for settled, and reads by number.
-- returns: LoggedAlert
WITH RECURSIVE kinds (kind) AS (
    (SELECT a.kind FROM alerts AS a ORDER BY a.kind LIMIT 1)
    UNION ALL
    SELECT (SELECT a.kind FROM alerts AS a WHERE a.kind > k.kind ORDER BY a.kind LIMIT 1) FROM kinds AS k WHERE k.kind IS NOT NULL
), wanted AS (
    SELECT k.kind, s.state FROM kinds AS k CROSS JOIN unnest($4::text[]) AS s (state)
    WHERE k.kind IS NOT NULL AND ($3::text[] IS NULL OR k.kind = ANY ($3))
), numbers AS (
    SELECT l.alert FROM wanted AS w
    CROSS JOIN LATERAL (
        SELECT a.alert FROM alerts AS a
        WHERE (a.kind, a.state) >= (w.kind, w.state) AND (a.kind, a.state, a.alert) < (w.kind, w.state, $6::bigint)
        ORDER BY a.kind DESC, a.state DESC, a.alert DESC LIMIT 31
    ) AS l
    WHERE $2::boolean AND $5::integer[] IS NULL
    UNION ALL
    SELECT l.alert FROM wanted AS w
    CROSS JOIN (
        SELECT t.train FROM unnest(coalesce($5, $1::integer[])) AS t (train) WHERE $2 OR t.train = ANY ($1)
    ) AS t
    CROSS JOIN LATERAL (
        SELECT a.alert FROM alerts AS a
        WHERE (a.train, a.kind, a.state) >= (t.train, w.kind, w.state)
            AND (a.train, a.kind, a.state, a.alert) < (t.train, w.kind, w.state, $6)
        ORDER BY a.train DESC, a.kind DESC, a.state DESC, a.alert DESC LIMIT 31
    ) AS l
    WHERE NOT $2 OR $5 IS NOT NULL
    UNION ALL
    SELECT l.alert FROM wanted AS w
    CROSS JOIN LATERAL (
        SELECT a.alert FROM alerts AS a
        WHERE a.train IS NULL AND a.kind = w.kind AND a.state = w.state AND a.alert < $6
            AND EXISTS (SELECT FROM usage_hourly AS u WHERE u.train = ANY ($1) AND u.account = a.account)
        ORDER BY a.alert DESC LIMIT 31
    ) AS l
    WHERE NOT $2 AND $5 IS NULL AND w.kind IN ('window', 'dry')
), page AS (
    SELECT n.alert FROM numbers AS n ORDER BY n.alert DESC LIMIT 31
)
SELECT a.alert, a.kind, a.subject, a.tone, a.train, t.name AS train_name, a.account, a.told, a.raised_at, a.expires_at,
    a.recovered_at, a.recovery_of, a.state, a.reason, a.due_at, a.channel, c.name AS channel_name,
    c.failures AS channel_failures, a.attempts, a.lost_marks, a.sent_at, a.message, a.summed_in, a.acknowledged_by,
    a.acknowledged_at
FROM page AS p
CROSS JOIN LATERAL (SELECT x.* FROM alerts AS x WHERE x.alert = p.alert OFFSET 0) AS a
LEFT JOIN trains AS t ON t.train = a.train
LEFT JOIN channels AS c ON c.channel = a.channel
ORDER BY a.alert DESC;

-- name: alert_logged
-- One alert ($3) of the log, where it is of trains $1 or of a window of an account they used, or all ($2) may be seen.
-- returns: LoggedAlert
SELECT a.alert, a.kind, a.subject, a.tone, a.train, t.name AS train_name, a.account, a.told, a.raised_at, a.expires_at,
    a.recovered_at, a.recovery_of, a.state, a.reason, a.due_at, a.channel, c.name AS channel_name,
    c.failures AS channel_failures, a.attempts, a.lost_marks, a.sent_at, a.message, a.summed_in, a.acknowledged_by,
    a.acknowledged_at
FROM alerts AS a
LEFT JOIN trains AS t ON t.train = a.train
LEFT JOIN channels AS c ON c.channel = a.channel
WHERE a.alert = $3 AND ($2::boolean OR a.train = ANY ($1::integer[]) OR (a.train IS NULL AND a.kind IN ('window', 'dry')
    AND EXISTS (SELECT FROM usage_hourly AS u WHERE u.train = ANY ($1) AND u.account = a.account)));

-- name: alerts_open_now
-- What runs now, one row for each thing: the newest alert of it, since when, and until when it is snoozed. Of kinds $3;
-- of trains $1 and of windows of accounts they used, or of all where $2.
-- returns: OpenAlert
SELECT o.alert, o.kind, o.subject, o.tone, o.train, o.train_name, o.told, o.since, o.raised_at, o.state, o.reason,
    o.due_at, o.lost_marks, o.sent_at, o.channel_name, o.channel_failures, o.acknowledged_by, o.acknowledged_at, s.until AS snoozed_until, s.snoozed_by
FROM (
    SELECT DISTINCT ON (a.kind, a.subject) a.alert, a.kind, a.subject, a.tone, a.train, t.name AS train_name, a.told,
        min(a.raised_at) OVER (PARTITION BY a.kind, a.subject) AS since, a.raised_at, a.state, a.reason, a.due_at,
        a.lost_marks, a.sent_at, c.name AS channel_name, c.failures AS channel_failures, a.acknowledged_by, a.acknowledged_at
    FROM alerts AS a
    LEFT JOIN trains AS t ON t.train = a.train
    LEFT JOIN channels AS c ON c.channel = a.channel
    WHERE a.recovered_at IS NULL AND a.recovery_of IS NULL AND a.kind = ANY ($3::text[])
        AND (a.expires_at IS NULL OR a.expires_at > now()) AND a.raised_at > now() - interval '40 days'
        AND ($2::boolean OR a.train = ANY ($1::integer[]) OR (a.train IS NULL AND a.kind IN ('window', 'dry')
            AND EXISTS (SELECT FROM usage_hourly AS u WHERE u.train = ANY ($1) AND u.account = a.account)))
    ORDER BY a.kind, a.subject, a.alert DESC
) AS o
LEFT JOIN LATERAL (
    SELECT z.until, z.snoozed_by FROM alert_snoozes AS z
    WHERE z.kind = o.kind AND z.subject IN ('', o.subject) AND z.until > now()
    ORDER BY z.until DESC
    LIMIT 1
) AS s ON true
ORDER BY o.alert DESC
LIMIT $4;

-- name: alert_tries
-- Every time Slack was asked to take alerts $1, the first try first.
-- returns: AlertTry
SELECT d.alert, d.tried_at, d.outcome, d.status, d.detail, c.name AS channel_name
FROM alert_deliveries AS d
LEFT JOIN channels AS c ON c.channel = d.channel
WHERE d.alert = ANY ($1::bigint[])
ORDER BY d.alert, d.delivery;

-- name: alerts_acknowledge
-- Somebody ($3) saw what runs of a kind ($1) about a thing ($2); what waits of it is not told any more.
-- returns: AlertNumber
UPDATE alerts AS a SET acknowledged_by = $3, acknowledged_at = now(),
    state = CASE a.state WHEN 'waiting' THEN 'dropped' ELSE a.state END,
    reason = CASE a.state WHEN 'waiting' THEN left('acknowledged by ' || $3 || ' before it was sent', 400) ELSE a.reason END
WHERE a.kind = $1 AND a.subject = $2 AND a.recovered_at IS NULL AND a.recovery_of IS NULL AND a.acknowledged_at IS NULL
RETURNING a.alert;

-- name: alert_snooze
-- Nothing is told of a kind ($1) about a thing ($2; '' is everything of the kind) until $3, says $4; what waits is dropped.
-- returns: AlertSnooze
WITH dropped AS (
    UPDATE alerts SET state = 'dropped', reason = left('snoozed by ' || $4, 400)
    WHERE state = 'waiting' AND kind = $1 AND ($2 = '' OR subject = $2)
)
INSERT INTO alert_snoozes AS s (kind, subject, until, snoozed_by)
VALUES ($1, $2, $3, $4)
ON CONFLICT (kind, subject) DO UPDATE SET until = excluded.until, snoozed_by = excluded.snoozed_by
RETURNING s.kind, s.subject, s.until, s.snoozed_by;

-- name: alert_snooze_end
-- What was snoozed of a kind ($1) about a thing ($2), or of the whole kind, is told again.
DELETE FROM alert_snoozes WHERE kind = $1 AND subject IN ('', $2);

-- name: alert_snoozes_now
-- What is snoozed now.
-- returns: AlertSnooze
SELECT s.kind, s.subject, s.until, s.snoozed_by
FROM alert_snoozes AS s
WHERE s.until > now()
ORDER BY s.kind, s.subject;

-- name: alert_rule_put
-- The rule of a kind, as somebody wants it from now on. What the old one holds is decided about anew.
WITH freed AS (
    UPDATE alerts SET due_at = raised_at WHERE kind = $1 AND state = 'waiting' AND due_at > raised_at
)
INSERT INTO alert_rules AS r (kind, enabled, thresholds, minimum_interval, quiet_from, quiet_until, zone, changed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (kind) DO UPDATE SET
    enabled_since = CASE WHEN excluded.enabled AND NOT r.enabled THEN now() ELSE r.enabled_since END,
    enabled = excluded.enabled, thresholds = excluded.thresholds,
    minimum_interval = excluded.minimum_interval, quiet_from = excluded.quiet_from, quiet_until = excluded.quiet_until,
    zone = excluded.zone, changed_by = excluded.changed_by, changed_at = now();

-- name: alert_rule_reset
-- The rule of a kind is its default again, which is on. What the old one holds is decided about anew; where it was off,
-- feeds begin now.
WITH freed AS (
    UPDATE alerts SET due_at = raised_at WHERE kind = $1 AND state = 'waiting' AND due_at > raised_at
), begun AS (
    UPDATE train_feeds SET feed_since = now()
    WHERE $1 = 'feed' AND EXISTS (SELECT FROM alert_rules AS r WHERE r.kind = 'feed' AND NOT r.enabled)
)
DELETE FROM alert_rules WHERE kind = $1;

-- name: channels_shown
-- Channels ($1, or all) without their secrets, each with the last test of it: first that of the whole installation.
-- returns: ChannelRow
SELECT c.channel, c.name, c.kind, c.origin, c.masked, c.destination, c.train, t.name AS train_name, c.account,
    coalesce(m.account_id, a.account_id) AS account_id, coalesce(m.display_name, a.display_name) AS account_name,
    c.off_reason, c.off_at, nullif(c.not_before, '-infinity') AS not_before, c.failures, c.last_sent_at, c.created_by,
    c.created_at, x.alert AS test, x.state AS test_state, x.reason AS test_reason, x.raised_at AS tested_at
FROM channels AS c
LEFT JOIN trains AS t ON t.train = c.train
LEFT JOIN accounts AS a ON a.account = c.account
LEFT JOIN accounts AS m ON m.account = a.merged_into
LEFT JOIN LATERAL (
    SELECT e.alert, e.state, e.reason, e.raised_at FROM alerts AS e
    WHERE e.kind = 'test' AND e.subject = 'channel ' || c.channel AND e.recovered_at IS NULL AND e.recovery_of IS NULL
    ORDER BY e.alert DESC
    LIMIT 1
) AS x ON true
WHERE $1::integer IS NULL OR c.channel = $1
ORDER BY num_nonnulls(c.train, c.account), c.origin = 'environment', c.name;

-- name: notifiers_differ
-- Whether the dashboards that were heard of in the last minute have different webhooks of the environment.
-- returns: NotifiersDiffer
SELECT count(DISTINCT n.webhook) > 1 AS differ
FROM notifiers AS n
WHERE n.seen_at > now() - interval '1 minute' AND n.webhook <> 'unknown';

-- name: channel_number
-- The number that the next channel gets: its secret is sealed for that number before the row is there.
-- returns: ChannelNumber
SELECT nextval(pg_get_serial_sequence('channels', 'channel'))::integer AS channel;

-- name: channel_put
-- A channel of the page under a number it was given; no row where its name, or its place, is taken.
-- returns: ChannelNumber
INSERT INTO channels AS c (channel, name, kind, origin, sealed, masked, destination, train, account, created_by)
OVERRIDING SYSTEM VALUE
VALUES ($1, $2, $3, 'page', $4, $5, $6, $7, $8, $9)
ON CONFLICT DO NOTHING
RETURNING c.channel;

-- name: channel_rename
-- Another name of a channel; no row where there is none, or the name is taken.
-- returns: ChannelNumber
UPDATE channels AS c SET name = $2
WHERE c.channel = $1 AND NOT EXISTS (SELECT FROM channels AS o WHERE o.name = $2 AND o.channel <> $1)
RETURNING c.channel;

-- name: channel_switch
-- A channel is switched off for a reason ($2), or on where there is none: then it is tried again at once.
-- returns: ChannelNumber
UPDATE channels AS c SET off_reason = $2, off_at = CASE WHEN $2::text IS NULL THEN NULL ELSE now() END,
    failures = CASE WHEN $2 IS NULL THEN 0 ELSE c.failures END,
    not_before = CASE WHEN $2 IS NULL THEN '-infinity' ELSE c.not_before END
WHERE c.channel = $1
RETURNING c.channel;

-- name: channel_delete
-- A channel of the page is no more; what was sent on it stays in the log.
-- returns: ChannelNumber
DELETE FROM channels AS c WHERE c.channel = $1 AND c.origin = 'page'
RETURNING c.channel;

-- name: channel_test
-- A test for a channel ($1), which is sent on it even where it is switched off.
-- returns: AlertNumber
INSERT INTO alerts AS a (kind, subject, dedupe_key, tone, train, account, told, expires_at, channel)
SELECT 'test', 'channel ' || c.channel, $2, 'info', c.train, c.account, $3::text::jsonb, $4, c.channel
FROM channels AS c
WHERE c.channel = $1
RETURNING a.alert;

-- name: feeds_of
-- What trains $1 want to hear besides incidents.
-- returns: TrainFeedRow
SELECT f.train, f.feed, f.digest, f.digest_at, f.zone, f.changed_by, f.changed_at
FROM train_feeds AS f
WHERE f.train = ANY ($1::integer[]);

-- name: feed_put
-- What a train wants to hear from now on.
INSERT INTO train_feeds AS f (train, feed, digest, digest_at, zone, changed_by)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (train) DO UPDATE SET feed_since = CASE WHEN excluded.feed AND NOT f.feed THEN now() ELSE f.feed_since END,
    feed = excluded.feed, digest = excluded.digest, digest_at = excluded.digest_at,
    zone = excluded.zone, changed_by = excluded.changed_by, changed_at = now();

-- name: account_bearing
-- The account that bears an id ($1) now, or that what bore it was merged into.
-- returns: AccountNumber
SELECT coalesce(a.merged_into, a.account) AS account
FROM accounts AS a
WHERE a.account_id = $1;
