"""Whom a certificate is for (RFC 5922)."""

from collections.abc import Mapping
from typing import Any

from mail2fax.engine.embedded.sip.errors import RemoteProtocolError
from mail2fax.engine.embedded.sip.uri import address_of, parse_uri


def is_for(certificate: Mapping[str, Any], name: str) -> bool:
    """Whether a certificate (as `ssl` decodes it) is one of this SIP domain, or of this IP address.

    RFC 5922 7.1: the `sip:` URIs among its alternative names are asked first, and DNS names only when there are none.
    The common name is never looked at. 7.2 wants whole names; but providers do use certificates for
    `*.provider.example`, so a star stands for the first label, as it does everywhere else (RFC 6125 6.4.3).
    """
    names: list[tuple[str, str]] = list(certificate.get("subjectAltName", ()))
    if (address := address_of(name)) is not None:
        return any(kind == "IP Address" and address_of(value) == address for kind, value in names)
    domains = [domain for kind, value in names if kind == "URI" and (domain := _sip_domain(value))]
    if domains:
        return any(_equal(domain, name) for domain in domains)
    return any(kind == "DNS" and _matches(value, name) for kind, value in names)


def _sip_domain(uri: str) -> str | None:
    """The domain of a `sip:` URI that names a domain; one with a user names a person (RFC 5922 7.1)."""
    try:
        parsed = parse_uri(uri)
    except RemoteProtocolError:
        return None
    return parsed.host if parsed.scheme == "sip" and parsed.user is None else None


def _matches(pattern: str, name: str) -> bool:
    star, dot, rest = pattern.partition(".")
    if star == "*" and "." in rest:
        return bool(dot) and _equal(rest, name.partition(".")[2])
    return _equal(pattern, name)


def _equal(one: str, other: str) -> bool:
    return one.rstrip(".").lower() == other.rstrip(".").lower()
