-- The outbox of alerts (alerts.md): what was noticed, to whom it is told, and by which rules.

-- A rule that was changed, one a kind; a kind without a row goes by its defaults (core/alerts/kinds.py).
CREATE TABLE alert_rules (
    kind text PRIMARY KEY CHECK (length(kind) BETWEEN 1 AND 32),
    enabled boolean NOT NULL,
    thresholds double precision[] NOT NULL,
    minimum_interval interval NOT NULL CHECK (minimum_interval BETWEEN interval '0' AND interval '7 days'),
    quiet_from time,
    quiet_until time,
    zone text NOT NULL CHECK (length(zone) <= 64),
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((quiet_from IS NULL) = (quiet_until IS NULL) AND quiet_from <> quiet_until)
);
COMMENT ON COLUMN alert_rules.minimum_interval IS 'Between two messages of the kind on one channel; what comes in between is summed up in one.';
COMMENT ON COLUMN alert_rules.quiet_from IS 'From this hour of the zone on nothing is told; before quiet_until, which may be of the next day.';

-- Where messages go: the channel of the train, else of the account, else of the installation.
CREATE TABLE channels (
    channel integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 80),
    kind text NOT NULL CHECK (kind IN ('webhook', 'bot')),
    origin text NOT NULL CHECK (origin IN ('environment', 'page')),
    sealed bytea,
    masked text NOT NULL CHECK (length(masked) <= 200),
    destination text CHECK (length(destination) BETWEEN 1 AND 80),
    train integer REFERENCES trains (train),
    account integer REFERENCES accounts (account),
    off_reason text CHECK (length(off_reason) <= 400),
    off_at timestamptz,
    not_before timestamptz NOT NULL DEFAULT '-infinity',
    failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    last_sent_at timestamptz,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (num_nonnulls(train, account) <= 1),
    CHECK ((kind = 'bot') = (destination IS NOT NULL)),
    CHECK ((origin = 'environment') = (sealed IS NULL)),
    CHECK ((off_reason IS NULL) = (off_at IS NULL))
);
COMMENT ON COLUMN channels.sealed IS 'Webhook URL or bot token, AES-256-GCM under the installation''s secret; the one of the environment is not kept.';
COMMENT ON COLUMN channels.masked IS 'What may be shown of it.';
COMMENT ON COLUMN channels.destination IS 'Which Slack conversation a bot writes to.';
COMMENT ON COLUMN channels.off_reason IS 'Why nothing is sent any more: Slack said it never will work, or somebody switched it off.';
COMMENT ON COLUMN channels.not_before IS 'Nothing is sent earlier: one message a second, retry-after, back-off.';
CREATE UNIQUE INDEX channels_of ON channels (coalesce(train, 0), coalesce(account, 0));

-- What a train wants to hear besides incidents.
CREATE TABLE train_feeds (
    train integer PRIMARY KEY REFERENCES trains (train),
    feed boolean NOT NULL DEFAULT false,
    digest boolean NOT NULL DEFAULT false,
    digest_at time NOT NULL DEFAULT '08:00',
    zone text NOT NULL CHECK (length(zone) <= 64),
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN train_feeds.feed IS 'One message for each new turn of a user.';
COMMENT ON COLUMN train_feeds.digest IS 'One message a day, at digest_at of the zone, about the day before.';

-- The outbox, and with it the log. A row is made once (dedupe_key), claimed by a conditional update, and ends in one of
-- sent, summed, dropped, failed, unsure. "sending" is committed before Slack is asked: who finds a claim run out knows
-- whether Slack may have heard it.
CREATE TABLE alerts (
    alert bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (length(kind) BETWEEN 1 AND 32),
    subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 400),
    dedupe_key text NOT NULL UNIQUE CHECK (length(dedupe_key) BETWEEN 1 AND 500),
    tone text NOT NULL CHECK (tone IN ('good', 'info', 'warning', 'danger')),
    train integer,
    account integer,
    told jsonb NOT NULL,
    raised_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    recovered_at timestamptz,
    recovery_of bigint REFERENCES alerts (alert),
    state text NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'claimed', 'sending', 'sent', 'summed', 'dropped', 'failed', 'unsure')),
    reason text CHECK (length(reason) <= 400),
    due_at timestamptz NOT NULL DEFAULT now(),
    channel integer REFERENCES channels (channel) ON DELETE SET NULL,
    claim uuid,
    claimed_until timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    lost_marks integer NOT NULL DEFAULT 0,
    sent_at timestamptz,
    message_ts text CHECK (length(message_ts) <= 64),
    message jsonb,
    summed_in bigint REFERENCES alerts (alert),
    acknowledged_by text,
    acknowledged_at timestamptz,
    CHECK ((claim IS NOT NULL) = (state IN ('claimed', 'sending'))),
    CHECK ((claim IS NULL) = (claimed_until IS NULL)),
    CHECK ((sent_at IS NOT NULL) = (state = 'sent')),
    CHECK ((summed_in IS NOT NULL) = (state = 'summed')),
    CHECK ((acknowledged_by IS NULL) = (acknowledged_at IS NULL))
);
COMMENT ON COLUMN alerts.subject IS 'What it is about, the same for every alert of one thing: snoozes and recoveries go by kind and subject.';
COMMENT ON COLUMN alerts.told IS 'What is said (core/alerts/told.py); without secrets.';
COMMENT ON COLUMN alerts.expires_at IS 'From then on it does not matter any more: the window was reset, the day of the budget is over.';
COMMENT ON COLUMN alerts.recovered_at IS 'When what it is about was over.';
COMMENT ON COLUMN alerts.due_at IS 'Not sent earlier: quiet hours, the interval of its kind, a retry.';
COMMENT ON COLUMN alerts.lost_marks IS 'Claims that ran out while Slack was being asked: it may have heard the message.';
COMMENT ON COLUMN alerts.message IS 'The payload as Slack last got it.';
COMMENT ON COLUMN alerts.message_ts IS 'Slack''s name of the message, where a bot sent it: replies go to its thread.';
CREATE INDEX alerts_due ON alerts (due_at, alert) WHERE state IN ('waiting', 'claimed', 'sending');
CREATE INDEX alerts_running ON alerts (kind, subject, alert) WHERE recovered_at IS NULL AND recovery_of IS NULL;
CREATE INDEX alerts_of_train ON alerts (train, alert DESC);
CREATE INDEX alerts_by_kind ON alerts (channel, kind, sent_at DESC) WHERE state = 'sent';
CREATE INDEX alerts_summed ON alerts (summed_in) WHERE summed_in IS NOT NULL;

-- Every time Slack was asked, and what came of it.
CREATE TABLE alert_deliveries (
    delivery bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert bigint NOT NULL REFERENCES alerts (alert) ON DELETE CASCADE,
    channel integer REFERENCES channels (channel) ON DELETE SET NULL,
    tried_at timestamptz NOT NULL DEFAULT now(),
    outcome text NOT NULL CHECK (outcome IN ('sent', 'again', 'never')),
    status smallint,
    detail text NOT NULL CHECK (length(detail) <= 400)
);
COMMENT ON COLUMN alert_deliveries.outcome IS 'Slack took it; it is to be asked again; it never will take it.';
CREATE INDEX alert_deliveries_of ON alert_deliveries (alert, delivery);

-- What nobody wants to be told of for a while. Subject '' is all of a kind.
CREATE TABLE alert_snoozes (
    kind text NOT NULL,
    subject text NOT NULL,
    until timestamptz NOT NULL,
    snoozed_by text NOT NULL,
    PRIMARY KEY (kind, subject)
);

-- How full the tape of a node is, told by its recorder.
ALTER TABLE tape_positions ADD COLUMN tape_bytes bigint CHECK (tape_bytes >= 0),
    ADD COLUMN tape_max_bytes bigint CHECK (tape_max_bytes > 0);
