"""Our own fax engine: SIP, RTP, T.38 and T.30 in one process."""
