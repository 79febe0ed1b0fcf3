-- add_token: Somebody may speak to the API from now on.
INSERT INTO tokens (domain, name, hash, scopes, created_at, created_by, expires_at, per_minute)
VALUES (:domain, :name, :hash, :scopes, :now, :by, :expires_at, :per_minute);

-- token_of_hash: Whose secret has this hash.
SELECT * FROM tokens WHERE hash = :hash;

-- find_token: One token by its number.
SELECT * FROM tokens WHERE id = :token_id;

-- all_tokens: Every token, valid or not.
SELECT * FROM tokens ORDER BY id;

-- revoke_token: A token opens nothing any more.
UPDATE tokens SET revoked_at = :now WHERE id = :token_id AND revoked_at IS NULL;
