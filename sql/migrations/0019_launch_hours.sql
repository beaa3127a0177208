-- When sub-agents were launched, so that those of a period can be counted; and when the latest request of a conversation
-- began, which is not when it was last active.

ALTER TABLE conversations
    ADD subtask_hours jsonb NOT NULL DEFAULT '{}',
    ADD latest_started_at timestamptz;
COMMENT ON COLUMN conversations.subtask_hours IS 'How many of subtask_count were launched in which hour, counted from 1970.';
COMMENT ON COLUMN conversations.latest_started_at IS 'When latest_request began.';

-- Sub-agents that forked without a launch are in it as soon as their conversation goes on, or is rebuilt.
UPDATE conversations AS c SET subtask_hours = n.hours
FROM (
    SELECT l.train, l.conversation_id, jsonb_object_agg(l.hour, l.launched) AS hours
    FROM (
        SELECT r.train, r.conversation_id, floor(extract(epoch FROM uuid7_time(r.id)) / 3600)::bigint AS hour,
            sum(jsonb_array_length(r.task_tool_invocation)) AS launched
        FROM requests AS r
        WHERE r.conversation_id IS NOT NULL AND jsonb_typeof(r.task_tool_invocation) = 'array'
        GROUP BY 1, 2, 3
    ) AS l
    GROUP BY 1, 2
) AS n
WHERE c.train = n.train AND c.conversation_id = n.conversation_id AND c.subtask_count > 0;

UPDATE conversations AS c SET latest_started_at = r.started_at
FROM requests AS r
WHERE r.train = c.train AND r.id = c.latest_request;
