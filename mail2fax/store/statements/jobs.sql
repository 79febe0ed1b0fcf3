-- find_job: One job by its short number.
SELECT jobs.*, (SELECT count(*) FROM attempts WHERE attempts.job_id = jobs.id) AS attempts
FROM jobs WHERE id = :job_id;

-- job_of_uuid: One job of a domain by its name outside.
SELECT jobs.*, (SELECT count(*) FROM attempts WHERE attempts.job_id = jobs.id) AS attempts
FROM jobs WHERE uuid = :uuid AND domain = :domain;

-- newest_jobs: What people list, the newest first. A question that is NULL (or, of states, an empty list) is not asked.
SELECT jobs.*, (SELECT count(*) FROM attempts WHERE attempts.job_id = jobs.id) AS attempts
FROM jobs
WHERE (:states = '[]' OR state IN (SELECT value FROM json_each(:states)))
  AND (:sender IS NULL OR sender_local || '@' || sender_domain GLOB :sender)
  AND (:digits IS NULL OR number LIKE '%' || :digits || '%')
  AND (:since IS NULL OR created_at >= :since)
ORDER BY id DESC LIMIT :limit;

-- senders: Who has faxed by mail, how often, through which door and to which address; `doors` is a JSON list.
SELECT sender_local, sender_domain, door, recipient, count(*) AS faxes
FROM jobs WHERE door IN (SELECT value FROM json_each(:doors))
GROUP BY sender_local, sender_domain, door, recipient;

-- jobs_in_state: The oldest jobs in one state.
SELECT jobs.*, (SELECT count(*) FROM attempts WHERE attempts.job_id = jobs.id) AS attempts
FROM jobs WHERE state = :state ORDER BY id LIMIT :limit;

-- unprepared_jobs: The oldest jobs that nobody has looked at yet.
SELECT jobs.*, (SELECT count(*) FROM attempts WHERE attempts.job_id = jobs.id) AS attempts
FROM jobs WHERE state = 'received' AND id NOT IN (SELECT value FROM json_each(:but)) ORDER BY id LIMIT :limit;

-- callable_jobs: Ready jobs that may be dialled now: not held, nobody calls their number or did so just now, and no
-- older one waits for it, but such as are passed over: those wait for another trunk.
SELECT jobs.*, (SELECT count(*) FROM attempts WHERE attempts.job_id = jobs.id) AS attempts
FROM jobs
WHERE state = 'ready'
  AND held = 0
  AND id NOT IN (SELECT value FROM json_each(:but) UNION ALL SELECT value FROM json_each(:passed_over))
  AND NOT EXISTS (
      SELECT 1 FROM jobs AS other
      WHERE other.number = jobs.number
        AND other.state IN ('calling', 'ready')
        AND (other.state = 'calling' OR (
            other.held = 0
            AND other.id < jobs.id
            AND other.id NOT IN (SELECT value FROM json_each(:passed_over))
        ))
  )
  AND NOT EXISTS (
      SELECT 1 FROM jobs AS other
      WHERE other.number = jobs.number
        AND other.id <> jobs.id
        AND other.state IN ('sent', 'failed', 'unconfirmed', 'sleeping')
        AND other.changed_at > :rested
  )
ORDER BY id LIMIT :limit;

-- overdue_jobs: Jobs that have waited beyond their deadline. A job on the phone is not waiting.
SELECT jobs.*, (SELECT count(*) FROM attempts WHERE attempts.job_id = jobs.id) AS attempts
FROM jobs WHERE deadline_at <= :now AND state <> 'calling' ORDER BY deadline_at LIMIT :limit;

-- due_jobs: Sleeping jobs whose delay is over.
SELECT jobs.*, (SELECT count(*) FROM attempts WHERE attempts.job_id = jobs.id) AS attempts
FROM jobs WHERE state = 'sleeping' AND due_at <= :now ORDER BY due_at LIMIT :limit;

-- next_moment: When the clock alone will next move a job: the earliest end of a delay, or deadline.
SELECT min(moment) AS moment FROM (
    SELECT min(due_at) AS moment FROM jobs WHERE state = 'sleeping'
    UNION ALL
    SELECT min(deadline_at) FROM jobs WHERE deadline_at IS NOT NULL AND state <> 'calling'
);

-- engaged: Another job that is calling this number.
SELECT id FROM jobs WHERE number = :number AND state = 'calling' AND id <> :job_id;

-- add_job: A mail becomes a job.
INSERT INTO jobs (
    uuid, state, version, domain, terminal, caller, door, source_key, spool_name, size, received_at, sender_local,
    sender_domain, mail_from, recipient, subject, message_id, thread, automatic, notify, voice, wishes, created_at,
    changed_at, deadline_at, facts
) VALUES (
    :uuid, :state, 1, :domain, :terminal, :caller, :door, :source_key, :spool_name, :size, :received_at, :sender_local,
    :sender_domain, :mail_from, :recipient, :subject, :message_id, :thread, :automatic, :notify, :voice, :wishes, :now,
    :now,
    :deadline_at, '{}'
);

-- move_job: Compare and set: the job goes on only from the very version and state that was judged. Another number in
-- the place of the one that was ordered leaves that in `forwarded_from`.
UPDATE jobs SET
    state = :state, version = version + 1, changed_at = :now, deadline_at = :deadline_at, due_at = :due_at,
    forwarded_from = CASE WHEN :number <> number THEN coalesce(forwarded_from, number) ELSE forwarded_from END,
    number = coalesce(:number, number), document = coalesce(:document, document), pages = coalesce(:pages, pages),
    outcome = coalesce(:outcome, outcome), facts = coalesce(:facts, facts), plan = coalesce(:plan, plan),
    ignored = coalesce(:ignored, ignored)
WHERE id = :job_id AND version = :version AND state = :from_state;

-- unfinished_jobs: Every job that is not over, by whether it is held.
SELECT jobs.*, (SELECT count(*) FROM attempts WHERE attempts.job_id = jobs.id) AS attempts
FROM jobs WHERE deadline_at > '' AND held = :held ORDER BY deadline_at;

-- hold_job: A job is held, or released.
UPDATE jobs SET held = :held, version = version + 1, changed_at = :now WHERE id = :job_id;

-- job_of_spool_name: Whose raw mail this is.
SELECT id FROM jobs WHERE spool_name = :name;

-- documents_of: The rendered documents of these jobs (a JSON list of UUIDs).
SELECT document FROM jobs WHERE uuid IN (SELECT value FROM json_each(:uuids)) AND document IS NOT NULL;

-- spool_names: The raw mails that are kept yet, of jobs that are not over and of those that are.
SELECT spool_name FROM jobs INDEXED BY jobs_by_deadline WHERE deadline_at > '' AND spool_name <> ''
UNION ALL
SELECT spool_name FROM jobs INDEXED BY jobs_with_mail WHERE deadline_at IS NULL AND spool_name <> '';
