-- name: stored_calls
-- Recorded calls as they came off the tape, as far as it is stored; derived again from that (proxy/recorder/stored.py).
-- returns: StoredCall
SELECT r.id, r.method, r.path, r.query, r.key_id, r.account, a.account_id, r.started_at, r.request_headers, r.status_code,
    r.response_headers, r.outcome, r.note, r.timings, r.request_bytes, r.response_bytes, r.delivered_bytes, r.lost_frames,
    request_body(r.train, r.id) AS request_body, b.raw, b.chunk_sizes, b.chunk_at_us, n.record
FROM requests AS r
LEFT JOIN response_bodies AS b ON b.train = r.train AND b.id = r.id
LEFT JOIN request_notes AS n ON n.train = r.train AND n.request = r.id
LEFT JOIN accounts AS a ON a.account = r.account
WHERE r.train = $1 AND r.id = ANY ($2::uuid[]) AND r.outcome IS NOT NULL;
