-- owe_reply: A reply is owed from now on.
INSERT INTO outbox (message_id, kind, job_id, state, tries, created_at, due_at, changed_at, last_error, facts)
VALUES (:message_id, :kind, :job_id, 'pending', 0, :now, :now, :now, '', :facts);

-- was_owed: Whether a reply of this kind is owed to the job's sender, or was.
SELECT id FROM outbox WHERE job_id = :job_id AND kind = :kind;

-- queue_ahead: The faxes that are on the phone or will be before this one, with the pages of all of them.
SELECT count(*) AS faxes, coalesce(sum(pages), 0) AS pages FROM jobs
WHERE state IN ('ready', 'calling') AND id < :job_id;

-- owed_replies: Replies to be sent now, the longest waiting first.
SELECT * FROM outbox WHERE state = 'pending' AND due_at <= :now ORDER BY due_at, id LIMIT :limit;

-- next_owed: When the next reply is due.
SELECT min(due_at) AS moment FROM outbox WHERE state = 'pending';

-- settle_reply: A reply was sent, or was given up.
UPDATE outbox SET state = :state, tries = tries + 1, changed_at = :now, last_error = :error
WHERE id = :reply_id AND state = 'pending';

-- postpone_reply: A reply could not be sent; it is tried again later, with the same Message-ID.
UPDATE outbox SET tries = tries + 1, due_at = :until, changed_at = :now, last_error = :error
WHERE id = :reply_id AND state = 'pending';
