"""One T.30 terminal behind its packets: G.711 over RTP, or T.38 over UDPTL. Moved in frames of 20 ms."""

from dataclasses import dataclass
from typing import Protocol

from mail2fax.engine.embedded.greeting import Greeting
from mail2fax.engine.embedded.latch import Address, Stamp
from mail2fax.engine.embedded.rtp import packet as rtp
from mail2fax.engine.embedded.rtp.jitter import SAMPLE_RATE, Audio, Gap, JitterBuffer, Silence
from mail2fax.engine.embedded.rtp.packet import RtpSender
from mail2fax.engine.embedded.rtp.rtcp import Receiver as ReceptionCount
from mail2fax.engine.embedded.rtp.rtcp import Reception, build_report, is_rtcp, read_reception
from mail2fax.engine.embedded.spandsp.lane import Incoming, IncomingT38, Lane, Outgoing, Progress
from mail2fax.engine.embedded.spandsp.task import Law, T38Settings, Task
from mail2fax.engine.embedded.spandsp.terminal import AudioTerminal, T38Terminal, Terminal
from mail2fax.engine.embedded.spandsp.udptl import Protection, UdptlSender
from mail2fax.engine.embedded.t38.offer import ErrorCorrection, T38Parameters
from mail2fax.engine.embedded.t38.receiver import UdptlReceiver
from mail2fax.engine.embedded.t38.udptl import RemoteProtocolError, parse_packet
from mail2fax.engine.embedded.tally import Tally
from mail2fax.model.call import Media

FRAME_SAMPLES = 160
FRAME_S = FRAME_SAMPLES / SAMPLE_RATE
_REPORT_EVERY_S = 5.0
"""RFC 3550 6.2: the least between two reports; the first comes after half of it."""
_LIKE_RTCP = range(72, 80)
"""Payload types that with the marker look like RTCP (RFC 5761 4): such packets take the longer way."""
_PAYLOADS = range(40, 481)
"""Octets in a packet of G.711: 5 to 60 ms."""


@dataclass(frozen=True, slots=True)
class G711:
    """Which of the two codings we speak, the payload type that it has in this call, and how much goes in a packet.

    `report_port` is where the far end wants RTCP, if not one port above its RTP (RFC 3605).
    """

    law: Law
    payload_type: int
    packet_ms: int = 20
    report_port: int | None = None

    @property
    def packet_samples(self) -> int:
        return self.packet_ms * SAMPLE_RATE // 1000


class MediaPath(Protocol):
    """A terminal and the datagrams it speaks in. `close` frees the terminal, and with it the received file."""

    heard_at: float
    """When something new came, or when the path was opened: seconds of the clock that `now` is of. A gateway may go
    on repeating its last packet long after the fax machine behind it has hung up."""

    @property
    def media(self) -> Media: ...
    @property
    def silence_limit_s(self) -> float:
        """How long a receiver may go without a packet; by then the far end is gone for good."""

    @property
    def report_port(self) -> int | None:
        """Where RTCP goes at the address of the SDP, if that says it."""

    @property
    def terminal(self) -> Terminal: ...
    @property
    def greeting(self) -> bool:
        """A voice message is being played: the fax has not begun."""

    def owns(self, datagram: bytes) -> bool: ...
    def stamp(self, datagram: bytes) -> Stamp | None:
        """Its place in a stream, if it is one that our far end might send."""

    def begin_anew(self) -> None:
        """Packets come from another source from now on."""

    def receive(self, datagram: bytes, now: float) -> None: ...
    def receive_report(self, datagram: bytes) -> None:
        """What came where only RTCP is expected, or looks like it."""

    def frame(self, now: float) -> list[bytes]: ...
    def set_going(self, lane: Lane, source: Address | None, target: Address, frame_at: float, now: float) -> None:
        """Lets the lane go on from here, if things are even: its frames from that of `frame_at` on, and its packets."""

    def follow(self, done: Progress) -> None:
        """Takes up what the lane has done."""

    def report(self, now: float) -> bytes:
        """The RTCP packet that is due, or nothing: it goes to another port than media."""

    def counts(self) -> list[tuple[str, object]]:
        """What came, for the evidence."""

    def close(self) -> None: ...


class AudioPath:
    """A fax modem on G.711, perhaps after a voice message. Audio goes out in every frame, from the first to the last,
    also when it is silence."""

    media = Media.G711
    # T.30's timer T1 gives an answering modem 35 s to be heard.
    silence_limit_s = 40.0

    def __init__(
        self,
        task: Task,
        sender: RtpSender,
        codec: G711,
        now: float,
        *,
        calling: bool,
        greeting: Greeting | None = None,
    ) -> None:
        self.heard_at = now
        self._greeting = greeting
        """What is said before the modem begins; None once that is over."""
        self._codec = codec
        # What comes may be of either law, whatever was agreed on.
        self._laws = {rtp.PCMU: Law.MU, rtp.PCMA: Law.A, codec.payload_type: codec.law}
        self._modem = AudioTerminal(task, calling=calling)
        self._sender = sender
        self._buffer = JitterBuffer(now, payload_types=self._laws)
        self._spoken = b""
        """Of the next packet, where one holds more than a frame."""
        self.reception = ReceptionCount()
        """How their packets reach us."""
        self.reception_there: Reception | None = None
        """How ours reach them, by their last report."""
        self._report_at = now + _REPORT_EVERY_S / 2
        self._tally = Tally()
        self._malformed = 0

    @property
    def report_port(self) -> int | None:
        return self._codec.report_port

    @property
    def terminal(self) -> Terminal:
        return self._modem

    @property
    def greeting(self) -> bool:
        return self._greeting is not None

    def speak(self, codec: G711) -> None:
        """The far end has asked for another codec, or another size of packets, in mid call."""
        if codec.law is not self._codec.law:
            self._spoken = b""
        self._codec = codec
        self._laws[codec.payload_type] = codec.law

    def owns(self, datagram: bytes) -> bool:
        return rtp.looks_like_rtp(datagram) and not is_rtcp(datagram)

    def stamp(self, datagram: bytes) -> Stamp | None:
        try:
            packet = rtp.parse_packet(datagram)
        except rtp.RemoteProtocolError:
            return None
        is_audio = packet.payload_type in self._laws and len(packet.payload) in _PAYLOADS
        return Stamp(packet.ssrc, packet.sequence) if is_audio else None

    def begin_anew(self) -> None:
        """The buffer knows another source by its SSRC."""

    def receive(self, datagram: bytes, now: float) -> None:
        try:
            packet = rtp.parse_packet(datagram)
        except rtp.RemoteProtocolError:
            self._malformed += 1
            return
        self.heard_at = now
        self.reception.note(packet, now)
        self._tally.note(packet.sequence, now)
        self._buffer.receive(packet, now)

    def receive_report(self, datagram: bytes) -> None:
        self.reception_there = read_reception(datagram, self._sender.ssrc) or self.reception_there

    def frame(self, now: float) -> list[bytes]:
        """Hear what is due, then speak for 20 ms."""
        for heard in self._buffer.take(now):
            match heard:
                case Audio(payload_type, samples) if self._greeting:
                    self._greeting.hear(samples, self._laws[payload_type])
                case _ if self._greeting:
                    continue
                case Audio(payload_type, samples):
                    self._modem.receive(samples, self._laws[payload_type])
                case Gap(count):
                    self._modem.fill_in(count)
                case Silence(count):
                    self._modem.receive(self._codec.law.silence * count, self._codec.law)
        if self._greeting and self._greeting.over:
            self._greeting = None
        return self._speak()

    def set_going(self, lane: Lane, source: Address | None, target: Address, frame_at: float, now: float) -> None:
        place, codec, sender = self._buffer.place(now), self._codec, self._sender
        if (
            source is None
            or place is None
            or self._greeting
            or codec.packet_samples != FRAME_SAMPLES
            or self._spoken
            or not sender.packets
        ):
            return
        comes = Incoming(
            source,
            {payload_type: law for payload_type, law in self._laws.items() if payload_type not in _LIKE_RTCP},
            place.ssrc,
            place.sequence,
            place.timestamp,
            place.silent_at,
            place.silence_s,
            self.heard_at,
            *self.reception.measure,
        )
        goes = Outgoing(target, codec.law, codec.payload_type, sender.ssrc, sender.sequence, sender.timestamp)
        lane.carry_audio(self._modem, comes, goes, frame_at)

    def follow(self, done: Progress) -> None:
        self._modem.look()
        self._sender.skip(done.sent, done.sent * FRAME_SAMPLES)
        if done.received:
            self.heard_at = done.heard_at
            self._buffer.skip_to(done.sequence, done.timestamp, done.heard_at)
            last = done.sequence - 1 & 0xFFFF
            self.reception.note_even(last, done.received, done.transit, done.jitter)
            self._tally.note_even(last, done.received, done.heard_at, done.longest_pause_s)

    def report(self, now: float) -> bytes:
        if now < self._report_at:
            return b""
        self._report_at = now + _REPORT_EVERY_S
        sender = self._sender
        counts = sender.packets, sender.octets
        return build_report(sender.ssrc, sender.timestamp, counts, self.reception.block(), now)

    def counts(self) -> list[tuple[str, object]]:
        there = self.reception_there
        return self._tally.counts(
            malformed=self._malformed,
            jitter_ms=round(self.reception.jitter_s * 1000, 1),
            lost_there=there.lost if there else 0,
        )

    def close(self) -> None:
        self._modem.close()

    def _speak(self) -> list[bytes]:
        codec, size = self._codec, self._codec.packet_samples
        speaker = self._greeting.speak if self._greeting else self._modem.take_audio
        spoken = speaker(FRAME_SAMPLES, codec.law)
        if size == FRAME_SAMPLES and not self._spoken:
            return [self._sender.wrap(codec.payload_type, spoken)]
        spoken = self._spoken + spoken
        whole = len(spoken) - len(spoken) % size
        self._spoken = spoken[whole:]
        return [self._sender.wrap(codec.payload_type, spoken[at : at + size]) for at in range(0, whole, size)]


_PROTECTION = {
    ErrorCorrection.NONE: Protection.NONE,
    ErrorCorrection.REDUNDANCY: Protection.COPIES,
    ErrorCorrection.FEC: Protection.PARITY,
}
_LATE_AUDIO = frozenset({rtp.PCMU, rtp.PCMA, 13, 19})
"""Payload types of what may still come when the medium has changed: G.711 and comfort noise (RFC 3551)."""
_NO_SIGNAL, _V21_DATA = b"\x00", b"\xc0"
"""First octets of IFP packets (T.38 7.1): the indicator "no signal", and data of the modem that control frames use."""
_BROKEN_OFF_AFTER = 35
"""Frames without a packet (0.7 s) that end a control frame of which the end was lost. T.30 waits for 3 s from the
beginning of a signal and then gives the whole call up; told that the signal is gone, it asks again."""


class T38Path:
    """A T.38 terminal behind UDPTL. `agreed` is what both ends said in common, `theirs` what the far end can take."""

    media = Media.T38
    report_port = None
    # A receiver in libspandsp whose far end vanishes in T.38 never ends by itself.
    silence_limit_s = 20.0

    def __init__(self, task: Task, agreed: T38Parameters, theirs: T38Parameters, now: float, *, calling: bool) -> None:
        self.heard_at = now
        self._terminal = T38Terminal(
            task, calling=calling, settings=T38Settings(version=agreed.version, max_datagram=theirs.max_datagram)
        )
        self._tally = Tally()
        self._sender = UdptlSender(_PROTECTION[agreed.error_correction], max_datagram=theirs.max_datagram)
        self._receiver = UdptlReceiver()
        self._frames_silent = 0
        self._hears_frame = False
        self._frames_unheard = 0

    @property
    def terminal(self) -> Terminal:
        return self._terminal

    @property
    def greeting(self) -> bool:
        return False

    def owns(self, datagram: bytes) -> bool:
        """Not late RTP: its version bits would be a sequence number above 32767, far from where the stream is. Before
        there is a stream it is told by what it bears: a far end may count from anywhere."""
        if not rtp.looks_like_rtp(datagram):
            return True
        if self._receiver.has_begun:
            return self._receiver.expects(int.from_bytes(datagram[:2], "big"))
        return not is_rtcp(datagram) and datagram[1] & 0x7F not in _LATE_AUDIO

    def stamp(self, datagram: bytes) -> Stamp | None:
        try:
            packet = parse_packet(datagram)
        except RemoteProtocolError:
            return None
        return Stamp(0, packet.sequence) if packet.primary else None

    def begin_anew(self) -> None:
        self._receiver.begin_anew()

    def receive(self, datagram: bytes, now: float) -> None:
        self._tally.note(int.from_bytes(datagram[:2], "big"), now)
        for ifp in self._receiver.receive(datagram):
            self.heard_at = now
            self._terminal.receive(ifp.data, ifp.sequence)
            self._hears_frame = ifp.data[:1] == _V21_DATA
            self._frames_unheard = 0

    def frame(self, now: float) -> list[bytes]:
        self._end_broken_frame()
        self._terminal.tick(FRAME_SAMPLES)
        if datagrams := self._wrapped():
            return datagrams
        self._frames_silent += 1
        last = self._sender.repeat() if self._sender.is_due_again(self._frames_silent) else b""
        return [last] if last else []

    def set_going(self, lane: Lane, source: Address | None, target: Address, frame_at: float, now: float) -> None:
        even = self._receiver.even
        if not self._terminal.has_ifps:
            sequence, shift = even or (0, 0)
            comes = IncomingT38(
                source if even else None,
                sequence,
                shift,
                self.heard_at,
                self._tally.heard_at or self.heard_at,
                self._frames_unheard,
                self._hears_frame,
            )
            lane.carry_t38(
                self._terminal, self._sender, comes, target, self._frames_silent, _BROKEN_OFF_AFTER, frame_at
            )

    def follow(self, done: Progress) -> None:
        self._terminal.look()
        self._frames_unheard, self._hears_frame = done.unheard, done.in_frame
        self._frames_silent = done.quiet
        if done.received or done.repeated:
            self.heard_at = done.new_at
            self._receiver.skip_to(done.sequence, done.received + done.repeated)
            last = done.sequence - 1 & 0xFFFF
            self._tally.note_even(last, done.received, done.heard_at, done.longest_pause_s, repeated=done.repeated)

    def _wrapped(self) -> list[bytes]:
        datagrams = [self._sender.wrap(ifp.data) for ifp in self._terminal.take_ifps()]
        if datagrams:
            self._frames_silent = 0
        return datagrams

    def counts(self) -> list[tuple[str, object]]:
        return self._tally.counts(repaired=self._receiver.restored, malformed=self._receiver.malformed)

    def close(self) -> None:
        self._terminal.close()

    def receive_report(self, datagram: bytes) -> None:
        """There is no RTCP in T.38; the last of the audio may still be under way."""

    def report(self, now: float) -> bytes:
        return b""

    def _end_broken_frame(self) -> None:
        self._frames_unheard += 1
        if self._hears_frame and self._frames_unheard >= _BROKEN_OFF_AFTER:
            self._hears_frame = False
            silence = self._receiver.interpose(_NO_SIGNAL)
            self._terminal.receive(silence.data, silence.sequence)
