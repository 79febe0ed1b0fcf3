-- Tenants: jobs and the keys of their mails belong to a domain. Alarms to the admin. What retention looks for.

-- Until now there was one domain, and one terminal.
ALTER TABLE jobs ADD COLUMN domain TEXT NOT NULL DEFAULT 'default';
ALTER TABLE jobs ADD COLUMN terminal TEXT NOT NULL DEFAULT 'default';

-- The terminal as it was at admission (JSON): a changed configuration does not change whose call this is.
-- '' for jobs from before this step.
ALTER TABLE jobs ADD COLUMN caller TEXT NOT NULL DEFAULT '';

CREATE INDEX jobs_by_domain ON jobs (domain, id);
CREATE INDEX jobs_by_end ON jobs (changed_at) WHERE deadline_at IS NULL;

-- Keys by domain and kind: the kind is a door's name for the key it gave, or "content" for the fax itself.
-- No reference to jobs: a key is kept for good, a job is not.
CREATE TABLE sources_by_domain (
    domain     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    source_key TEXT NOT NULL,
    job_id     INTEGER NOT NULL,
    PRIMARY KEY (domain, kind, source_key)
) STRICT, WITHOUT ROWID;

INSERT INTO sources_by_domain (domain, kind, source_key, job_id)
SELECT 'default', door, source_key, job_id FROM sources;

DROP TABLE sources;
ALTER TABLE sources_by_domain RENAME TO sources;
CREATE INDEX sources_by_job ON sources (job_id);

CREATE INDEX attempts_by_end ON attempts (ended_at) WHERE ended_by IS NOT NULL;

-- Alarms, each with the mail that the admin is owed. A restart does not repeat what stands here.
CREATE TABLE alarms (
    id         INTEGER PRIMARY KEY,
    cause      TEXT NOT NULL,
    raised_at  TEXT NOT NULL,
    facts      TEXT NOT NULL,
    message_id TEXT NOT NULL UNIQUE,
    state      TEXT NOT NULL, -- pending, sent, failed; logged when no admin is named
    tries      INTEGER NOT NULL,
    due_at     TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    last_error TEXT NOT NULL
) STRICT;

CREATE INDEX alarms_by_cause ON alarms (cause, raised_at);
CREATE INDEX alarms_by_age ON alarms (raised_at);
CREATE INDEX alarms_pending ON alarms (due_at, id) WHERE state = 'pending';
