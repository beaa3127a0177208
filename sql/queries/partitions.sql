-- name: make_partitions
-- Months from the installation's first to $1 months from now; daily, at recorder start, and when a row found none.
-- returns: PartitionsMade
SELECT make_partitions($1) AS made;
