-- A key can be popular: the same words sent ten thousand times. Whatever is looked for under it is the latest of a group of
-- like rows (same lane and client, answered or not, as many messages), so each group must be reached without the others,
-- and no other index may offer the same order with rows to be filtered.

ALTER TABLE link_keys DROP CONSTRAINT link_keys_pkey;
ALTER TABLE link_keys ADD PRIMARY KEY (train, kind, key, lane, client, answered, messages, request);
DROP INDEX link_keys_lane;
DROP INDEX link_keys_request;
-- No B-tree: walked backwards it would give the latest requests of the train, and a plan may prefer that to looking up.
CREATE INDEX link_keys_request ON link_keys USING hash (request);
-- In other lanes: answers only, as the key of a state names its lane.
CREATE INDEX link_keys_client ON link_keys (train, kind, key, client, request) WHERE kind IN (2, 3, 4);
CREATE INDEX link_keys_summary ON link_keys (train, key, request) WHERE kind = 5;
CREATE INDEX link_keys_summaries ON link_keys (train, request) WHERE kind = 5;

-- Of a summary this is its characters: the bytes that begin one in UTF-8.
UPDATE link_keys SET messages = (
    SELECT count(*) FROM generate_series(0, octet_length(summary) - 1) AS n WHERE get_byte(summary, n) & 192 <> 128)
WHERE kind = 5;
