-- Statistics add up sub-agents: few conversations have any, and those are found without reading the others.
CREATE INDEX conversations_subtasks ON conversations (train, last_at) INCLUDE (subtask_count) WHERE subtask_count > 0;
