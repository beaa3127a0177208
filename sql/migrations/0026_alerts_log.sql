-- The log of alerts: looked into by what it is narrowed to, forgotten when it is old; and since when a feed is on.

-- By train, kind and state: what matches nothing is known after a few looks, not after the whole table.
DROP INDEX alerts_of_train;
CREATE INDEX alerts_of_train ON alerts (train, kind, state, alert);
CREATE INDEX alerts_of_kind ON alerts (kind, state, alert);

-- What is old enough to be deleted, the oldest first, and what refers to it.
CREATE INDEX alerts_ended ON alerts (raised_at) WHERE state IN ('sent', 'summed', 'dropped', 'failed', 'unsure');
CREATE INDEX alerts_recoveries ON alerts (recovery_of) WHERE recovery_of IS NOT NULL;

-- What was over lately.
CREATE INDEX alerts_over_at ON alerts (kind, recovered_at) WHERE recovered_at IS NOT NULL;

ALTER TABLE train_feeds ADD COLUMN feed_since timestamptz NOT NULL DEFAULT now();
UPDATE train_feeds SET feed_since = changed_at;
COMMENT ON COLUMN train_feeds.feed_since IS 'When the feed was switched on last: turns that ended earlier are nobody''s business.';
ALTER TABLE alert_rules ADD COLUMN enabled_since timestamptz NOT NULL DEFAULT '-infinity';
COMMENT ON COLUMN alert_rules.enabled_since IS 'When the rule was switched on again last.';
