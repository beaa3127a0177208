-- name: window_accounts
-- The accounts that trains $1 used since $2, and, where $3, all others whose windows were seen since then; one that was
-- merged under the id it bears now. Asked for account by account and train by train, the latest first: that is a step
-- in an index each, whatever there is; EXISTS beside an OR would be hashed and read all.
-- returns: WindowAccount
SELECT a.account, coalesce(m.account_id, a.account_id) AS account_id, coalesce(m.kind, a.kind) AS kind,
    coalesce(m.display_name, a.display_name) AS display_name
FROM accounts AS a
LEFT JOIN accounts AS m ON m.account = a.merged_into
WHERE coalesce(
    (SELECT true FROM unnest($1::integer[]) AS t (train)
        WHERE (SELECT u.slot FROM usage_five_minutes AS u
            WHERE u.train = t.train AND u.account = a.account AND u.slot >= $2::timestamptz
            ORDER BY u.slot DESC LIMIT 1) IS NOT NULL
        LIMIT 1),
    $3::boolean AND (SELECT w.last_at FROM account_windows AS w WHERE w.account = a.account AND w.last_at >= $2
        ORDER BY w.last_at DESC LIMIT 1) IS NOT NULL)
ORDER BY 2, 1;

-- name: window_account_numbers
-- Every number of the account that bears this id or bore it once, as far as trains $2 used it; of all where $3.
-- returns: WindowAccount
SELECT a.account, coalesce(m.account_id, a.account_id) AS account_id, coalesce(m.kind, a.kind) AS kind,
    coalesce(m.display_name, a.display_name) AS display_name
FROM accounts AS a
LEFT JOIN accounts AS m ON m.account = a.merged_into
WHERE coalesce(a.merged_into, a.account) = (
        SELECT coalesce(o.merged_into, o.account) FROM accounts AS o WHERE o.account_id = $1)
    AND ($3::boolean OR (
        SELECT true FROM unnest($2::integer[]) AS t (train)
        WHERE (SELECT u.slot FROM usage_five_minutes AS u WHERE u.train = t.train AND u.account = a.account
            ORDER BY u.slot DESC LIMIT 1) IS NOT NULL
        LIMIT 1))
ORDER BY a.account;

-- name: windows_now
-- What was said last of each window of accounts $1, by each source, if that was since $2.
-- returns: WindowNow
SELECT DISTINCT ON (w.account, w.window_name, w.source) w.account, w.window_name, w.source, w.utilization, w.status,
    w.reset_at, w.first_at, w.last_at, w.peak, w.rejected_at, w.more
FROM account_windows AS w
WHERE w.account = ANY ($1::integer[]) AND w.last_at >= $2
ORDER BY w.account, w.window_name, w.source, w.last_at DESC;

-- name: windows_seen
-- The windows of accounts $1 called $2, by source $3, under each of their ends from $4 on.
-- returns: WindowSeen
SELECT w.reset_at, w.first_at, w.last_at, w.peak, w.rejected_at
FROM account_windows AS w
WHERE w.account = ANY ($1::integer[]) AND w.window_name = $2 AND w.source = $3 AND w.reset_about >= $4
ORDER BY w.reset_about DESC
LIMIT 2000;

-- name: window_samples
-- Utilisation of a window ($2) of accounts $1 as source $3 said it, from $4 on, the latest first: each observation kept.
-- returns: WindowSample
SELECT o.observed_at, o.utilization, o.reset_at
FROM window_observations AS o
WHERE o.account = ANY ($1::integer[]) AND o.window_name = $2 AND o.source = $3 AND o.minute >= $4
    AND o.utilization IS NOT NULL
ORDER BY o.minute DESC, o.observed_at DESC
LIMIT $5;

-- name: window_series
-- The same in steps of $5: of each step and end the highest utilisation, in order of time.
-- returns: WindowSample
SELECT max(o.observed_at) AS observed_at, max(o.utilization) AS utilization, o.reset_at
FROM window_observations AS o
WHERE o.account = ANY ($1::integer[]) AND o.window_name = $2 AND o.source = $3 AND o.minute >= $4
    AND o.utilization IS NOT NULL
GROUP BY date_bin($5::interval, o.observed_at, '2000-01-01 00:00:00+00'), o.reset_at
ORDER BY 1
LIMIT 20000;

-- name: usage_of_accounts
-- Our own sums of accounts $2 over trains $1, from the five minutes of $3 up to $4, by account, train, model and type.
-- returns: AccountUsage
SELECT u.account, u.train, u.model, u.request_type, min(u.first_at) AS first_at, sum(u.requests)::bigint AS requests,
    sum(u.input_tokens)::bigint AS input_tokens, sum(u.output_tokens)::bigint AS output_tokens,
    sum(u.cache_creation_input_tokens)::bigint AS cache_creation_input_tokens,
    sum(u.cache_read_input_tokens)::bigint AS cache_read_input_tokens, sum(u.cost_usd) AS cost_usd,
    sum(u.unpriced)::bigint AS unpriced, sum(u.priced)::bigint AS priced
FROM usage_five_minutes AS u
WHERE u.train = ANY ($1::integer[]) AND u.account = ANY ($2::integer[])
    AND u.slot >= date_bin('5 minutes', $3::timestamptz, '2000-01-01 00:00:00+00') AND u.slot < $4
GROUP BY u.account, u.train, u.model, u.request_type
ORDER BY u.account, u.train, u.model, u.request_type;

-- name: usage_series_of_account
-- The same of one account's numbers in steps of $5 (a multiple of five minutes): tokens and cost, in order of time.
-- returns: AccountUsageStep
SELECT date_bin($5::interval, u.slot, '2000-01-01 00:00:00+00') AS at, sum(u.requests)::bigint AS requests,
    sum(u.input_tokens + u.output_tokens)::bigint AS total_tokens, sum(u.cost_usd) AS cost_usd,
    sum(u.unpriced)::bigint AS unpriced
FROM usage_five_minutes AS u
WHERE u.train = ANY ($1::integer[]) AND u.account = ANY ($2::integer[])
    AND u.slot >= date_bin('5 minutes', $3::timestamptz, '2000-01-01 00:00:00+00') AND u.slot < $4
GROUP BY 1
ORDER BY 1;

-- name: rejected_windows
-- What accounts $2 had used (input and output tokens over trains $1) in the time $4 up to each of their last rejections
-- by the window called $3 since $5; also those of which it was not said which window it was.
-- returns: RejectedWindow
SELECT w.rejected_at, (
    SELECT coalesce(sum(u.input_tokens + u.output_tokens), 0)::bigint
    FROM usage_five_minutes AS u
    WHERE u.train = ANY ($1::integer[]) AND u.account = ANY ($2::integer[])
        AND u.slot > w.rejected_at - $4::interval AND u.slot <= w.rejected_at) AS total_tokens
FROM account_windows AS w
WHERE w.account = ANY ($2::integer[]) AND w.last_at >= $5 AND w.rejected_at IS NOT NULL AND w.source = 'reported'
    AND (w.window_name = $3 OR w.window_name = 'unified' AND NOT coalesce(w.more, '{}') ? 'representative-claim')
ORDER BY w.rejected_at DESC
LIMIT 6;

-- name: requests_of_window
-- The latest requests of one account number $2 between two moments, for what its window was used for.
-- returns: WindowRequest
-- order: id DESC
SELECT r.train, r.id, r.conversation_id, r.is_subtask, r.input_tokens, r.output_tokens, r.cost_usd
FROM requests AS r
WHERE r.train = $1 AND r.account = $2 AND r.id >= uuid7_floor($3) AND r.id < uuid7_floor($4) AND r.outcome IS NOT NULL
ORDER BY r.id DESC
LIMIT $5;

-- name: conversation_titles
-- What conversations of one train are called.
-- returns: ConversationTitle
SELECT c.conversation_id, c.title FROM conversations AS c WHERE c.train = $1 AND c.conversation_id = ANY ($2::uuid[]);

-- name: rate_limits_of
-- The per-minute limits of accounts $1 that were told since $2.
-- returns: AccountRateLimit
SELECT l.account, l.model, l.name, l.quota, l.remaining, l.reset_at, l.observed_at
FROM rate_limits AS l
WHERE l.account = ANY ($1::integer[]) AND l.observed_at >= $2
ORDER BY l.account, l.model, l.name;
