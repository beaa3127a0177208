-- The public SQL contract (api.md): views for people who query the database. JSONB holds neither NUL nor lone
-- surrogates: these show U+FFFD here; the raw bytes stay exact.

-- Text of bytes that should be UTF-8. Never fails: what is not UTF-8 is shown as U+FFFD, byte by byte.
CREATE FUNCTION readable_text(bytes bytea) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
BEGIN
    RETURN convert_from(bytes, 'UTF8');
EXCEPTION WHEN OTHERS THEN
    -- Slow and rare. ASCII stays, everything else is replaced.
    RETURN regexp_replace(encode(bytes, 'escape'), '\\(\\|[0-7]{3})', E'\uFFFD', 'g');
END $$;

-- JSON of bytes, or null where they are not JSON.
CREATE FUNCTION readable_json(bytes bytea) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
BEGIN
    RETURN convert_from(bytes, 'UTF8')::jsonb;
EXCEPTION WHEN OTHERS THEN
    BEGIN
        -- An escape counts only behind an even number of backslashes.
        RETURN regexp_replace(readable_text(bytes),
            '((?:^|[^\\])(?:\\\\)*)\\u(?:0000|[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|[dD][c-fC-F][0-9a-fA-F]{2})',
            E'\\1\uFFFD', 'g')::jsonb;
    EXCEPTION WHEN OTHERS THEN
        RETURN NULL;
    END;
END $$;

-- The one narrow door to a request's bytes: how bodies are stored may change behind it.
CREATE FUNCTION request_body(of_train integer, of_id uuid) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT body FROM request_bodies WHERE train = of_train AND id = of_id);

CREATE VIEW api_requests AS
SELECT r.id, t.name AS train_id, a.account_id, r.method, r.path, r.status_code::integer AS status_code, r.error_type,
    r.error_message, coalesce(r.answered_model, r.model) AS model, r.request_type, r.input_tokens, r.output_tokens,
    r.total_tokens, (r.duration_us / 1000)::bigint AS response_time_ms,
    readable_json(request_body(r.train, r.id)) AS request_body,
    coalesce(b.message, readable_json(coalesce(b.decoded, b.raw))) AS response_body,
    (SELECT jsonb_object_agg(h ->> 0, h ->> 1) FROM jsonb_array_elements(r.request_headers) AS h) AS headers,
    r.conversation_id, r.branch_id, r.current_message_hash, r.parent_message_hash, r.is_subtask,
    r.parent_task_request_id, r.task_tool_invocation, r.started_at AS created_at, r.updated_at
FROM requests AS r
JOIN trains AS t ON t.train = r.train
LEFT JOIN response_bodies AS b ON b.train = r.train AND b.id = r.id
LEFT JOIN accounts AS first ON first.account = r.account
LEFT JOIN accounts AS a ON a.account = coalesce(first.merged_into, first.account);

CREATE VIEW streaming_chunks AS
SELECT md5(b.id::text || ':' || c.n)::uuid AS id, b.id AS request_id, (c.n - 1)::integer AS chunk_index,
    readable_text(substring(coalesce(b.decoded, b.raw) FROM (c.ends - c.size + 1)::integer FOR c.size)) AS content,
    r.started_at + c.at_us * interval '1 microsecond' AS created_at
FROM requests AS r
JOIN response_bodies AS b ON b.train = r.train AND b.id = r.id
CROSS JOIN LATERAL (
    SELECT u.n, u.size, u.at_us, sum(u.size) OVER (ORDER BY u.n) AS ends
    FROM unnest(coalesce(b.decoded_sizes, b.chunk_sizes), b.chunk_at_us) WITH ORDINALITY AS u (size, at_us, n)
) AS c
WHERE r.stream;
