-- When Slack last took nothing on a channel (alerts.md): what waited meanwhile is told otherwise than what is new.
ALTER TABLE channels ADD COLUMN away_since timestamptz,
    ADD COLUMN away_until timestamptz,
    ADD CONSTRAINT channels_away CHECK (away_until IS NULL OR away_until >= away_since);
COMMENT ON COLUMN channels.away_since IS 'Since when Slack took nothing, the last time that happened.';
COMMENT ON COLUMN channels.away_until IS 'When it took something again; none while it still does not.';

-- The channel of SLACK_WEBHOOK_URL and one of the page for the whole installation, which goes before it.
DROP INDEX channels_of;
CREATE UNIQUE INDEX channels_of ON channels (coalesce(train, 0), coalesce(account, 0), origin);
