-- The first schema: jobs, their attempts (the CDRs), the journal, the outbox.
-- Moments are TEXT in UTC with microseconds (store/moments.py); facts are JSON objects, unchecked: with
-- trusted_schema off SQLite 3.40 lets no JSON function into a schema.
-- States and events are not enumerated here: the table in model/job.py is their one place.

-- One document for one number, with the mail it came from.
CREATE TABLE jobs (
    id            INTEGER PRIMARY KEY AUTOINCREMENT, -- people quote it: never used twice
    uuid          TEXT NOT NULL UNIQUE,
    state         TEXT NOT NULL,
    version       INTEGER NOT NULL,
    door          TEXT NOT NULL,
    source_key    TEXT NOT NULL,
    spool_name    TEXT NOT NULL,
    size          INTEGER NOT NULL,
    received_at   TEXT NOT NULL,
    sender_local  TEXT NOT NULL,
    sender_domain TEXT NOT NULL,
    mail_from     TEXT NOT NULL,
    recipient     TEXT NOT NULL,
    subject       TEXT NOT NULL,
    message_id    TEXT,
    thread        TEXT NOT NULL, -- the mail's References
    automatic     INTEGER NOT NULL,
    created_at    TEXT NOT NULL,
    changed_at    TEXT NOT NULL,
    deadline_at   TEXT, -- NULL in final states, and in no other
    due_at        TEXT, -- when a sleeping job wakes
    number        TEXT,
    document      TEXT,
    pages         INTEGER,
    outcome       TEXT,
    facts         TEXT NOT NULL
) STRICT;

CREATE INDEX jobs_by_state ON jobs (state, id);
CREATE INDEX jobs_by_deadline ON jobs (deadline_at) WHERE deadline_at IS NOT NULL;
CREATE INDEX jobs_by_due ON jobs (due_at) WHERE state = 'sleeping';
CREATE INDEX jobs_by_number ON jobs (number, state);

-- A fax machine has one line: two calls to it at once make each other busy.
CREATE UNIQUE INDEX jobs_one_call_per_number ON jobs (number) WHERE state = 'calling';

-- Which job a mail became. Apart from jobs, because a key may come to mean another job: the same mail again
-- after a failure can be a new job without the old one losing its key.
CREATE TABLE sources (
    door       TEXT NOT NULL,
    source_key TEXT NOT NULL,
    job_id     INTEGER NOT NULL REFERENCES jobs (id),
    PRIMARY KEY (door, source_key)
) STRICT, WITHOUT ROWID;

-- One try of a job, at most one call: the CDR. Committed before the call is ordered.
CREATE TABLE attempts (
    id              INTEGER PRIMARY KEY,
    job_id          INTEGER NOT NULL REFERENCES jobs (id),
    number          INTEGER NOT NULL, -- from 1 within the job
    call_id         TEXT NOT NULL UNIQUE,
    started_at      TEXT NOT NULL,
    ended_at        TEXT,
    ended_by        TEXT, -- NULL while it runs, and for ever when we were killed in mid call
    sip_code        INTEGER,
    sip_reason      TEXT,
    q850            INTEGER,
    detail          TEXT,
    media           TEXT,
    fax_fault       TEXT,
    t30_code        INTEGER,
    t30_name        TEXT,
    pages_sent      INTEGER NOT NULL DEFAULT 0,
    pages_confirmed INTEGER NOT NULL DEFAULT 0,
    last_confirmed  INTEGER NOT NULL DEFAULT 0,
    far_id          TEXT,
    bit_rate        INTEGER,
    ecm             INTEGER,
    outcome         TEXT, -- NULL while it runs
    cause           TEXT NOT NULL DEFAULT '',
    UNIQUE (job_id, number)
) STRICT;

-- What happened, in order. Nothing is ever changed here.
CREATE TABLE journal (
    id      INTEGER PRIMARY KEY,
    job_id  INTEGER NOT NULL REFERENCES jobs (id),
    attempt INTEGER, -- the attempt's number within the job
    at      TEXT NOT NULL,
    event   TEXT NOT NULL,
    facts   TEXT NOT NULL
) STRICT;

CREATE INDEX journal_by_job ON journal (job_id, id);

-- The replies we owe. Written by the transaction that makes them due, so that none is lost or invented.
CREATE TABLE outbox (
    id         INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL UNIQUE,
    kind       TEXT NOT NULL,
    job_id     INTEGER NOT NULL REFERENCES jobs (id),
    state      TEXT NOT NULL, -- pending, sent, failed
    tries      INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    due_at     TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    last_error TEXT NOT NULL,
    UNIQUE (job_id, kind)
) STRICT;

CREATE INDEX outbox_pending ON outbox (due_at, id) WHERE state = 'pending';
