"""Domain names in the one form we compare: lower-case IDNA A-labels."""

import re
import unicodedata

MAX_DOMAIN = 253
"""RFC 1035 2.3.4: 255 octets on the wire are 253 characters of text."""

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class DomainNameError(ValueError):
    """The text is no domain name we can compare; the message says what is wrong."""


def fqdn(text: str) -> str:
    """The domain name `text` as lower-case A-labels; raises `DomainNameError`.

    A name outside ASCII must survive the way to A-labels and back. Python's codec is IDNA 2003, which silently
    turns one name into another (`faß.de` into `fass.de`, full-width letters into plain ones): two domains that
    DNS keeps apart must not become one sender. Such a name can be written in its `xn--` form (RFC 5891).
    """
    if len(text) > MAX_DOMAIN:
        raise DomainNameError("the domain is longer than 253 characters")
    name = text.lower() if text.isascii() else _a_labels(text)
    if len(name) > MAX_DOMAIN or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise DomainNameError(f'"{text}" is not a domain name')
    return name


def _a_labels(text: str) -> str:
    lowered = unicodedata.normalize("NFC", text).lower()
    try:
        name = lowered.encode("idna").decode("ascii").lower()
        back = name.encode("ascii").decode("idna")
    except UnicodeError:
        raise DomainNameError("the domain is not a valid international name") from None
    # NFC itself takes the Kelvin sign for a letter K.
    if back != lowered or "\N{KELVIN SIGN}" in text:
        raise DomainNameError("the domain can be read as two different names; its xn-- form can not")
    return name
