-- How finely the pages of an incoming fax were read by the far end's machine: dots per inch, across x down.
ALTER TABLE incoming_faxes ADD COLUMN resolution TEXT NOT NULL DEFAULT '';
