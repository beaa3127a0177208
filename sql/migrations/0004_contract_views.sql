-- The public SQL contract (api.md): views for people who query the database. JSONB holds neither NUL nor lone
-- surrogates: these show U+FFFD here; the raw bytes stay exact.

-- Text of bytes that should be UTF-8. Never fails: NUL and each byte that is not UTF-8 are shown as U+FFFD.
-- Not parallel safe: an exception block is a subtransaction.
CREATE FUNCTION readable_text(bytes bytea) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    -- What UTF-8 allows (RFC 3629 §4), in the octal that encode(…, 'escape') writes NUL and high bytes in.
    following CONSTANT text := '\\2[0-7]{2}';
    valid CONSTANT text := '(?:[^\\]|\\\\'
        || '|\\3(?:0[2-7]|[1-3][0-7])' || following
        || '|(?:\\340\\2[4-7][0-7]|\\355\\2[0-3][0-7]|\\3(?:4[1-7]|5[0-467])' || following || ')' || following
        || '|(?:\\360\\2[2-7][0-7]|\\364\\2[01][0-7]|\\36[1-3]' || following || ')' || following || following || ')';
BEGIN
    RETURN convert_from(bytes, 'UTF8');
EXCEPTION WHEN OTHERS THEN
    -- A character cut in two at the end of a chunk comes here, so what is around it must stay.
    RETURN coalesce((
        SELECT string_agg(coalesce(convert_from(decode(part.found[1], 'escape'), 'UTF8'), E'\uFFFD'), '' ORDER BY n)
        FROM regexp_matches(encode(bytes, 'escape'), '(' || valid || '+)|\\[0-7]{3}', 'g')
            WITH ORDINALITY AS part (found, n)
    ), '');
END $$;

-- JSON of bytes, or null where they are not JSON. Never fails; escapes of NUL and lone surrogates become U+FFFD.
CREATE FUNCTION readable_json(bytes bytea) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    -- A backslash escapes only behind an even number of backslashes.
    even CONSTANT text := '(?<!\\)((?:\\\\)*)';
    high CONSTANT text := '([dD][89abAB][0-9a-fA-F]{2})';
    low CONSTANT text := '([dD][c-fC-F][0-9a-fA-F]{2})';
    readable text;
BEGIN
    RETURN convert_from(bytes, 'UTF8')::jsonb;
EXCEPTION WHEN OTHERS THEN
    BEGIN
        -- Pairs step aside as \U, which JSON does not know; what is left of surrogates is alone.
        readable := regexp_replace(readable_text(bytes), even || '\\u' || high || '\\u' || low, '\1\\U\2\3', 'g');
        readable := regexp_replace(readable, even || '\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})', E'\\1\uFFFD', 'g');
        readable := regexp_replace(readable, even || '\\U([0-9a-fA-F]{4})([0-9a-fA-F]{4})', '\1\\u\2\\u\3', 'g');
        RETURN readable::jsonb;
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
    readable_text(substring(body.bytes FROM (c.ends - c.size + 1)::integer FOR c.size)) AS content,
    r.started_at + c.at_us * interval '1 microsecond' AS created_at
FROM requests AS r
JOIN response_bodies AS b ON b.train = r.train AND b.id = r.id
-- Fetched and inflated once: as a plain column it would be so once per chunk.
CROSS JOIN LATERAL (SELECT coalesce(b.decoded, b.raw) || ''::bytea AS bytes OFFSET 0) AS body
CROSS JOIN LATERAL (
    SELECT u.n, u.size, u.at_us, sum(u.size) OVER (ORDER BY u.n) AS ends
    FROM unnest(coalesce(b.decoded_sizes, b.chunk_sizes), b.chunk_at_us) WITH ORDINALITY AS u (size, at_us, n)
) AS c
WHERE r.stream;
