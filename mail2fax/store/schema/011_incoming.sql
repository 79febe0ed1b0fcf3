-- Faxes that come in. A row is there before the call is answered, so that nothing received is without one. Like an
-- alarm, a row is also the mail that is owed: its message_id is made once, and never changes.
CREATE TABLE incoming_faxes (
    id             INTEGER PRIMARY KEY AUTOINCREMENT, -- people quote it: never used twice
    uuid           TEXT NOT NULL UNIQUE,
    state          TEXT NOT NULL,
    domain         TEXT NOT NULL,
    terminal       TEXT NOT NULL,
    trunk          TEXT NOT NULL,
    call_id        TEXT NOT NULL,
    caller         TEXT NOT NULL,
    called         TEXT NOT NULL,
    file           TEXT NOT NULL UNIQUE,
    started_at     TEXT NOT NULL,
    ended_at       TEXT, -- NULL while it is received
    pages          INTEGER NOT NULL DEFAULT 0,
    confirmed      INTEGER NOT NULL DEFAULT 0,
    last_confirmed INTEGER NOT NULL DEFAULT 0,
    far_id         TEXT,
    bit_rate       INTEGER,
    ecm            INTEGER,
    media          TEXT NOT NULL DEFAULT 'none',
    cause          TEXT NOT NULL DEFAULT '',
    mail_to        TEXT NOT NULL, -- '' is nobody
    message_id     TEXT NOT NULL UNIQUE,
    mail_state     TEXT NOT NULL DEFAULT 'none', -- none, pending, sent, failed
    mail_tries     INTEGER NOT NULL DEFAULT 0,
    mail_due_at    TEXT,
    mail_error     TEXT NOT NULL DEFAULT ''
) STRICT;

-- The history of a domain, by time: started_at never changes.
CREATE INDEX incoming_by_time ON incoming_faxes (domain, started_at, id);
CREATE INDEX incoming_under_way ON incoming_faxes (id) WHERE ended_at IS NULL;
CREATE INDEX incoming_mail_pending ON incoming_faxes (mail_due_at, id) WHERE mail_state = 'pending';
CREATE INDEX incoming_by_end ON incoming_faxes (ended_at) WHERE ended_at IS NOT NULL;
