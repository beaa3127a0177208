-- Conversations: trees of requests, found by evidence (conversations.md). The edges stand on the rows of requests; what is
-- here is the roll-up that lists and pages read, written in the recording transaction and exact at all times.

ALTER TABLE requests
    ADD COLUMN side_call text,
    ADD COLUMN identity_version integer,
    ADD COLUMN item_count integer,
    ADD COLUMN preview text CHECK (length(preview) <= 200);
COMMENT ON COLUMN requests.item_count IS 'Items of its own messages in normal form; the state current_message_hash is the chain after them.';
COMMENT ON COLUMN requests.preview IS
    'First 200 characters of the last user text that this request added; null where it added only tool results.';
COMMENT ON COLUMN requests.side_call IS 'What a call beside the conversation is for (title, quota, topic …); null where it is none.';
CREATE INDEX requests_conversation ON requests (train, conversation_id, id) WHERE conversation_id IS NOT NULL;

-- conversation_id is the id of the root's first attempt. Counts: messages are requests without attempts and side calls;
-- subtasks are sub-agents launched; branches are all that are no sub-agent's: main and each that follows a compaction too;
-- errors are requests (attempts too) that ended in any way but ok. title is the first real user text, cut to 200.
-- session_ids and models hold each session and model of its requests once, in the order of their first use. shape is what the list's thumbnail draws: one element a message in start order,
-- {"lane": 0.., "parent": index or null, "kind": "turn|error|compaction|subagent"}, at most 200, evenly thinned beyond.
CREATE TABLE conversations (
    train integer NOT NULL,
    conversation_id uuid NOT NULL,
    title text,
    side_call text,
    account integer,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    message_count integer NOT NULL DEFAULT 0,
    attempt_count integer NOT NULL DEFAULT 0,
    error_count integer NOT NULL DEFAULT 0,
    in_flight integer NOT NULL DEFAULT 0,
    branch_count integer NOT NULL DEFAULT 0,
    subtask_count integer NOT NULL DEFAULT 0,
    compaction_count integer NOT NULL DEFAULT 0,
    input_tokens bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    cache_creation_input_tokens bigint NOT NULL DEFAULT 0,
    cache_read_input_tokens bigint NOT NULL DEFAULT 0,
    cost_usd numeric,
    models text[] NOT NULL DEFAULT '{}',
    session_ids text[] NOT NULL DEFAULT '{}',
    latest_request uuid NOT NULL,
    latest_status_code smallint,
    latest_model text,
    shape jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (train, conversation_id)
);
CREATE INDEX conversations_last ON conversations (train, last_at, conversation_id);
CREATE INDEX conversations_account ON conversations (train, account, last_at, conversation_id);
CREATE INDEX conversations_sessions ON conversations USING gin (session_ids);

-- When conversations join, the later root's id goes on to lead to the joined one; no alias leads to an alias.
CREATE TABLE conversation_aliases (
    train integer NOT NULL,
    alias uuid NOT NULL,
    conversation_id uuid NOT NULL,
    PRIMARY KEY (train, alias),
    CHECK (alias <> conversation_id)
);
CREATE INDEX conversation_aliases_of ON conversation_aliases (train, conversation_id);

CREATE TABLE branches (
    train integer NOT NULL,
    conversation_id uuid NOT NULL,
    branch_id text NOT NULL,
    parent_hash varchar(64),
    first_request uuid NOT NULL,
    created_at timestamptz NOT NULL,
    message_count integer NOT NULL DEFAULT 0,
    PRIMARY KEY (train, conversation_id, branch_id)
);

-- One run of a client. May hold several conversations, and a conversation may span sessions.
CREATE TABLE sessions (
    train integer NOT NULL,
    session_id text NOT NULL,
    client text,
    client_version text,
    account integer,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    request_count integer NOT NULL DEFAULT 0,
    PRIMARY KEY (train, session_id)
);
CREATE INDEX sessions_last ON sessions (train, last_at, session_id);

-- One row a tool_use block of an answer; the result's part is filled in when a later request brings it.
CREATE TABLE tool_calls (
    train integer NOT NULL,
    id uuid NOT NULL,
    block_index integer NOT NULL,
    tool_use_id text NOT NULL,
    name text NOT NULL,
    input_size integer NOT NULL,
    result_request uuid,
    is_error boolean,
    result_size integer,
    duration_us bigint CHECK (duration_us >= 0),
    PRIMARY KEY (train, id, block_index)
) PARTITION BY RANGE (id);
CREATE INDEX tool_calls_use ON tool_calls (train, tool_use_id);

-- As in 0005, with the table that came since.
CREATE OR REPLACE FUNCTION make_partitions(ahead integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    month timestamp;
    child text;
    bounds text;
    made integer := 0;
BEGIN
    PERFORM 1 FROM installation FOR UPDATE;
    FOR month IN
        SELECT m FROM generate_series(
            date_trunc('month', (SELECT created_at - interval '1 day' FROM installation) AT TIME ZONE 'UTC'),
            date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead), interval '1 month') AS m
    LOOP
        FOREACH parent IN ARRAY ARRAY['requests', 'request_bodies', 'response_bodies', 'pieces', 'tool_calls'] LOOP
            child := parent || to_char(month, '_YYYY_MM');
            CONTINUE WHEN to_regclass(child) IS NOT NULL;
            bounds := CASE parent
                WHEN 'pieces' THEN format('IN (%s)', to_char(month, 'YYYYMM'))
                ELSE format('FROM (%L) TO (%L)', uuid7_floor(month AT TIME ZONE 'UTC'),
                    uuid7_floor((month + interval '1 month') AT TIME ZONE 'UTC'))
            END;
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', child, parent);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES %s', parent, child, bounds);
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;
