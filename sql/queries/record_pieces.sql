-- name: record_missing_pieces
-- Which of these pieces a train's month does not have yet. Asked under the train's lock, so nobody takes one away before
-- the list that needs it is written; one by one, so that no plan reads the whole month.
-- returns: PieceKey
SELECT n.hash
FROM unnest($3::uuid[]) AS n (hash)
WHERE (SELECT true FROM pieces AS p WHERE p.train = $1 AND p.month = $2 AND p.hash = n.hash) IS NULL;

-- name: record_request_bodies
-- Request bodies of one train and month, whole or as lists, and pieces and list nodes that may be new ($3, $4). Where one
-- of $5 is missing, which the lists need and which should be there, no body is written and the missing are answered.
-- Answered is also what the server finds other than it should be: pieces by their hash up to 16 KB and one in sixteen
-- larger ones, whole bodies by size and likewise; normally nothing.
-- returns: BodyTrouble
WITH missing AS MATERIALIZED (
    SELECT n.hash
    FROM unnest($5::uuid[]) AS n (hash)
    WHERE (SELECT true FROM pieces AS p WHERE p.train = $1 AND p.month = $2 AND p.hash = n.hash) IS NULL
), pieces_written AS (
    INSERT INTO pieces (train, month, hash, bytes)
    SELECT $1::integer, $2::integer, n.hash, n.bytes
    FROM unnest($3::uuid[], $4::bytea[]) AS n (hash, bytes)
    ORDER BY n.hash
    ON CONFLICT (train, month, hash) DO NOTHING
    RETURNING hash, length(bytes) > 16384 AND left(hash::text, 1) <> '0'
        OR position(replace(hash::text, '-', '') IN encode(sha256(bytes), 'hex')) IN (1, 33) AS exact
), bodies_written AS (
    INSERT INTO request_bodies (train, id, body, list, folded, size, sha256)
    SELECT $1::integer, n.id, n.body, n.list, n.folded, n.size, n.sha256
    FROM unnest($6::uuid[], $7::bytea[], $8::bytea[], $9::integer[], $10::bigint[], $11::bytea[])
        AS n (id, body, list, folded, size, sha256)
    WHERE NOT EXISTS (SELECT FROM missing)
    ON CONFLICT (train, id) DO NOTHING
    RETURNING id, body IS NULL OR length(body) = size
        AND (size > 16384 AND get_byte(sha256, 0) >= 16 OR sha256(body) = sha256) AS exact
)
SELECT hash AS id, true AS missing FROM missing
UNION ALL SELECT hash, false FROM pieces_written WHERE NOT exact
UNION ALL SELECT id, false FROM bodies_written WHERE NOT exact;

-- name: record_read_back
-- Whether these request bodies, as anybody would read them now, have the hash of what the tape held.
-- returns: BodyCheck
SELECT b.id, coalesce(sha256(request_body(b.train, b.id)) = b.sha256, false) AS exact
FROM request_bodies AS b
WHERE b.train = $1 AND b.id = ANY ($2::uuid[]);
