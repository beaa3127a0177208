-- name: linking_begin
-- Which of these requests are recorded whole already, which linking remembers (of one whose month was dropped its keys are
-- still there), and what people said of them; asked under the train's lock, so it stays true. One row for each that any of
-- it is the case of. Ids are in their order, so that only their months are opened.
-- returns: LinkBegin
SELECT n.id, r.complete IS NOT NULL AS complete, m.noted IS NOT NULL AS noted, c.request IS NOT NULL AS corrected, c.parent
FROM unnest($2::uuid[]) AS n (id)
-- One by one: a join would read all of a train that was small when it was looked at last.
LEFT JOIN LATERAL (
    SELECT true AS complete FROM requests AS r
    WHERE r.train = $1 AND r.id = n.id AND r.outcome IS NOT NULL
        AND r.id >= ($2::uuid[])[1] AND r.id <= ($2::uuid[])[cardinality($2::uuid[])]
    LIMIT 1) AS r ON true
LEFT JOIN LATERAL (
    SELECT true AS noted FROM request_notes AS m WHERE m.train = $1 AND m.request = n.id LIMIT 1) AS m ON true
LEFT JOIN LATERAL (
    SELECT c.request, c.parent FROM link_corrections AS c WHERE c.train = $1 AND c.request = n.id LIMIT 1) AS c ON true
WHERE r.complete IS NOT NULL OR m.noted IS NOT NULL OR c.request IS NOT NULL;

-- name: linking_corrections
-- What people said of these requests' parents.
-- returns: LinkCorrection
SELECT request, parent FROM link_corrections WHERE train = $1 AND request = ANY ($2::uuid[]);

-- name: linking_best
-- Of the facts under each key the best that fits: same lane, same client, latest request. Parameters are parallel, one
-- element a look-up; $11 are requests whose rows are out of date.
-- returns: LinkFact
SELECT p.n::integer AS n, k.kind, k.key, k.request, k.lane, k.client, k.started_us, k.state, k.messages,
    k.answered, k.failed, k.first, k.summary
FROM unnest($2::smallint[], $3::bytea[], $4::uuid[], $5::bytea[], $6::text[], $7::uuid[], $8::integer[],
    $9::boolean[], $10::bytea[]) WITH ORDINALITY
    AS p (kind, key, before, lane, client, since, fewer_than, unanswered, first, n)
-- Under most keys there is nothing at all.
CROSS JOIN LATERAL (
    SELECT FROM link_keys AS k WHERE k.train = $1 AND k.kind = p.kind AND k.key = p.key LIMIT 1) AS anything
-- A key can be popular (the same words sent ten thousand times), and none of its rows may fit. So nothing is filtered row
-- by row: in each group of like rows the latest is looked at, and of groups there are few. Each rank is looked at only
-- where the one before has none. The row of a STATE is in the lane that its key names.
CROSS JOIN LATERAL (SELECT * FROM (
        (WITH RECURSIVE alike AS (
            (SELECT k.client, k.answered, k.messages FROM link_keys AS k
            WHERE k.train = $1 AND k.kind = p.kind AND k.key = p.key AND k.lane = p.lane
            ORDER BY k.client, k.answered, k.messages LIMIT 1)
            UNION ALL
            SELECT k.* FROM alike AS a CROSS JOIN LATERAL (
                SELECT k.client, k.answered, k.messages FROM link_keys AS k
                WHERE k.train = $1 AND k.kind = p.kind AND k.key = p.key AND k.lane = p.lane
                    AND (k.client, k.answered, k.messages) > (a.client, a.answered, a.messages)
                ORDER BY k.client, k.answered, k.messages LIMIT 1) AS k
        )
        SELECT k.* FROM alike AS a CROSS JOIN LATERAL (
            SELECT k.* FROM link_keys AS k
            WHERE k.train = $1 AND k.kind = p.kind AND k.key = p.key AND k.lane = p.lane AND k.client = a.client
                AND k.answered = a.answered AND k.messages = a.messages AND k.request < p.before
                AND k.request >= p.since AND (p.first IS NULL OR k.first = p.first) AND k.request <> ALL ($11::uuid[])
            ORDER BY k.request DESC LIMIT 1) AS k
        WHERE (p.fewer_than IS NULL OR a.messages < p.fewer_than) AND NOT (p.unanswered AND a.answered)
        ORDER BY k.client = p.client DESC, k.request DESC LIMIT 1)
        UNION ALL (
        SELECT k.* FROM link_keys AS k
        WHERE k.train = $1 AND k.kind = p.kind AND k.kind IN (2, 3, 4) AND k.key = p.key AND k.client = p.client
            AND k.request < p.before AND k.request >= p.since AND (p.first IS NULL OR k.first = p.first)
            AND k.request <> ALL ($11::uuid[])
        ORDER BY k.request DESC LIMIT 1)
        UNION ALL
        (WITH RECURSIVE clients AS (
            (SELECT k.client FROM link_keys AS k
            WHERE k.train = $1 AND k.kind = p.kind AND k.kind IN (2, 3, 4) AND k.key = p.key
            ORDER BY k.client LIMIT 1)
            UNION ALL
            SELECT k.* FROM clients AS c CROSS JOIN LATERAL (
                SELECT k.client FROM link_keys AS k
                WHERE k.train = $1 AND k.kind = p.kind AND k.kind IN (2, 3, 4) AND k.key = p.key AND k.client > c.client
                ORDER BY k.client LIMIT 1) AS k
        )
        SELECT k.* FROM clients AS c CROSS JOIN LATERAL (
            SELECT k.* FROM link_keys AS k
            WHERE k.train = $1 AND k.kind = p.kind AND k.kind IN (2, 3, 4) AND k.key = p.key AND k.client = c.client
                AND k.request < p.before AND k.request >= p.since AND (p.first IS NULL OR k.first = p.first)
                AND k.request <> ALL ($11::uuid[])
            ORDER BY k.request DESC LIMIT 1) AS k
        ORDER BY k.request DESC LIMIT 1)
    ) AS ranked LIMIT 1) AS k
ORDER BY p.n;

-- name: linking_provided
-- Which of these keys ($2, $3: kind and key) anybody provides.
-- returns: LinkName
SELECT p.kind, p.key FROM unnest($2::smallint[], $3::bytea[]) AS p (kind, key)
CROSS JOIN LATERAL (
    SELECT FROM link_keys AS k WHERE k.train = $1 AND k.kind = p.kind AND k.key = p.key LIMIT 1) AS anything;

-- name: linking_summaries
-- The newest summariser that fits each look-up: of a lane (by its key $2), or of the whole train where that is null; with
-- $5 only one whose summary is contained there and has $6 characters or more. $7: requests whose rows are out of date.
-- returns: LinkFact
SELECT p.n::integer AS n, k.kind, k.key, k.request, k.lane, k.client, k.started_us, k.state, k.messages, k.answered,
    k.failed, k.first, k.summary
FROM unnest($2::bytea[], $3::uuid[], $4::uuid[], $5::bytea[], $6::integer[]) WITH ORDINALITY
    AS p (key, before, since, text, least, n)
CROSS JOIN LATERAL (SELECT * FROM (
        (SELECT k.* FROM link_keys AS k
        WHERE k.train = $1 AND k.kind = 5 AND k.key = p.key AND k.request < p.before AND k.request >= p.since
            AND (p.text IS NULL OR k.messages >= p.least AND position(k.summary IN p.text) > 0)
            AND k.request <> ALL ($7::uuid[])
        ORDER BY k.request DESC LIMIT 1)
        UNION ALL
        (SELECT k.* FROM link_keys AS k
        WHERE k.train = $1 AND k.kind = 5 AND p.key IS NULL AND k.request < p.before AND k.request >= p.since
            AND (p.text IS NULL OR k.messages >= p.least AND position(k.summary IN p.text) > 0)
            AND k.request <> ALL ($7::uuid[])
        ORDER BY k.request DESC LIMIT 1)
    ) AS either LIMIT 1) AS k
ORDER BY p.n;

-- name: linking_waiting
-- Who wants one of these keys ($2) from a request ($3) before his own; he has it by itself, or with others on a shelf ($4).
-- Not who comes behind the next row like the provider's ($5 to $11: its kind, key and what it is like; null: none is): he
-- would take that one. And later requests with the same STATE that have more messages. $12: requests whose rows are out of
-- date.
-- returns: LinkRequest
SELECT found.request
FROM unnest($2::bytea[], $3::uuid[], $4::bytea[], $5::smallint[], $6::bytea[], $7::bytea[], $8::text[], $9::boolean[],
    $10::integer[], $11::bytea[])
    AS p (wanted, provider, shelf, kind, key, lane, client, answered, messages, first)
-- Mostly nobody does, so that is asked first.
CROSS JOIN LATERAL (SELECT FROM (
        -- The key as a part of the order: the index by request alone does not give that.
        (SELECT FROM wants AS w
        WHERE w.train = $1 AND (w.key, w.request) > (p.wanted, p.provider)
            AND (w.key, w.request) <= (p.wanted, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
        ORDER BY w.key, w.request LIMIT 1)
        UNION ALL
        (SELECT FROM wants AS w
        WHERE w.train = $1 AND (w.key, w.request) > (p.shelf, p.provider)
            AND (w.key, w.request) <= (p.shelf, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
            AND position(p.wanted IN w.keys) > 0
        ORDER BY w.key, w.request LIMIT 1)
    ) AS either LIMIT 1) AS anybody
LEFT JOIN LATERAL (
    SELECT CASE WHEN k.first IS NOT DISTINCT FROM p.first THEN k.request END AS request FROM link_keys AS k
    WHERE k.train = $1 AND k.kind = p.kind AND k.key = p.key AND k.lane = p.lane AND k.client = p.client
        AND k.answered = p.answered AND k.messages = p.messages AND k.request > p.provider
        AND k.request <> ALL ($12::uuid[])
    ORDER BY k.request LIMIT 1) AS next ON true
CROSS JOIN LATERAL (
    (SELECT w.request FROM wants AS w
    WHERE w.train = $1 AND (w.key, w.request) > (p.wanted, p.provider)
        AND (w.key, w.request) <= (p.wanted, coalesce(next.request, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    ORDER BY w.key, w.request
    OFFSET 0)  -- never a join with all that anybody wants, whatever statistics say of a young table
    UNION ALL
    (SELECT w.request FROM wants AS w
    WHERE w.train = $1 AND (w.key, w.request) > (p.shelf, p.provider)
        AND (w.key, w.request) <= (p.shelf, coalesce(next.request, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
        AND position(p.wanted IN w.keys) > 0
    ORDER BY w.key, w.request
    OFFSET 0)) AS found
UNION
SELECT found.request
FROM unnest($3::uuid[], $5::smallint[], $6::bytea[], $7::bytea[], $8::text[], $9::boolean[], $10::integer[])
    AS p (provider, kind, key, lane, client, answered, messages)
LEFT JOIN LATERAL (
    SELECT k.request FROM link_keys AS k
    WHERE k.train = $1 AND k.kind = 1 AND k.key = p.key AND k.lane = p.lane AND k.client = p.client
        AND k.answered = p.answered AND k.messages = p.messages AND k.request > p.provider
        AND k.request <> ALL ($12::uuid[])
    ORDER BY k.request LIMIT 1) AS next ON true
CROSS JOIN LATERAL (
    WITH RECURSIVE alike AS (
        (SELECT k.client, k.answered, k.messages FROM link_keys AS k
        WHERE k.train = $1 AND k.kind = 1 AND k.key = p.key AND k.lane = p.lane
        ORDER BY k.client, k.answered, k.messages LIMIT 1)
        UNION ALL
        SELECT k.* FROM alike AS a CROSS JOIN LATERAL (
            SELECT k.client, k.answered, k.messages FROM link_keys AS k
            WHERE k.train = $1 AND k.kind = 1 AND k.key = p.key AND k.lane = p.lane
                AND (k.client, k.answered, k.messages) > (a.client, a.answered, a.messages)
            ORDER BY k.client, k.answered, k.messages LIMIT 1) AS k
    )
    SELECT k.request FROM alike AS a CROSS JOIN LATERAL (
        SELECT k.request FROM link_keys AS k
        WHERE k.train = $1 AND k.kind = 1 AND k.key = p.key AND k.lane = p.lane AND k.client = a.client
            AND k.answered = a.answered AND k.messages = a.messages AND k.request > p.provider
            AND k.request <= coalesce(next.request, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
        OFFSET 0) AS k
    WHERE a.messages > p.messages) AS found
WHERE p.kind = 1;

-- name: linking_launched
-- Which of these families have a launch ($2 the kind of a row that says so).
-- returns: LinkKeyName
SELECT p.key FROM unnest($3::bytea[]) AS p (key)
WHERE EXISTS (SELECT FROM link_keys AS k WHERE k.train = $1 AND k.kind = $2 AND k.key = p.key);

-- name: linking_family
-- Everything known of the requests that provide one of these keys.
-- returns: LinkNote
SELECT n.record
FROM (
    SELECT DISTINCT k.request
    FROM unnest($3::bytea[]) AS p (key)
    CROSS JOIN LATERAL (
        SELECT k.request FROM link_keys AS k WHERE k.train = $1 AND k.kind = $2 AND k.key = p.key OFFSET 0) AS k
    OFFSET 0) AS k
CROSS JOIN LATERAL (
    SELECT n.record FROM request_notes AS n WHERE n.train = $1 AND n.request = k.request OFFSET 0) AS n;

-- name: linking_failing
-- In which of these groups of rivals a request failed at that moment or later.
-- returns: LinkKeyName
SELECT p.rivals AS key FROM unnest($2::bytea[], $3::bigint[]) AS p (rivals, since_us)
-- The order says which index: EXISTS would forget it.
WHERE (SELECT true FROM failures AS f
        WHERE f.train = $1 AND f.rivals = p.rivals AND f.failed_at_us >= p.since_us AND f.claimed_by IS NULL
        ORDER BY f.failed_at_us LIMIT 1)
    OR (SELECT true FROM failures AS f
        WHERE f.train = $1 AND f.rivals = p.rivals AND f.failed_at_us >= p.since_us AND f.claimed_by IS NOT NULL
        ORDER BY f.failed_at_us LIMIT 1);

-- name: linking_failures
-- Failures of these rivals ($2) before a request ($3) that nobody claimed: of a retry count ($4; null: any), in a time ($5
-- to $7, unix µs). Of those up to $6 the latest, as many as $8.
-- returns: LinkFailure
SELECT f.rivals, f.request, f.failed_at_us, f.retry_count
FROM unnest($2::bytea[], $3::uuid[], $4::integer[], $5::bigint[], $6::bigint[], $7::bigint[], $8::integer[])
    AS p (rivals, before, retry_count, since_us, begin_us, end_us, most)
CROSS JOIN LATERAL (
    (SELECT f.* FROM failures AS f
    WHERE f.train = $1 AND f.rivals = p.rivals AND f.claimed_by IS NULL AND f.request < p.before
        AND f.failed_at_us > p.begin_us AND f.failed_at_us <= p.end_us
        AND (p.retry_count IS NULL OR f.retry_count = p.retry_count)
    ORDER BY f.failed_at_us LIMIT 1000000)
    UNION ALL
    (SELECT f.* FROM failures AS f
    WHERE f.train = $1 AND f.rivals = p.rivals AND f.claimed_by IS NULL AND f.request < p.before
        AND f.failed_at_us >= p.since_us AND f.failed_at_us <= p.begin_us AND p.retry_count IS NULL
    ORDER BY f.failed_at_us DESC, f.request DESC LIMIT p.most)
    UNION ALL
    (SELECT f.* FROM failures AS f
    WHERE f.train = $1 AND f.rivals = p.rivals AND f.claimed_by IS NULL AND f.request < p.before
        -- The count as a part of the order: whatever statistics say, only the index that begins with it gives that.
        AND (f.retry_count, f.failed_at_us) >= (p.retry_count, p.since_us)
        AND (f.retry_count, f.failed_at_us) <= (p.retry_count, p.begin_us)
    ORDER BY f.retry_count DESC, f.failed_at_us DESC, f.request DESC LIMIT p.most)) AS f;

-- name: linking_rivals
-- Everything known of the requests with these STATE keys ($2, $3: key and lane) from one ($4) on.
-- returns: LinkNote
SELECT n.record
FROM unnest($2::bytea[], $3::bytea[], $4::uuid[]) AS p (key, lane, begin)
CROSS JOIN LATERAL (
    WITH RECURSIVE alike AS (
        (SELECT k.client, k.answered, k.messages FROM link_keys AS k
        WHERE k.train = $1 AND k.kind = 1 AND k.key = p.key AND k.lane = p.lane
        ORDER BY k.client, k.answered, k.messages LIMIT 1)
        UNION ALL
        SELECT k.* FROM alike AS a CROSS JOIN LATERAL (
            SELECT k.client, k.answered, k.messages FROM link_keys AS k
            WHERE k.train = $1 AND k.kind = 1 AND k.key = p.key AND k.lane = p.lane
                AND (k.client, k.answered, k.messages) > (a.client, a.answered, a.messages)
            ORDER BY k.client, k.answered, k.messages LIMIT 1) AS k
    )
    SELECT k.request FROM alike AS a CROSS JOIN LATERAL (
        SELECT k.request FROM link_keys AS k
        WHERE k.train = $1 AND k.kind = 1 AND k.key = p.key AND k.lane = p.lane AND k.client = a.client
            AND k.answered = a.answered AND k.messages = a.messages AND k.request >= p.begin
        OFFSET 0) AS k) AS k
CROSS JOIN LATERAL (
    SELECT n.record FROM request_notes AS n WHERE n.train = $1 AND n.request = k.request OFFSET 0) AS n;

-- name: linking_attempts
-- Everything known of the later attempts of these requests.
-- returns: LinkNote
SELECT n.record
FROM unnest($2::uuid[]) AS p (request)
CROSS JOIN LATERAL (
    SELECT n.record FROM request_notes AS n WHERE n.train = $1 AND n.attempt_of = p.request OFFSET 0) AS n;

-- name: linking_known
-- Everything known of these requests.
-- returns: LinkNote
SELECT n.record
FROM unnest($2::uuid[]) AS p (request)
CROSS JOIN LATERAL (
    SELECT n.record FROM request_notes AS n WHERE n.train = $1 AND n.request = p.request OFFSET 0) AS n;

-- name: linking_conversations
-- Everything known of all requests of these conversations.
-- returns: LinkNote
SELECT n.record
FROM unnest($2::uuid[]) AS p (conversation_id)
CROSS JOIN LATERAL (
    SELECT n.record FROM request_notes AS n WHERE n.train = $1 AND n.conversation_id = p.conversation_id OFFSET 0) AS n;

-- name: linking_parents
-- Which of these requests are the parent of anybody but $3; later attempts do not count.
-- returns: LinkRequest
SELECT p.request FROM unnest($2::uuid[]) AS p (request)
WHERE EXISTS (
    SELECT FROM request_notes AS n
    WHERE n.train = $1 AND n.parent = p.request AND n.attempt_of IS NULL AND n.request <> ALL ($3::uuid[]));

-- name: linking_keys
-- What these requests provide.
-- returns: LinkFact
SELECT 0 AS n, k.kind, k.key, k.request, k.lane, k.client, k.started_us, k.state, k.messages, k.answered, k.failed,
    k.first, k.summary
FROM unnest($2::uuid[]) AS p (request)
CROSS JOIN LATERAL (SELECT k.* FROM link_keys AS k WHERE k.train = $1 AND k.request = p.request OFFSET 0) AS k;

-- name: linking_drop
-- Forgets what these requests provided and waited for: they are decided anew. Found one by one as all that is looked up
-- here, and deleted where they were found: under the train's lock they stay there.
WITH provided AS (
    DELETE FROM link_keys WHERE ctid = ANY (ARRAY(
        SELECT k.place
        FROM unnest($2::uuid[]) AS p (request)
        CROSS JOIN LATERAL (
            SELECT k.ctid AS place FROM link_keys AS k WHERE k.train = $1 AND k.request = p.request OFFSET 0) AS k))
)
DELETE FROM wants WHERE ctid = ANY (ARRAY(
    SELECT w.place
    FROM unnest($2::uuid[]) AS p (request)
    CROSS JOIN LATERAL (
        SELECT w.ctid AS place FROM wants AS w WHERE w.train = $1 AND w.request = p.request OFFSET 0) AS w));

-- name: linking_put
-- Keeps what requests provide ($2 to $13), what they wait for ($14 to $16) and what is known of them. What was kept of them
-- before is dropped (linking_drop), so there is nothing to conflict with: looking for it at every key took a quarter of
-- the statement.
WITH provided AS (
    INSERT INTO link_keys (train, kind, key, request, lane, client, started_us, state, messages, answered, failed, first,
        summary)
    SELECT $1::integer, n.*
    FROM unnest($2::smallint[], $3::bytea[], $4::uuid[], $5::bytea[], $6::text[], $7::bigint[], $8::bytea[],
        $9::integer[], $10::boolean[], $11::boolean[], $12::bytea[], $13::bytea[]) AS n
), waiting AS (
    INSERT INTO wants (train, key, request, keys)
    SELECT $1::integer, n.* FROM unnest($14::bytea[], $15::uuid[], $16::bytea[]) AS n
)
INSERT INTO request_notes AS r (train, request, conversation_id, parent, attempt_of, record)
SELECT $1::integer, n.* FROM unnest($17::uuid[], $18::uuid[], $19::uuid[], $20::uuid[], $21::bytea[]) AS n
ON CONFLICT (train, request) DO UPDATE SET conversation_id = excluded.conversation_id, parent = excluded.parent,
    attempt_of = excluded.attempt_of, record = excluded.record;

-- name: linking_unfail
-- Requests that are decided anew and did not fail, as it turns out.
DELETE FROM failures WHERE ctid = ANY (ARRAY(
    SELECT f.place
    FROM unnest($2::uuid[]) AS p (request)
    CROSS JOIN LATERAL (
        SELECT f.ctid AS place FROM failures AS f WHERE f.train = $1 AND f.request = p.request OFFSET 0) AS f));

-- name: linking_fail
-- Keeps failures.
INSERT INTO failures (train, request, rivals, failed_at_us, retry_count)
SELECT $1::integer, n.* FROM unnest($2::uuid[], $3::bytea[], $4::bigint[], $5::integer[]) AS n
ON CONFLICT (train, request) DO UPDATE SET rivals = excluded.rivals, failed_at_us = excluded.failed_at_us,
    retry_count = excluded.retry_count;

-- name: linking_claim
-- Says who claims these failures now ($3; null: nobody any more).
UPDATE failures AS f SET claimed_by = n.claimed_by
FROM unnest($2::uuid[], $3::uuid[]) AS n (request, claimed_by)
CROSS JOIN LATERAL (
    SELECT o.ctid AS place FROM failures AS o WHERE o.train = $1 AND o.request = n.request OFFSET 0) AS o
WHERE f.ctid = o.place;

-- name: linking_forget_wants
-- Wants are kept for 30 days of their request's start; beyond that a rebuild is the truth.
DELETE FROM wants WHERE train = $1 AND request < uuid7_floor(now() - interval '30 days');

-- name: linking_relink
-- Gives requests that are recorded already their changed place in the forest.
UPDATE requests AS r SET conversation_id = n.conversation_id, branch_id = n.branch_id,
    parent_request_id = n.parent_request_id, link_method = n.link_method, parent_message_hash = n.parent_message_hash,
    is_subtask = n.is_subtask, parent_task_request_id = n.parent_task_request_id, attempt_of = n.attempt_of
FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::boolean[], $9::uuid[],
    $10::uuid[]) AS n (id, conversation_id, branch_id, parent_request_id, link_method, parent_message_hash, is_subtask,
    parent_task_request_id, attempt_of)
WHERE r.train = $1 AND r.id = n.id AND r.id = ANY ($2::uuid[]);
