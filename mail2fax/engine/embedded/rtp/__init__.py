"""G.711 audio over RTP (RFC 3550, RFC 3551): packets, and the buffer that puts them in order for a modem."""
