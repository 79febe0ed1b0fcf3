"""mail2fax turns a mail into a phone call: the gateway from e-mail to fax."""
