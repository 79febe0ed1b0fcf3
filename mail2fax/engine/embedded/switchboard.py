"""The calls of one engine: which datagram belongs to which line, who is let in, and what moves every 20 ms.

It knows the user agent, the lines and their sockets, but waits for nothing: `engine.py` does the waiting.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import structlog

from mail2fax.engine.embedded.desk import credentials_of
from mail2fax.engine.embedded.line import Line, LineSettings, first_offer
from mail2fax.engine.embedded.port import Address, DatagramPort
from mail2fax.engine.embedded.sip.answering import IncomingSession
from mail2fax.engine.embedded.sip.flow import Flow
from mail2fax.engine.embedded.sip.identity import identity_for
from mail2fax.engine.embedded.sip.sdp import DEFAULT_PACKET_MS
from mail2fax.engine.embedded.sip.session import Session
from mail2fax.engine.embedded.sip.settings import InviteOrder
from mail2fax.engine.embedded.sip.transport import SipTransport
from mail2fax.engine.embedded.sip.ua import UserAgent
from mail2fax.engine.embedded.spandsp.lane import Lane, Lanes
from mail2fax.engine.embedded.traces import Traces
from mail2fax.engine.events import CallEvents
from mail2fax.engine.settings import IFP_SIZE, PIN_MEDIA, TO_SOURCE, EngineSettings, TrunkSettings
from mail2fax.model.call import AnswerOrder, CallEnded, CallOrder, EndedBy, Traced
from mail2fax.model.trace import TraceLine

log = structlog.get_logger()

DECISION_LIMIT_S = 20.0
"""How long a call may ring without anybody saying whether it is taken."""

TRACE_EVERY_S = 1.0
"""How often the evidence of a call is handed over: no more than that is lost when this process dies."""

WITNESS_S = 4.0
"""How long the end of a failed call waits for the answer to our BYE, which went out four times by then: whether it
comes is evidence, too."""

_TEMPORARILY_UNAVAILABLE, _BUSY_HERE, _SERVICE_UNAVAILABLE = 480, 486, 503


@dataclass(frozen=True, slots=True)
class Counters:
    """What an engine holds at the moment. Without calls, and some time after the last, all of it is zero.

    Connections stay the longest: until nobody has needed them for three minutes.
    """

    lines: int
    undecided: int
    transactions: int
    dialogs: int
    connections: int


@dataclass(eq=False, slots=True)
class Call:
    """One call: its session, its line, its media socket, and its events on their way to whoever watches."""

    session: Session
    line: Line
    media: DatagramPort
    lane: Lane
    look_at: float = 0.0
    """When it is moved at the latest."""
    events: CallEvents = field(default_factory=CallEvents)
    left: bool = False
    trace_at: float = 0.0
    """When the next part of its evidence is handed over."""
    ended: CallEnded | None = None
    """Its end, while that waits for the answer to our BYE."""
    witness_until: float = 0.0


class Switchboard:
    """All calls of an engine. `clock` gives the loop's seconds.

    `ring` is told of each session that wants to be answered, and returns False when nobody listens. `changed` is called
    whenever the user agent has heard something, or a timer of its ran.
    """

    def __init__(
        self,
        settings: EngineSettings,
        agent: UserAgent,
        clock: Callable[[], float],
        ring: Callable[[IncomingSession], bool],
        client_tls: ssl.SSLContext | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._agent = agent
        self._clock = clock
        self._ring = ring
        self._changed = changed
        self._calls: set[Call] = set()
        self._stirred = False
        """The user agent has heard something, or a timer of its ran: sessions may have news."""
        self._lanes = Lanes()
        self._undecided: dict[Session, float] = {}
        self._parting: set[Session] = set()
        """Sessions whose line is done: their BYE may have to be sent again."""
        self._witnessed: set[Call] = set()
        """Failed calls whose line is done, and whose end is not told yet."""
        self._closed = False
        self._traces = Traces(clock)
        agent.tap = lambda way, message, peer: self._traces.show(way, message, str(peer))
        self.sip = SipTransport(agent, self._admit_callers, sources=settings.listen_hosts, client_tls=client_tls)
        self.awake = asyncio.Event()
        """Set whenever there may be something for `tick` to do."""
        self.over = asyncio.Event()
        """Set when, after `close`, the last far end has heard that its call is over."""

    @property
    def counters(self) -> Counters:
        agent = self._agent
        return Counters(len(self._calls), len(self._undecided), agent.transactions, agent.dialogs, self.sip.connections)

    @property
    def busy_lines(self) -> int:
        """Calls that somebody watches or that wait to be taken. One that was left only says good-bye."""
        return len(self._undecided) + sum(not call.left for call in self._calls)

    @property
    def idle(self) -> bool:
        """`tick` has nothing to do."""
        return not (self._calls or self._undecided or self._parting or self._witnessed)

    def adopt(self, settings: EngineSettings) -> None:
        """Goes by these from now on; calls under way go on as they began."""
        self._settings = settings

    def place(
        self,
        order: CallOrder,
        trunk: TrunkSettings,
        targets: tuple[Flow, ...],
        media: DatagramPort,
        voice: bytes = b"",
    ) -> Call:
        """Dials; `voice` is what is said before the fax, in A-law.

        Raises `LocalProtocolError` when something in the order cannot be said in SIP.
        """
        now, address = self._clock(), self._told(media, targets[0])
        caller = identity_for(trunk, order.caller_id)
        invitation = InviteOrder(
            number=order.number,
            domain=trunk.authority,
            targets=targets,
            caller_id=caller.user,
            display_name=caller.display_name,
            call_id=order.call_id,
            sdp=first_offer(address, trunk.codecs, trunk.ptime_ms),
            credentials=credentials_of(trunk),
            ring_limit_s=order.ring_limit_s,
            from_domain=caller.domain,
            extra_headers=caller.headers,
            to_source=TO_SOURCE in trunk.quirks,
            udp_only=trunk.transport == "udp",
            session_expires_s=trunk.session_expires_s,
        )
        return self._begin(
            self._agent.invite(invitation, now), order, _line_settings(trunk, self._settings), media, now, voice
        )

    def answer(
        self,
        session: Session,
        order: AnswerOrder,
        media: DatagramPort,
        trunk: TrunkSettings | None = None,
        voice: bytes = b"",
    ) -> Call:
        """Takes a call that rings, which may have ended meanwhile: then its line says so.

        `trunk` is who brought it, and `voice` what is said before the fax, in A-law.
        """
        self._undecided.pop(session, None)
        engine = self._settings
        settings = replace(_line_settings(trunk or engine, engine), offer_after_s=engine.offer_after_s)
        return self._begin(session, order, settings, media, self._clock(), voice)

    def _told(self, media: DatagramPort, flow: Flow) -> Address:
        """The address of a media socket that the far end of this flow is told."""
        if media.mapped is not None and not self._agent.is_local(flow):
            return media.mapped
        return self._agent.host_for(flow), media.address[1]

    def found_public(self, host: str, port: int = 0) -> None:
        """Our address as it is seen from outside of our networks, and the port for SIP over UDP, if that was asked."""
        self._agent.found_public(host, port)
        self._changed()

    def reject(self, session: Session, sip_code: int, *fields: tuple[str, str]) -> None:
        """Turns a call that rings away, unless that was done. `fields` are further headers of the answer."""
        if self._undecided.pop(session, None) is not None:
            self._traces.close(session)
            session.reject(sip_code, self._clock(), *fields)
            self.sip.flush()

    def leave(self, call: Call) -> None:
        """Nobody watches this call any longer: hangs up, unless it has ended."""
        call.left = True
        if call in self._witnessed:
            self._tell_end(call, EndedBy.CANCELLED)
        elif call in self._calls and not call.events.ended:
            call.line.hang_up(self._clock(), EndedBy.CANCELLED)
            call.look_at = 0.0
            self.sip.flush()

    def close(self) -> None:
        """Lets nobody in any more, and hangs up every call. They go on for as long as `tick` is called."""
        self._closed = True
        for session in list(self._undecided):
            self.reject(session, _SERVICE_UNAVAILABLE)
        for call in self._calls:
            call.line.hang_up(self._clock(), EndedBy.CANCELLED)
            call.look_at = 0.0
        self.sip.flush()
        self.awake.set()

    def abandon(self) -> None:
        """Frees everything at once. Calls that had not ended by themselves end as cancelled."""
        for call in list(self._calls):
            self._release(call, EndedBy.CANCELLED)
        for call in list(self._witnessed):
            self._tell_end(call, EndedBy.CANCELLED)
        self.sip.close()

    def tick(self) -> None:
        """20 ms have passed, or a little more: every line moves. Raises OSError when the SIP socket is gone."""
        if self.sip.is_lost:
            raise OSError("the SIP socket was closed under us")
        now = self._clock()
        for call in self._due(now, self._lanes.run(now)):
            self._move(call, now)
        for session, since in list(self._undecided.items()):
            if session.ended:  # its caller gave up; a line that nobody uses must not be busy
                del self._undecided[session]
                self._traces.close(session)
            elif now - since > DECISION_LIMIT_S:
                self.reject(session, _TEMPORARILY_UNAVAILABLE)
        for call in list(self._witnessed):
            if call.session.ended or self._closed or now >= call.witness_until:
                self._tell_end(call, EndedBy.LOCAL_FAULT)
        self._parting = {session for session in self._parting if not session.ended}
        self.sip.flush()
        if self._closed and self.idle:
            self.over.set()

    def _begin(
        self,
        session: Session,
        order: CallOrder | AnswerOrder,
        settings: LineSettings,
        media: DatagramPort,
        now: float,
        voice: bytes = b"",
    ) -> Call:
        lane = Lane(media.lend())
        try:
            trace = self._traces.of(session)
            line = Line(session, settings, order, self._told(media, session.flow), now, trace, lane, voice)
        except Exception:
            session.hang_up(now)
            self._traces.close(session)
            self.sip.flush()
            raise
        call = Call(session, line, media, lane)
        media.receiver = lambda datagram, source: line.receive_media(datagram, source, self._clock())
        self._lanes.add(lane)
        self._calls.add(call)
        self._traces.keep(session, line.trace)
        self.awake.set()
        self.sip.flush()
        return call

    def _due(self, now: float, wanted: set[Lane]) -> list[Call]:
        """The calls that have to be moved; most need nothing most of the time."""
        stirred, self._stirred = self._stirred, False
        return [
            call
            for call in self._calls
            if now >= call.look_at or call.lane in wanted or (stirred and call.session.has_news)
        ]

    def _move(self, call: Call, now: float) -> None:
        try:
            for datagram, source, at in call.lane.take_datagrams():
                call.line.receive_media(datagram, source, at)
            call.line.tick(now)
        except Exception:
            # One line with a fault of ours in it must not silence the others, nor keep its far end waiting.
            log.exception("line failed", call=call.session.call_id)
            call.line.trace.note(now, "a fault of ours ended the call")
            self._break_off(call, now)
            self._release(call, EndedBy.LOCAL_FAULT)
            return
        self.sip.flush()  # the answer goes out before the media that it speaks of
        for datagram, target in call.line.take_media():
            call.media.send(datagram, target)
        self._take_events(call)
        if now >= call.trace_at:
            call.trace_at = now + TRACE_EVERY_S
            _hand_over(call, self._traces.taken(call.session, call.line.trace.take))
        call.look_at = now if call.session.has_news else call.line.due_at(now)
        if call.line.trace.untold:
            call.look_at = min(call.look_at, call.trace_at)
        if call.line.done:
            self._release(call, EndedBy.LOCAL_FAULT)

    def _break_off(self, call: Call, now: float) -> None:
        """Hangs up a line with a fault in it. It may know yet which pages went out: one that is forgotten would be
        sent to paper twice."""
        try:
            call.line.hang_up(now, EndedBy.LOCAL_FAULT)
        except Exception:
            log.exception("line failed at its end, too", call=call.session.call_id)
            call.session.hang_up(now)

    def _take_events(self, call: Call) -> None:
        for event in call.line.take_events():
            if isinstance(event, CallEnded):
                call.ended, call.witness_until = event, self._clock() + WITNESS_S
            else:
                call.events.put(event)

    def _release(self, call: Call, ended_by: EndedBy) -> None:
        """Frees a call. `ended_by` is for one that could not say its own end."""
        self._calls.discard(call)
        self._lanes.remove(call.lane)
        self._take_events(call)  # a page that was confirmed just before stays confirmed
        call.media.close()
        call.line.close()
        self._parting.add(call.session)
        if call.ended and self._lacks_last_word(call, call.ended):
            self._witnessed.add(call)
        else:
            self._tell_end(call, ended_by)

    def _lacks_last_word(self, call: Call, ended: CallEnded) -> bool:
        """Whether a call that failed still waits for the answer to our BYE."""
        return not (call.left or self._closed or call.session.ended or ended.fax.last_confirmed)

    def _tell_end(self, call: Call, ended_by: EndedBy) -> None:
        """The last of the evidence, then the end: the call's own, or `ended_by` where it could not say one."""
        self._witnessed.discard(call)
        _hand_over(call, self._traces.close(call.session))
        if call.ended:
            call.events.put(call.ended)
        call.events.interrupt(ended_by)

    def _admit_callers(self) -> None:
        """A datagram came, or a timer ran: perhaps somebody calls. Or nobody can any more, which `tick` tells."""
        self._stirred = True
        if self.sip.is_lost:
            self.awake.set()
        for session in self._agent.take_incoming():
            self._admit(session)
            self.sip.flush()
        self._traces.settle()
        self._changed()

    def _admit(self, session: IncomingSession) -> None:
        code = self._refusal()
        if code is None and self._ring(session):
            self._traces.claim(session)
            self._undecided[session] = self._clock()
            self.awake.set()
        else:
            code = code or _TEMPORARILY_UNAVAILABLE
            log.info("incoming call refused", call=session.call_id, called=session.called, code=code)
            session.reject(code, self._clock())

    def _refusal(self) -> int | None:
        if self._closed:
            return _SERVICE_UNAVAILABLE
        return _BUSY_HERE if self.busy_lines >= self._settings.lines else None


def _line_settings(of: EngineSettings | TrunkSettings, engine: EngineSettings) -> LineSettings:
    quirks = of.quirks if isinstance(of, TrunkSettings) else ()
    return LineSettings(
        offer_after_s=of.offer_after_s,
        codecs=of.codecs,
        ptime_ms=of.ptime_ms if isinstance(of, TrunkSettings) else DEFAULT_PACKET_MS,
        max_datagram_is_ifp=IFP_SIZE in quirks,
        pin_media=PIN_MEDIA in quirks,
        record_folder=engine.record_folder,
        sync_aside=True,
    )


def _hand_over(call: Call, lines: tuple[TraceLine, ...]) -> None:
    if lines:
        call.events.put(Traced(lines))
