"""Who a mail says it is from: a strict reader of the one From field, on its raw bytes.

Libraries disagree about `user1@ok.com <evil@bad.com>`, and each guesses differently. Here nothing is guessed: a
From line that is not plainly one mailbox is a `Problem`.
"""

import re
import unicodedata

from mail2fax.mail.header import Header
from mail2fax.mail.problem import Problem
from mail2fax.model.fqdn import DomainNameError, fqdn
from mail2fax.model.mail import Address
from mail2fax.model.mask import MAX_LOCAL_PART, ascii_lower, may_stand_in_local_part

MAX_ADDRESS = 254
"""RFC 5321 4.5.3.1.3: a path has 256 octets, two of them the angle brackets."""

_CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
# RFC 5322 3.2.2 and 3.2.4. Comments within comments, and quoted pairs in them, are legal and nobody's: not read.
_COMMENT = re.compile(r"\([^()\\<>@]*\)")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_PHRASE_SPECIALS = frozenset("()<>[]:;@\\,")


def parse_from(header: Header) -> Address | Problem:
    """The one mailbox of the one From field, or why there is none.

    The local part is a dot-atom, lower case in ASCII only, in UTF-8 as NFC (RFC 6531); the domain becomes
    lower-case A-labels. A display name may say anything that cannot be mistaken for an address.
    """
    values = header.all("from")
    if not values:
        return Problem("there is none")
    if len(values) > 1:
        return Problem("there is more than one From line")
    if _CONTROLS.search(values[0]):
        return Problem("it holds control characters")
    # Old devices write names in any code page. Names are not used; an address outside ASCII is UTF-8 (RFC 6532 3.2),
    # and no escaped octet gets through below.
    return _mailbox(values[0].decode("utf-8", "surrogateescape"))


def _mailbox(text: str) -> Address | Problem:
    """RFC 5322 3.4: `name-addr` with a harmless display name, or a bare `addr-spec`."""
    plain = _without_quotes_and_comments(text)
    if plain is None:
        return Problem("a quotation mark or bracket in it is never closed")
    if "<" not in plain and ">" not in plain:
        return _address(plain.strip(" \t"))
    phrase, _, rest = plain.partition("<")
    inside, closing, behind = rest.partition(">")
    if not closing or behind.strip(" \t") or "<" in inside:
        return Problem("its angle brackets do not hold exactly one address")
    if _PHRASE_SPECIALS & set(phrase):
        return Problem("its display name holds an address or a list")
    return _address(inside.strip(" \t"))


def _without_quotes_and_comments(text: str) -> str | None:
    """`text` with each comment as a space, each quoted string as `"`; None when one does not end.

    The quotation mark stays as a trace: a quoted local part must not look like none.
    """
    out: list[str] = []
    at = 0
    while at < len(text):
        form = {"(": _COMMENT, '"': _QUOTED}.get(text[at])
        if form is None:
            out.append(text[at])
            at += 1
            continue
        found = form.match(text, at)
        if found is None:
            return None
        out.append(" " if text[at] == "(" else '"')
        at = found.end()
    return "".join(out)


def _address(text: str) -> Address | Problem:
    """RFC 5322 3.4.1: `addr-spec`, of which we take the dot-atom form of the local part and a domain name."""
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain:
        return Problem("it holds no address")
    if "@" in local or "," in local:
        return Problem("it holds more than one address")
    if not _is_dot_atom(local):
        return Problem("the part before the @ is not a plain name")
    try:
        name = fqdn(domain)
    except DomainNameError:
        return Problem("the part behind the @ is not a domain name")
    local = ascii_lower(local)
    if len(local.encode()) > MAX_LOCAL_PART or len(local.encode()) + 1 + len(name) > MAX_ADDRESS:
        return Problem("the address is too long")
    return Address(local, name)


def _is_dot_atom(local: str) -> bool:
    """RFC 5322 3.2.3, and RFC 6531 3.3 in NFC only: two spellings of one letter must not be two senders, nor one."""
    # RFC 2047 5.3: an encoded-word must not stand in an address; who decodes it there sees another sender.
    if "=?" in local or not all(local.split(".")):
        return False
    return unicodedata.is_normalized("NFC", local) and all(map(may_stand_in_local_part, local))
