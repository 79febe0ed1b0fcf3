-- Pages of an incoming fax that came damaged and were not sent again, by their numbers in the fax, with commas between.
ALTER TABLE incoming_faxes ADD COLUMN missing TEXT NOT NULL DEFAULT '';
