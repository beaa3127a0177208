-- name: record_lock_accounts
-- One at a time: renaming and merging touch several rows, in an order nobody can promise.
SELECT FROM installation FOR NO KEY UPDATE;

-- name: record_account_of_credential
-- The account a credential was last known to belong to, as filed (not followed over merged_into).
-- returns: AccountKnown
SELECT a.account, a.account_id, a.strength
FROM account_hmacs AS h JOIN accounts AS a ON a.account = h.account
WHERE h.credential_hmac = $1;

-- name: record_account_named
-- The account of an id: where that one was merged, the account it was merged into; created where there is none.
-- returns: AccountKnown
WITH made AS (
    INSERT INTO accounts (account_id, kind, strength) VALUES ($1, $2, $3)
    ON CONFLICT (account_id) DO NOTHING
    RETURNING account, account_id, strength
)
SELECT account, account_id, strength FROM made
UNION ALL
SELECT b.account, b.account_id, b.strength
FROM accounts AS a JOIN accounts AS b ON b.account = coalesce(a.merged_into, a.account)
WHERE a.account_id = $1;

-- name: record_account_exists
-- Whether an id names an account already, followed over merged_into.
-- returns: AccountKnown
SELECT b.account, b.account_id, b.strength
FROM accounts AS a JOIN accounts AS b ON b.account = coalesce(a.merged_into, a.account)
WHERE a.account_id = $1;

-- name: record_map_credential
-- From now on this credential belongs to this account.
INSERT INTO account_hmacs (credential_hmac, account) VALUES ($1, $2)
ON CONFLICT (credential_hmac) DO UPDATE SET account = excluded.account, seen_at = now();

-- name: record_rename_account
-- A provisional account turns out to be this one, which had no row yet: all that was filed under it is right at once.
UPDATE accounts SET account_id = $2, strength = $3, merged_into = NULL WHERE account = $1;

-- name: record_merge_account
-- A provisional account turns out to be one that has a row: readers follow merged_into, which is never a chain.
UPDATE accounts SET merged_into = $2 WHERE (account = $1 OR merged_into = $1) AND account <> $2;
