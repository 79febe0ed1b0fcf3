"""Two phones of ours on one virtual network and clock: whole calls, many times faster than real time.

A phone is a user agent and a line, as the engine runs them. The network between them delivers each datagram after
one millisecond unless its fate is another one: lost, repeated, late, by list or by chance.
"""

import heapq
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from mail2fax.engine.embedded.line import Line, LineSettings, first_offer
from mail2fax.engine.embedded.rtp.rtcp import is_rtcp
from mail2fax.engine.embedded.sip.flow import Flow, udp
from mail2fax.engine.embedded.sip.session import Session
from mail2fax.engine.embedded.sip.settings import InviteOrder, UaSettings
from mail2fax.engine.embedded.sip.ua import UserAgent
from mail2fax.model.call import AnswerOrder, CallEnded, CallEvent, CallOrder, MediaPolicy
from mail2fax.model.trace import Way

Address = tuple[str, int]

TICK_S = 0.02
LATENCY_S = 0.001
SIP_PORT = 5060
MEDIA_PORT = 40_000
OUR_ID = "+375 29 155 44 99"
THEIR_ID = "+49 221 1234567"


@dataclass(frozen=True, slots=True)
class Parcel:
    """One datagram on the network. `number` counts from 0 for each sender, SIP and media apart."""

    data: bytes
    source: Address
    target: Address
    number: int
    sent_at: float

    @property
    def is_sip(self) -> bool:
        return self.target[1] == SIP_PORT

    @property
    def first_line(self) -> str:
        return self.data.partition(b"\r\n")[0].decode()


Fate = Callable[[Parcel], Sequence[float]]
"""After how many seconds each copy of a datagram arrives: no copy, and it is lost; two, and it is repeated."""

Alteration = Callable[[Parcel], Parcel]
"""What something in the middle (a proxy, a NAT) makes of a datagram."""


def prompt(_parcel: Parcel) -> Sequence[float]:
    """Every datagram arrives once, soon and in order."""
    return (LATENCY_S,)


def media_by_chance(seed: int, *, lost: float = 0.0, repeated: float = 0.0, late: float = 0.0) -> Fate:
    """Media are lost, repeated or late (by up to 60 ms, so others overtake them) with these shares; SIP is prompt."""
    chance = Random(seed)  # noqa: S311 - a test that can be repeated, not a secret

    def fate(parcel: Parcel) -> Sequence[float]:
        if parcel.is_sip:
            return prompt(parcel)
        if chance.random() < lost:
            return ()
        delay = LATENCY_S + (chance.uniform(0.0, 0.06) if chance.random() < late else 0.0)
        return (delay, delay + LATENCY_S) if chance.random() < repeated else (delay,)

    return fate


def lose(source: Address, numbers: frozenset[int]) -> Fate:
    """What `source` sends under these numbers is lost."""
    return lambda parcel: () if parcel.source == source and parcel.number in numbers else prompt(parcel)


def unchanged(parcel: Parcel) -> Parcel:
    return parcel


@dataclass
class Phone:
    """One end of a call: who it is, what it does, and what its line has told."""

    host: str
    order: CallOrder | AnswerOrder
    settings: LineSettings = field(default_factory=lambda: LineSettings(offer_after_s=1.0))
    reject: int | None = None
    """Calls that come in are refused with this code instead of answered."""
    events: list[CallEvent] = field(default_factory=list)
    session: Session | None = None
    line: Line | None = None
    taken_at: list[float] = field(default_factory=list)
    clock: Callable[[], float] = lambda: 0.0
    voice: bytes = b""
    """What it says before the fax, in A-law."""

    def __post_init__(self) -> None:
        self.sip_address = (self.host, SIP_PORT)
        self.media_address = (self.host, MEDIA_PORT)
        self.report_address = (self.host, MEDIA_PORT + 1)
        seed = Random(self.host)  # noqa: S311 - a test that can be repeated, not a secret
        self.agent = UserAgent(UaSettings(self.host, SIP_PORT), seed)

    def dial(self, target: Address, now: float) -> None:
        assert isinstance(self.order, CallOrder)
        invitation = InviteOrder(
            number=self.order.number,
            domain=target[0],
            targets=(udp(target),),
            caller_id=self.order.caller_id,
            call_id=self.order.call_id,
            sdp=first_offer(self.media_address),
            ring_limit_s=self.order.ring_limit_s,
        )
        self._begin(self.agent.invite(invitation, now), now)

    def take_incoming(self, now: float) -> None:
        for session in self.agent.take_incoming():
            if self.reject:
                session.reject(self.reject, now)
            else:
                self._begin(session, now)

    def tick(self, now: float) -> list[tuple[bytes, Address]]:
        """What the 20 ms ticker of an engine does; the media to send."""
        if self.line is None:
            return []
        self.line.tick(now)
        told = self.line.take_events()
        self.events += told
        self.taken_at += [now] * len(told)
        return self.line.take_media()

    @property
    def is_done(self) -> bool:
        return self.line is not None and self.line.done

    @property
    def end(self) -> CallEnded:
        """The one `CallEnded`, which has to be the last event."""
        ends = [event for event in self.events if isinstance(event, CallEnded)]
        assert ends == self.events[-1:], self.events
        return ends[0]

    def told(self, kind: type[CallEvent]) -> list[CallEvent]:
        return [event for event in self.events if isinstance(event, kind)]

    def _begin(self, session: Session, now: float) -> None:
        self.session = session
        self.line = Line(session, self.settings, self.order, self.media_address, now, voice=self.voice)
        self.agent.tap = self._show

    def _show(self, way: Way, message: bytes, peer: Flow) -> None:
        """The evidence of SIP, as an engine collects it."""
        if self.line:
            self.line.trace.sip(self.clock(), way, message, str(peer))


class Pump:
    """A caller, a called phone, the network between them, and the clock (`now`, in seconds from 0)."""

    def __init__(self, caller: Phone, called: Phone, fate: Fate = prompt, alter: Alteration = unchanged) -> None:
        self.caller = caller
        self.called = called
        self.now = 0.0
        self.fate = fate
        self.alter = alter
        self.wire: list[Parcel] = []
        """Every datagram that was sent, as it arrived or would have; nothing without `keeps_wire`."""
        self.keeps_wire = True
        self._numbers: dict[Address, Iterator[int]] = {}
        self._order = itertools.count()
        self._under_way: list[tuple[float, int, Parcel]] = []
        self._ticks = 0
        for phone in self.phones:
            phone.clock = lambda: self.now

    @property
    def phones(self) -> tuple[Phone, Phone]:
        return self.caller, self.called

    def dial(self) -> None:
        self.caller.dial(self.called.sip_address, self.now)
        self._collect_sip()

    def run(self, until: Callable[[], bool] | None = None, *, limit_s: float = 600.0) -> None:
        """Let time pass until this is true, or until both lines are done; a call that takes longer has failed."""
        begun = self.now
        while not (until() if until else self._both_done()):
            assert self.now - begun < limit_s, (self.caller.events, self.called.events)
            self.step()

    def run_for(self, seconds: float) -> None:
        until = self.now + seconds
        self.run(lambda: self.now >= until, limit_s=seconds + 1)

    def call(self) -> None:
        """The whole call, from the first INVITE until both lines are done."""
        self.dial()
        self.run()

    def settle(self) -> None:
        """Let what SIP still has to repeat or to remember run out; nothing may stay behind."""
        self.run(lambda: all(phone.agent.idle for phone in self.phones), limit_s=100.0)

    def step(self) -> None:
        """Twenty milliseconds: what arrives and what is due in them, then the ticker."""
        self._ticks += 1
        end = self._ticks * TICK_S
        while (due := self._next_moment()) <= end:
            self.now = max(self.now, due)
            self._deliver()
            for phone in self.phones:
                phone.agent.run_timers(self.now)
            self._collect_sip()
        self.now = end
        for phone in self.phones:
            self._send_all(phone.media_address, phone.tick(self.now))
        self._collect_sip()

    def send(self, source: Address, data: bytes, target: Address) -> None:
        """Put a datagram on the network; also for strangers."""
        number = next(self._numbers.setdefault(source, itertools.count()))
        parcel = self.alter(Parcel(data, source, target, number, self.now))
        if self.keeps_wire:
            self.wire.append(parcel)
        for delay in self.fate(parcel):
            heapq.heappush(self._under_way, (self.now + delay, next(self._order), parcel))

    def sip(self, phone: Phone) -> list[str]:
        """The first lines of the SIP messages that a phone has sent."""
        return [parcel.first_line for parcel in self.wire if parcel.source == phone.sip_address]

    def media(self, phone: Phone) -> list[Parcel]:
        return [p for p in self.wire if p.source == phone.media_address and not is_rtcp(p.data)]

    def reports(self, phone: Phone) -> list[Parcel]:
        """The RTCP packets that a phone has sent."""
        return [p for p in self.wire if p.source == phone.media_address and is_rtcp(p.data)]

    def _both_done(self) -> bool:
        called_out = self.called.line is None and self.caller.is_done
        return called_out or (self.caller.is_done and self.called.is_done)

    def _next_moment(self) -> float:
        timers = [phone.agent.next_timer() for phone in self.phones]
        moments = [moment for moment in timers if moment is not None]
        return min([*moments, *(due for due, _, _ in self._under_way[:1])], default=float("inf"))

    def _deliver(self) -> None:
        while self._under_way and self._under_way[0][0] <= self.now:
            parcel = heapq.heappop(self._under_way)[2]
            for phone in self.phones:
                if parcel.target == phone.sip_address:
                    phone.agent.receive(parcel.data, udp(parcel.source), self.now)
                    phone.take_incoming(self.now)
                elif parcel.target in (phone.media_address, phone.report_address) and phone.line:
                    phone.line.receive_media(parcel.data, parcel.source, self.now)

    def _collect_sip(self) -> None:
        for phone in self.phones:
            sent = [(data, flow.address) for data, flow in phone.agent.take_datagrams()]
            self._send_all(phone.sip_address, sent)

    def _send_all(self, source: Address, datagrams: list[tuple[bytes, Address]]) -> None:
        for data, target in datagrams:
            self.send(source, data, target)


def call_order(document: Path, pages: int, policy: MediaPolicy = MediaPolicy.ACCEPT) -> CallOrder:
    """An order to send `document`; `dataclasses.replace` changes what a test wants otherwise."""
    return CallOrder(
        call_id="fax-1@192.0.2.1",
        number="375172000000",
        document_path=str(document),
        pages=pages,
        caller_id="375291554499",
        station_id=OUR_ID,
        header="mail2fax",
        header_time=datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
        media_policy=policy,
    )


def answer_order(file: Path, policy: MediaPolicy = MediaPolicy.ACCEPT) -> AnswerOrder:
    """An order to receive into `file`."""
    return AnswerOrder(document_path=str(file), station_id=THEIR_ID, media_policy=policy)
