-- name: notifier_due
-- What there is to do at a moment ($1), by channel: `lost` claims ran out, alerts are to be `route`d, or it is a
-- channel's `turn`. Empty, from an index that holds only what waits, while there is nothing.
-- returns: WorkDue
SELECT DISTINCT
    CASE WHEN a.state <> 'waiting' THEN 'lost'
        WHEN c.channel IS NULL OR (c.off_reason IS NOT NULL AND a.kind <> 'test') THEN 'route'
        ELSE 'turn' END AS work,
    c.channel
FROM alerts AS a
LEFT JOIN channels AS c ON c.channel = a.channel
WHERE a.state IN ('waiting', 'claimed', 'sending') AND a.due_at <= $1
    AND (a.state = 'waiting' OR a.claimed_until <= $1)
    AND (a.state <> 'waiting' OR c.channel IS NULL OR c.not_before <= $1 OR (a.kind = 'test' AND c.failures > 0)
        OR (c.off_reason IS NOT NULL AND a.kind <> 'test'));

-- name: notifier_lost
-- Claims that ran out at a moment ($1) are given back. Where Slack was being asked it may have heard the message: it is
-- sent again once, and after a second time nobody can say whether it was told.
UPDATE alerts SET
    state = CASE WHEN state = 'sending' AND lost_marks > 0 THEN 'unsure' ELSE 'waiting' END,
    reason = CASE WHEN state = 'sending' AND lost_marks > 0 THEN 'twice nobody noted what Slack answered' ELSE reason END,
    lost_marks = lost_marks + (state = 'sending')::integer, claim = NULL, claimed_until = NULL
WHERE state IN ('claimed', 'sending') AND claimed_until <= $1;

-- name: notifier_route
-- Gives alerts that have no channel, or one that is off, the channel of their train, else of their account, else of the
-- installation; a recovery that of its alert. Where there is none they wait, are asked about again in 15 s, and end when
-- they are no news any more, which kinds ($2) are for so long ($3). $1 is now. One notifier at a time does it, the others
-- pass: each would take what another has not yet reached, and a later alert could be told before an earlier one.
WITH alone AS MATERIALIZED (
    SELECT FROM (SELECT pg_try_advisory_xact_lock(7810780) AS taken) AS lock WHERE lock.taken
), homeless AS (
    SELECT a.alert, a.kind, a.train, a.account, a.recovery_of
    FROM alone
    CROSS JOIN alerts AS a
    LEFT JOIN channels AS c ON c.channel = a.channel
    WHERE a.state = 'waiting' AND a.due_at <= $1
        AND (c.channel IS NULL OR (c.off_reason IS NOT NULL AND a.kind <> 'test'))
    ORDER BY a.alert
    LIMIT 1000
    FOR UPDATE OF a SKIP LOCKED
), found AS (
    SELECT h.alert, (
        SELECT c.channel FROM channels AS c
        WHERE c.off_reason IS NULL AND h.kind <> 'test'
            AND (c.train = h.train OR num_nonnulls(c.train, c.account) = 0 OR EXISTS (
                -- An account that was found to be another's other name is that one.
                SELECT FROM accounts AS x JOIN accounts AS y ON coalesce(x.merged_into, x.account) = coalesce(y.merged_into, y.account)
                WHERE x.account = c.account AND y.account = h.account
            ))
        ORDER BY c.channel IS NOT DISTINCT FROM (SELECT f.channel FROM alerts AS f WHERE f.alert = h.recovery_of) DESC,
            c.train IS NOT NULL DESC, c.account IS NOT NULL DESC, c.origin = 'page' DESC
        LIMIT 1
    ) AS channel
    FROM homeless AS h
), fates AS (
    SELECT f.alert, f.channel, f.channel IS NULL AND (
            a.expires_at <= $1 OR a.recovered_at IS NOT NULL
            OR a.raised_at < $1 - coalesce(m.matters_for, CASE WHEN a.recovery_of IS NOT NULL THEN interval '1 day' END)
        ) AS ends
    FROM found AS f
    JOIN alerts AS a ON a.alert = f.alert
    LEFT JOIN unnest($2::text[], $3::interval[]) AS m (kind, matters_for) ON m.kind = a.kind
)
UPDATE alerts AS a SET
    channel = f.channel,
    state = CASE WHEN NOT coalesce(f.ends, false) THEN 'waiting' WHEN a.attempts > 0 THEN 'failed' ELSE 'dropped' END,
    reason = CASE WHEN coalesce(f.ends, false) AND (a.attempts = 0 OR a.reason IS NULL) THEN 'no channel'
        ELSE a.reason END,
    due_at = CASE WHEN f.channel IS NULL THEN $1 + interval '15 seconds' ELSE a.due_at END
FROM fates AS f
WHERE a.alert = f.alert AND a.state = 'waiting';

-- name: notifier_take
-- Takes a channel ($1) at a moment ($2), unless another notifier has it or nothing may be sent yet. Who has no webhook of
-- the environment ($3 is false) leaves that channel to those who have one.
-- returns: ChannelTaken
SELECT c.channel, c.train, c.account, c.away_since, c.away_until
FROM channels AS c
WHERE c.channel = $1 AND (c.not_before <= $2 OR (c.failures > 0 AND EXISTS (
    SELECT FROM alerts AS t WHERE t.channel = c.channel AND t.kind = 'test' AND t.state = 'waiting' AND t.due_at <= $2
))) AND ($3::boolean OR c.origin <> 'environment' OR NOT EXISTS (
    SELECT FROM notifiers AS n WHERE n.webhook <> 'none' AND n.seen_at > $2 - interval '1 minute'
))
FOR NO KEY UPDATE SKIP LOCKED;

-- name: notifier_waiting
-- What waits for a channel ($1) or is being told there, with what its fate at a moment ($2) depends on.
-- returns: AlertWaiting
SELECT a.alert, a.kind, a.tone, a.state, a.raised_at, a.due_at, a.expires_at, a.recovered_at, a.acknowledged_by,
    (SELECT z.snoozed_by FROM alert_snoozes AS z
        WHERE z.kind = a.kind AND z.subject IN ('', a.subject) AND z.until > $2 LIMIT 1) AS snoozed_by,
    f.state AS first_state, f.recovered_at AS first_over_at, coalesce(f.sent_at, s.sent_at) AS first_told_at
FROM alerts AS a
LEFT JOIN alerts AS f ON f.alert = a.recovery_of
LEFT JOIN alerts AS s ON s.alert = f.summed_in
WHERE a.channel = $1 AND a.state IN ('waiting', 'claimed', 'sending')
ORDER BY a.kind = 'test' DESC, a.kind = 'summary' DESC, a.alert
LIMIT 1000;

-- name: notifier_told
-- When each of these kinds ($2) was last told on a channel ($1), by itself or in a summary; recoveries do not count.
-- returns: KindTold
SELECT k.kind, greatest(
    (SELECT a.sent_at FROM alerts AS a
        WHERE a.channel = $1 AND a.kind = k.kind AND a.state = 'sent' AND a.recovery_of IS NULL
        ORDER BY a.sent_at DESC LIMIT 1),
    (SELECT s.sent_at FROM alerts AS s
        WHERE s.channel = $1 AND s.kind = 'summary' AND s.state = 'sent'
            AND EXISTS (SELECT FROM alerts AS m WHERE m.summed_in = s.alert AND m.kind = k.kind)
        ORDER BY s.sent_at DESC LIMIT 1)
) AS told_at
FROM unnest($2::text[]) AS k (kind);

-- name: notifier_hold
-- These alerts ($1) are not told before ($2).
UPDATE alerts AS a SET due_at = n.due_at
FROM unnest($1::bigint[], $2::timestamptz[]) AS n (alert, due_at)
WHERE a.alert = n.alert AND a.state = 'waiting' AND a.due_at <> n.due_at;

-- name: notifier_drop
-- These alerts ($1) are not told, for reasons ($2).
UPDATE alerts AS a SET state = 'dropped', reason = n.reason
FROM unnest($1::bigint[], $2::text[]) AS n (alert, reason)
WHERE a.alert = n.alert AND a.state = 'waiting';

-- name: notifier_summary
-- Makes the summary of a channel ($1), for its train ($2) or account ($3), at a moment ($4) and under a key ($5).
-- returns: AlertNoted
INSERT INTO alerts (kind, subject, dedupe_key, tone, train, account, told, channel, raised_at, due_at)
VALUES ('summary', 'channel ' || $1::integer, $5::text, 'info', $2::integer, $3::integer,
    '{"title": "Messages that waited", "path": "/alerts"}', $1::integer, $4::timestamptz, $4::timestamptz)
RETURNING alert;

-- name: notifier_sum
-- Puts alerts ($1), for reasons ($2), into a summary ($3), which is not told before ($4).
WITH summed AS (
    UPDATE alerts AS a SET state = 'summed', summed_in = $3, reason = n.reason
    FROM unnest($1::bigint[], $2::text[]) AS n (alert, reason)
    WHERE a.alert = n.alert AND a.state = 'waiting'
)
UPDATE alerts SET due_at = greatest(due_at, $4::timestamptz) WHERE alert = $3;

-- name: notifier_claim
-- Claims an alert ($1) under a number ($2) until ($3); on its channel nothing more is sent before ($4).
-- returns: AlertClaimed
WITH claimed AS (
    UPDATE alerts SET state = 'claimed', claim = $2, claimed_until = $3
    WHERE alert = $1 AND state = 'waiting'
    RETURNING alert, kind, tone, told, raised_at, channel, recovery_of
), spaced AS (
    UPDATE channels AS c SET not_before = greatest(c.not_before, $4) FROM claimed WHERE c.channel = claimed.channel
)
SELECT a.alert, a.kind, a.tone, a.told, a.raised_at, c.channel, c.kind AS channel_kind, c.origin, c.sealed, c.destination,
    CASE WHEN f.channel = a.channel THEN coalesce(f.message_ts, s.message_ts) END AS thread
FROM claimed AS a
JOIN channels AS c ON c.channel = a.channel
LEFT JOIN alerts AS f ON f.alert = a.recovery_of
LEFT JOIN alerts AS s ON s.alert = f.summed_in;

-- name: notifier_summed
-- What a summary ($1) stands for at a moment ($2), by kind and reason, with some titles.
-- returns: SummedRow
SELECT m.kind, coalesce(m.reason, '') AS why, count(*) AS count, min(m.raised_at) AS first_at, max(m.raised_at) AS last_at,
    count(*) FILTER (WHERE m.recovered_at IS NULL AND coalesce(m.expires_at > $2, true)) AS still_open,
    coalesce(array_agg(DISTINCT m.tone) FILTER (WHERE m.recovered_at IS NULL AND coalesce(m.expires_at > $2, true)), '{}')
        AS tones,
    (array_agg(m.told ->> 'title' ORDER BY m.recovered_at IS NULL DESC, m.alert DESC))[1:3] AS titles
FROM alerts AS m
WHERE m.summed_in = $1
GROUP BY 1, 2
ORDER BY 1, 2;

-- name: notifier_sending
-- Slack is about to be asked: notes that of a claim ($2) on an alert ($1) that still holds at a moment ($3), with how bad
-- ($4) and in which words ($5) it is told. Nothing comes back where it does not hold, or nobody wants to be told any more.
-- returns: AlertNoted
UPDATE alerts SET state = 'sending', attempts = attempts + 1, tone = $4, told = $5
WHERE alert = $1 AND claim = $2 AND state = 'claimed' AND claimed_until > $3 AND acknowledged_at IS NULL
RETURNING alert;

-- name: notifier_give_back
-- Gives a claim ($2) on an alert ($1) back; where Slack was being asked it may have heard the message.
UPDATE alerts SET
    state = CASE WHEN state = 'sending' AND lost_marks > 0 THEN 'unsure' ELSE 'waiting' END,
    reason = CASE WHEN state = 'sending' AND lost_marks > 0 THEN 'twice nobody noted what Slack answered' ELSE reason END,
    lost_marks = lost_marks + (state = 'sending')::integer, claim = NULL, claimed_until = NULL
WHERE alert = $1 AND claim = $2 AND state IN ('claimed', 'sending');

-- name: notifier_sent
-- Slack took an alert ($1) that was claimed ($2), at a moment ($3), as its message ($4) with this payload ($5). A claim
-- that ran out meanwhile is no matter as long as nobody else has begun: told it is. Its channel goes on a second later.
WITH sent AS (
    UPDATE alerts SET state = 'sent', sent_at = $3, message_ts = $4, message = $5, reason = NULL, claim = NULL,
        claimed_until = NULL
    WHERE alert = $1 AND ((claim = $2 AND state = 'sending') OR (state = 'waiting' AND lost_marks > 0))
), log AS (
    INSERT INTO alert_deliveries (alert, channel, tried_at, outcome, status, detail)
    SELECT a.alert, a.channel, $3, 'sent', $6::smallint, $7::text FROM alerts AS a WHERE a.alert = $1
)
UPDATE channels AS c SET not_before = greatest(c.not_before, $3::timestamptz + interval '1 second'), failures = 0,
    last_sent_at = $3, off_reason = CASE WHEN a.kind <> 'test' THEN c.off_reason END,
    off_at = CASE WHEN a.kind <> 'test' THEN c.off_at END,
    away_until = CASE WHEN c.away_since IS NULL THEN NULL ELSE coalesce(c.away_until, greatest(c.away_since, $3)) END
FROM alerts AS a
WHERE a.alert = $1 AND c.channel = a.channel;

-- name: notifier_again
-- Slack is to be asked again about an alert ($1) that was claimed ($2): why ($5), with which status ($4). Its channel
-- waits for as many seconds as Slack asked for ($6), else twice as long as the last time, at most five minutes. $3 is now.
WITH back AS (
    UPDATE alerts SET state = 'waiting', claim = NULL, claimed_until = NULL WHERE alert = $1 AND claim = $2
), log AS (
    INSERT INTO alert_deliveries (alert, channel, tried_at, outcome, status, detail)
    SELECT a.alert, a.channel, $3, 'again', $4::smallint, $5::text FROM alerts AS a WHERE a.alert = $1
)
UPDATE channels AS c SET
    not_before = greatest(c.not_before, $3::timestamptz + make_interval(
        secs => coalesce($6::double precision, least(300, power(2, least(c.failures, 10))))
    )),
    failures = CASE WHEN $6 IS NULL THEN c.failures + 1 ELSE 0 END,
    away_since = CASE WHEN c.away_since IS NULL OR c.away_until IS NOT NULL THEN $3 ELSE c.away_since END,
    away_until = NULL
FROM alerts AS a
WHERE a.alert = $1 AND c.channel = a.channel;

-- name: notifier_never
-- Slack never will take an alert ($1) that was claimed ($2): why ($5), with which status ($4). Where that is the channel's
-- fault ($6) the channel is switched off and the alert waits for another, but for a test. $3 is now, $7 the payload.
WITH over AS (
    UPDATE alerts SET state = CASE WHEN $6 AND kind <> 'test' THEN 'waiting' ELSE 'failed' END, reason = $5, message = $7,
        claim = NULL, claimed_until = NULL
    WHERE alert = $1 AND claim = $2
), log AS (
    INSERT INTO alert_deliveries (alert, channel, tried_at, outcome, status, detail)
    SELECT a.alert, a.channel, $3, 'never', $4::smallint, $5::text FROM alerts AS a WHERE a.alert = $1
)
UPDATE channels AS c SET off_reason = $5, off_at = $3
FROM alerts AS a
WHERE a.alert = $1 AND c.channel = a.channel AND $6;

-- name: notifier_environment
-- Makes or refreshes the channel of SLACK_WEBHOOK_URL, masked as ($1). A new start tries again what was off for one of
-- these reasons ($2); what a person switched off stays off.
INSERT INTO channels AS c (name, kind, origin, masked, created_by)
VALUES ('SLACK_WEBHOOK_URL', 'webhook', 'environment', $1, 'the environment')
ON CONFLICT (coalesce(train, 0), coalesce(account, 0), origin) DO UPDATE SET masked = $1,
    off_reason = CASE WHEN c.off_reason = ANY ($2::text[]) THEN NULL ELSE c.off_reason END,
    off_at = CASE WHEN c.off_reason = ANY ($2::text[]) THEN NULL ELSE c.off_at END;

-- name: notifier_no_environment
-- SLACK_WEBHOOK_URL is not set (any more): its channel, if there is one, is off for this reason ($1), unless another
-- notifier that was heard of lately ($2 is now) has one.
UPDATE channels SET off_reason = $1, off_at = now()
WHERE origin = 'environment' AND off_reason IS NULL AND NOT EXISTS (
    SELECT FROM notifiers AS n WHERE n.webhook <> 'none' AND n.seen_at > $2::timestamptz - interval '1 minute'
);

-- name: notifier_seen
-- A notifier ($1) runs at a moment ($3), with a webhook of the environment that is known by this mark ($2). Says whether
-- another one has another; those that were not heard of for an hour are forgotten.
-- returns: NotifiersDiffer
WITH gone AS (
    DELETE FROM notifiers AS n WHERE n.seen_at < $3::timestamptz - interval '1 hour' AND n.notifier <> $1
), here AS (
    INSERT INTO notifiers AS n (notifier, webhook, seen_at) VALUES ($1, $2, $3)
    ON CONFLICT (notifier) DO UPDATE SET webhook = excluded.webhook, seen_at = excluded.seen_at
)
SELECT coalesce(bool_or(n.webhook <> $2), false) AS differ
FROM notifiers AS n
WHERE n.notifier <> $1 AND n.seen_at > $3 - interval '1 minute' AND n.webhook <> 'unknown' AND $2 <> 'unknown';

-- name: notifier_left
-- A notifier ($1) stops.
DELETE FROM notifiers WHERE notifier = $1;
