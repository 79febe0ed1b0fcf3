"""RTCP (RFC 3550 section 6): what we tell the far end of its audio, and what it tells us of ours.

For an admin on the far side this is often the only sign of a line that loses: a modem cannot say it.
"""

from dataclasses import dataclass

from mail2fax.engine.embedded.rtp.packet import RtpPacket

_SENDER_REPORT, _RECEIVER_REPORT, _SOURCE_DESCRIPTION = 200, 201, 202
_TYPES = range(200, 208)
_CNAME = 1
_VERSION_2 = 0x80
_HEADER, _SENDER_INFO, _BLOCK = 8, 20, 24
_RATE = 8000
_MOST_LOST = 0x7F_FFFF


@dataclass(frozen=True, slots=True)
class Reception:
    """What one end says of the other's packets: `fraction_lost` since its last report, `lost` in all, `jitter_s`."""

    fraction_lost: float
    lost: int
    jitter_s: float


def is_rtcp(datagram: bytes) -> bool:
    """Whether this is RTCP and not RTP: where RTP has marker and payload type, it has 200 to 207 (RFC 5761 4)."""
    return len(datagram) >= _HEADER and datagram[0] & 0xC0 == _VERSION_2 and datagram[1] in _TYPES


class Receiver:
    """Follows the packets of one far end: how many came, and how evenly (RFC 3550 A.1, A.3, A.8)."""

    def __init__(self) -> None:
        self.received = 0
        self._ssrc: int | None = None
        self._base = self._highest = 0
        self._jitter = 0.0
        self._transit = 0.0
        self._before = (0, 0)

    def note(self, packet: RtpPacket, now: float) -> None:
        """A packet has come, in whatever order."""
        if packet.ssrc != self._ssrc:
            self._begin(packet)
        self._reach(packet.sequence)
        self.received += 1
        transit = now * _RATE - packet.timestamp
        if self.received > 1:
            # Timestamps wrap, and a far end that counts anew jumps: neither is jitter.
            change = abs(transit - self._transit)
            self._jitter += (change - self._jitter) / 16 if change < _RATE else 0.0
        self._transit = transit

    def note_even(self, last: int, count: int, transit: float, jitter: float) -> None:
        """So many packets of the source have come, each the next one, up to the number `last`; `transit` and `jitter`
        are what they came to."""
        self._reach(last)
        self.received += count
        self._transit, self._jitter = transit, jitter

    @property
    def measure(self) -> tuple[float | None, float]:
        """Transit of the last packet, None before the first, and jitter: in samples (RFC 3550 A.8)."""
        return (self._transit if self.received else None), self._jitter

    @property
    def expected(self) -> int:
        return self._highest - self._base + 1 if self.received else 0

    @property
    def lost(self) -> int:
        """Packets that never came; negative when more were repeated."""
        return self.expected - self.received

    @property
    def jitter_s(self) -> float:
        return self._jitter / _RATE

    def block(self) -> bytes:
        """Our report on this source, with what was lost since the last one; empty while nothing was heard."""
        if self._ssrc is None:
            return b""
        expected, received = self.expected - self._before[0], self.received - self._before[1]
        self._before = self.expected, self.received
        fraction = max(0, expected - received) * 256 // expected if expected > 0 else 0
        lost = max(-_MOST_LOST, min(_MOST_LOST, self.lost))
        words = self._highest & 0xFFFF_FFFF, int(self._jitter) & 0xFFFF_FFFF, 0, 0
        head = self._ssrc.to_bytes(4, "big") + bytes([min(fraction, 255)]) + (lost & 0xFF_FFFF).to_bytes(3, "big")
        return head + b"".join(word.to_bytes(4, "big") for word in words)

    def _reach(self, sequence: int) -> None:
        ahead = (sequence - self._highest + 0x8000 & 0xFFFF) - 0x8000
        self._highest = max(self._highest, self._highest + ahead)

    def _begin(self, packet: RtpPacket) -> None:
        self._ssrc, self.received = packet.ssrc, 0
        self._base = self._highest = packet.sequence
        self._jitter, self._before = 0.0, (0, 0)


def build_report(ssrc: int, timestamp: int, sent: tuple[int, int], block: bytes, now: float) -> bytes:
    """A sender report with one block or none, and our CNAME: a compound packet (RFC 3550 6.1).

    `sent` counts packets and octets. The clock in it is that of `now`, seconds of any beginning (6.4.1).
    """
    seconds = int(now)
    clock = (seconds & 0xFFFF_FFFF, int((now - seconds) * (1 << 32)), timestamp, sent[0], sent[1])
    info = b"".join((word & 0xFFFF_FFFF).to_bytes(4, "big") for word in clock)
    # RFC 7022: a CNAME that names nobody will do, unique in the call.
    name = f"{ssrc:08x}".encode()
    item = bytes((_CNAME, len(name))) + name
    chunk = ssrc.to_bytes(4, "big") + item + bytes(4 - len(item) % 4)
    return _packet(_SENDER_REPORT, 1 if block else 0, ssrc.to_bytes(4, "big") + info + block) + _packet(
        _SOURCE_DESCRIPTION, 1, chunk
    )


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return bytes((_VERSION_2 | count, kind)) + (len(body) // 4).to_bytes(2, "big") + body


def read_reception(datagram: bytes, ssrc: int) -> Reception | None:
    """What a compound packet says of our stream `ssrc`, or None: nothing, or it is none."""
    at = 0
    while is_rtcp(datagram[at:]):
        kind, count = datagram[at + 1], datagram[at] & 0x1F
        end = at + 4 + 4 * int.from_bytes(datagram[at + 2 : at + 4], "big")
        blocks = at + _HEADER + (_SENDER_INFO if kind == _SENDER_REPORT else 0)
        if kind in (_SENDER_REPORT, _RECEIVER_REPORT):
            for start in range(blocks, min(end, blocks + count * _BLOCK, len(datagram)), _BLOCK):
                block = datagram[start : start + _BLOCK]
                if len(block) == _BLOCK and int.from_bytes(block[:4], "big") == ssrc:
                    return _read_block(block)
        at = end
    return None


def _read_block(block: bytes) -> Reception:
    lost = int.from_bytes(block[5:8], "big", signed=True)
    return Reception(block[4] / 256, lost, int.from_bytes(block[12:16], "big") / _RATE)
