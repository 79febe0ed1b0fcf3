"""SIP and tel URIs, and the name-addresses they stand in (RFC 3261 sections 19.1, 20.10)."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote as percent_encode
from urllib.parse import unquote as percent_decode

from mail2fax.engine.embedded.sip.errors import LocalProtocolError, RemoteProtocolError
from mail2fax.engine.embedded.sip.flow import Transport
from mail2fax.engine.embedded.sip.text import (
    TOKEN,
    Parameters,
    has_control,
    parameter,
    parse_parameters,
    quote,
    readable,
    split,
    unquote,
    write_parameters,
)

DEFAULT_PORT = 5060

# RFC 3261 25.1 user-unreserved and mark; everything else in a user part is percent-encoded.
_USER_SAFE = "-_.!~*'()&=+$,;?/"
# Underscores are no part of a host name, yet `sip_trunk` and its like are in use: read them.
_HOST = re.compile(r"\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9_](?:[A-Za-z0-9_.\-]*)")
_NOT_IN_URI = re.compile(r"[\s<>\"\x00-\x1f\x7f]")
_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class SipUri:
    """A sip: or sips: URI. `user` is decoded; `host` keeps the brackets of an IPv6 address."""

    host: str
    user: str | None = None
    port: int | None = None
    parameters: Parameters = ()
    scheme: str = "sip"

    def __post_init__(self) -> None:
        if not _HOST.fullmatch(self.host):
            raise LocalProtocolError(f"no host: {self.host!a}")

    @property
    def is_loose_router(self) -> bool:
        """RFC 3261 16.12: `lr` marks a proxy that leaves the Request-URI alone."""
        return parameter(self.parameters, "lr") is not None

    @property
    def transport(self) -> Transport | None:
        """The transport that the URI asks for, if any that we have: a sips: URI never goes in clear (26.2.2)."""
        if self.scheme == "sips":
            return Transport.TLS
        named = (parameter(self.parameters, "transport") or "").lower()
        return Transport(named) if named in set(Transport) else None

    @property
    def numeric_address(self) -> tuple[str, int | None] | None:
        """Where a message for this URI goes if that takes no name service: IP address, and port if it names one."""
        host = (parameter(self.parameters, "maddr") or self.host).strip("[]")
        # A zone ("fe80::1%eth0") is of the far end's own machine, and may be any text: asyncio closes a socket that
        # is told to send to what cannot be encoded.
        if "%" in host or address_of(host) is None:
            return None
        return host, self.port

    def __str__(self) -> str:
        user = "" if self.user is None else escape_user(self.user) + "@"
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}:{user}{self.host}{port}{write_parameters(self.parameters)}"


@dataclass(frozen=True, slots=True)
class NameAddress:
    """What From, To, Contact and Route hold: a display name, a URI kept as it came, header parameters."""

    uri: str
    display: str = ""
    parameters: Parameters = ()

    @property
    def tag(self) -> str | None:
        return parameter(self.parameters, "tag")

    @property
    def user(self) -> str:
        """The number or name that people would call this address by; empty when the URI has none."""
        return user_of(self.uri)

    def with_tag(self, tag: str) -> "NameAddress":
        others = tuple(pair for pair in self.parameters if pair[0] != "tag")
        return replace(self, parameters=(*others, ("tag", tag)))

    def __str__(self) -> str:
        display = f"{quote(self.display)} " if self.display else ""
        return f"{display}<{self.uri}>{write_parameters(self.parameters)}"


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a host is, with or without brackets; None for a name."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def escape_user(user: str) -> str:
    """The user part as it stands in a URI: `#` and everything foreign percent-encoded."""
    return percent_encode(user, safe=_USER_SAFE, errors="surrogateescape")


def user_of(uri: str) -> str:
    """The user part of a sip: URI or the number of a tel: URI, readable, without parameters; else empty."""
    scheme, _, rest = uri.partition(":")
    before_at, at, _ = rest.rpartition("@")
    user = before_at.partition(":")[0] if at else ""
    part = rest if scheme.lower() == "tel" else user
    return readable(percent_decode(part.partition(";")[0], errors="surrogateescape"))


def parse_uri(text: str) -> SipUri:
    """Read a sip: or sips: URI; `RemoteProtocolError` for anything else."""
    scheme, _, rest = text.partition(":")
    if scheme.lower() not in {"sip", "sips"}:
        raise RemoteProtocolError(f"not a SIP URI: {text!a}")
    if _NOT_IN_URI.search(text):
        raise RemoteProtocolError(f"blank or bracket in a URI: {text!a}")
    # The user part may hold ";" and "?" (25.1), so the last "@" is looked for first.
    user, at, after = rest.rpartition("@")
    place, _, parameters = after.partition("?")[0].partition(";")
    host, port = parse_host_port(place)
    name = percent_decode(user.partition(":")[0], errors="surrogateescape") if at else None
    return SipUri(host, name, port, parse_parameters(parameters), scheme.lower())


def parse_host_port(text: str) -> tuple[str, int | None]:
    """Read `host`, `host:port`, `[v6]:port`; blanks around the colon are forgiven."""
    match = _HOST.match(text)
    if match is None:
        raise RemoteProtocolError(f"no host: {text!a}")
    rest = text[match.end() :].strip()
    if not rest:
        return match[0], None
    digits = rest[1:].strip()
    if rest[0] != ":" or not re.fullmatch(r"[0-9]{1,5}", digits) or not 0 < int(digits) <= _HIGHEST_PORT:
        raise RemoteProtocolError(f"no port: {text!a}")
    return match[0], int(digits)


def parse_name_address(text: str) -> NameAddress:
    """Read `"Name" <uri>;tag=1`, `Name <uri>` or `uri;tag=1`; a display name may be unquoted and of any bytes."""
    before, bracket, after = _partition_bracket(text)
    if bracket:
        uri, closed, rest = after.partition(">")
        if not closed:
            raise RemoteProtocolError(f"open bracket: {text!a}")
        display, parameters = unquote(before.strip()), rest
    else:
        # RFC 3261 20.10: without brackets, what follows a semicolon belongs to the header.
        display, (uri, _, parameters) = "", text.partition(";")
    uri = uri.strip()
    if ":" not in uri or _NOT_IN_URI.search(uri) or has_control(display):
        raise RemoteProtocolError(f"not an address: {text!a}")
    return NameAddress(uri, display, tuple(_well_named(parse_parameters(parameters))))


def _well_named(parameters: Parameters) -> Iterator[tuple[str, str | None]]:
    for name, value in parameters:
        if TOKEN.fullmatch(name):
            yield name, value


def _partition_bracket(text: str) -> tuple[str, str, str]:
    """Split at the first `<` that is not inside the quoted display name."""
    stripped = text.lstrip()
    if not stripped.startswith('"'):
        return text.partition("<")
    end = re.match(r'"(?:[^"\\]|\\.)*"', stripped)
    if end is None:
        raise RemoteProtocolError(f"open quote: {text!a}")
    before, bracket, after = stripped[end.end() :].partition("<")
    return stripped[: end.end()] + before, bracket, after


def parse_addresses(values: list[str]) -> list[NameAddress]:
    """Read header lines that each hold a comma-separated list of addresses, in order."""
    return [parse_name_address(piece) for value in values for piece in split(value, ",")]
