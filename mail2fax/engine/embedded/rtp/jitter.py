"""The buffer between the network and a modem: packets in order, lost ones as gaps, nothing else touched.

A modem is no ear. It does not mind when samples come, within a second or so, but every dropped, doubled or
stretched one costs it its synchronisation. So there is no playout clock here that would have to follow the far
end's: packets that are in order go on at once, and only a hole is held open for a fixed time.
"""

from collections.abc import Collection
from dataclasses import dataclass

from mail2fax.engine.embedded.rtp.packet import PCMA, PCMU, RtpPacket

SAMPLE_RATE = 8000

_FURTHEST_GAP = 10 * SAMPLE_RATE
"""A timestamp further ahead than this is a new count, not lost time."""
_LATE = 200
"""How many packets behind one may be and still count as late (4 s at 20 ms); further back is a new count."""
_LONGEST_HOLD_S = 0.5
"""A modem may hear everything half a second late, now and then: T.30 waits for 3 s."""
_MOST_WAITING = 64
"""With more packets than this behind a hole (1.3 s at 20 ms) nothing is waited for: it bounds memory and work."""


@dataclass(frozen=True, slots=True)
class Audio:
    """G.711 samples, one octet each, of one of the payload types that are audio."""

    payload_type: int
    samples: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """So many samples were lost on the way: for the modem to bridge, with its carrier held."""

    samples: int


@dataclass(frozen=True, slots=True)
class Silence:
    """For so many samples the far end sent nothing at all: for the modem to hear, so that it notices."""

    samples: int


Heard = Audio | Gap | Silence


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stream of audio stands in which nothing is missing: its source, the packet that comes next, and when the
    far end counts as silent if that does not come."""

    ssrc: int
    sequence: int
    timestamp: int
    silent_at: float
    silence_s: float


class JitterBuffer:
    """Takes packets as they arrive and gives audio and gaps in the far end's order and on its clock.

    A hole in the sequence is held open for `hold_s` seconds, then given up as a gap; when the packet comes after
    all, later holes are held for as long as it would have needed (up to half a second). Time that passed without a
    hole is silence: a far end may pause. When no audio has come for `silence_s` seconds (or ever, since the buffer was
    made at `now`), silence follows the local clock, so that the modem's timers go on and its carrier drops; what comes
    too late after that is dropped. Only `payload_types` are audio: comfort noise, telephone events and whatever else
    comes take their place in the order and are otherwise ignored. `now` is in seconds of one
    monotonic clock.
    """

    def __init__(
        self,
        now: float,
        *,
        payload_types: Collection[int] = (PCMU, PCMA),
        hold_s: float = 0.1,
        silence_s: float = 1.0,
    ) -> None:
        self.lost = 0
        self._payload_types = payload_types
        self._hold_s = hold_s
        self._silence_s = silence_s
        self._ssrc: int | None = None
        self._waiting: dict[int, tuple[float, RtpPacket]] = {}
        self._next_sequence = 0
        self._next_timestamp = 0
        self._alive_until = now + silence_s
        self._silent = 0
        self._hole = False
        self._given_up = (0, 0)
        self._given_up_at = 0.0
        """The last hole: the number before which it ended and its width, and since when it was open."""

    def receive(self, packet: RtpPacket, now: float) -> None:
        """Take one packet; a repeated or late one is dropped."""
        ahead = _distance(self._next_sequence, packet.sequence, 16)
        if packet.ssrc != self._ssrc or ahead < -_LATE:
            self._begin(packet)
        elif ahead < 0:
            self._hold_longer(ahead, now)
            return
        self._waiting.setdefault(packet.sequence, (now, packet))
        if self._is_audio(packet):
            self._alive_until = now + self._silence_s

    def take(self, now: float) -> list[Heard]:
        """What is due by now, in order."""
        taken: list[Heard] = []
        while self._waiting and self._due(now):
            taken.extend(self._pass_on(self._waiting.pop(self._next_sequence)[1]))
        if now >= self._alive_until:
            taken.append(self._silence(now))
        return taken

    def place(self, now: float) -> Place | None:
        """Where the stream stands, while it is even: then each next packet is due as it comes, and others can pass
        it on in our stead. None while something is missing or waits, and in silence."""
        is_even = self._ssrc is not None and not (self._waiting or self._hole or self._silent)
        if not is_even or self._ssrc is None or now >= self._alive_until:
            return None
        return Place(self._ssrc, self._next_sequence, self._next_timestamp, self._alive_until, self._silence_s)

    def skip_to(self, sequence: int, timestamp: int, heard_at: float) -> None:
        """The packets before this one were passed on in our stead, the last of them at `heard_at`."""
        self._next_sequence, self._next_timestamp = sequence, timestamp
        self._alive_until = heard_at + self._silence_s

    def _is_audio(self, packet: RtpPacket) -> bool:
        return packet.payload_type in self._payload_types and bool(packet.payload)

    def _begin(self, packet: RtpPacket) -> None:
        """A new stream: the far end, or whoever sends for it now, counts anew."""
        self._ssrc = packet.ssrc
        self._waiting.clear()
        self._next_sequence = packet.sequence
        self._next_timestamp = packet.timestamp

    def _due(self, now: float) -> bool:
        """Whether the next packet is here, or will not come any more and the one after it is made the next."""
        if self._next_sequence in self._waiting:
            return True
        first = min(self._waiting, key=lambda sequence: _distance(self._next_sequence, sequence, 16))
        if now < self._waiting[first][0] + self._hold_s and len(self._waiting) <= _MOST_WAITING:
            return False
        width = _distance(self._next_sequence, first, 16)
        self.lost += width
        self._hole = True
        self._given_up, self._given_up_at = (first, width), self._waiting[first][0]
        self._next_sequence = first
        return True

    def _hold_longer(self, ahead: int, now: float) -> None:
        """A late packet: one that would have filled the last hole shows how late they come here."""
        end, width = self._given_up
        before_end = _distance(self._next_sequence + ahead, end, 16)
        if 0 < before_end <= width and now - self._given_up_at <= _LONGEST_HOLD_S:
            self._hold_s = max(self._hold_s, now - self._given_up_at)

    def _pass_on(self, packet: RtpPacket) -> list[Heard]:
        self._next_sequence = packet.sequence + 1 & 0xFFFF
        if not self._is_audio(packet):
            return []
        missing = _distance(self._next_timestamp, packet.timestamp, 32)
        if -self._silent <= missing < 0:
            return []  # silence has already stood for it
        self._next_timestamp = packet.timestamp + len(packet.payload) & 0xFFFF_FFFF
        before: list[Heard] = []
        if 0 < missing <= _FURTHEST_GAP:
            before = [Gap(missing) if self._hole else Silence(missing)]
        self._silent, self._hole = 0, False
        return [*before, Audio(packet.payload_type, packet.payload)]

    def _silence(self, now: float) -> Silence:
        samples = round((now - self._alive_until + self._silence_s) * SAMPLE_RATE)
        self._silent += samples
        self._next_timestamp = self._next_timestamp + samples & 0xFFFF_FFFF
        self._alive_until = now + self._silence_s
        return Silence(samples)


def _distance(expected: int, value: int, bits: int) -> int:
    """How far `value` is ahead of `expected` (negative: behind) on the circle of 2**bits, the shorter way round."""
    half = 1 << bits - 1
    return (value - expected + half & (1 << bits) - 1) - half
