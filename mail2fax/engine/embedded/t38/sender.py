"""What goes out in UDPTL: each IFP packet with something that stands in for the ones before it."""

from collections import deque
from collections.abc import Iterable

from mail2fax.engine.embedded.t38.offer import ErrorCorrection
from mail2fax.engine.embedded.t38.udptl import Parity, UdptlPacket, build_packet

ENTRIES = 3
"""Copies, or parity entries, in each datagram. With three, 10 % loss does no harm; with none, 5 % ends every call."""
SPAN = 3
"""Packets that one parity entry covers: with three entries each packet is covered nine times."""
SMALL = 20
SMALL_ENTRIES, SMALL_SPAN = 7, 2
"""IFP packets up to this size are of control frames: at 300 bit/s an octet or two each, and the whole call hangs on
them. Seven are still shorter than one packet of a page; Asterisk and FreeSWITCH take up to 15."""
_SMALL_DATAGRAM = 100


class UdptlSender:
    """Wraps IFP packets, each with as many copies or parity entries as are asked for and as fit.

    Where the datagram would be longer than the far end takes (`max_datagram`), the oldest copies go first, or there
    are fewer entries. Asterisk settles on one lower number beforehand ((max - 8) / (entries + 1) * 0.95 >= 80);
    counted per datagram never more octets go out, and short packets keep all their copies.
    """

    def __init__(self, scheme: ErrorCorrection, *, max_datagram: int) -> None:
        self._scheme = scheme
        self._max_datagram = max_datagram
        self._sequence = 0
        self._earlier: deque[bytes] = deque(maxlen=max(ENTRIES * SPAN, SMALL_ENTRIES * SMALL_SPAN))
        """The newest first."""

    def wrap(self, ifp: bytes) -> bytes:
        """The next datagram, with `ifp` as its primary packet."""
        datagram = self._fitting(ifp)
        self._earlier.appendleft(ifp)
        self._sequence = self._sequence + 1 & 0xFFFF
        return datagram

    def _fitting(self, ifp: bytes) -> bytes:
        if self._scheme is ErrorCorrection.NONE:
            return build_packet(UdptlPacket(self._sequence, ifp))
        if len(ifp) <= SMALL:
            for entries in range(SMALL_ENTRIES, ENTRIES, -1):
                datagram = build_packet(self._packet(ifp, entries, SMALL_SPAN))
                if len(datagram) <= min(_SMALL_DATAGRAM, self._max_datagram):
                    return datagram
        for entries in range(ENTRIES, 0, -1):
            datagram = build_packet(self._packet(ifp, entries, SPAN))
            if len(datagram) <= self._max_datagram:
                return datagram
        return build_packet(self._packet(ifp, 0, 0))

    def _packet(self, ifp: bytes, entries: int, span: int) -> UdptlPacket:
        if self._scheme is ErrorCorrection.FEC:
            return UdptlPacket(self._sequence, ifp, parity=self._parity(entries, span))
        return UdptlPacket(self._sequence, ifp, tuple(self._earlier)[:entries])

    def _parity(self, entries: int, span: int) -> Parity:
        """Fewer entries, or a shorter span, while there are not yet packets enough to cover."""
        entries = min(entries, len(self._earlier))
        span = min(span, len(self._earlier) // entries) if entries else 0
        earlier = tuple(self._earlier)
        # Entry i covers what lies entries - i, 2 * entries - i, ... packets back.
        return Parity(span, tuple(xor(earlier[entries - i - 1 : span * entries : entries]) for i in range(entries)))


def datagram_for(ifp: int) -> int:
    """The largest datagram for a far end whose T38FaxMaxDatagram means one IFP packet: as many as we put in one."""
    return (ifp + 2) * (ENTRIES + 1) + 8


def xor(packets: Iterable[bytes]) -> bytes:
    """The exclusive or of packets, the shorter ones filled up with zeros at their end."""
    # As numbers with the first octet lowest, the filling is done by itself, and by one machine word at a time.
    number, length = 0, 0
    for packet in packets:
        number ^= int.from_bytes(packet, "little")
        length = max(length, len(packet))
    return number.to_bytes(length, "little")
