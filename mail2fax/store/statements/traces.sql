-- add_trace: The evidence of a call, as far as it is known, is kept.
INSERT INTO traces (attempt_id, kept_at, lines) VALUES (:attempt_id, :now, :lines);

-- drop_trace: The evidence of a call is not wanted, or gives way to more of it.
DELETE FROM traces WHERE attempt_id = :attempt_id;

-- trace_of_attempt: The evidence of one attempt.
SELECT lines FROM traces WHERE attempt_id = :attempt_id;

-- purge_traces: Evidence that has been kept long enough.
DELETE FROM traces WHERE kept_at < :before;

-- purge_traces_of_job: The evidence of this job's calls is forgotten.
DELETE FROM traces WHERE attempt_id IN (SELECT id FROM attempts WHERE job_id = :job_id);
