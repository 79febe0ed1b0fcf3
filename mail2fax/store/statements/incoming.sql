-- begin_incoming: A call is about to be answered: what it brings belongs to this row.
INSERT INTO incoming_faxes (
    uuid, state, domain, terminal, trunk, call_id, caller, called, file, started_at, mail_to, message_id
) VALUES (
    :uuid, 'receiving', :domain, :terminal, :trunk, :call_id, :caller, :called, :file, :now, :mail_to, :message_id
);

-- note_incoming: What its call has told so far.
UPDATE incoming_faxes SET
    confirmed = :confirmed, last_confirmed = :last_confirmed, far_id = :far_id, bit_rate = :bit_rate, ecm = :ecm,
    media = :media, bad_rows = :bad_rows, missing = :missing, resolution = :resolution
WHERE id = :fax_id AND ended_at IS NULL;

-- end_incoming: It is over, and what whole pages have come is owed to somebody, if anybody is named; or the word that
-- there are none, though we have confirmed some.
UPDATE incoming_faxes SET
    state = :state, ended_at = :now, pages = :pages, confirmed = :confirmed, last_confirmed = :last_confirmed,
    far_id = :far_id, bit_rate = :bit_rate, ecm = :ecm, media = :media, bad_rows = :bad_rows, missing = :missing, resolution = :resolution,
    cause = :cause,
    mail_state = CASE WHEN max(:pages, :confirmed) > 0 AND mail_to <> '' THEN 'pending' ELSE 'none' END, mail_due_at = :now,
    mail_owed_at = :now
WHERE id = :fax_id AND ended_at IS NULL;

-- count_incoming: The pages of a fax that is over were counted anew, and are not as many as they were.
UPDATE incoming_faxes SET state = :state, pages = :pages WHERE id = :fax_id AND ended_at IS NOT NULL;

-- forget_incoming: A fax that is over and owed to nobody is forgotten; or its caller gave up before it was one.
DELETE FROM incoming_faxes WHERE id = :fax_id AND mail_state <> 'pending';

-- find_incoming: One incoming fax.
SELECT * FROM incoming_faxes WHERE id = :fax_id;

-- incoming_under_way: The faxes that are being received, or were when we were stopped.
SELECT * FROM incoming_faxes WHERE ended_at IS NULL ORDER BY id;

-- document_of_incoming: The TIFF of a fax that came in for a domain.
SELECT file FROM incoming_faxes WHERE id = :fax_id AND domain = :domain AND ended_at IS NOT NULL AND pages > 0;

-- droppable_incoming: Incoming faxes of a domain that are over and owed to nobody, behind one of them.
SELECT * FROM incoming_faxes
WHERE domain = :domain AND id > :after AND ended_at IS NOT NULL AND mail_state <> 'pending'
ORDER BY id LIMIT :limit;

-- purgeable_incoming: Incoming faxes that have been kept long enough; what could not be mailed nobody has read.
SELECT id, domain, file FROM incoming_faxes
WHERE ended_at < :before AND mail_state NOT IN ('pending', 'failed') ORDER BY ended_at LIMIT :limit;

-- resend_incoming: A person wants it mailed again: now, and as a mail of its own.
UPDATE incoming_faxes SET
    mail_state = 'pending', mail_tries = 0, mail_due_at = :now, mail_owed_at = :now, mail_error = '', mail_to = :to,
    message_id = :message_id
WHERE id = :fax_id;

-- owed_incoming_mails: Faxes to be mailed now, the longest waiting first.
SELECT * FROM incoming_faxes WHERE mail_state = 'pending' AND mail_due_at <= :now
ORDER BY mail_due_at, id LIMIT :limit;

-- next_incoming_mail: When the next fax is to be mailed.
SELECT min(mail_due_at) AS moment FROM incoming_faxes WHERE mail_state = 'pending';

-- settle_incoming_mail: A mail of a fax was taken, or given up. Another may be owed meanwhile.
UPDATE incoming_faxes SET mail_state = :state, mail_tries = mail_tries + 1, mail_error = :error
WHERE message_id = :message_id AND mail_state = 'pending';

-- postpone_incoming_mail: A fax could not be mailed; it is tried again later, with the same Message-ID.
UPDATE incoming_faxes SET mail_tries = mail_tries + 1, mail_due_at = :until, mail_error = :error
WHERE message_id = :message_id AND mail_state = 'pending';
