-- A look-up by another column must not find these indexes good enough for their first one, or for its own as their last one,
-- whatever statistics say of a young table or month: a statement may use a partial index only where it asks for that column.
-- (Those of notes and aliases are never null.)

DROP INDEX request_notes_conversation;
CREATE INDEX request_notes_conversation ON request_notes (train, conversation_id) WHERE conversation_id IS NOT NULL;
DROP INDEX conversation_aliases_of;
CREATE INDEX conversation_aliases_of ON conversation_aliases (train, conversation_id) WHERE conversation_id IS NOT NULL;

DROP INDEX requests_account;
CREATE INDEX requests_account ON requests (train, account, id) WHERE account IS NOT NULL;
DROP INDEX requests_type;
CREATE INDEX requests_type ON requests (train, request_type, id) WHERE request_type IS NOT NULL;
DROP INDEX requests_model;
CREATE INDEX requests_model ON requests (train, (coalesce(answered_model, model)), id)
    WHERE coalesce(answered_model, model) IS NOT NULL;
