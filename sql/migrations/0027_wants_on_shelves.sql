-- A request that waits for many keys has them in a few rows: under a key of one byte all that begin with these four bits.
ALTER TABLE wants ADD COLUMN keys bytea;
ALTER TABLE wants ALTER COLUMN keys SET STORAGE EXTERNAL;
COMMENT ON COLUMN wants.keys IS 'Keys of 16 bytes, one behind the other, that the request waits for; null: for the key of the row itself.';
