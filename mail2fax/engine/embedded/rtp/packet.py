"""RTP packets (RFC 3550 section 5.1) that carry G.711 (RFC 3551)."""

from dataclasses import dataclass

PCMU = 0
PCMA = 8
"""The static payload types of G.711 (RFC 3551 section 6), both with 8000 one-octet samples a second."""

_FIXED_HEADER = 12
_VERSION_2 = 0x80
_RTCP_TYPES = range(200, 205)
"""RTCP packets may share our port (RFC 5761): where RTP has its marker and payload type they have 200 to 204."""


class RemoteProtocolError(ValueError):
    """The far end sent a datagram that is not RTP."""


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One packet: `timestamp` counts samples (modulo 2**32), `sequence` packets (modulo 2**16)."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False


def looks_like_rtp(datagram: bytes) -> bool:
    """Whether the two bits of the version are there: all that tells RTP from other things on a port."""
    return len(datagram) >= _FIXED_HEADER and datagram[0] & 0xC0 == _VERSION_2


def parse_packet(datagram: bytes) -> RtpPacket:
    """Read one datagram, without its padding, extension and contributing sources; raises `RemoteProtocolError`."""
    if not looks_like_rtp(datagram):
        raise RemoteProtocolError("neither version 2 of RTP nor long enough for it")
    if datagram[1] in _RTCP_TYPES:
        raise RemoteProtocolError("an RTCP packet")
    return RtpPacket(
        payload_type=datagram[1] & 0x7F,
        sequence=int.from_bytes(datagram[2:4], "big"),
        timestamp=int.from_bytes(datagram[4:8], "big"),
        ssrc=int.from_bytes(datagram[8:12], "big"),
        payload=datagram[_payload_start(datagram) : _payload_end(datagram)],
        marker=bool(datagram[1] & 0x80),
    )


def _payload_start(datagram: bytes) -> int:
    start = _FIXED_HEADER + 4 * (datagram[0] & 0x0F)
    if datagram[0] & 0x10:  # RFC 3550 5.3.1: the extension's length is in words, its own four octets apart
        start += 4 + 4 * int.from_bytes(datagram[start + 2 : start + 4], "big")
    if start > len(datagram):
        raise RemoteProtocolError("the header is longer than the packet")
    return start


def _payload_end(datagram: bytes) -> int:
    padding = datagram[-1] if datagram[0] & 0x20 else 0
    end = len(datagram) - padding
    if end < _payload_start(datagram):
        raise RemoteProtocolError("more padding than packet")
    return end


def build_packet(packet: RtpPacket) -> bytes:
    """One packet as bytes, without padding, extension and contributing sources."""
    return b"".join(
        (
            bytes((_VERSION_2, packet.marker << 7 | packet.payload_type)),
            packet.sequence.to_bytes(2, "big"),
            packet.timestamp.to_bytes(4, "big"),
            packet.ssrc.to_bytes(4, "big"),
            packet.payload,
        )
    )


class RtpSender:
    """Numbers our outgoing packets. The first values are to be random (RFC 3550 5.1), so the caller gives them.

    `packets` and `octets` (of audio) have been sent, `timestamp` is that of the next sample.
    """

    def __init__(self, *, ssrc: int, sequence: int, timestamp: int) -> None:
        self.ssrc = ssrc
        self.timestamp = timestamp
        self.packets = 0
        self.octets = 0
        self._sequence = sequence

    def wrap(self, payload_type: int, samples: bytes) -> bytes:
        """The next packet, with one octet per sample."""
        packet = RtpPacket(payload_type, self._sequence, self.timestamp, self.ssrc, samples, marker=not self.packets)
        self.skip(1, len(samples))
        return build_packet(packet)

    @property
    def sequence(self) -> int:
        """The number of the next packet."""
        return self._sequence

    def skip(self, packets: int, octets: int) -> None:
        """So many have gone out, here or by another hand."""
        self.packets += packets
        self.octets += octets
        self._sequence = self._sequence + packets & 0xFFFF
        self.timestamp = self.timestamp + octets & 0xFFFF_FFFF
