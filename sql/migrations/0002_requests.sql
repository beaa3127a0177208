-- One row a recorded call, and its bodies. Train-owned, partitioned by the month inside the id; no foreign keys between
-- partitioned tables (they block drop and detach): what belongs together is written in one transaction.

CREATE TABLE requests (
    train integer NOT NULL,
    id uuid NOT NULL,
    original_id uuid,
    node text NOT NULL,
    account integer,
    key_id text,

    method text NOT NULL,
    path text NOT NULL,
    query text,
    request_type text CHECK (request_type IN ('inference', 'query_evaluation', 'quota')),
    model text,
    answered_model text,
    stream boolean,
    client text,
    client_version text,
    session_id text,
    agent_id text,
    parent_agent_id text,
    retry_count integer,

    outcome text CHECK (outcome IN ('ok', 'upstream_error', 'stream_error', 'upstream_reset', 'upstream_incomplete',
        'upstream_timeout', 'upstream_unreachable', 'client_cancelled', 'client_timeout', 'rejected',
        'proxy_shutdown', 'proxy_crash')),
    status_code smallint,
    error_type text,
    error_message text,
    parse_error text,
    note text,
    upstream_request_id text,
    message_id text,
    stop_reason text,

    input_tokens bigint,
    output_tokens bigint,
    total_tokens bigint GENERATED ALWAYS AS (input_tokens + output_tokens) STORED,
    cache_creation_input_tokens bigint,
    cache_read_input_tokens bigint,
    ephemeral_5m_input_tokens bigint,
    ephemeral_1h_input_tokens bigint,
    thinking_tokens bigint,
    web_search_requests bigint,
    web_fetch_requests bigint,
    code_execution_requests bigint,
    service_tier text,
    inference_geo text,
    speed text,
    usage jsonb,
    usage_complete boolean,
    cost_usd numeric,

    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    ttft_us bigint CHECK (ttft_us >= 0),
    duration_us bigint CHECK (duration_us >= 0),
    timings jsonb,

    request_bytes bigint,
    response_bytes bigint,
    delivered_bytes bigint,
    request_sha256 bytea CHECK (length(request_sha256) = 32),
    response_sha256 bytea CHECK (length(response_sha256) = 32),
    request_headers jsonb NOT NULL DEFAULT '[]',
    response_headers jsonb,
    event_count integer,
    lost_frames integer NOT NULL DEFAULT 0,

    conversation_id uuid,
    branch_id text,
    parent_request_id uuid,
    link_method text,
    current_message_hash varchar(64),
    parent_message_hash varchar(64),
    is_subtask boolean NOT NULL DEFAULT false,
    parent_task_request_id uuid,
    task_tool_invocation jsonb,
    attempt_of uuid,

    deriver_version integer NOT NULL,
    PRIMARY KEY (train, id),
    CHECK ((outcome IS NULL) = (ended_at IS NULL))
) PARTITION BY RANGE (id);

CREATE INDEX requests_account ON requests (train, account, id);
CREATE INDEX requests_session ON requests (train, session_id, id) WHERE session_id IS NOT NULL;
-- The model that answered; where none did, the one asked for.
CREATE INDEX requests_model ON requests (train, coalesce(answered_model, model), id);
CREATE INDEX requests_type ON requests (train, request_type, id);
-- Ids of a wrong clock are filed under the recorder's time; a replay finds the row again by the id the proxy gave.
CREATE INDEX requests_original ON requests (train, original_id) WHERE original_id IS NOT NULL;
CREATE INDEX requests_not_ok ON requests (train, id) WHERE outcome IS DISTINCT FROM 'ok';

CREATE TABLE request_bodies (
    train integer NOT NULL,
    id uuid NOT NULL,
    body bytea NOT NULL,
    size bigint NOT NULL,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (train, id)
) PARTITION BY RANGE (id);

-- raw is what crossed the wire; decoded its inflated copy, only where the upstream encoded it; message the assistant
-- message as sent or rebuilt. chunk_sizes, decoded_sizes and chunk_at_us are parallel, one element per chunk received.
CREATE TABLE response_bodies (
    train integer NOT NULL,
    id uuid NOT NULL,
    raw bytea NOT NULL,
    decoded bytea,
    message jsonb,
    chunk_sizes integer[] NOT NULL,
    decoded_sizes integer[],
    chunk_at_us bigint[] NOT NULL,
    size bigint NOT NULL,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (train, id),
    CHECK (cardinality(chunk_at_us) = cardinality(chunk_sizes)),
    CHECK (cardinality(decoded_sizes) = cardinality(chunk_sizes))
) PARTITION BY RANGE (id);

-- Bodies by lz4 where the server was built with it (Debian's is, the embedded one is not): several times faster than
-- pglz both ways. Partitions take it over from here.
DO $$
DECLARE
    body record;
BEGIN
    IF (SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression') THEN
        FOR body IN
            SELECT attrelid::regclass AS parent, attname
            FROM pg_attribute
            WHERE attrelid IN ('requests'::regclass, 'request_bodies'::regclass, 'response_bodies'::regclass)
                AND attnum > 0 AND attstorage = 'x'
        LOOP
            EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET COMPRESSION lz4', body.parent, body.attname);
        END LOOP;
    END IF;
END $$;

-- Months from the installation's first, so that a row whose id lies a day back has a place, to `ahead` months from now.
-- Returns how many partitions were made. Of two callers at once the second waits on the installation's row and finds
-- them made.
CREATE FUNCTION make_partitions(ahead integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    month timestamp;
    child text;
    made integer := 0;
BEGIN
    PERFORM 1 FROM installation FOR UPDATE;
    FOR month IN
        SELECT m FROM generate_series(
            date_trunc('month', (SELECT created_at - interval '1 day' FROM installation) AT TIME ZONE 'UTC'),
            date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead), interval '1 month') AS m
    LOOP
        FOREACH parent IN ARRAY ARRAY['requests', 'request_bodies', 'response_bodies'] LOOP
            child := parent || to_char(month, '_YYYY_MM');
            CONTINUE WHEN to_regclass(child) IS NOT NULL;
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', child, parent);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, child,
                uuid7_floor(month AT TIME ZONE 'UTC'), uuid7_floor((month + interval '1 month') AT TIME ZONE 'UTC'));
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;
