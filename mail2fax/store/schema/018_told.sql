-- The history as programs are told it: a line of JSON for each fax, written when the fax changes, and not each time when
-- somebody asks for a day of thousands. Triggers keep it, so no change of a fax can forget it.

-- Every fax as its line. Where its URL belongs there is char(29) and the end of the URL, which names the fax as
-- api/links.py does; whoever tells the line puts the beginning there. A number with more than letters and digits in it
-- stands between two char(26) in hexadecimal, to be written as JSON then: SQLite 3.40 lets no JSON function into a schema.
-- The states in here are those of model/job.py and model/incoming.py; a test holds the results against the table of
-- api/history.py.
CREATE VIEW telling (domain, at, incoming, fax_id, line) AS
SELECT
    domain, at, incoming, fax_id,
    '{"id":"' || uuid || '","type":"' || type || '","remotenum":'
    || CASE WHEN who GLOB '*[^0-9A-Za-z]*' THEN char(26) || hex(who) || char(26) ELSE '"' || who || '"' END
    || ',"start_dt":"' || substr(at, 1, 22) || '","stop_dt":' || coalesce('"' || substr(stop, 1, 22) || '"', 'null')
    || ',"result":"' || result || '","url":'
    || CASE WHEN has_file THEN '"' || char(29) || printf('%012x', incoming << 47 | fax_id) || '.tiff"' ELSE 'null' END || '}'
FROM (
    SELECT
        domain, created_at AS at, 0 AS incoming, id AS fax_id, uuid, 'outgoing' AS type,
        ltrim(substr(coalesce(number, subject), 1, 1), '+') || substr(coalesce(number, subject), 2) AS who,
        CASE WHEN deadline_at IS NULL THEN changed_at END AS stop,
        CASE
            WHEN state = 'sent' THEN 'success'
            WHEN deadline_at IS NULL THEN 'failed'
            -- On the phone, and the far end has answered.
            WHEN state = 'calling' AND EXISTS (
                SELECT 1 FROM journal
                WHERE journal.job_id = jobs.id AND journal.event = 'answered'
                  AND journal.attempt = (SELECT max(attempts.number) FROM attempts WHERE attempts.job_id = jobs.id)
            ) THEN 'sending'
            ELSE 'dialing'
        END AS result,
        document IS NOT NULL AS has_file
    FROM jobs
    UNION ALL
    SELECT
        domain, started_at, 1, id, uuid, 'incoming',
        ltrim(substr(caller, 1, 1), '+') || substr(caller, 2),
        ended_at,
        CASE state WHEN 'receiving' THEN 'receiving' WHEN 'complete' THEN 'success' ELSE 'failed' END,
        ended_at IS NOT NULL AND pages > 0
    FROM incoming_faxes
);

-- In the order in which it is told: at one moment those that went out come before those that came in. Neither the domain
-- of a fax nor its moment ever changes.
CREATE TABLE told (
    domain   TEXT NOT NULL,
    at       TEXT NOT NULL,
    incoming INTEGER NOT NULL,
    fax_id   INTEGER NOT NULL,
    line     TEXT NOT NULL,
    PRIMARY KEY (domain, at, incoming, fax_id)
) STRICT, WITHOUT ROWID;

INSERT INTO told SELECT * FROM telling ORDER BY domain, at, incoming, fax_id;

CREATE TRIGGER told_when_accepted AFTER INSERT ON jobs
BEGIN
    REPLACE INTO told SELECT * FROM telling WHERE incoming = 0 AND fax_id = NEW.id;
END;

CREATE TRIGGER told_when_moved
AFTER UPDATE OF state, deadline_at, changed_at, number, subject, document ON jobs
BEGIN
    REPLACE INTO told SELECT * FROM telling WHERE incoming = 0 AND fax_id = NEW.id;
END;

CREATE TRIGGER told_when_called AFTER INSERT ON attempts
BEGIN
    REPLACE INTO told SELECT * FROM telling WHERE incoming = 0 AND fax_id = NEW.job_id;
END;

CREATE TRIGGER told_when_answered AFTER INSERT ON journal WHEN NEW.event = 'answered'
BEGIN
    REPLACE INTO told SELECT * FROM telling WHERE incoming = 0 AND fax_id = NEW.job_id;
END;

CREATE TRIGGER told_no_more AFTER DELETE ON jobs
BEGIN
    DELETE FROM told WHERE domain = OLD.domain AND at = OLD.created_at AND incoming = 0 AND fax_id = OLD.id;
END;

CREATE TRIGGER told_when_come AFTER INSERT ON incoming_faxes
BEGIN
    REPLACE INTO told SELECT * FROM telling WHERE incoming = 1 AND fax_id = NEW.id;
END;

CREATE TRIGGER told_when_received AFTER UPDATE OF state, ended_at, pages, caller ON incoming_faxes
BEGIN
    REPLACE INTO told SELECT * FROM telling WHERE incoming = 1 AND fax_id = NEW.id;
END;

CREATE TRIGGER told_incoming_no_more AFTER DELETE ON incoming_faxes
BEGIN
    DELETE FROM told WHERE domain = OLD.domain AND at = OLD.started_at AND incoming = 1 AND fax_id = OLD.id;
END;

-- What they were for is told by the table.
DROP INDEX jobs_by_time;
DROP INDEX incoming_by_time;
