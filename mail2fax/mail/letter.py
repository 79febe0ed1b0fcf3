"""A fax that comes as a file, from the command line or over HTTP, written as a mail: from the spool on it goes the way
of every other."""

import base64
from email.headerregistry import Address as HeaderAddress
from email.message import EmailMessage
from email.policy import SMTP

from mail2fax.model.mail import Address

ORDERED = "application/vnd.mail2fax.ordered"
"""The type that the file has there. Its order says that it is to be faxed, and not what it is: it is never taken for a
part of the text, and what it is, its first bytes tell (`admission.attachment`)."""
LINE_BYTES = 57
"""So many bytes make a line of 76 letters in base64 (RFC 2045 6.8)."""
CHUNK_BYTES = 1024 * LINE_BYTES
"""A file is written in chunks of this size, so that only its last line is shorter."""


def letter_size(file_size: int) -> int:
    """How large a mail becomes of a file, in bytes, without its header."""
    lines = -(-file_size // LINE_BYTES)
    return -(-file_size // 3) * 4 + 2 * lines


def letter_head(sender: Address, number: str, name: str) -> bytes:
    """The mail's header with the empty line behind it; raises ValueError for what no header can hold."""
    head = EmailMessage(policy=SMTP)
    head["From"] = HeaderAddress("", sender.local, sender.domain)
    head["Subject"] = number
    head["MIME-Version"] = "1.0"
    head["Content-Type"] = ORDERED
    head.add_header("Content-Disposition", "attachment", filename=name)
    head["Content-Transfer-Encoding"] = "base64"
    return head.as_bytes()


def letter_lines(chunk: bytes) -> bytes:
    """A chunk of the file as lines of the mail's body."""
    return base64.encodebytes(chunk).replace(b"\n", b"\r\n")
