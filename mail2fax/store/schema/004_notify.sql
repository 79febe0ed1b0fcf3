-- Who is told of a fax whose mail must not be answered, as its sender's rule said; '' is whom the letterhead names.
ALTER TABLE jobs ADD COLUMN notify TEXT NOT NULL DEFAULT '';
