"""What comes in UDPTL: IFP packets in order, each once, lost ones from copies and parity."""

from dataclasses import dataclass

from mail2fax.engine.embedded.t38.udptl import Parity, RemoteProtocolError, UdptlPacket, parse_packet, xor

_NEARBY = 1000
"""A sequence number this close to the expected one belongs to the stream: at 30 ms a packet, half a minute."""
_LATE = 64
"""How far behind a packet may be and still count as late (about 2 s); further back the far end has begun anew."""
_REMEMBERED = 64
"""How many packets back parity may reach. Asterisk and FreeSWITCH keep 16."""


_MOST_ENTRIES = 16
"""More than anybody sends: each costs a look at all that it covers."""


@dataclass(frozen=True, slots=True)
class SequencedIfp:
    """One IFP packet for the T.38 core, with its place (0 to 65535) in the stream that the core sees."""

    sequence: int
    data: bytes


class UdptlReceiver:
    """Puts datagrams in order for the T.38 core: each IFP packet once, lost ones restored, gaps left open.

    The core counts what is missing by the sequence numbers it is given. They are our own, and rise even where
    the far end begins to count anew in mid call. `received` counts datagrams, `lost` IFP packets gone for good,
    `restored` those that copies or parity brought back.
    """

    def __init__(self) -> None:
        self.received = 0
        self.lost = 0
        self.restored = 0
        self.malformed = 0
        self._expected: int | None = None
        self._shift = 0
        self._anew = False
        self._known: dict[int, bytes] = {}
        """The last packets by their number, for parity to be taken with; empty while the far end sends copies."""

    def begin_anew(self) -> None:
        """Another source sends now: its next packet goes on where the stream has come to, whatever its number."""
        self._anew = True

    @property
    def has_begun(self) -> bool:
        return self._expected is not None

    @property
    def even(self) -> tuple[int, int] | None:
        """The number of the datagram that comes next and is not to be thought about, and what is added to it for the
        core; None where any datagram wants thought."""
        if self._expected is None or self._anew or self._known:
            return None
        return self._expected, self._shift & 0xFFFF

    def skip_to(self, sequence: int, received: int) -> None:
        """So many datagrams came, none of them out of its turn, and went to the core unless it had them; the next one
        has this number."""
        self._expected = sequence
        self.received += received

    def expects(self, sequence: int) -> bool:
        """Whether a packet with this number is near the place the stream has reached."""
        return self._expected is not None and abs(_distance(self._expected, sequence)) <= _NEARBY

    def interpose(self, ifp: bytes) -> SequencedIfp:
        """A packet of our own making, in the place of the next one; what comes after it moves up."""
        place = self._sequenced(self._expected or 0, ifp)
        self._shift += 1
        return place

    def receive(self, datagram: bytes) -> list[SequencedIfp]:
        """What this datagram adds to the stream, in order: nothing for a repeated, late or malformed one."""
        try:
            packet = parse_packet(datagram)
        except RemoteProtocolError:
            self.malformed += 1
            return []
        self.received += 1
        return self._place(packet)

    def _place(self, packet: UdptlPacket) -> list[SequencedIfp]:
        missing = self._missing_before(packet)
        if missing < 0:
            return []
        restored = self._restored(packet, missing)
        self._expected = packet.sequence + 1 & 0xFFFF
        if packet.parity is not None:
            self._remember(packet.sequence, packet.primary)
        arrived = [self._sequenced(packet.sequence - back, ifp) for back, ifp in restored]
        return [*arrived, self._sequenced(packet.sequence, packet.primary)]

    def _missing_before(self, packet: UdptlPacket) -> int:
        """How many packets are missing between the last one and this one; negative for a repeated or late one."""
        if self._expected is None:
            self._anew = False
            return len(packet.secondary)
        ahead = _distance(self._expected, packet.sequence)
        if self._anew or ahead < -_LATE:
            self._anew = False
            self._known.clear()
            self._shift += self._expected - packet.sequence
            return 0
        return ahead

    def _restored(self, packet: UdptlPacket, missing: int) -> list[tuple[int, bytes]]:
        """The missing packets that can be had from this one, the oldest first: how far back each lies, and its data."""
        if not missing:
            return []
        if packet.parity is not None:
            found = self._from_parity(packet.sequence, packet.parity, missing)
        else:
            # Some senders fill the copies they do not have yet with empty ones.
            found = {back: copy for back, copy in enumerate(packet.secondary[:missing], start=1) if copy}
        if self._expected is not None:
            self.restored += len(found)
            self.lost += missing - len(found)
        return sorted(found.items(), reverse=True)

    def _from_parity(self, sequence: int, parity: Parity, missing: int) -> dict[int, bytes]:
        """What the entries give that miss one packet only: each may give another one what it misses."""
        found: dict[int, bytes] = {}
        is_usual = len(parity.entries) <= _MOST_ENTRIES and 0 < parity.span * len(parity.entries) <= _REMEMBERED
        entries = range(len(parity.entries)) if is_usual else range(0)
        before = -1
        while len(found) > before:
            before = len(found)
            for entry in entries:
                gaps = [number for number in parity.covered(sequence, entry) if number & 0xFFFF not in self._known]
                if len(gaps) != 1 or not 1 <= sequence - gaps[0] <= missing:
                    continue
                others = (self._known[n & 0xFFFF] for n in parity.covered(sequence, entry) if n != gaps[0])
                # Filled up with zeros to the longest of them, which the T.38 core passes over.
                data = xor((parity.entries[entry], *others))
                found[sequence - gaps[0]] = data
                self._remember(gaps[0] & 0xFFFF, data)
        return found

    def _remember(self, sequence: int, ifp: bytes) -> None:
        self._known[sequence] = ifp
        if len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]

    def _sequenced(self, sequence: int, ifp: bytes) -> SequencedIfp:
        return SequencedIfp(sequence + self._shift & 0xFFFF, ifp)


def _distance(expected: int, sequence: int) -> int:
    """How far `sequence` is ahead of `expected` (negative: behind) on the circle of 65536, the shorter way round."""
    return (sequence - expected + 0x8000 & 0xFFFF) - 0x8000
