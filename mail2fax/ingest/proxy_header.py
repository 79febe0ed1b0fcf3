"""The PROXY header, versions 1 and 2, without sockets: what a proxy says of the client behind it.

HAProxy's "The PROXY protocol", 2.1 and 2.2. Whether a peer may say this at all is for the door to know: the header is
believed word for word.
"""

import re
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from mail2fax.model.origin import IPAddress, plain_address

V1_START = b"PROXY "
V1_BYTES = 107
V2_START = b"\r\n\r\n\x00\r\nQUIT\n"
V2_FIXED_BYTES = 16
V2_BYTES = 4096
"""Of what follows the fixed part: the addresses, and TLVs (2.2.5), of which we read none."""

_V1_LINE = re.compile(
    rb"PROXY (?:UNKNOWN(?: [^\r\n]*)?|TCP([46]) ([0-9A-Fa-f.:]+) [0-9A-Fa-f.:]+ [0-9]{1,5} [0-9]{1,5})"
)
_V2_LOCAL, _V2_PROXY = 0x20, 0x21
_V2_TCP4, _V2_TCP6 = 0x11, 0x21


class ProxyHeaderError(ValueError):
    """What came is no PROXY header."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """One header: the client's address, None when the proxy speaks for itself or cannot say; its `length` in bytes."""

    client: IPAddress | None
    length: int


def read_proxy_header(data: bytes) -> ProxyHeader | None:
    """The header at the start of `data`, None while it is not whole; raises `ProxyHeaderError`."""
    if data[: len(V2_START)] == V2_START[: len(data)]:
        return _version_2(data)
    if data[: len(V1_START)] == V1_START[: len(data)]:
        return _version_1(data)
    raise ProxyHeaderError("it begins like neither version")


def _version_1(data: bytes) -> ProxyHeader | None:
    end = data.find(b"\r\n", 0, V1_BYTES)
    if end < 0:
        if len(data) >= V1_BYTES:
            raise ProxyHeaderError("its line is too long")
        return None
    found = _V1_LINE.fullmatch(data[:end])
    if found is None:
        raise ProxyHeaderError("its line is malformed")
    family, source = found.groups()
    return ProxyHeader(_spelled(family, source) if source else None, end + len(b"\r\n"))


def _spelled(family: bytes, source: bytes) -> IPAddress:
    try:
        kind = IPv4Address if family == b"4" else IPv6Address
        return plain_address(str(kind(source.decode("ascii"))))
    except ValueError:
        raise ProxyHeaderError("its source is no address of its family") from None


def _version_2(data: bytes) -> ProxyHeader | None:
    if len(data) < V2_FIXED_BYTES:
        return None
    command, family, length = struct.unpack_from("!BBH", data, len(V2_START))
    if command not in (_V2_LOCAL, _V2_PROXY) or length > V2_BYTES:
        raise ProxyHeaderError("its version, command or length is not understood")
    whole = V2_FIXED_BYTES + length
    if len(data) < whole:
        return None
    return ProxyHeader(_packed(command, family, data[V2_FIXED_BYTES:whole]), whole)


def _packed(command: int, family: int, addresses: bytes) -> IPAddress | None:
    """The source of a header of version 2; other families than TCP over IP are taken, and say nothing (2.2)."""
    size = {_V2_TCP4: 4, _V2_TCP6: 16}.get(family)
    if command == _V2_LOCAL or size is None:
        return None
    if len(addresses) < 2 * size + 4:
        raise ProxyHeaderError("its addresses are cut short")
    source = addresses[:size]
    return IPv4Address(source) if size == 4 else plain_address(str(IPv6Address(source)))  # noqa: PLR2004 # octets
