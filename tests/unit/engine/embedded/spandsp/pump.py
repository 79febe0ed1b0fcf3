"""Runs two terminals against each other, 20 ms at a time, as fast as the machine can."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mail2fax.engine.embedded.spandsp.events import (
    Direction,
    Frame,
    PageConfirmed,
    PageProgress,
    Parameters,
    TerminalEvent,
)
from mail2fax.engine.embedded.spandsp.terminal import AudioTerminal, Law, T38Terminal, Terminal

FRAME_SAMPLES = 160
FRAMES_A_SECOND = 50
LIMIT_S = 400.0


@dataclass
class Side:
    """One terminal and all it has told."""

    terminal: Terminal
    events: list[TerminalEvent] = field(default_factory=list)

    def listen(self) -> None:
        self.events += self.terminal.take_events()

    @property
    def sent(self) -> list[str]:
        return [e.name for e in self.events if isinstance(e, Frame) and e.direction is Direction.SENT]

    @property
    def received(self) -> list[str]:
        return [e.name for e in self.events if isinstance(e, Frame) and e.direction is Direction.RECEIVED]

    @property
    def confirmations(self) -> list[PageConfirmed]:
        return [e for e in self.events if isinstance(e, PageConfirmed)]

    @property
    def progress(self) -> list[PageProgress]:
        return [e for e in self.events if isinstance(e, PageProgress)]

    @property
    def parameters(self) -> list[Parameters]:
        return [e for e in self.events if isinstance(e, Parameters)]


Stop = Callable[["Pump"], bool]


def both_finished(pump: "Pump") -> bool:
    return pump.sender.terminal.finished and pump.receiver.terminal.finished


class Pump:
    """A call between a sender (calling) and a receiver. `seconds` is the virtual time since it began."""

    def __init__(self, sender: Terminal, receiver: Terminal) -> None:
        self.sender = Side(sender)
        self.receiver = Side(receiver)
        self.frame = 0

    @property
    def seconds(self) -> float:
        return self.frame / FRAMES_A_SECOND

    def run(self, until: Stop = both_finished, limit_s: float = LIMIT_S) -> None:
        """Runs until `until` is true; a call that takes longer than `limit_s` of its own time has failed."""
        while not until(self):
            assert self.seconds < limit_s, f"still running: {self.sender.sent} / {self.receiver.sent}"
            self.step()
            self.frame += 1
            self.sender.listen()
            self.receiver.listen()

    def step(self) -> None:
        raise NotImplementedError


class AudioPump(Pump):
    """G.711 both ways; for frames towards the receiver whose number is in `lost`, `bridge` is done instead."""

    def __init__(
        self, sender: AudioTerminal, receiver: AudioTerminal, law: Law = Law.A, lost: Iterable[int] = ()
    ) -> None:
        super().__init__(sender, receiver)
        self.ends = (sender, receiver)
        self.bridge: Callable[[], None] = lambda: receiver.fill_in(FRAME_SAMPLES)
        self._law = law
        self._lost = frozenset(lost)

    def step(self) -> None:
        sender, receiver = self.ends
        forth = sender.take_audio(FRAME_SAMPLES, self._law)
        back = receiver.take_audio(FRAME_SAMPLES, self._law)
        if self.frame in self._lost:
            self.bridge()
        else:
            receiver.receive(forth, self._law)
        sender.receive(back, self._law)


Alteration = Callable[[bytes], bytes]
"""What becomes of an IFP packet on its way."""


def unaltered(packet: bytes) -> bytes:
    return packet


class SayInstead:
    """The `which`th (from 1) control frame with the field `said` is heard as one with `heard`; octets as in T.30.

    libspandsp puts each octet of a V.21 frame into a packet of its own, and T.38 carries no check sequence. A frame
    without information goes by its control octet for a final frame, and the one that follows.
    """

    def __init__(self, said: int, heard: int, which: int) -> None:
        self._said, self._heard, self._to_come = reverse(said), reverse(heard), which
        self._before = b""

    def __call__(self, packet: bytes) -> bytes:
        before, self._before = self._before, packet
        if before != V21_OCTET + FINAL or packet != V21_OCTET + self._said:
            return packet
        self._to_come -= 1
        return packet if self._to_come else V21_OCTET + self._heard


class Damage:
    """Garbles the image data (V.17, 14400 bit/s) of the page that comes after so many answers: an octet in nine.

    With ECM it makes a frame one whose check sequence is wrong. `packets`: so many at most.
    """

    def __init__(self, pump: "Pump", pages_before: int, packets: int = 10_000) -> None:
        self._pump = pump
        self._pages_before = pages_before
        self._left = packets

    def __call__(self, packet: bytes) -> bytes:
        if not self._left or not packet.startswith((NON_ECM_DATA, FCS_OK)) or not self._in_page:
            return packet
        self._left -= 1
        return (
            FCS_BAD
            if packet == FCS_OK
            else bytes(octet ^ (0x5A if place % 9 == 8 else 0) for place, octet in enumerate(packet))
        )

    @property
    def _in_page(self) -> bool:
        answers = sum(name in ("MCF", "RTP", "RTN") for name in self._pump.sender.received)
        return answers == self._pages_before and bool(self._pump.sender.progress)


class Blank:
    """Empties the image data (ECM, V.17, 14400 bit/s) of the page that comes after so many answers: all zeros.

    T.38 carries no check sequence, so each frame passes for whole: the sender's machine has sent no picture.
    """

    def __init__(self, pump: "Pump", pages_before: int) -> None:
        self._pump = pump
        self._pages_before = pages_before
        self._at = 0

    def __call__(self, packet: bytes) -> bytes:
        if packet == FCS_OK:
            self._at = 0
        if not packet.startswith(HDLC_DATA) or self._pump.sender.received.count("MCF") != self._pages_before:
            return packet
        head = len(HDLC_DATA) + 2
        kept = max(0, ECM_HEAD - self._at)
        self._at += len(packet) - head
        return packet[: head + kept] + bytes(len(packet[head + kept :]))


def reverse(octet: int) -> bytes:
    return bytes([int(f"{octet:08b}"[::-1], 2)])


V21_OCTET = bytes([0xC0, 0x01, 0x80, 0x00, 0x00])
NON_ECM_DATA, FCS_OK, FCS_BAD = b"\xd0\x01\xe0", b"\xd0\x01\x20", b"\xd0\x01\x30"
HDLC_DATA, ECM_HEAD = b"\xd0\x01\x80", 4
"""With error correction; each frame begins with address, control, FCD and its number (T.30 A.3.6)."""
FINAL = reverse(0x13)


class T38Pump(Pump):
    """IFP packets both ways, each once; of those towards the receiver the ones numbered in `lost` never come."""

    def __init__(self, sender: T38Terminal, receiver: T38Terminal, lost: Iterable[int] = ()) -> None:
        super().__init__(sender, receiver)
        self.ends = (sender, receiver)
        self.forth: Alteration = unaltered
        self.back: Alteration = unaltered
        self._lost = frozenset(lost)

    def step(self) -> None:
        sender, receiver = self.ends
        for end in self.ends:
            end.tick(FRAME_SAMPLES)
        for ifp in sender.take_ifps():
            if ifp.sequence not in self._lost:
                receiver.receive(self.forth(ifp.data), ifp.sequence)
        for ifp in receiver.take_ifps():
            sender.receive(self.back(ifp.data), ifp.sequence)
