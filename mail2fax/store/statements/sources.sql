-- find_source: The job that a key stands for, with what decides whether a repeat is a new job; it may be purged.
SELECT sources.job_id, jobs.state, jobs.received_at, jobs.changed_at, jobs.message_id
FROM sources LEFT JOIN jobs ON jobs.id = sources.job_id
WHERE sources.domain = :domain AND sources.kind = :kind AND sources.source_key = :source_key;

-- known_sources: Which of these keys (a JSON list) stand for a job, and what became of that; it may be purged.
SELECT sources.source_key, jobs.outcome
FROM sources LEFT JOIN jobs ON jobs.id = sources.job_id
WHERE sources.domain = :domain AND sources.kind = :kind AND sources.source_key IN (SELECT value FROM json_each(:source_keys));

-- add_source: From now on this mail is known.
INSERT INTO sources (domain, kind, source_key, job_id) VALUES (:domain, :kind, :source_key, :job_id);

-- move_source: A mail that is known stands for a new job from now on.
UPDATE sources SET job_id = :job_id WHERE domain = :domain AND kind = :kind AND source_key = :source_key;

-- hand_on_sources: A job is tried again as a new one, which all of its keys stand for from now on.
UPDATE sources SET job_id = :new WHERE job_id = :old;

-- forget_sources: A purged job whose repeat would be a new job needs no keys; those of the others are kept for good, and
-- those of mailboxes (domain ''), which may hold the mail for longer than we remember it.
DELETE FROM sources WHERE job_id = :job_id AND domain <> '';
