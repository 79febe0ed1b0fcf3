"""A network of user agents on a virtual clock, which can lose, repeat and delay datagrams."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from random import Random

from mail2fax.engine.embedded.sip.errors import RemoteProtocolError
from mail2fax.engine.embedded.sip.flow import Address, Flow, Transport
from mail2fax.engine.embedded.sip.message import Request, parse_message
from mail2fax.engine.embedded.sip.ua import UserAgent

DELAY_S = 0.01


@dataclass(frozen=True, slots=True)
class Sent:
    """One datagram on the wire: when it left, and `label`, such as "a INVITE 1" or "b 200 INVITE 1"."""

    at: float
    label: str
    source: Address
    destination: Address
    datagram: bytes
    arrives: tuple[float, ...]
    transport: Transport = Transport.UDP


Fate = Callable[[str], Sequence[float]]
"""What becomes of a datagram with this label: after how many seconds each of its copies arrives; none when lost."""


def seeded(seed: int) -> Random:
    """Chance that is the same each time."""
    return Random(seed)  # noqa: S311 - tests want to be repeatable, not secure


def arrive_all(_label: str) -> Sequence[float]:
    """The fate in a perfect network."""
    return (DELAY_S,)


def lose(label: str, times: int) -> Fate:
    """Lose the first `times` datagrams of this label; all others arrive."""
    seen: Counter[str] = Counter()

    def fate(sent: str) -> Sequence[float]:
        seen[sent] += 1
        return () if sent == label and seen[sent] <= times else (DELAY_S,)

    return fate


def weather(random: Random, loss: float, repeat: float = 0.0, jitter: float = 0.0) -> Fate:
    """Lose and repeat datagrams by chance, and delay each by up to `jitter` seconds more, so that some overtake."""

    def fate(_label: str) -> Sequence[float]:
        if random.random() < loss:
            return ()
        copies = 2 if random.random() < repeat else 1
        return tuple(DELAY_S + random.uniform(0, jitter) for _ in range(copies))

    return fate


class SipPump:
    """Carries datagrams between named user agents and moves their clock from event to event.

    A destination that belongs to no agent swallows what it gets. `agents` maps a short name to an address and an
    agent (None: a bare address, whose datagrams only the test sends and reads, from `trace`).
    """

    def __init__(self, agents: Mapping[str, tuple[Address, UserAgent | None]], fate: Fate = arrive_all) -> None:
        self.now = 0.0
        self.trace: list[Sent] = []
        self._agents = {address: agent for address, agent in agents.values() if agent is not None}
        self._names = {address: name for name, (address, _) in agents.items()}
        self._fate = fate
        self._flying: list[tuple[float, int, bytes, Flow, Address]] = []
        self._actions: list[tuple[float, int, Callable[[float], object]]] = []
        self._orders = count()

    def at(self, when: float, action: Callable[[float], object]) -> None:
        """Call `action(now)` at this moment."""
        heappush(self._actions, (when, next(self._orders), action))

    def send(
        self, datagram: bytes, source: Address, destination: Address, transport: Transport = Transport.UDP
    ) -> None:
        """Put a datagram on the wire by hand; or a message, by a connection between the two, which loses nothing."""
        label = f"{self._names.get(source, source)} {describe(datagram)}"
        fate = arrive_all if transport.is_reliable else self._fate
        arrives = tuple(self.now + delay for delay in fate(label))
        self.trace.append(Sent(self.now, label, source, destination, datagram, arrives, transport))
        for moment in arrives:
            heappush(self._flying, (moment, next(self._orders), datagram, Flow(transport, source), destination))

    def next_due(self) -> float | None:
        """When the next thing happens; None when nothing is left to happen."""
        self._collect()
        return self._next()

    def run_until(self, moment: float) -> None:
        """Let everything happen up to and including this moment."""
        self._collect()
        while (due := self._next()) is not None and due <= moment:
            self.now = max(self.now, due)
            self._step()
            self._collect()
        self.now = max(self.now, moment)

    def run_until_idle(self, limit: float = 400.0) -> None:
        """Let everything happen until nothing is left to happen."""
        self.run_until(limit)
        assert self._next() is None, f"not idle after {limit} s"

    def labels(self) -> list[str]:
        """What was sent, in order."""
        return [sent.label for sent in self.trace]

    def times(self, label: str) -> list[float]:
        """When the datagrams of this label were sent."""
        return [round(sent.at, 3) for sent in self.trace if sent.label == label]

    def _step(self) -> None:
        """What is due now: first datagrams, then timers, then the test's own actions."""
        while self._flying and self._flying[0][0] <= self.now:
            _, _, datagram, source, destination = heappop(self._flying)
            if destination in self._agents:
                self._agents[destination].receive(datagram, source, self.now)
                self._collect()
        for agent in self._agents.values():
            agent.run_timers(self.now)
        while self._actions and self._actions[0][0] <= self.now:
            heappop(self._actions)[2](self.now)

    def _collect(self) -> None:
        for address, agent in self._agents.items():
            for datagram, flow in agent.take_datagrams():
                self.send(datagram, address, flow.address, flow.transport)

    def _next(self) -> float | None:
        moments = [agent.next_timer() for agent in self._agents.values()]
        moments += [self._flying[0][0]] if self._flying else []
        moments += [self._actions[0][0]] if self._actions else []
        return min((moment for moment in moments if moment is not None), default=None)


def describe(datagram: bytes) -> str:
    """Method and CSeq number of a request; status, method and CSeq number of a response."""
    try:
        message = parse_message(datagram)
        number, method = message.cseq
    except RemoteProtocolError:
        return "garbage"
    return f"{method} {number}" if isinstance(message, Request) else f"{message.status} {method} {number}"
