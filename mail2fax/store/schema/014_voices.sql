-- A message that is played before the fax: the name of its file among the voices, '' where there is none. Several jobs may
-- have one.
ALTER TABLE jobs ADD COLUMN voice TEXT NOT NULL DEFAULT '';
CREATE INDEX jobs_with_voice ON jobs (voice) WHERE voice <> '';
