"""A SIP user agent over UDP (RFC 3261), sans-I/O: datagrams and `now` come in, datagrams and events go out.

Read in this order: `ua` (what arrives goes where), `session` (one call), `calling` and `answering` (its beginning on
either side), `leg` (its dialog), `invitation` (one INVITE of ours), `transaction` (the timers of section 17).
"""
