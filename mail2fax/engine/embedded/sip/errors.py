"""Whose fault it is when SIP cannot go on."""


class SipError(Exception):
    """Any fault of this room."""


class RemoteProtocolError(SipError):
    """What the far end sent cannot be read. Its text is for our log, never for the wire."""


class LocalProtocolError(SipError):
    """We were about to write what the protocol does not allow, or were told to do it at the wrong time."""
