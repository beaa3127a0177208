-- How many requests a rebuild has before it: pages and the API say how far it has come. Null: begun before this was counted.
ALTER TABLE rebuilds ADD COLUMN total bigint;

-- branch_count: main and the branches that somebody opened. What follows a compaction is no longer among them: one inside
-- of a sub-agent opens no branch, so the two could not be told apart by subtracting compaction_count.
UPDATE conversations AS c SET branch_count = n.branch_count
FROM (
    SELECT b.train, b.conversation_id, count(*) FILTER (WHERE b.branch_id !~ '^(compact|subtask)_') AS branch_count
    FROM branches AS b GROUP BY b.train, b.conversation_id
) AS n
WHERE c.train = n.train AND c.conversation_id = n.conversation_id AND c.branch_count <> n.branch_count;
