-- faxes_between: The faxes of a domain by when they were accepted, from a place on; `connected` when their call was
-- answered and is not over.
SELECT
    id, uuid, state, created_at, changed_at, number, subject,
    state = 'calling' AND EXISTS (
        SELECT 1 FROM journal
        WHERE journal.job_id = jobs.id AND journal.event = 'answered'
          AND journal.attempt = (SELECT max(attempts.number) FROM attempts WHERE attempts.job_id = jobs.id)
    ) AS connected
FROM jobs
WHERE domain = :domain AND created_at >= :since AND created_at < :until
  AND (created_at > :since OR id > :after)
ORDER BY created_at, id LIMIT :limit;

-- droppable_jobs: Final jobs of a domain, told to their senders, behind one of them.
SELECT id, state, door, message_id, spool_name, document FROM jobs
WHERE domain = :domain AND id > :after AND deadline_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.job_id = jobs.id AND outbox.state = 'pending')
ORDER BY id LIMIT :limit;
