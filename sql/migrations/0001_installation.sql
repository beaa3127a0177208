-- What belongs to the installation as a whole: trains, accounts, tape positions, dead letters, and the id arithmetic.

-- The smallest UUIDv7 of a moment: partition bounds and time ranges are written with it (storage.md, keys).
CREATE FUNCTION uuid7_floor(moment timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid;

-- The moment inside a UUIDv7, to the millisecond.
CREATE FUNCTION uuid7_time(id uuid) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN to_timestamp(('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint / 1000.0);

CREATE TABLE installation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO installation DEFAULT VALUES;

CREATE TABLE trains (
    train integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-zA-Z0-9._:-]+$' AND length(name) <= 128),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- An account first seen through a rotating token is filed under a provisional id; when better evidence shows up
-- it is renamed, or merged into the account that already bears the better id. Readers follow merged_into once.
CREATE TABLE accounts (
    account integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL UNIQUE CHECK (length(account_id) <= 128),
    kind text NOT NULL CHECK (kind IN ('api_key', 'oauth')),
    strength text NOT NULL CHECK (strength IN ('hmac', 'organization', 'account_uuid', 'api_key')),
    display_name text,
    merged_into integer REFERENCES accounts CHECK (merged_into <> account),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE account_hmacs (
    credential_hmac text PRIMARY KEY CHECK (credential_hmac ~ '^[0-9a-f]{32}$'),
    account integer NOT NULL REFERENCES accounts,
    seen_at timestamptz NOT NULL DEFAULT now()
);

-- How far a tape has been read. The generation is the fence: a recorder that finds another one has lost the tape.
CREATE TABLE tape_positions (
    node text PRIMARY KEY,
    segment uuid NOT NULL,
    segment_offset bigint NOT NULL CHECK (segment_offset >= 0),
    generation bigint NOT NULL DEFAULT 0,
    lag_bytes bigint NOT NULL DEFAULT 0,
    oldest_unrecorded_at timestamptz,
    heartbeat_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE dead_letters (
    dead_letter uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    request_id uuid NOT NULL UNIQUE,
    node text NOT NULL,
    train_name text NOT NULL,
    sqlstate text,
    error text NOT NULL,
    raw bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
