"""Where a NAT has put a socket of ours: one STUN binding (RFC 8489), as bytes in and bytes out."""

import struct
from ipaddress import ip_address

Address = tuple[str, int]

REPEATS_S = (0.0, 0.25, 0.75)
"""When the request goes out (RFC 8489 6.2.1 begins with 500 ms; a call cannot wait for so long)."""
LIMIT_S = 1.5

_BINDING_REQUEST, _BINDING_SUCCESS = 0x0001, 0x0101
_MAGIC_COOKIE = 0x2112A442
_MAPPED_ADDRESS, _XOR_MAPPED_ADDRESS = 0x0001, 0x0020
_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
_IPV4, _IPV6 = 1, 2
_PREFIX = 4
"""A byte that means nothing, the family, and the port."""


def binding_request(transaction: bytes) -> bytes:
    """The request; `transaction` are 12 bytes that nobody can guess."""
    return _HEADER.pack(_BINDING_REQUEST, 0, _MAGIC_COOKIE, transaction)


def mapped_address(datagram: bytes, transaction: bytes) -> Address | None:
    """Where the server saw our request come from; None when this is not its answer."""
    if len(datagram) < _HEADER.size:
        return None
    kind, length, cookie, answered = _HEADER.unpack_from(datagram)
    if (kind, cookie, answered) != (_BINDING_SUCCESS, _MAGIC_COOKIE, transaction):
        return None
    attributes = _attributes(datagram[_HEADER.size : _HEADER.size + length])
    if _XOR_MAPPED_ADDRESS in attributes:
        # RFC 8489 14.2: so that no NAT changes what looks like an address of its own.
        return _address(attributes[_XOR_MAPPED_ADDRESS], struct.pack("!I", _MAGIC_COOKIE) + transaction)
    return _address(attributes.get(_MAPPED_ADDRESS, b""), bytes(16))


def _attributes(data: bytes) -> dict[int, bytes]:
    """The first attribute of each kind; each begins at a multiple of four bytes."""
    found: dict[int, bytes] = {}
    position = 0
    while position + _ATTRIBUTE.size <= len(data):
        kind, length = _ATTRIBUTE.unpack_from(data, position)
        begin = position + _ATTRIBUTE.size
        found.setdefault(kind, data[begin : begin + length])
        position = begin + (length + 3) // 4 * 4
    return found


def _address(value: bytes, mask: bytes) -> Address | None:
    size = {_IPV4: 4, _IPV6: 16}.get(value[1] if len(value) > 1 else 0, 0)
    if not size or len(value) < _PREFIX + size:
        return None
    port = struct.unpack_from("!H", value, 2)[0] ^ struct.unpack("!H", mask[:2])[0]
    host = bytes(one ^ other for one, other in zip(value[_PREFIX : _PREFIX + size], mask, strict=False))
    return str(ip_address(host)), port
