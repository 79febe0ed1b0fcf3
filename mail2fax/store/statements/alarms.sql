-- add_alarm: An alarm is raised; "pending" owes the admin a mail, "logged" stands in the log alone.
INSERT INTO alarms (cause, subject, raised_at, facts, message_id, state, tries, due_at, changed_at, last_error)
VALUES (:cause, :subject, :now, :facts, :message_id, :state, 0, :now, :now, '');

-- last_alarm: When this cause was last told of this subject.
SELECT max(raised_at) AS moment FROM alarms WHERE cause = :cause AND subject = :subject;

-- owed_alarms: Alarms whose mail is to be sent now, the longest waiting first.
SELECT * FROM alarms WHERE state = 'pending' AND due_at <= :now ORDER BY due_at, id LIMIT :limit;

-- next_owed_alarm: When the next alarm's mail is due.
SELECT min(due_at) AS moment FROM alarms WHERE state = 'pending';

-- settle_alarm: The mail of an alarm was sent, or was given up.
UPDATE alarms SET state = :state, tries = tries + 1, changed_at = :now, last_error = :error
WHERE id = :alarm_id AND state = 'pending';

-- postpone_alarm: The mail of an alarm could not be sent; it is tried again later, with the same Message-ID.
UPDATE alarms SET tries = tries + 1, due_at = :until, changed_at = :now, last_error = :error
WHERE id = :alarm_id AND state = 'pending';

-- latest_calls: The calls that ended last, the newest first.
SELECT trunk, jobs.number AS called, attempts.outcome, diagnosis, ended_by, sip_code, cause
FROM attempts JOIN jobs ON jobs.id = attempts.job_id
WHERE ended_by IS NOT NULL AND ended_at > :since ORDER BY ended_at DESC, attempts.id DESC LIMIT :limit;

-- oldest_owed: The mail that has been owed for longest: a reply, or a fax that came in and was not taken when it was sent.
SELECT * FROM (
    SELECT job_id, created_at AS moment, last_error FROM outbox WHERE state = 'pending'
    UNION ALL
    SELECT id, mail_owed_at, mail_error FROM incoming_faxes WHERE mail_state = 'pending' AND mail_error <> ''
) ORDER BY moment LIMIT 1;

-- oldest_waiting: The job that has waited longest for somebody to work on it. One that sleeps or is held does not wait.
SELECT id AS job_id, state, changed_at AS moment FROM jobs
WHERE state IN ('received', 'ready') AND held = 0 ORDER BY changed_at LIMIT 1;
