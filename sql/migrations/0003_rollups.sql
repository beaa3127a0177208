-- Exact at all times: written in the recording transaction from what its INSERT says changed. Every statistic reads
-- these; no page scans requests. account 0 and empty texts stand for "none", so that they can be part of the key.

CREATE TABLE usage_hourly (
    train integer NOT NULL,
    hour timestamptz NOT NULL,
    account integer NOT NULL,
    model text NOT NULL,
    request_type text NOT NULL,
    requests bigint NOT NULL DEFAULT 0,
    ok bigint NOT NULL DEFAULT 0,
    cancelled bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    input_tokens bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    cache_creation_input_tokens bigint NOT NULL DEFAULT 0,
    cache_read_input_tokens bigint NOT NULL DEFAULT 0,
    ok_duration_us bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (train, hour, account, model, request_type)
);
