-- Since when the mail of an incoming fax is owed: since the end of its call, or since a person wanted it once more.
ALTER TABLE incoming_faxes ADD COLUMN mail_owed_at TEXT;
UPDATE incoming_faxes SET mail_owed_at = ended_at WHERE mail_state = 'pending';
