-- name: applied_migrations
-- The migrations this database has, in order.
-- returns: AppliedMigration
SELECT number, name, sha256
FROM migrations
ORDER BY number;
