"""What comes between DATA and its final dot, without sockets: bytes of the wire in, bytes of the mail out.

Only CRLF.CRLF ends a mail. A server that also takes LF.LF, CR.CR or a mixture for the end can be made to see two
mails where its neighbour saw one ("SMTP smuggling", CVE-2024-27305).
"""

from mail2fax.mail.header import EMPTY_LINE

MAX_HEADER_BYTES = 256 * 1024

_END = b"\r\n.\r\n"

_EMPTY_LINE_BYTES = len(b"\r\n\r\n")


MAIL_TOO_LARGE = "552 5.3.4 The mail is too large"
HEADER_TOO_LARGE = "552 5.3.4 The header of the mail is too large"


class HeaderBlock:
    """The raw header of a mail, taken from its bytes as they come by: up to and without the first empty line."""

    def __init__(self) -> None:
        self._seen = bytearray()
        self.complete = False

    def receive(self, content: bytes) -> None:
        if self.complete or self.too_large:
            return
        # All but the last byte of what stands for the empty line may have come before.
        start = max(0, len(self._seen) - _EMPTY_LINE_BYTES + 1)
        self._seen += content[: MAX_HEADER_BYTES + _EMPTY_LINE_BYTES + 1]
        end = EMPTY_LINE.search(self._seen, start)
        if end:
            self.complete = True
            del self._seen[end.start() :]

    @property
    def too_large(self) -> bool:
        return len(self._seen) > MAX_HEADER_BYTES + (0 if self.complete else _EMPTY_LINE_BYTES)

    def __bytes__(self) -> bytes:
        return bytes(self._seen)


class MailData:
    """One mail as it comes over the wire, in chunks cut anywhere.

    `ended` is True once the final dot has come; `rest` are then the bytes behind it: the client's next commands.
    `size` counts as RFC 1870 section 6 does: line ends included, stuffed dots and the final dot not.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        # The CRLF of the DATA command: a dot right behind it stands at the start of a line. It is no part of the mail.
        self._held = b"\r\n"
        self._lead = len(self._held)
        self._header = HeaderBlock()
        self.size = 0
        self.ended = False
        self.rest = b""

    @property
    def header(self) -> bytes:
        """The raw header block, up to and without the empty line."""
        return bytes(self._header)

    @property
    def trouble(self) -> str | None:
        """Why this mail cannot be taken, as an SMTP reply; None as long as it can."""
        if self.size > self._max_bytes:
            return MAIL_TOO_LARGE
        return HEADER_TOO_LARGE if self._header.too_large else None

    @property
    def endless(self) -> bool:
        """True when so much has come beyond the limit that waiting for the final dot makes no sense."""
        return self.size > 2 * self._max_bytes

    def receive(self, chunk: bytes) -> bytes:
        """The bytes of the mail that are certain after `chunk`, dots unstuffed (RFC 5321 4.5.2)."""
        wire, self._held = self._held + chunk, b""
        end = wire.find(_END)
        if end >= 0:
            self.ended, self.rest = True, wire[end + len(_END) :]
            # RFC 5321 4.1.1.4: the CRLF in front of the dot belongs to the mail's last line.
            wire = wire[: end + 2]
        elif undecided := _undecided(wire):
            wire, self._held = wire[:-undecided], wire[-undecided:]
        return self._count(wire.replace(b"\r\n.", b"\r\n"))

    def _count(self, content: bytes) -> bytes:
        lead = min(self._lead, len(content))
        self._lead -= lead
        content = content[lead:]
        self.size += len(content)
        self._header.receive(content)
        return content


def _undecided(wire: bytes) -> int:
    """How many bytes at the end of `wire` may be the beginning of the final dot."""
    return next((length for length in range(len(_END) - 1, 0, -1) if wire.endswith(_END[:length])), 0)
