-- purgeable_mails: Final jobs, told to their senders, whose raw mail has been kept long enough.
SELECT id, spool_name AS name FROM jobs
WHERE deadline_at IS NULL AND changed_at < :before AND spool_name <> ''
  AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.job_id = jobs.id AND outbox.state = 'pending')
ORDER BY changed_at LIMIT :limit;

-- forget_mail: The raw mail of this job is not kept any more.
UPDATE jobs SET spool_name = '' WHERE id = :job_id AND spool_name = :name AND deadline_at IS NULL;

-- purgeable_documents: Final jobs, told to their senders, whose rendered document has been kept long enough.
SELECT id, document AS name FROM jobs
WHERE deadline_at IS NULL AND changed_at < :before AND document IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.job_id = jobs.id AND outbox.state = 'pending')
ORDER BY changed_at LIMIT :limit;

-- forget_document: The rendered document of this job is not kept any more.
UPDATE jobs SET document = NULL WHERE id = :job_id AND document = :name AND deadline_at IS NULL;

-- purgeable_jobs: Final jobs, told to their senders, that nothing but the journal is left of, and for long enough.
SELECT id, state, door, message_id FROM jobs
WHERE deadline_at IS NULL AND changed_at < :before AND spool_name = '' AND document IS NULL
  AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.job_id = jobs.id AND outbox.state = 'pending')
ORDER BY changed_at LIMIT :limit;

-- purge_journal: What happened to this job is forgotten.
DELETE FROM journal WHERE job_id = :job_id;

-- purge_outbox: The replies about this job, all of them settled, are forgotten.
DELETE FROM outbox WHERE job_id = :job_id AND state <> 'pending';

-- purge_attempts: The calls of this job are forgotten.
DELETE FROM attempts WHERE job_id = :job_id;

-- purge_job: The job is forgotten; its number is never used again.
DELETE FROM jobs WHERE id = :job_id AND deadline_at IS NULL;

-- purge_alarms: Alarms of long ago that nobody is owed any more.
DELETE FROM alarms WHERE raised_at < :before AND state <> 'pending';

-- voices_in_use: The voice messages that a fax may still be sent with.
SELECT DISTINCT voice AS name FROM jobs INDEXED BY jobs_with_voice
WHERE voice <> '' AND (deadline_at IS NOT NULL OR spool_name <> '');
