"""The mailbox doors against a real Dovecot, and small servers that do what Dovecot does not."""
