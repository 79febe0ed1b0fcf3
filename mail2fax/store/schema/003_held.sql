-- A person can hold a job back: it is not dialled until it is released. Not a state, because a job can be held in any.
ALTER TABLE jobs ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
