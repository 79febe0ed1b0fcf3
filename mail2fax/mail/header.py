"""The header block, read from its raw bytes: strictly, so that no other reader of the mail sees other fields.

Python's own parser ends lines at a lone CR, skips lines it does not know and returns the first of two fields.
Whoever writes such a mail could show one mail to our checks and another to the rest of the house; so a block
that two readers could read in two ways is a `Problem`.
"""

import re
from dataclasses import dataclass

from mail2fax.mail.problem import Problem

MAX_BLOCK = 256 * 1024
MAX_FIELD = 32 * 1024
MAX_FIELDS = 1000

EMPTY_LINE = re.compile(rb"(?:\A|\r?\n)\r?\n")
"""The first ends the header, as verifiers of signatures see it. A MIME reader ends lines at a lone CR, too: such a CR
stays in the block, and is refused there. So there is one header for all: the From that is judged is the From that is
read."""

_NAME = re.compile(rb"[!-9;-~]+")  # RFC 5322 3.6.8: ftext
_LINE_END = re.compile(rb"\r?\n")
_LAST_LINE_ENDS = re.compile(rb"(?<![\r\n])(?:\r?\n)++\Z")
_ONCE = ("date", "subject", "message-id", "mime-version", "content-type", "content-transfer-encoding")


@dataclass(frozen=True, slots=True)
class Header:
    """The fields of a mail in order: name in lower case, value raw but unfolded and stripped."""

    fields: tuple[tuple[str, bytes], ...]

    def all(self, name: str) -> tuple[bytes, ...]:
        """Every value of the fields called `name` (lower case), in order."""
        return tuple(value for field, value in self.fields if field == name)

    def only(self, name: str) -> bytes | None:
        """The value of the one field called `name`; None when there is none, or more than one."""
        values = self.all(name)
        return values[0] if len(values) == 1 else None

    def __contains__(self, name: str) -> bool:
        return any(field == name for field, _ in self.fields)


def read_header(block: bytes) -> Header | Problem:
    """The header block `block` (up to the empty line), or why it cannot be read.

    At most 256 KB, 1000 fields, 32 KB a field. RFC 5322 3.6: Subject, Date, Message-ID and the MIME fields
    occur at most once; From is counted by `parse_from`, whose refusal names it.
    """
    if len(block) > MAX_BLOCK:
        return Problem(f"its header is longer than {MAX_BLOCK // 1024} KB")
    lines = _LINE_END.split(_LAST_LINE_ENDS.sub(b"", block))
    if any(b"\r" in line for line in lines):
        return Problem("its header has a carriage return within a line")
    fields = _unfold(lines) if block.strip() else []
    if isinstance(fields, Problem):
        return fields
    if len(fields) > MAX_FIELDS:
        return Problem(f"its header has more than {MAX_FIELDS} fields")
    return _checked(Header(tuple(fields)))


def _unfold(lines: list[bytes]) -> list[tuple[str, bytes]] | Problem:
    """The fields of `lines`: RFC 5322 2.2.3, a line that begins with white space goes on with the one before."""
    fields: list[tuple[str, list[bytes]]] = []
    for line in lines:
        if line[:1] in (b" ", b"\t"):
            if not fields:
                return Problem("its header begins with a continuation line")
            fields[-1][1].append(line)
            continue
        name, colon, value = line.partition(b":")
        # RFC 5322 4.5.3 once allowed a space before the colon; Python takes "From : x" for no field at all.
        if not colon or not _NAME.fullmatch(name):
            return Problem("its header has a line that is no header field")
        fields.append((name.decode("ascii").lower(), [value]))
    return [(name, b"".join(values).strip(b" \t")) for name, values in fields]


def _checked(header: Header) -> Header | Problem:
    for name, value in header.fields:
        if len(value) > MAX_FIELD:
            return Problem(f"one of its header fields is longer than {MAX_FIELD // 1024} KB")
        if name in _ONCE and header.only(name) is None:
            return Problem(f"it has more than one {name.title()} field")
    return header
