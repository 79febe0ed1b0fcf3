-- The evidence of a call: what the engine saw on the wire, packed (jobs/traces.py). Not every attempt has one.
CREATE TABLE traces (
    attempt_id INTEGER PRIMARY KEY REFERENCES attempts (id),
    kept_at    TEXT NOT NULL,
    lines      BLOB NOT NULL
) STRICT;

CREATE INDEX traces_by_age ON traces (kept_at);
