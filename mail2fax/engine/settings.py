"""What the embedded engine is told when it starts: plain values that also travel through its pipe."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

DEFAULT_SIP_PORT = 5060


TO_SOURCE = "to-source"
"""A quirk: requests inside a call go to where the answer came from, whatever Contact and Record-Route say."""
IFP_SIZE = "udptl-ifp-size"
"""A quirk: by T38FaxMaxDatagram it means the largest IFP packet, not the largest datagram."""
PIN_MEDIA = "pin-media"
"""A quirk: media come from the address in its SDP or not at all, whatever translates addresses."""


class Identity(StrEnum):
    """The header in which a trunk wants to be told who calls, besides From (RFC 3325)."""

    NONE = "none"
    ASSERTED = "asserted"
    """P-Asserted-Identity: it trusts us as it trusts itself."""
    PREFERRED = "preferred"
    """P-Preferred-Identity: it checks what we say, and asserts it."""


@dataclass(frozen=True, slots=True)
class TrunkSettings:
    """A SIP peer that carries our calls.

    `host` is a name or an IP address. `user` is our account there; `auth_user` (empty: the same) and `password` answer
    its digest challenges (empty: it knows us by our address). `domain` stands in our From; empty means `host`. `name`
    is what an order calls it by, and the log. With `registration_s` we register there, for so many seconds each time;
    with `options_s` we ask every so many seconds whether it is there.
    `transport` "any" and `port` 0 mean what the domain says in DNS (RFC 3263), else UDP to 5060; "any" also uses TCP
    for what is too large for UDP. Over TLS the trunk's certificate must be for `host`.

    `from_user` is the user in our From (empty: the order's caller). `identity` is the header that names the caller
    besides, and `hide_caller` keeps the far end from learning it. `addresses` are networks that its calls come from
    besides `host`. `codecs` stand in the order in which we offer them. `offer_after_s` is how long after the answer we
    offer T.38 ourselves, where the order asks for that. `ptime_ms` is the size of the audio packets we ask for, and
    `session_expires_s` the session timer (RFC 4028), 0 for none. `quirks` names what it does that no standard knows.
    """

    host: str
    port: int = 0
    user: str = ""
    # Not in repr: settings end up in tracebacks and debug lines, passwords must not.
    password: str = field(default="", repr=False)
    domain: str = ""
    name: str = "default"
    transport: Literal["any", "udp", "tcp", "tls"] = "any"
    auth_user: str = ""
    registration_s: int | None = None
    options_s: float = 0.0
    from_user: str = ""
    identity: Identity = Identity.NONE
    hide_caller: bool = False
    addresses: tuple[str, ...] = ()
    codecs: tuple[str, ...] = ("PCMA", "PCMU")
    offer_after_s: float = 3.0
    ptime_ms: int = 20
    session_expires_s: int = 1800
    quirks: tuple[str, ...] = ()

    @property
    def authority(self) -> str:
        """Host and port as a SIP URI has them (RFC 3261 19.1.1): brackets around IPv6, no port when it is 5060."""
        host = _uri_host(self.host)
        return host if self.port in {0, DEFAULT_SIP_PORT} else f"{host}:{self.port}"

    @property
    def from_domain(self) -> str:
        return self.domain or _uri_host(self.host)


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Files, all PEM, all absolute paths.

    `certificate` and `key` are what we show (no `key`: it stands in the same file), to those who connect to us and to
    trunks that ask for one. `ca` vouches for trunks (empty: whom the system trusts), `client_ca` for those who connect
    to us (empty: they need no certificate).
    """

    certificate: str = ""
    key: str = ""
    ca: str = ""
    client_ca: str = ""
    minimum: Literal["1.2", "1.3"] = "1.2"


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Where the engine listens, how many calls it carries at once in all, and which trunks carry them.

    `listen_host` is an IP address of this machine, as the trunk reaches it: it is written into Via, Contact and
    SDP. `listen_also` (empty: there is none) is one of the other version of IP, for trunks that have no other.
    `listen_port` 0 means any free one; it is for UDP and, with `listen_tcp`, for TCP. `tls_port` None means that
    we do not listen for TLS; calls of ours may use it all the same. Media ports come from `media_port_low` to
    `media_port_high`, both included, or from anywhere when both are 0. Without `trunks` the engine only answers,
    whoever calls; `codecs` are those of calls that no trunk carries. `offer_after_s` is for all calls that come in: in
    the middle of our CED, since who goes over to T.38 in mid DIS leaves the caller with half of it (from 2.9 s on).
    `product` is our User-Agent.
    `caller_user` and `caller_password` let somebody call who comes from no trunk's address; empty: nobody may.
    `resolver` is asked for names instead of the name servers of this machine. With `real_time` the engine's process
    goes before all others, if the kernel lets it.
    `record_folder` is where each call's inputs are kept while it lasts, for when the process dies of them; "" nowhere.

    Behind a NAT: `public_host` is our IP address as it is seen from outside of `local_networks`; a far end that has
    seen us at another address is told that one without any setting. A STUN server (`stun`: host, port) says where the
    NAT has put each media port.
    """

    listen_host: str = "127.0.0.1"
    listen_port: int = 0
    media_port_low: int = 0
    media_port_high: int = 0
    lines: int = 2
    codecs: tuple[str, ...] = ("PCMA", "PCMU")
    offer_after_s: float = 1.0
    product: str = "mail2fax"
    caller_user: str = ""
    caller_password: str = field(default="", repr=False)
    trunks: tuple[TrunkSettings, ...] = ()
    listen_tcp: bool = True
    tls_port: int | None = None
    tls: TlsSettings = TlsSettings()
    resolver: tuple[str, int] | None = None
    public_host: str = ""
    local_networks: tuple[str, ...] = ()
    stun: tuple[str, int] | None = None
    real_time: bool = False
    record_folder: str = ""
    listen_also: str = ""

    def __post_init__(self) -> None:
        if len({trunk.name for trunk in self.trunks}) < len(self.trunks):
            raise ValueError("two trunks must not have one name")
        if self.tls_port is not None and not self.tls.certificate:
            raise ValueError("whoever listens for TLS needs a certificate")
        if self.lines < 1:
            raise ValueError("an engine needs at least one line")
        if self.media_port_low > self.media_port_high:
            raise ValueError("the lowest media port must not be above the highest")

    def trunk(self, name: str) -> TrunkSettings | None:
        """The trunk of this name; of "" the first one."""
        return next((trunk for trunk in self.trunks if name in {"", trunk.name}), None)

    @property
    def listen_hosts(self) -> tuple[str, ...]:
        """Our addresses, that of the preferred version of IP first."""
        return (self.listen_host, self.listen_also) if self.listen_also else (self.listen_host,)

    @property
    def sip_host(self) -> str:
        """`listen_host` as it stands in Via and Contact: with brackets around IPv6."""
        return _uri_host(self.listen_host)

    @property
    def other_sip_host(self) -> str:
        """`listen_also` in the same form."""
        return _uri_host(self.listen_also)


def _uri_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
