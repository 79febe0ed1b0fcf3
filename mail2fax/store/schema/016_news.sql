-- Programs that want to hear how faxes have ended: what they are owed. A row goes when it is told, or given up. No reference
-- to jobs: `fax_id` is a job's or an incoming fax's, as `kind` says.
CREATE TABLE news (
    id         INTEGER PRIMARY KEY,
    event      TEXT NOT NULL UNIQUE, -- the same at each try
    domain     TEXT NOT NULL,
    kind       TEXT NOT NULL, -- outgoing, incoming
    fax_id     INTEGER NOT NULL,
    tries      INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    due_at     TEXT NOT NULL,
    last_error TEXT NOT NULL
) STRICT;

CREATE INDEX news_by_due ON news (due_at, id);

-- How many requests a token may make in a minute; NULL: as many as it likes.
ALTER TABLE tokens ADD COLUMN per_minute INTEGER;
