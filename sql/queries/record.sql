-- name: record_clock
-- The bounds of ids that are filed as they are (the server's clock counts), and how this server compresses bodies best.
-- returns: RecorderClock
SELECT i.created_at AS installed_at, now() AS now,
    CASE WHEN 'lz4' = ANY (s.enumvals) THEN 'lz4' ELSE 'pglz' END AS compression
FROM installation AS i, pg_settings AS s
WHERE s.name = 'default_toast_compression';

-- name: record_claim
-- Takes a node's tape over: the new generation shuts out whoever had it. Returns where to go on reading.
-- returns: TapeClaim
INSERT INTO tape_positions AS p (node, segment, segment_offset, generation)
VALUES ($1, '00000000-0000-0000-0000-000000000000', 0, 1)
ON CONFLICT (node) DO UPDATE SET generation = p.generation + 1, heartbeat_at = now()
RETURNING p.segment, p.segment_offset, p.generation;

-- name: record_position
-- Advances a tape in the transaction that wrote what lies before; no row: another recorder owns the tape.
-- returns: TapeGeneration
UPDATE tape_positions
SET segment = $3, segment_offset = $4, lag_bytes = $5, oldest_unrecorded_at = $6, heartbeat_at = now(),
    tape_bytes = $7, tape_max_bytes = $8
WHERE node = $1 AND generation = $2
RETURNING generation, now() AS now;

-- name: record_heartbeat
-- Says that this tape is being read and how far behind the rows are; no row: another recorder owns the tape.
-- returns: TapeGeneration
UPDATE tape_positions
SET lag_bytes = $3, oldest_unrecorded_at = $4, heartbeat_at = now(), tape_bytes = $5, tape_max_bytes = $6
WHERE node = $1 AND generation = $2
RETURNING generation, now() AS now;

-- name: record_train
-- The key of a train by its name; an unknown one is created. No row only where another created it this very moment.
-- returns: TrainKey
WITH known AS (
    SELECT train FROM trains WHERE name = $1
), made AS (
    INSERT INTO trains (name) SELECT $1 WHERE NOT EXISTS (SELECT FROM known) ON CONFLICT (name) DO NOTHING
    RETURNING train
)
SELECT train FROM known UNION ALL SELECT train FROM made;

-- name: trains_all
-- Every train there is.
-- returns: TrainKey
SELECT train FROM trains ORDER BY train;

-- name: record_lock_train
-- Opens the writing of one train: one writer at a time, counted; the body compression for this transaction, and plans
-- that go by the index that gives the asked order, whatever statistics say of a table that was small when it was looked
-- at last (a plan that cannot is charged so much that it would be compiled), and are made once: of statements this wide,
-- with arrays for parameters, one is planned anew each time otherwise. And by which prices requests are priced, and
-- since when, if so, its conversations are told of turn by turn: a train whose content is nobody's business never is
-- (the one place to say so).
-- returns: TrainLock
UPDATE trains SET linkings = linkings + 1 WHERE train = $1
RETURNING train, set_config('default_toast_compression', $2, true) AS compression,
    set_config('enable_seqscan', 'off', true) || set_config('enable_bitmapscan', 'off', true)
        || set_config('enable_sort', 'off', true) || set_config('jit', 'off', true) AS scans,
    set_config('plan_cache_mode', 'force_generic_plan', true) AS plans,
    linkings, (SELECT price_changes FROM installation),
    (SELECT greatest(f.feed_since, r.enabled_since, timestamptz 'epoch')
        FROM train_feeds AS f LEFT JOIN alert_rules AS r ON r.kind = 'feed'
        WHERE f.train = $1 AND f.feed AND r.enabled IS NOT FALSE) AS feed_since;

-- name: record_before
-- What a train had before, always one row: the latest request that linking remembers, and which of these ids were filed
-- under another one, because their clock was far off. A statement of its own behind the one that takes the lock, which
-- may have waited for it and sees what was there before.
-- returns: Before
SELECT (SELECT n.request FROM request_notes AS n WHERE n.train = $1 ORDER BY n.request DESC LIMIT 1) AS latest,
    coalesce(array_agg(r.original_id), '{}') AS originals, coalesce(array_agg(r.id), '{}') AS filed
FROM requests AS r
WHERE r.train = $1 AND r.original_id IS NOT NULL AND r.original_id = ANY ($2::uuid[]);

-- name: record_response_bodies
-- Response bodies of one train. Arrays come as text: an array of arrays would have to be rectangular.
-- returns: BodyCheck
INSERT INTO response_bodies (train, id, raw, decoded, message, chunk_sizes, decoded_sizes, chunk_at_us, size, sha256)
SELECT $1::integer, n.id, n.raw, n.decoded, n.message::jsonb, n.chunk_sizes::integer[], n.decoded_sizes::integer[],
    n.chunk_at_us::bigint[], n.size, n.sha256
FROM unnest($2::uuid[], $3::bytea[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[],
    $10::bytea[]) AS n (id, raw, decoded, message, chunk_sizes, decoded_sizes, chunk_at_us, size, sha256)
ON CONFLICT (train, id) DO NOTHING
RETURNING id, length(raw) = size
    AND (size > 16384 AND get_byte(sha256, 0) >= 16 OR sha256(raw) = sha256) AS exact;

-- name: record_dead_letter
-- Puts a call aside that the database cannot take, with its frames and the reason.
INSERT INTO dead_letters (request_id, node, train_name, sqlstate, error, raw)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (request_id) DO NOTHING;

-- name: record_forget_in_flight
-- Takes back the in-flight row of a call that can only be a dead letter.
DELETE FROM requests WHERE train = $1 AND id = $2 AND outcome IS NULL;
