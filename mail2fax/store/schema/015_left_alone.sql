-- Mails in mailboxes that are left where they are for good: a rebuilt mailbox is neither dialled nor answered.
CREATE TABLE left_alone (
    source_key TEXT PRIMARY KEY, -- the mail's place, as in sources
    since      TEXT NOT NULL
) STRICT, WITHOUT ROWID;
