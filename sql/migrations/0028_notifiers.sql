-- Which dashboards tell alerts now, and whether they would tell them on the same webhook of the environment.
CREATE TABLE notifiers (
    notifier uuid PRIMARY KEY,
    webhook text NOT NULL CHECK (length(webhook) BETWEEN 1 AND 16),
    seen_at timestamptz NOT NULL
);
COMMENT ON COLUMN notifiers.webhook IS '"none", or by what its SLACK_WEBHOOK_URL is told from another: a part of a keyed hash; "unknown" without a key.';
