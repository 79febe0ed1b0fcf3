-- told_between: The history of a domain from behind a place on, as JSON with commas between: a day of thousands is one step of
-- SQLite's. In order, for an inner SELECT with a LIMIT hands its rows on as it finds them. As bytes, which go to the client.
SELECT CAST(group_concat(line) AS BLOB) AS lines, count(*) AS faxes FROM (
    SELECT line FROM told
    WHERE domain = :domain AND at >= :since AND at < :until AND (at, incoming, fax_id) > (:since, :come, :after)
      AND incoming BETWEEN :first_kind AND :last_kind
    ORDER BY at, incoming, fax_id LIMIT :limit
);

-- place_told: Where the last of so many stands that `told_between` finds; nowhere, when it finds fewer.
SELECT at, incoming, fax_id FROM told
WHERE domain = :domain AND at >= :since AND at < :until AND (at, incoming, fax_id) > (:since, :come, :after)
  AND incoming BETWEEN :first_kind AND :last_kind
ORDER BY at, incoming, fax_id LIMIT 1 OFFSET :limit - 1;

-- document_of_fax: The rendered document of a fax of a domain.
SELECT document AS file FROM jobs WHERE id = :fax_id AND domain = :domain AND document IS NOT NULL;

-- droppable_jobs: Final jobs of a domain, told to their senders, behind one of them.
SELECT id, state, door, message_id, spool_name, document FROM jobs
WHERE domain = :domain AND id > :after AND deadline_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.job_id = jobs.id AND outbox.state = 'pending')
ORDER BY id LIMIT :limit;
