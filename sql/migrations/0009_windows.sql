-- Usage windows of accounts (usage.md): what the provider said of them, and our own sums by five minutes to compare.
-- The first three tables are installation-wide, keyed by the number a call was filed under; readers take all numbers
-- that an account id stands for. They have no foreign key to accounts: renaming an account would wait for recorders.

-- What was observed. Of one account, window and source each minute keeps every status, every reset and every whole per
-- cent of utilisation that was seen in it, and of those the last moment: a change is never lost, and an account that
-- is busy does not fill the disk. So the rows are a function of the set of observations, whatever their order, and
-- writing one twice changes nothing. Kept for 90 days; account_windows keep what matters for good.
CREATE TABLE window_observations (
    account integer NOT NULL,
    window_name text NOT NULL CHECK (window_name <> '' AND length(window_name) <= 64),
    source text NOT NULL CHECK (source IN ('reported', 'polled')),
    minute timestamptz NOT NULL
        GENERATED ALWAYS AS (date_bin('1 minute', observed_at, '2000-01-01 00:00:00+00'::timestamptz)) STORED,
    percent integer GENERATED ALWAYS AS (round(utilization * 100)) STORED,
    observed_at timestamptz NOT NULL,
    utilization double precision CHECK (utilization >= 0 AND utilization <= 1e6),
    status text CHECK (length(status) <= 64),
    reset_at timestamptz,
    more jsonb,
    UNIQUE NULLS NOT DISTINCT (account, window_name, source, minute, percent, status, reset_at)
);
COMMENT ON COLUMN window_observations.utilization IS 'Share of the window that is used up: 1 is all of it, more can be.';
COMMENT ON COLUMN window_observations.more IS 'Members of the window that we have no column for, by name.';

-- One row a window that was seen, by its end: so a window whose end moved has several, which overlap in time. Ends
-- within five minutes of one another are one. The last utilisation, status and members are those of last_at.
CREATE TABLE account_windows (
    account integer NOT NULL,
    window_name text NOT NULL CHECK (window_name <> '' AND length(window_name) <= 64),
    source text NOT NULL CHECK (source IN ('reported', 'polled')),
    reset_about timestamptz
        GENERATED ALWAYS AS (date_bin('5 minutes', reset_at, '1999-12-31 23:57:30+00'::timestamptz)) STORED,
    reset_at timestamptz,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    utilization double precision,
    status text,
    more jsonb,
    peak double precision,
    rejected_at timestamptz,
    CHECK (first_at <= last_at),
    UNIQUE NULLS NOT DISTINCT (account, window_name, source, reset_about)
);
COMMENT ON COLUMN account_windows.peak IS 'The highest utilisation that was seen in it.';
COMMENT ON COLUMN account_windows.rejected_at IS 'When it first refused a call because it was used up.';
CREATE INDEX account_windows_last ON account_windows (account, last_at);

-- What the API last said of the per-minute limits of an API key, which has no windows. They are per class of models.
CREATE TABLE rate_limits (
    account integer NOT NULL,
    model text NOT NULL,
    name text NOT NULL CHECK (name <> '' AND length(name) <= 64),
    quota bigint CHECK (quota >= 0),
    remaining bigint CHECK (remaining >= 0),
    reset_at timestamptz,
    observed_at timestamptz NOT NULL,
    PRIMARY KEY (account, model, name)
);

-- Our own sums by five minutes, for windows, which begin at any minute. Train-owned; exact like usage_hourly: written in
-- the recording transaction for the rows that it completed. account 0 and empty texts stand for "none".
CREATE TABLE usage_five_minutes (
    train integer NOT NULL,
    account integer NOT NULL,
    slot timestamptz NOT NULL,
    model text NOT NULL,
    request_type text NOT NULL,
    first_at timestamptz NOT NULL,
    requests bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cache_creation_input_tokens bigint NOT NULL,
    cache_read_input_tokens bigint NOT NULL,
    cost_usd numeric NOT NULL,
    unpriced bigint NOT NULL,
    PRIMARY KEY (train, account, slot, model, request_type)
);
COMMENT ON COLUMN usage_five_minutes.first_at IS 'When its first request started.';
COMMENT ON COLUMN usage_five_minutes.cost_usd IS 'Sum of the requests that have a price.';
COMMENT ON COLUMN usage_five_minutes.unpriced IS 'Requests with tokens but without a price.';

-- What was recorded before this table was there.
INSERT INTO usage_five_minutes (train, account, slot, model, request_type, first_at, requests, input_tokens, output_tokens,
    cache_creation_input_tokens, cache_read_input_tokens, cost_usd, unpriced)
SELECT train, coalesce(account, 0), date_bin('5 minutes', started_at, '2000-01-01 00:00:00+00'::timestamptz),
    coalesce(answered_model, model, ''), coalesce(request_type, ''), min(started_at), count(*),
    coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0), coalesce(sum(cache_creation_input_tokens), 0),
    coalesce(sum(cache_read_input_tokens), 0), coalesce(sum(cost_usd), 0),
    count(*) FILTER (WHERE cost_usd IS NULL AND coalesce(input_tokens, output_tokens) IS NOT NULL)
FROM requests
WHERE outcome IS NOT NULL
GROUP BY 1, 2, 3, 4, 5;
