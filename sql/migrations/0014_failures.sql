-- Failures by who may be their next attempt, so that a retry finds the nearest one nobody claimed without reading all equal
-- requests; there may be ten thousand of them in ten minutes.

CREATE TABLE failures (
    train integer NOT NULL,
    request uuid NOT NULL,
    rivals bytea NOT NULL,
    failed_at_us bigint NOT NULL,
    retry_count integer,
    claimed_by uuid,
    PRIMARY KEY (train, request)
);
COMMENT ON COLUMN failures.rivals IS '16 bytes: equal for requests that may be attempts of one another.';
COMMENT ON COLUMN failures.claimed_by IS 'The request that is its next attempt.';
CREATE INDEX failures_rivals ON failures (train, rivals, failed_at_us);
CREATE INDEX failures_open ON failures (train, rivals, failed_at_us, request) WHERE claimed_by IS NULL;
CREATE INDEX failures_counted ON failures (train, rivals, retry_count, failed_at_us, request) WHERE claimed_by IS NULL;
CREATE INDEX failures_claimed ON failures (train, claimed_by) WHERE claimed_by IS NOT NULL;

DROP INDEX link_keys_failed;

-- A node may have ten thousand attempts and as many children: neither may stand in the way of the other.
ALTER TABLE request_notes ADD COLUMN attempt_of uuid;
CREATE INDEX request_notes_attempts ON request_notes (train, attempt_of) WHERE attempt_of IS NOT NULL;
DROP INDEX request_notes_parent;
CREATE INDEX request_notes_parent ON request_notes (train, parent) WHERE parent IS NOT NULL AND attempt_of IS NULL;
