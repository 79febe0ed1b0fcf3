"""OAuth2: tokens in place of passwords, for mailboxes and for the mail server that takes our mails.

`grant.py` is what is said to a provider and heard from it, without sockets; `source.py` has a token whenever one is
needed, and keeps it in memory only.
"""
