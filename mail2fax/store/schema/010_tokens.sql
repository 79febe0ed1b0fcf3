-- Who may speak to the API. Of a token's secret only the hash is kept. `scopes` are words with a space between.
CREATE TABLE tokens (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- people quote it: never used twice
    domain     TEXT NOT NULL,
    name       TEXT NOT NULL,
    hash       TEXT NOT NULL UNIQUE,
    scopes     TEXT NOT NULL,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at TEXT, -- NULL: never
    revoked_at TEXT
) STRICT;

-- The history of a domain, by time: created_at never changes.
CREATE INDEX jobs_by_time ON jobs (domain, created_at, id);
