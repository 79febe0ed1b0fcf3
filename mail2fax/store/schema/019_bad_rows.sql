-- Rows of an incoming fax that could not be read, and were guessed from those around them.
ALTER TABLE incoming_faxes ADD COLUMN bad_rows INTEGER NOT NULL DEFAULT 0;
