-- add_attempt: An attempt is committed, before anything is dialled.
INSERT INTO attempts (job_id, number, call_id, trunk, started_at, first_page, pages_sent, pages_confirmed)
VALUES (:job_id, :number, :call_id, :trunk, :now, :first_page, :first_page - 1, :first_page - 1);

-- find_attempt: One attempt by its id.
SELECT * FROM attempts WHERE id = :attempt_id;

-- attempts_of_job: The CDRs of a job, in order.
SELECT * FROM attempts WHERE job_id = :job_id ORDER BY number;

-- last_attempt: The newest attempt of a job.
SELECT * FROM attempts WHERE job_id = :job_id ORDER BY number DESC LIMIT 1;

-- confirm_page: One more page is safe with the far end. A page out of turn, or told twice, does not count.
UPDATE attempts SET
    pages_confirmed = CASE WHEN :page = pages_confirmed + 1 THEN :page ELSE pages_confirmed END,
    last_confirmed = max(last_confirmed, :last)
WHERE id = :attempt_id;

-- end_attempt: The call is over: its three results, kept apart. It ends once, if after it was abandoned.
UPDATE attempts SET
    ended_at = :now, ended_by = :ended_by, sip_code = :sip_code, sip_reason = :sip_reason, q850 = :q850,
    detail = :detail, media = :media, fax_fault = :fax_fault, t30_code = :t30_code, t30_name = :t30_name,
    pages_sent = first_page - 1 + :pages_sent,
    pages_confirmed = max(pages_confirmed, first_page - 1 + :pages_confirmed),
    last_confirmed = max(last_confirmed, :last_confirmed), far_id = :far_id, bit_rate = :bit_rate, ecm = :ecm,
    outcome = :outcome, cause = :cause, diagnosis = :diagnosis, retry = :retry,
    retry_after_s = :retry_after_s, redirected_to = :redirected_to
WHERE id = :attempt_id AND ended_by IS NULL;

-- abandon_attempt: Nothing more will be heard of this call: we were killed, or it was never dialled.
UPDATE attempts SET outcome = :outcome, cause = :cause WHERE id = :attempt_id AND outcome IS NULL;
