"""UDPTL (T.38 section 9.1) as bytes: one IFP packet a datagram, with copies or parity of earlier ones against loss."""

from collections.abc import Iterable
from dataclasses import dataclass

# X.691 10.9: a first octet below _LONG is a length, one below _FRAGMENTS begins a length of two octets; from there on
# things come in fragments, and no datagram is that large.
_LONG = 0x80
_FRAGMENTS = 0xC0
_PARITY_FOLLOWS = 0x80
"""The CHOICE bit of error-recovery: copies without it, parity with it."""


class RemoteProtocolError(ValueError):
    """The far end sent a datagram that is not UDPTL."""


@dataclass(frozen=True, slots=True)
class Parity:
    """What stands in for lost IFP packets (T.38 9.1.4.2): each entry is the exclusive or of `span` of them.

    In a datagram with number n, entry i of e covers the packets n + i - e, n + i - 2e, ... (`span` of them). Shorter
    packets count as filled up with zeros.
    """

    span: int
    entries: tuple[bytes, ...]

    def covered(self, sequence: int, entry: int) -> list[int]:
        """The numbers of the packets that an entry is made of, the newest first; not cut to 16 bits."""
        count = len(self.entries)
        return [sequence + entry - count * back for back in range(1, self.span + 1)]


@dataclass(frozen=True, slots=True)
class UdptlPacket:
    """One datagram. `secondary` are the IFP packets before `primary`, newest first: `sequence - 1`, `- 2`, ...

    A datagram has copies or parity, never both.
    """

    sequence: int
    primary: bytes
    secondary: tuple[bytes, ...] = ()
    parity: Parity | None = None


class _Reader:
    """Reads the few forms of aligned PER (X.691) that UDPTL uses; each raises where the datagram is too short."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def octets(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) < count:
            raise RemoteProtocolError("the datagram ends too early")
        self._at += count
        return taken

    def length(self) -> int:
        first = self.octets(1)[0]
        if first < _LONG:
            return first
        if first < _FRAGMENTS:
            return (first & 0x3F) << 8 | self.octets(1)[0]
        raise RemoteProtocolError("a length is larger than a datagram")

    def open_type(self) -> bytes:
        return self.octets(self.length())

    def open_types(self) -> tuple[bytes, ...]:
        return tuple(self.open_type() for _ in range(self.length()))


def parse_packet(datagram: bytes) -> UdptlPacket:
    """Read one datagram; raises `RemoteProtocolError`. Octets after the end are ignored, as Asterisk does."""
    reader = _Reader(datagram)
    sequence = int.from_bytes(reader.octets(2), "big")
    primary = reader.open_type()
    if not reader.octets(1)[0] & _PARITY_FOLLOWS:
        return UdptlPacket(sequence, primary, reader.open_types())
    span = int.from_bytes(reader.open_type(), "big")  # fec-npackets, an INTEGER with its length before it
    return UdptlPacket(sequence, primary, parity=Parity(span, reader.open_types()))


def build_packet(packet: UdptlPacket) -> bytes:
    """One datagram as bytes. Its IFP packets are shorter than 16384 octets, which any T.38 core keeps."""
    parity = packet.parity
    head = packet.sequence.to_bytes(2, "big") + _open_type(packet.primary)
    if parity is None:
        return head + b"\x00" + _open_types(packet.secondary)
    return head + bytes((_PARITY_FOLLOWS, 1, parity.span)) + _open_types(parity.entries)


def _open_types(items: tuple[bytes, ...]) -> bytes:
    return _length(len(items)) + b"".join(map(_open_type, items))


def _open_type(data: bytes) -> bytes:
    return _length(len(data)) + data


def _length(value: int) -> bytes:
    return bytes([value]) if value < _LONG else (_LONG << 8 | value).to_bytes(2, "big")


def xor(packets: Iterable[bytes]) -> bytes:
    """The exclusive or of packets, the shorter ones filled up with zeros at their end."""
    # As numbers with the first octet lowest, the filling is done by itself, and by one machine word at a time.
    number, length = 0, 0
    for packet in packets:
        number ^= int.from_bytes(packet, "little")
        length = max(length, len(packet))
    return number.to_bytes(length, "little")
