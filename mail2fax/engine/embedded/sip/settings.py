"""What the user agent is told: once for all, and for each call."""

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from mail2fax.engine.embedded.sip.errors import LocalProtocolError, RemoteProtocolError
from mail2fax.engine.embedded.sip.flow import Flow, Transport
from mail2fax.engine.embedded.sip.headers import Headers
from mail2fax.engine.embedded.sip.text import has_control
from mail2fax.engine.embedded.sip.uri import parse_host_port

# RFC 3261 25.1: callid = word [ "@" word ].
_CALL_ID = re.compile(r"[A-Za-z0-9\-.!%*_+`'~()<>:\\\"/\[\]?{}]+(@[A-Za-z0-9\-.!%*_+`'~()<>:\\\"/\[\]?{}]+)?")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and a password; the password is never shown."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UaSettings:
    """Who we are. `host` and `port` are where datagrams reach us: they stand in Via and Contact.

    `other_host` stands there for far ends that are reached by the other version of IP (empty: none are), and
    `public_host` in Contact for those outside of `local_networks`. `tcp_port` and `tls_port` are
    where we listen for connections, None where we do not.

    `to_source` sends requests inside an incoming call's dialog to where its INVITE came from, whatever Contact and
    Record-Route say. With `require_digest`, requests of `digest_methods` that bear no valid digest are challenged,
    once for each of `digest_algorithms`. `session_expires_s` is the session timer that our calls ask for (RFC 4028);
    None: they ask for none, and still keep one that the far end asks for.
    """

    host: str
    port: int
    product: str = "mail2fax"
    to_source: bool = False
    require_digest: Credentials | None = None
    digest_methods: frozenset[str] = frozenset({"INVITE"})
    digest_algorithms: tuple[str, ...] = ("SHA-256", "MD5")
    digest_realm: str = "mail2fax"
    tcp_port: int | None = None
    tls_port: int | None = None
    session_expires_s: int | None = 1800
    public_host: str = ""
    local_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    other_host: str = ""

    @property
    def ports(self) -> dict[Transport, int]:
        """The port of each transport that we listen on."""
        ports = {Transport.UDP: self.port, Transport.TCP: self.tcp_port, Transport.TLS: self.tls_port}
        return {transport: port for transport, port in ports.items() if port is not None}


@dataclass(frozen=True, slots=True)
class InviteOrder:
    """One call to place; `LocalProtocolError` when a part of it cannot stand in a SIP message.

    `number` is the user part of the Request-URI, decoded; `domain` its host, perhaps with `:port`. The INVITE goes to
    the first of `targets`, and to the next when nothing can have come of that (RFC 3263 4.3); unless `udp_only`, by TCP
    when it is too large for UDP. `call_id` is the caller's, so that it can be written down before anything is sent.
    `ring_limit_s` counts
    from the first INVITE. `from_domain` stands in From when the trunk wants another than our address.
    `session_expires_s` is the session timer that the call asks for, 0 for none, None as in `UaSettings`.
    `extra_headers` go with the INVITE and with its repetition after a challenge. With `to_source`, requests inside
    the dialog go to where the answer came from, whatever Contact and Record-Route say.
    """

    number: str
    domain: str
    targets: tuple[Flow, ...]
    caller_id: str
    call_id: str
    sdp: bytes
    credentials: Credentials | None = None
    ring_limit_s: float = 180.0
    display_name: str = ""
    from_domain: str = ""
    extra_headers: tuple[tuple[str, str], ...] = ()
    to_source: bool = False
    udp_only: bool = True
    session_expires_s: int | None = None

    def __post_init__(self) -> None:
        if not self.targets:
            raise LocalProtocolError("a call without a target")
        if not _CALL_ID.fullmatch(self.call_id):
            raise LocalProtocolError(f"not a Call-ID: {self.call_id!a}")
        _check_domain(self.domain)
        if self.from_domain:
            _check_domain(self.from_domain)
        Headers(self.extra_headers)
        if not self.number or has_control(self.number + self.caller_id):
            raise LocalProtocolError("a number must not be empty or hold control characters")


def _check_domain(domain: str) -> None:
    """Strictly `host` or `host:port`."""
    try:
        host, port = parse_host_port(domain)
    except RemoteProtocolError as exc:
        raise LocalProtocolError(f"not a domain: {domain!a}") from exc
    if domain not in {host, f"{host}:{port}"}:
        raise LocalProtocolError(f"not a domain: {domain!a}")
