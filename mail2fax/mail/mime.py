"""The parts of a mail: its leaves, decoded, whatever the mail's shape.

The parser is Python's with the compat32 policy, which takes five hundred real mails without an exception; the
newer policies do not, and take seconds for a hostile header. What it cannot bear (deep nesting, floods of empty
parts and of header lines) is measured on the raw bytes before it sees them.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email import policy
from email.errors import InvalidBase64LengthDefect
from email.message import Message
from email.parser import BytesParser

from mail2fax.mail.base64_text import damage_of
from mail2fax.mail.header import MAX_BLOCK
from mail2fax.mail.problem import Problem
from mail2fax.mail.tnef import read_tnef
from mail2fax.mail.words import clean, decode_charset, decode_raw, decode_words
from mail2fax.mail.wrapping import FORWARDED, WINMAIL, wrapping_of

MAX_LINES = 1_000_000
"""30 MB of base64 in lines of 60 are half of that."""
MAX_BOUNDARY_LINES = 2000
MAX_CONTENT_TYPES = 2000
MAX_MULTIPARTS = 50
"""The parser holds each line against the boundary of every multipart around it."""
MAX_PART_HEADER = 32 * 1024
MAX_PART_HEADERS = 256 * 1024
"""All header lines below the mail's own, together: parsing one parameter list costs the square of its length."""
MAX_DEPTH = 20
MAX_PARTS = 200
MAX_NAME = 100

# Lines as the parser takes them for header fields, empty names and "From " included; it ends a line at CR, LF or
# both. Possessive: no octet is looked at twice.
_FIELDS = rb"(?:(?:From |[!-9;-~]*+:)[^\r\n]*+(?:\r\n|\r|\n|\Z)(?:[ \t][^\r\n]*+(?:\r\n|\r|\n|\Z))*+)++"
_OWN_HEADER = re.compile(_FIELDS)
_LATER_FIELDS = re.compile(rb"[\r\n]" + _FIELDS)
_BOUNDARY = re.compile(rb"boundary[\s*0-9]*=", re.IGNORECASE)

# What the parser may raise on hostile structure: nesting (RecursionError), numbers of more than 4300 digits in
# RFC 2231 parameters (ValueError), charsets nobody knows (LookupError), and slips of its own.
_PARSER_FAULTS = (RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError)


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf of a mail. `content_type` is as declared, in lower case; `content` is decoded.

    `name` is the file name for people (decoded, without path and controls; "" without one). `disposition` is
    "attachment", "inline" or "". `related` is True inside multipart/related: a picture of the text.
    `damage` says what is wrong with the transfer coding, or is "". `wrapping` says what it is, where documents may
    lie in it that were not looked at. `size` is how much of it is kept elsewhere, where only its first bytes are
    at hand. A message/rfc822 that is not opened is a leaf without content.
    """

    content_type: str
    name: str
    disposition: str
    related: bool
    content: bytes
    damage: str = ""
    wrapping: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Opening:
    """Which wrappings are opened: mails that were forwarded as attachments, and winmail.dat."""

    forwarded: bool = False
    winmail: bool = False


NOTHING = Opening()


def read_parts(raw: bytes, opening: Opening = NOTHING) -> tuple[Part, ...] | Problem:
    """The leaf parts of the mail `raw` in order, or why it cannot be taken apart.

    At most 20 levels and 200 parts. Costs up to nine times the size of `raw` in memory: not for the gateway itself.
    """
    problem = _measure(raw)
    if problem is not None:
        return problem
    try:
        return _collect(BytesParser(policy=policy.compat32).parsebytes(raw), opening)
    except _PARSER_FAULTS:
        return Problem("its structure cannot be understood")


def _measure(raw: bytes) -> Problem | None:
    """What the parser could not bear, or only slowly, told without parsing."""
    if max(raw.count(b"\n"), raw.count(b"\r")) > MAX_LINES:
        return Problem("it has too many lines")
    if raw.count(b"\n--") + raw.count(b"\r--") > MAX_BOUNDARY_LINES:
        return Problem("it has too many parts")
    if raw.lower().count(b"content-type") > MAX_CONTENT_TYPES or _more_than(MAX_MULTIPARTS, _BOUNDARY.finditer(raw)):
        return Problem("it has too many parts")
    return _measure_fields(raw)


def _more_than(limit: int, found: Iterator[object]) -> bool:
    return next(itertools.islice(found, limit, None), None) is not None


def _measure_fields(raw: bytes) -> Problem | None:
    own = _OWN_HEADER.match(raw)
    start = own.end() if own else 0
    if start > MAX_BLOCK:
        return Problem("its header is too long")
    total = 0
    for fields in _LATER_FIELDS.finditer(raw, max(start - 1, 0)):
        length = fields.end() - fields.start()
        total += length
        if length > MAX_PART_HEADER or total > MAX_PART_HEADERS:
            return Problem("the headers of its parts are too long")
    return None


def _collect(root: Message, opening: Opening) -> tuple[Part, ...] | Problem:
    """The leaves below `root` in order. A forwarded message is a leaf where it is not ours to open."""
    leaves: list[Part] = []
    waiting = [(root, 0, False)]
    while waiting:
        node, depth, related = waiting.pop()
        if depth > MAX_DEPTH:
            return Problem("its parts are nested too deeply")
        if opening.forwarded and node.get_content_type() in FORWARDED and _children(node):
            waiting += [(child, depth + 1, False) for child in reversed(_children(node))]
        elif node.get_content_maintype() != "multipart":
            leaves += _opened(_leaf(node, related), opening)
        elif not node.is_multipart():
            return Problem("its parts cannot be told apart")
        else:
            inside = related or node.get_content_subtype() == "related"
            waiting += [(child, depth + 1, inside) for child in reversed(_children(node))]
        if len(leaves) + len(waiting) > MAX_PARTS:
            return Problem(f"it has more than {MAX_PARTS} parts")
    return tuple(leaves)


def _children(node: Message) -> list[Message]:
    children = node.get_payload()
    return [child for child in children if isinstance(child, Message)] if isinstance(children, list) else []


def _leaf(node: Message, related: bool) -> Part:
    for field in ("content-type", "content-disposition"):
        _mend_raw_letters(node, field)
    _mend_encoding(node)
    content = b"" if node.is_multipart() else node.get_payload(decode=True)
    part = Part(
        content_type=node.get_content_type(),
        name=_name(node),
        disposition=_disposition(node),
        related=related,
        content=content if isinstance(content, bytes) else b"",
        damage=_damage(node),
    )
    return replace(part, wrapping=wrapping_of(part, str(node.get_param("smime-type", ""))))


def _opened(part: Part, opening: Opening) -> list[Part]:
    """The files in a winmail.dat in its place, if it is to be opened; and else the part."""
    if part.wrapping != WINMAIL or not opening.winmail or part.damage:
        return [part]
    files = read_tnef(part.content)
    if isinstance(files, Problem):
        return [replace(part, damage=files.words)]
    kind = "application/octet-stream"
    return [Part(kind, file.name[-MAX_NAME:], "attachment", part.related, file.content or b"") for file in files]


def _raw_value(node: Message, field: str) -> str | None:
    return next((str(value) for name, value in node.raw_items() if name.lower() == field), None)


def _mend_raw_letters(node: Message, field: str) -> None:
    """Give the parser readable text: octets outside ASCII in a field would come back as U+FFFD."""
    value = _raw_value(node, field)
    if value is not None and not value.isascii():
        node.replace_header(field, decode_raw(value.encode("ascii", "surrogateescape")))


def _mend_encoding(node: Message) -> None:
    """RFC 2045 6.1 wants a bare token; `"base64"`, `base64;` and a trailing space occur, and are meant."""
    value = _raw_value(node, "content-transfer-encoding")
    if value is not None:
        node.replace_header("content-transfer-encoding", next(iter(re.findall(r"[\w-]+", value)), ""))


def _name(node: Message) -> str:
    """The file name by RFC 2231 or, as most programs write it, RFC 2047: cleaned, without path, at most 100 long."""
    for field, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        value = node.get_param(parameter, header=field)
        if value:
            return re.split(r"[/\\]", _parameter_text(value))[-1][-MAX_NAME:]
    return ""


def _parameter_text(value: str | tuple[str | None, str | None, str]) -> str:
    """RFC 2231 4: a parameter with a charset comes as three, its octets as Latin-1 letters."""
    if isinstance(value, str):
        return decode_words(value.encode("utf-8", "surrogateescape"))
    charset, _, text = value
    return clean(decode_charset(charset or "", text.encode("latin-1", "replace")))


def _disposition(node: Message) -> str:
    """RFC 2183 2.8: a disposition that nobody knows is to be taken for an attachment."""
    value = node.get_content_disposition()
    if not value:
        return ""
    return "inline" if value == "inline" else "attachment"


def _damage(node: Message) -> str:
    # One character too many or too few: Python then hands out the text undecoded, or silently shifted bytes.
    text = node.get_payload()
    if str(node.get("content-transfer-encoding", "")).lower() != "base64" or not isinstance(text, str):
        return ""
    impossible = any(isinstance(defect, InvalidBase64LengthDefect) for defect in node.defects)
    return "its base64 text is damaged" if impossible or damage_of(text) else ""
