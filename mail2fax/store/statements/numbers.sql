-- learn: A number has shown a trait.
INSERT INTO numbers (number, trait, value, learnt_at, until) VALUES (:number, :trait, :value, :learnt_at, :until);

-- unlearn: A number has shown a trait anew: what was known of it before does not count any more.
DELETE FROM numbers WHERE number = :number AND trait = :trait;

-- traits_of_number: What is remembered of a number.
SELECT trait, value, learnt_at, until FROM numbers WHERE number = :number AND until > :now ORDER BY trait;

-- purge_numbers: What is worth nothing any more.
DELETE FROM numbers WHERE until <= :now;

-- answers_elsewhere: The final SIP answers to the latest calls over a trunk to other numbers than this one, the newest
-- first.
SELECT attempts.sip_code, jobs.number FROM attempts JOIN jobs ON jobs.id = attempts.job_id
WHERE attempts.ended_by IS NOT NULL AND attempts.sip_code IS NOT NULL
  AND attempts.trunk = :trunk AND attempts.ended_at >= :since AND jobs.number <> :number
ORDER BY attempts.ended_at DESC LIMIT :limit;
