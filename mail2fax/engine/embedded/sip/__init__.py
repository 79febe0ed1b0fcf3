"""A SIP user agent (RFC 3261), sans-I/O: messages and `now` come in, messages and events go out.

Each message has a `flow`: the transport, the address and the connection that it goes or came by.

Read in this order: `ua` (what arrives goes where), `session` (one call), `calling` and `answering` (its beginning on
either side), `leg` (its dialog), `invitation` (one INVITE of ours), `transaction` (the timers of section 17).
"""
