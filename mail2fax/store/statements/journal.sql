-- add_entry: Something happened to a job.
INSERT INTO journal (job_id, attempt, at, event, facts) VALUES (:job_id, :attempt, :now, :event, :facts);

-- journal_of_job: Everything that happened to a job, in order.
SELECT * FROM journal WHERE job_id = :job_id ORDER BY id;
