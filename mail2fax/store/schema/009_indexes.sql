-- Two questions whose cost grew with all that ever was: what is old enough to be forgotten, and whether a number was
-- called just now. What has forgotten its file already is in neither of the first two any more.
CREATE INDEX jobs_with_mail ON jobs (changed_at) WHERE deadline_at IS NULL AND spool_name <> '';
CREATE INDEX jobs_with_document ON jobs (changed_at) WHERE deadline_at IS NULL AND document IS NOT NULL;
CREATE INDEX jobs_by_number_and_end ON jobs (number, changed_at);
