-- faxes_between: The faxes of a domain by when they were accepted, from a place on, each a line (U+001E) of fields (U+001F):
-- a day of thousands is one step of SQLite's. The second flag is set when their call was answered and is not over.
SELECT group_concat(line, char(30)) AS packed FROM (
    SELECT
        id || char(31) || uuid || char(31) || state || char(31) || created_at || char(31) || changed_at
        || char(31) || (document IS NOT NULL) || char(31) || (state = 'calling' AND EXISTS (
            SELECT 1 FROM journal
            WHERE journal.job_id = jobs.id AND journal.event = 'answered'
              AND journal.attempt = (SELECT max(attempts.number) FROM attempts WHERE attempts.job_id = jobs.id)
        )) || char(31) || replace(replace(coalesce(number, subject), char(30), ' '), char(31), ' ') AS line
    FROM jobs
    WHERE domain = :domain AND created_at >= :since AND created_at < :until
      AND (created_at > :since OR id > :after)
    ORDER BY created_at, id LIMIT :limit
);

-- document_of_fax: The rendered document of a fax of a domain.
SELECT document AS file FROM jobs WHERE id = :fax_id AND domain = :domain AND document IS NOT NULL;

-- droppable_jobs: Final jobs of a domain, told to their senders, behind one of them.
SELECT id, state, door, message_id, spool_name, document FROM jobs
WHERE domain = :domain AND id > :after AND deadline_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.job_id = jobs.id AND outbox.state = 'pending')
ORDER BY id LIMIT :limit;
