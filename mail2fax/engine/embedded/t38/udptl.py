"""UDPTL (T.38 section 9.1): IFP packets in datagrams, with copies of the last ones against loss."""

from collections import deque
from dataclasses import dataclass

REDUNDANCY_ENTRIES = 3
"""Earlier IFP packets repeated in each datagram. With three, 10 % loss does no harm; with none, 5 % ends every call."""

_NEARBY = 1000
"""A sequence number this close to the expected one belongs to the stream: at 30 ms a packet, half a minute."""
_LATE = 64
"""How far behind a packet may be and still count as late (about 2 s); further back the far end has begun anew."""


# X.691 10.9: a first octet below _LONG is a length, one below _FRAGMENTS begins a length of two octets; from there on
# things come in fragments, and no datagram is that large.
_LONG = 0x80
_FRAGMENTS = 0xC0


class RemoteProtocolError(ValueError):
    """The far end sent a datagram that is not UDPTL."""


@dataclass(frozen=True, slots=True)
class UdptlPacket:
    """One datagram. `secondary` are the IFP packets before `primary`, newest first: `sequence - 1`, `- 2`, ...

    A datagram with parity (FEC) instead of copies has no `secondary`; its parity is checked for form and not used.
    """

    sequence: int
    primary: bytes
    secondary: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class SequencedIfp:
    """One IFP packet for the T.38 core, with its place (0 to 65535) in the stream that the core sees."""

    sequence: int
    data: bytes


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


def parse_packet(datagram: bytes) -> UdptlPacket:
    """Read one datagram; raises `RemoteProtocolError`. Octets after the end are ignored, as Asterisk does."""
    reader = _Reader(datagram)
    sequence = int.from_bytes(reader.octets(2), "big")
    primary = reader.open_type()
    if reader.octets(1)[0] & 0x80:  # the CHOICE bit of error-recovery
        _check_parity(reader)
        return UdptlPacket(sequence, primary)
    return UdptlPacket(sequence, primary, tuple(reader.open_type() for _ in range(reader.length())))


def _check_parity(reader: _Reader) -> None:
    reader.open_type()  # fec-npackets, an INTEGER with its length before it
    for _ in range(reader.length()):
        reader.open_type()


def build_packet(packet: UdptlPacket) -> bytes:
    """One datagram as bytes. Its IFP packets are shorter than 16384 octets, which any T.38 core keeps."""
    parts = [packet.sequence.to_bytes(2, "big"), _open_type(packet.primary), b"\x00", _length(len(packet.secondary))]
    parts.extend(_open_type(ifp) for ifp in packet.secondary)
    return b"".join(parts)


def _open_type(data: bytes) -> bytes:
    return _length(len(data)) + data


def _length(value: int) -> bytes:
    return bytes([value]) if value < _LONG else (_LONG << 8 | value).to_bytes(2, "big")


class UdptlSender:
    """Wraps IFP packets, each with as many earlier ones as are asked for and as fit.

    Where the datagram would be longer than the far end takes (`max_datagram`), the oldest copies go first.
    Asterisk settles on one lower number of copies beforehand ((max - 8) / (entries + 1) * 0.95 >= 80); counted
    per datagram never more octets go out, and short packets keep all their copies.
    """

    def __init__(self, *, entries: int = REDUNDANCY_ENTRIES, max_datagram: int) -> None:
        self._max_datagram = max_datagram
        self._sequence = 0
        self._earlier: deque[bytes] = deque(maxlen=entries)

    def wrap(self, ifp: bytes) -> bytes:
        """The next datagram, with `ifp` as its primary packet."""
        copies = tuple(self._earlier)
        datagram = build_packet(UdptlPacket(self._sequence, ifp, copies))
        while copies and len(datagram) > self._max_datagram:
            copies = copies[:-1]
            datagram = build_packet(UdptlPacket(self._sequence, ifp, copies))
        self._earlier.appendleft(ifp)
        self._sequence = self._sequence + 1 & 0xFFFF
        return datagram


class UdptlReceiver:
    """Puts datagrams in order for the T.38 core: each IFP packet once, lost ones from the copies, gaps left open.

    The core counts what is missing by the sequence numbers it is given. They are our own, and rise even where
    the far end begins to count anew in mid call.
    """

    def __init__(self) -> None:
        self.lost = 0
        self.malformed = 0
        self._expected: int | None = None
        self._shift = 0
        self._anew = False

    def begin_anew(self) -> None:
        """Another source sends now: its next packet goes on where the stream has come to, whatever its number."""
        self._anew = True

    def expects(self, sequence: int) -> bool:
        """Whether a packet with this number is near the place the stream has reached."""
        return self._expected is not None and abs(_distance(self._expected, sequence)) <= _NEARBY

    def receive(self, datagram: bytes) -> list[SequencedIfp]:
        """What this datagram adds to the stream, in order: nothing for a repeated, late or malformed one."""
        try:
            packet = parse_packet(datagram)
        except RemoteProtocolError:
            self.malformed += 1
            return []
        return self._place(packet)

    def _place(self, packet: UdptlPacket) -> list[SequencedIfp]:
        missing = self._missing_before(packet)
        if missing < 0:
            return []
        # Some senders fill the copies they do not have yet with empty ones.
        copies = [copy for copy in enumerate(packet.secondary[:missing], start=1) if copy[1]]
        self._expected = packet.sequence + 1 & 0xFFFF
        arrived = [self._sequenced(packet.sequence - back, ifp) for back, ifp in reversed(copies)]
        return [*arrived, self._sequenced(packet.sequence, packet.primary)]

    def _missing_before(self, packet: UdptlPacket) -> int:
        """How many packets are missing between the last one and this one; negative for a repeated or late one."""
        if self._expected is None:
            self._anew = False
            return len(packet.secondary)
        ahead = _distance(self._expected, packet.sequence)
        if self._anew or ahead < -_LATE:
            self._anew = False
            self._shift += self._expected - packet.sequence
            return 0
        self.lost += max(0, ahead - len(packet.secondary))
        return ahead

    def _sequenced(self, sequence: int, ifp: bytes) -> SequencedIfp:
        return SequencedIfp(sequence + self._shift & 0xFFFF, ifp)


def _distance(expected: int, sequence: int) -> int:
    """How far `sequence` is ahead of `expected` (negative: behind) on the circle of 65536, the shorter way round."""
    return (sequence - expected + 0x8000 & 0xFFFF) - 0x8000
