-- One index for all failures would do for those nobody claimed too, and then a retry reads all that were claimed before it.

DROP INDEX failures_rivals;
CREATE INDEX failures_taken ON failures (train, rivals, failed_at_us) WHERE claimed_by IS NOT NULL;
