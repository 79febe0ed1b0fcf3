"""T.38 on the wire: UDPTL datagrams and the SDP attributes that agree on them. Bytes in, bytes out."""
