-- What was attached beside the TIFF and is not faxed (pictures of the text, signatures): the status mail names it.
ALTER TABLE jobs ADD COLUMN ignored TEXT NOT NULL DEFAULT '[]';
