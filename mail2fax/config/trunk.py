"""`[trunk]` and `[sip]`: the peers that carry the calls, and our own end of them."""

import re
from ipaddress import ip_address
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from mail2fax.config.values import (
    Digits,
    HostName,
    Line,
    LocalAddress,
    Name,
    NetworkText,
    NumberMaskText,
    PemFile,
    Port,
    Seconds,
    SecretFile,
    Section,
    of_form,
)
from mail2fax.model.call import MediaPolicy
from mail2fax.model.domain import DEFAULT

Quirk = Literal["to-source", "udptl-ifp-size", "pin-media"]
"""What a trunk does that no standard knows, each by the name of how we meet it."""

_FAX_PASSWORD = re.compile(r"[0-9#*]{0,20}")
"""T.30 5.3.6.2.8: what SID can hold. Of a file it is only known later."""
_SHORTEST_SESSION_S, _LONGEST_SESSION_S = 90, 86_400

_PASSWORDS = (frozenset({"password", "password_file"}), frozenset({"fax_password", "fax_password_file"}))
"""Two places each for one thing: a trunk that has one of them does not get the other handed down."""

LOCAL_NETWORKS = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10"),
    *("fc00::/7", "fe80::/10", "::1/128"),
)
"""RFC 1918, 1122, 3927, 6598, 4193, 4291: addresses that nobody has to himself in the whole network."""


def _session_expires(seconds: int) -> int:
    # RFC 4028 4: no session timer may be shorter than 90 s.
    if seconds and not _SHORTEST_SESSION_S <= seconds <= _LONGEST_SESSION_S:
        raise ValueError(f"must be 0 (none), or from {_SHORTEST_SESSION_S} to {_LONGEST_SESSION_S} seconds")
    return seconds


def _fax_password(password: SecretStr) -> SecretStr:
    if not _FAX_PASSWORD.fullmatch(password.get_secret_value()):
        raise ValueError("must be at most 20 digits; * and # count as such")
    return password


class RewriteEntry(Section):
    """One of `trunk.rewrite`: how numbers that start with these digits are dialled."""

    starts: Digits
    dial: Annotated[str, of_form(r"[0-9+*#]*", "digits, +, * and #")]


StunServer = Annotated[str, of_form(r"([A-Za-z0-9._-]+(:[0-9]{1,5})?)?", "a host or host:port: stun.example.com:3478")]


class TrunkKeys(Section):
    """What every trunk has."""

    host: HostName = "127.0.0.1"
    port: Port = 0
    transport: Literal["any", "udp", "tcp", "tls"] = "any"
    user: Line = ""
    auth_user: Line = ""
    password: SecretStr = SecretStr("")
    password_file: SecretFile = ""
    registration: bool = False
    registration_s: Annotated[int, Field(ge=60, le=86_400)] = 3600
    options_s: Annotated[float, Field(ge=0, le=3600)] = 60.0
    domain: Annotated[str, of_form(r"[A-Za-z0-9._-]*", "a domain such as sip.example.com")] = ""
    from_user: Literal["caller-id", "account"] = "caller-id"
    identity: Literal["none", "asserted", "preferred"] = "none"
    hide_caller: bool = False
    addresses: tuple[NetworkText, ...] = ()
    lines: Annotated[int, Field(ge=1, le=500)] = 2
    calls_per_second: Annotated[float, Field(ge=0, le=100)] = 0.0
    allow: tuple[NumberMaskText, ...] = ()
    dial: Literal["+e164", "e164", "00e164", "national"] = "+e164"
    rewrite: tuple[RewriteEntry, ...] = ()
    ring_limit_s: Seconds = 180.0
    follow_redirects: bool = False
    codecs: Annotated[tuple[Literal["pcma", "pcmu"], ...], Field(min_length=1, max_length=2)] = ("pcma", "pcmu")
    ptime_ms: Literal[10, 20, 30, 40] = 20
    session_expires_s: Annotated[int, AfterValidator(_session_expires)] = 1800
    t38: MediaPolicy = MediaPolicy.ACCEPT
    t38_offer_after_s: Annotated[float, Field(ge=0.3, le=30)] = 3.0
    ecm: bool = True
    max_bit_rate: Literal[4800, 9600, 14400] = 14_400
    fax_password: Annotated[SecretStr, AfterValidator(_fax_password)] = SecretStr("")
    fax_password_file: SecretFile = ""
    quirks: tuple[Quirk, ...] = ()

    @property
    def lacks_user(self) -> str:
        """The key that asks for an account where there is none, or ""."""
        if self.user:
            return ""
        return "registration" if self.registration else 'from_user = "account"' if self.from_user == "account" else ""


class TrunkEntry(TrunkKeys):
    """One of `trunk.named`: another trunk. A key that it leaves out is as in `[trunk]`."""

    name: Name


class TrunkSection(TrunkKeys):
    """`[trunk]`: the SIP peer that carries the calls, and further ones, in the order in which they are tried."""

    name: Name = DEFAULT
    named: tuple[TrunkEntry, ...] = ()

    @model_validator(mode="after")
    def _handed_down(self) -> Self:
        # On construction, before anybody has seen it: the model is frozen from here on.
        object.__setattr__(self, "named", tuple(self._completed(entry) for entry in self.named))
        return self

    @model_validator(mode="after")
    def _each_has_its_account(self) -> Self:
        for trunk in self.trunks:
            if key := trunk.lacks_user:
                raise ValueError(f"{trunk.name}: {key} needs user, the name of the account")
        return self

    @model_validator(mode="after")
    def _each_has_its_name(self) -> Self:
        known = {self.name}
        for entry in self.named:
            if entry.name in known:
                raise ValueError(f'trunk.named: the name "{entry.name}" is taken: each trunk needs its own')
            known.add(entry.name)
        return self

    @property
    def trunks(self) -> tuple["TrunkSection | TrunkEntry", ...]:
        """Every trunk, in the order in which they are tried."""
        return (self, *self.named)

    def _completed(self, entry: TrunkEntry) -> TrunkEntry:
        left_out = set(TrunkKeys.model_fields) - entry.model_fields_set
        for places in _PASSWORDS:
            if places & entry.model_fields_set:
                left_out -= places
        return entry.model_copy(update={key: getattr(self, key) for key in left_out})


class SipSection(Section):
    """`[sip]`: our own end of the calls."""

    listen: LocalAddress = "127.0.0.1"
    listen_also: LocalAddress | Literal[""] = ""
    port: Port = 5062
    tcp: bool = True
    tls_port: Port = 0
    tls_certificate: PemFile = ""
    tls_key: PemFile = ""
    tls_ca: PemFile = ""
    tls_client_ca: PemFile = ""
    tls_minimum: Literal["1.2", "1.3"] = "1.2"
    public_address: LocalAddress | Literal[""] = ""
    stun: StunServer = ""
    local_networks: tuple[NetworkText, ...] = LOCAL_NETWORKS
    media_port_low: Port = 0
    media_port_high: Port = 0
    real_time: bool = False
    lines: Annotated[int, Field(ge=0, le=1000)] = 0
    user: Line = ""
    password: SecretStr = SecretStr("")
    password_file: SecretFile = ""

    @model_validator(mode="after")
    def _certificate_to_show(self) -> Self:
        if self.tls_port and not self.tls_certificate:
            raise ValueError("tls_port needs tls_certificate, the PEM file with our certificate")
        return self

    @model_validator(mode="after")
    def _two_families(self) -> Self:
        if self.listen_also and ip_address(self.listen_also).version == ip_address(self.listen).version:
            raise ValueError("listen_also must be an address of the other version of IP than listen")
        return self

    @model_validator(mode="after")
    def _ports_in_order(self) -> Self:
        if self.media_port_low > self.media_port_high:
            raise ValueError("media_port_low must not be above media_port_high (both 0: any free port)")
        if (self.media_port_low == 0) != (self.media_port_high == 0):
            raise ValueError("media_port_low and media_port_high must both be set, or both be 0 for any free port")
        return self

    @property
    def media_places(self) -> int:
        """Calls that find a port in the range: RTP has an even one (RFC 3550 11), unless there is only one."""
        low, high = self.media_port_low, self.media_port_high
        return 1 if low == high else high // 2 - (low + 1) // 2 + 1
