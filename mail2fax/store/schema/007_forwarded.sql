-- A far end may name another number (SIP 3xx), and when it wants to be called again. `forwarded_from` is the number that
-- was ordered, where the job has gone on to another.
ALTER TABLE jobs ADD COLUMN forwarded_from TEXT;
ALTER TABLE attempts ADD COLUMN retry_after_s INTEGER;
ALTER TABLE attempts ADD COLUMN redirected_to TEXT NOT NULL DEFAULT '';
