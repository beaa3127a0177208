-- What linking remembers of recorded requests, so that a new one finds its parent, and an older one a better parent, by a
-- few look-ups and without any body (conversations.md, any order). All of it can be derived again from the stored bytes.

-- Counted up by everybody who takes a train's lock to write, so that a recorder knows whether what it remembers still holds.
ALTER TABLE trains ADD COLUMN linkings bigint NOT NULL DEFAULT 0;

-- One row a request that takes part. record is the request as linking knows it without its transcript (its call, its
-- link, what the roll-up adds up), packed by proxy/recorder/notes.py: it is read by the hundred, as whole conversations.
CREATE TABLE request_notes (
    train integer NOT NULL,
    request uuid NOT NULL,
    conversation_id uuid NOT NULL,
    parent uuid,
    record bytea NOT NULL,
    PRIMARY KEY (train, request)
);
CREATE INDEX request_notes_conversation ON request_notes (train, conversation_id);
CREATE INDEX request_notes_parent ON request_notes (train, parent) WHERE parent IS NOT NULL;

-- What a request provides for others to link to. kind: 1 state, 2 reply, 3 turn, 4 message, 5 summary, 6 family,
-- 7 launch (core.linking.keys); a key is 16 bytes, as are lane and first.
CREATE TABLE link_keys (
    train integer NOT NULL,
    kind smallint NOT NULL,
    key bytea NOT NULL,
    request uuid NOT NULL,
    lane bytea NOT NULL,
    client text NOT NULL,
    started_us bigint NOT NULL,
    state bytea,
    messages integer NOT NULL DEFAULT 0,
    answered boolean NOT NULL DEFAULT false,
    failed boolean NOT NULL DEFAULT false,
    first bytea,
    summary bytea,
    PRIMARY KEY (train, kind, key, request)
);
CREATE INDEX link_keys_request ON link_keys (train, request);
CREATE INDEX link_keys_lane ON link_keys (train, kind, key, lane, request);
CREATE INDEX link_keys_failed ON link_keys (train, kind, key) WHERE failed;

-- A request would be linked otherwise if one before it provided this key. Kept for 30 days of its start.
CREATE TABLE wants (
    train integer NOT NULL,
    key bytea NOT NULL,
    request uuid NOT NULL,
    PRIMARY KEY (train, key, request)
);
CREATE INDEX wants_request ON wants (train, request);

-- A person's word on a request's parent; null: it has none. Survives a rebuild, beats all evidence.
CREATE TABLE link_corrections (
    train integer NOT NULL,
    request uuid NOT NULL,
    parent uuid,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (train, request),
    -- An edge looks back: so no correction can close a circle.
    CHECK (parent < request)
);

-- Results of tools that a request brought since the last answer. The call of a tool takes the first of them.
CREATE TABLE tool_results (
    train integer NOT NULL,
    tool_use_id text NOT NULL,
    request uuid NOT NULL,
    is_error boolean NOT NULL,
    size integer NOT NULL,
    started_us bigint NOT NULL,
    PRIMARY KEY (train, tool_use_id, request)
);

-- How far a rebuild of a train has come; one that was broken off goes on behind reached. First what is remembered of the
-- requests is cleared, the newest first, so that no child is ever without its parent.
CREATE TABLE rebuilds (
    train integer PRIMARY KEY,
    since uuid NOT NULL,
    cleared boolean NOT NULL DEFAULT false,
    reached uuid NOT NULL,
    rebuilt bigint NOT NULL DEFAULT 0,
    deriver_version integer NOT NULL,
    identity_version integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CHECK (reached >= since)
);
