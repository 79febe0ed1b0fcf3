-- add_entry: Something happened to a job.
INSERT INTO journal (job_id, attempt, at, event, facts) VALUES (:job_id, :attempt, :now, :event, :facts);

-- journal_after: What has happened since an entry, to one job or (NULL) to all.
SELECT * FROM journal WHERE id > :after AND (:job_id IS NULL OR job_id = :job_id) ORDER BY id LIMIT :limit;

-- latest_entries: The last things that happened, to whichever job, the newest first.
SELECT * FROM journal ORDER BY id DESC LIMIT :limit;

-- journal_of_job: Everything that happened to a job, in order.
SELECT * FROM journal WHERE job_id = :job_id ORDER BY id;
