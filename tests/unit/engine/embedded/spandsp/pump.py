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


class T38Pump(Pump):
    """IFP packets both ways, each once; of those towards the receiver the ones numbered in `lost` never come."""

    def __init__(self, sender: T38Terminal, receiver: T38Terminal, lost: Iterable[int] = ()) -> None:
        super().__init__(sender, receiver)
        self.ends = (sender, receiver)
        self._lost = frozenset(lost)

    def step(self) -> None:
        sender, receiver = self.ends
        for end in self.ends:
            end.tick(FRAME_SAMPLES)
        for ifp in sender.take_ifps():
            if ifp.sequence not in self._lost:
                receiver.receive(ifp.data, ifp.sequence)
        for ifp in receiver.take_ifps():
            sender.receive(ifp.data, ifp.sequence)
