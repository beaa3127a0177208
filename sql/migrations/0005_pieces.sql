-- Request bodies in pieces (storage.md, bodies): a conversation's next turn resends all that was said before, so what
-- it repeats is stored once in a train's month. Bodies stored whole stay as they are.

-- The month of an id as a number, 202611: what pieces are kept and dropped by.
CREATE FUNCTION uuid7_month(id uuid) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN (SELECT extract(year FROM day) * 100 + extract(month FROM day)
    FROM (SELECT uuid7_time(id) AT TIME ZONE 'UTC' AS day) AS moment)::integer;

-- hash is the first half of the SHA-256 of bytes. A list node is kept here too: its bytes are the hashes of 32 others, its
-- own hash the second half. A piece lives as long as a list in its month has it; a node never without what it lists.
CREATE TABLE pieces (
    train integer NOT NULL,
    month integer NOT NULL CHECK (month % 100 BETWEEN 1 AND 12),
    hash uuid NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (train, month, hash)
) PARTITION BY LIST (month);

DO $$
BEGIN
    IF (SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression') THEN
        ALTER TABLE pieces ALTER COLUMN bytes SET COMPRESSION lz4;
    END IF;
END $$;

-- list: hashes of 16 bytes, list nodes by falling level, then pieces. The nodes and the pieces right behind them stand
-- for so many pieces as folded says: written in base 32, its digits are the numbers of nodes of each level.
ALTER TABLE request_bodies
    ALTER COLUMN body DROP NOT NULL,
    ADD COLUMN list bytea CHECK (length(list) > 0 AND length(list) % 16 = 0),
    ADD COLUMN folded integer CHECK (folded >= 0),
    ADD CHECK ((body IS NULL) = (list IS NOT NULL)),
    ADD CHECK ((folded IS NULL) = (list IS NULL));
-- Hashes do not compress.
ALTER TABLE request_bodies ALTER COLUMN list SET STORAGE EXTERNAL;

-- The pieces of the first `number` hashes of a list, joined. Each by its key, whatever the planner thinks of a month that
-- was small when it was looked at last.
CREATE FUNCTION joined_pieces(of_train integer, of_month integer, list bytea, number integer) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE SET enable_seqscan = off
RETURN (
    SELECT string_agg(piece.bytes, ''::bytea ORDER BY n)
    FROM generate_series(0, number - 1) AS n
    CROSS JOIN LATERAL (
        SELECT p.bytes FROM pieces AS p
        WHERE p.train = of_train AND p.month = of_month
            AND p.hash = encode(substring(list FROM 16 * n + 1 FOR 16), 'hex')::uuid
        LIMIT 1
    ) AS piece
);

-- The one narrow door to a request's bytes. Null where a piece is missing: a part must not look like the whole.
CREATE OR REPLACE FUNCTION request_body(of_train integer, of_id uuid) RETURNS bytea
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    of_month CONSTANT integer := uuid7_month(of_id);
    stored record;
    nodes integer;
    whole bytea;
BEGIN
    SELECT b.body, b.list, b.folded, b.size INTO stored FROM request_bodies AS b WHERE b.train = of_train AND b.id = of_id;
    IF stored.list IS NULL THEN
        RETURN stored.body;
    END IF;
    whole := stored.list;
    FOR level IN REVERSE 3..1 LOOP
        nodes := stored.folded >> 5 * level;
        CONTINUE WHEN nodes = 0;
        whole := joined_pieces(of_train, of_month, whole, nodes) || substring(whole FROM 16 * nodes + 1);
    END LOOP;
    whole := joined_pieces(of_train, of_month, whole, length(whole) / 16);
    RETURN CASE WHEN length(whole) = stored.size THEN whole END;
END $$;

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
        FOREACH parent IN ARRAY ARRAY['requests', 'request_bodies', 'response_bodies', 'pieces'] LOOP
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
