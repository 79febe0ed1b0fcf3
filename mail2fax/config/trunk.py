"""`[trunk]` and `[sip]`: the peer that carries the calls, and our own end of them."""

from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from mail2fax.config.values import (
    HostName,
    Line,
    LocalAddress,
    NetworkText,
    PemFile,
    Port,
    Seconds,
    SecretFile,
    Section,
)
from mail2fax.model.call import MediaPolicy

LOCAL_NETWORKS = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10"),
    *("fc00::/7", "fe80::/10", "::1/128"),
)
"""RFC 1918, 1122, 3927, 6598, 4193, 4291: addresses that nobody has to himself in the whole network."""


class TrunkSection(Section):
    """`[trunk]`: the SIP peer that carries the calls."""

    host: HostName = "127.0.0.1"
    port: Port = 0
    transport: Literal["any", "udp", "tcp", "tls"] = "any"
    user: Line = ""
    password: SecretStr = SecretStr("")
    password_file: SecretFile = ""
    domain: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$")] = ""
    lines: Annotated[int, Field(ge=1, le=500)] = 2
    dial: Literal["+e164", "e164", "00e164"] = "+e164"
    ring_limit_s: Seconds = 180.0
    follow_redirects: bool = False
    t38: MediaPolicy = MediaPolicy.ACCEPT
    t38_offer_after_s: Annotated[float, Field(ge=0.3, le=30)] = 3.0
    ecm: bool = True
    max_bit_rate: Literal[2400, 4800, 7200, 9600, 12000, 14400] = 14_400


class SipSection(Section):
    """`[sip]`: our own end of the calls."""

    listen: LocalAddress = "127.0.0.1"
    port: Port = 5062
    tcp: bool = True
    tls_port: Port = 0
    tls_certificate: PemFile = ""
    tls_key: PemFile = ""
    tls_ca: PemFile = ""
    tls_client_ca: PemFile = ""
    tls_minimum: Literal["1.2", "1.3"] = "1.2"
    public_address: LocalAddress | Literal[""] = ""
    stun: Annotated[str, Field(pattern=r"^([A-Za-z0-9._-]+(:[0-9]{1,5})?)?$")] = ""
    local_networks: tuple[NetworkText, ...] = LOCAL_NETWORKS
    media_port_low: Port = 0
    media_port_high: Port = 0
    real_time: bool = False

    @model_validator(mode="after")
    def _certificate_to_show(self) -> Self:
        if self.tls_port and not self.tls_certificate:
            raise ValueError("tls_port needs tls_certificate, the PEM file with our certificate")
        return self

    @model_validator(mode="after")
    def _ports_in_order(self) -> Self:
        if self.media_port_low > self.media_port_high:
            raise ValueError("media_port_low must not be above media_port_high (both 0: any free port)")
        if (self.media_port_low == 0) != (self.media_port_high == 0):
            raise ValueError("media_port_low and media_port_high must both be set, or both be 0 for any free port")
        return self
