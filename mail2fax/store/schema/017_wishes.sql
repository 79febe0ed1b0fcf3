-- How a sender is told of his fax, as the rule said that let its mail in (JSON, "" for nothing in particular), and what a
-- reply tells that will not be known any more when it is sent.
ALTER TABLE jobs ADD COLUMN wishes TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN facts TEXT NOT NULL DEFAULT '{}';
