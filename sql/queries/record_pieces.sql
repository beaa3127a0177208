-- name: record_missing_pieces
-- Which of these pieces a train's month does not have yet. Asked under the train's lock, so nobody takes one away before
-- the list that needs it is written; one by one, so that no plan reads the whole month.
-- returns: PieceKey
SELECT n.hash
FROM unnest($3::uuid[]) AS n (hash)
WHERE (SELECT true FROM pieces AS p WHERE p.train = $1 AND p.month = $2 AND p.hash = n.hash) IS NULL;

-- name: record_pieces
-- Pieces and list nodes of one train and month, each once; answered with whether the server finds it under its hash,
-- which it computes of each up to 16 KB and of one in sixteen larger ones.
-- returns: PieceCheck
INSERT INTO pieces (train, month, hash, bytes)
SELECT $1::integer, $2::integer, n.hash, n.bytes
FROM unnest($3::uuid[], $4::bytea[]) AS n (hash, bytes)
ORDER BY n.hash
ON CONFLICT (train, month, hash) DO NOTHING
RETURNING hash, length(bytes) > 16384 AND left(hash::text, 1) <> '0'
    OR position(replace(hash::text, '-', '') IN encode(sha256(bytes), 'hex')) IN (1, 33) AS exact;

-- name: record_request_bodies
-- Request bodies of one train, as lists of pieces or whole; a whole one is answered with whether the server finds it as
-- it should be: by its size, and by its own hash where that is cheap and in one of sixteen large ones.
-- returns: BodyCheck
INSERT INTO request_bodies (train, id, body, list, folded, size, sha256)
SELECT $1::integer, n.id, n.body, n.list, n.folded, n.size, n.sha256
FROM unnest($2::uuid[], $3::bytea[], $4::bytea[], $5::integer[], $6::bigint[], $7::bytea[])
    AS n (id, body, list, folded, size, sha256)
ON CONFLICT (train, id) DO NOTHING
RETURNING id, body IS NULL OR length(body) = size
    AND (size > 16384 AND get_byte(sha256, 0) >= 16 OR sha256(body) = sha256) AS exact;

-- name: record_read_back
-- Whether these request bodies, as anybody would read them now, have the hash of what the tape held.
-- returns: BodyCheck
SELECT b.id, coalesce(sha256(request_body(b.train, b.id)) = b.sha256, false) AS exact
FROM request_bodies AS b
WHERE b.train = $1 AND b.id = ANY ($2::uuid[]);
