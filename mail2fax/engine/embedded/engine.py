"""The embedded engine: a 20 ms clock and the waiting around the switchboard. Nothing else runs in its loop."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from random import SystemRandom

import structlog

from mail2fax.engine.embedded.clock import ticks
from mail2fax.engine.embedded.desk import TrunkDesk
from mail2fax.engine.embedded.listening import Listeners, TlsContexts
from mail2fax.engine.embedded.mapping import Asking
from mail2fax.engine.embedded.port import Address, DatagramPort
from mail2fax.engine.embedded.sip.answering import IncomingSession
from mail2fax.engine.embedded.sip.doorkeeper import Doorkeeper
from mail2fax.engine.embedded.sip.errors import LocalProtocolError
from mail2fax.engine.embedded.sip.flow import Flow, Transport, version_of
from mail2fax.engine.embedded.sip.resolver import NotFound, Place, Resolver
from mail2fax.engine.embedded.sip.session import Session
from mail2fax.engine.embedded.sip.settings import Credentials, UaSettings
from mail2fax.engine.embedded.sip.ua import UserAgent
from mail2fax.engine.embedded.switchboard import Call, Counters, Switchboard
from mail2fax.engine.events import CallEvents, RingingCalls, TrunkNews
from mail2fax.engine.interface import EngineTraits, EngineUnavailable, IncomingCall
from mail2fax.engine.settings import TO_SOURCE, EngineSettings, TrunkSettings
from mail2fax.model.call import AnswerOrder, CallEvent, CallOrder, EndedBy
from mail2fax.model.trunk import TrunkState

log = structlog.get_logger()

TICK_S = 0.020
ASK_STUN_AGAIN_S = 60.0
"""How often a STUN server is asked where it sees the socket for SIP: a NAT that has forgotten it makes a new place."""
_SERVICE_UNAVAILABLE = 503
STOP_LIMIT_S = 1.5
"""How long the far ends have to answer our BYE or CANCEL when the engine stops."""


class EmbeddedEngine:
    """A `FaxEngine` in this very process: SIP over UDP, TCP and TLS, media over one UDP socket for each call.

    `start` raises `EngineUnavailable` when it cannot listen. `stop` hangs up what is under way and gives the far
    ends `STOP_LIMIT_S` to answer.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self.port = settings.listen_port
        self.tls_port = settings.tls_port
        self._settings = settings
        families = frozenset(map(version_of, settings.listen_hosts))
        self._resolver = Resolver(families, SystemRandom(), settings.resolver)
        self._ringing = RingingCalls[IncomingCall]()
        self._board: Switchboard | None = None
        self._clock: asyncio.Task[None] | None = None
        self._mapping: asyncio.Task[None] | None = None
        self._trunks = TrunkNews()
        self._desk: TrunkDesk | None = None
        self._opening = 0

    @property
    def traits(self) -> EngineTraits:
        return EngineTraits(lines=self._settings.lines, reports_pages=True, retries_itself=False)

    @property
    def trunk_states(self) -> Mapping[str, TrunkState]:
        return self._trunks.states

    def trunk_news(self) -> AsyncIterator[TrunkState]:
        return self._trunks.listen()

    @property
    def counters(self) -> Counters:
        """What the engine holds at the moment: for those who look for leaks."""
        return self._open_board().counters

    async def start(self) -> None:
        settings = self._settings
        tls = TlsContexts.load(settings)
        listeners = Listeners.bind(settings)
        self.port, self.tls_port = listeners.port, listeners.tls_port
        agent = UserAgent(_ua_settings(settings, listeners), SystemRandom(), Doorkeeper(self._knows))
        clock = asyncio.get_running_loop().time
        board = self._board = Switchboard(settings, agent, clock, self._ring, tls.client, self._see_to_trunks)
        await listeners.serve(board.sip, tls.server)
        self._desk = TrunkDesk(agent, self._resolve, board.sip.flush, self._trunks, clock)
        self._desk.adopt(settings.trunks)
        self._clock = asyncio.create_task(_run_clock(self._board), name="engine clock")
        self._clock.add_done_callback(self._clock_stopped)
        if settings.stun:
            self._mapping = asyncio.create_task(self._keep_finding_us(board), name="engine mapping")
            self._mapping.add_done_callback(_say_when_failed)

    async def stop(self) -> None:
        if self._board is None or self._clock is None:
            return
        board, self._board = self._board, None
        if self._mapping:
            self._mapping.cancel()
        self._ringing.close()
        self._trunks.close()
        board.close()
        parting = asyncio.create_task(board.over.wait())
        await asyncio.gather(asyncio.wait([parting], timeout=STOP_LIMIT_S), self._close_desk())
        parting.cancel()
        self._clock.cancel()
        await asyncio.wait([self._clock])
        board.abandon()
        await board.sip.gone()

    def adopt(self, trunks: tuple[TrunkSettings, ...], lines: int) -> None:
        """Calls over these trunks from now on, and carries so many calls in all. Calls under way go on."""
        self._settings = replace(self._settings, trunks=trunks, lines=lines)
        if self._board and self._desk:
            self._board.adopt(self._settings)
            self._desk.adopt(trunks)

    def call(self, order: CallOrder) -> AbstractAsyncContextManager[AsyncIterator[CallEvent]]:
        return self._call(order)

    def incoming(self) -> AsyncIterator[IncomingCall]:
        return self._ringing.listen()

    @asynccontextmanager
    async def _call(self, order: CallOrder) -> AsyncIterator[AsyncIterator[CallEvent]]:
        try:
            board, call = await self._dial(order)
        except LocalProtocolError as error:
            yield _stillborn(str(error))
            return
        try:
            yield call.events
        finally:
            board.leave(call)

    async def _dial(self, order: CallOrder) -> tuple[Switchboard, Call]:
        board, trunk = self._open_board(), self._settings.trunk(order.trunk)
        if trunk is None:
            raise EngineUnavailable(f"there is no trunk {order.trunk}".rstrip())
        if self._desk and (obstacle := self._desk.obstacle(trunk.name)):
            raise EngineUnavailable(f"the trunk {trunk.name} is not up: {obstacle}")
        if board.busy_lines + self._opening >= self._settings.lines:
            raise EngineUnavailable("every line is busy")
        self._opening += 1  # two orders that wait for the same resolver must not share the last line
        try:
            voice = await _voice_of(order)
            targets = await self._resolve(trunk)
            # The offer names one address: a call stays with the version of IP that it begins with.
            targets = tuple(target for target in targets if target.version == targets[0].version)
            async with self._media_port(targets[0]) as media:
                return board, board.place(order, trunk, targets, media, voice)
        finally:
            self._opening -= 1

    @asynccontextmanager
    async def answer(self, session: Session, trunk: str, order: AnswerOrder) -> AsyncIterator[AsyncIterator[CallEvent]]:
        """The block of a call that came in by `trunk`."""
        board = self._open_board()
        try:
            async with self._media_port(session.flow) as media:
                call = board.answer(session, order, media, self._settings.trunk(trunk) if trunk else None)
        except BaseException:
            # Nobody else would tell the caller: whoever wanted to answer has nothing more to say to this call.
            self.reject(session, _SERVICE_UNAVAILABLE)
            raise
        try:
            yield call.events
        finally:
            board.leave(call)

    def reject(self, session: Session, sip_code: int) -> None:
        """Turns a call that came in away; it may be gone already."""
        if self._board:
            self._board.reject(session, sip_code)

    def _ring(self, session: IncomingSession) -> bool:
        if not self._ringing.heard:
            return False
        desk = self._desk
        trunks = desk.trunks_of(session.source, session.called) if desk else ()
        names_no_number = not session.called or (desk is not None and desk.is_account(trunks, session.called))
        meant = session.meant if names_no_number else ()
        settings = self._settings.trunk(trunks[0]) if trunks else None
        if settings and TO_SOURCE in settings.quirks:
            session.answer_to_source()
        self._ringing.put(_RingingCall(self, session, trunks, meant))
        return True

    def _knows(self, source: Flow) -> bool:
        """Whether requests from there are a trunk's; an engine without trunks is there for everybody."""
        if not self._settings.trunks:
            return True
        return self._desk is not None and bool(self._desk.trunks_of(source, ""))

    def _see_to_trunks(self) -> None:
        if self._desk:
            self._desk.look()

    async def _close_desk(self) -> None:
        desk, self._desk = self._desk, None
        if desk:
            await desk.close(STOP_LIMIT_S)

    def _open_board(self) -> Switchboard:
        if self._board is None:
            raise EngineUnavailable("the engine is not running")
        return self._board

    @asynccontextmanager
    async def _media_port(self, flow: Flow) -> AsyncIterator[DatagramPort]:
        """A media socket for a call by this flow, closed again when the call does not come about."""
        settings = self._settings
        hosts = {version_of(host): host for host in settings.listen_hosts}
        try:
            media = await DatagramPort.open(hosts[flow.version], settings.media_port_low, settings.media_port_high)
        except OSError as error:
            raise EngineUnavailable(f"no media port is free: {error.strerror}") from error
        try:
            await self._find_mapped(media)
            self._open_board()  # it may have stopped while we waited
            yield media
        except BaseException:
            media.close()
            raise

    async def _find_mapped(self, media: DatagramPort) -> None:
        """Where a NAT has put a media socket. A call goes without it when the STUN server does not answer."""
        if server := await self._stun_server(media.address[0]):
            await media.find_mapped(server)
        if media.mapped is not None:
            self._open_board().found_public(media.mapped[0])

    async def _keep_finding_us(self, board: Switchboard) -> None:
        """Knows where a NAT has put the socket for SIP, for far ends that have not said yet where they see it."""
        while True:
            if server := await self._stun_server(self._settings.listen_host):
                asking = Asking(server, board.sip.send_aside)
                board.sip.show_first(asking.heard)
                if found := await asking.answer():
                    board.found_public(*found)
                board.sip.show_first(None)
            await asyncio.sleep(ASK_STUN_AGAIN_S)

    async def _stun_server(self, host: str) -> Address | None:
        """One that can be asked from our address `host`."""
        if self._settings.stun is None:
            return None
        try:
            servers = await self._resolver.find(Place(*self._settings.stun))
        except NotFound as error:
            log.warning("no STUN server", cause=str(error))
            return None
        return next((server.address for server in servers if server.version == version_of(host)), None)

    async def _resolve(self, trunk: TrunkSettings) -> tuple[Flow, ...]:
        transport = None if trunk.transport == "any" else Transport(trunk.transport)
        try:
            found = await self._resolver.find(Place(trunk.host, trunk.port, transport))
        except NotFound as error:
            raise EngineUnavailable(f"the trunk is not to be found: {error}") from error
        preferred = version_of(self._settings.listen_host)
        return tuple(sorted(found, key=lambda flow: flow.version != preferred))

    def _clock_stopped(self, clock: asyncio.Task[None]) -> None:
        """Without its clock an engine is none: all calls end, and `incoming` too, which tells our process to end."""
        if clock.cancelled() or self._board is None:
            return
        log.critical("engine clock failed", exc_info=clock.exception())
        board, self._board = self._board, None
        self._ringing.close()
        try:
            board.close()
        finally:
            board.abandon()


def _say_when_failed(mapping: asyncio.Task[None]) -> None:
    if not mapping.cancelled() and (error := mapping.exception()):
        log.error("our public address is not asked for any more", exc_info=error)


async def _run_clock(board: Switchboard) -> None:
    async for _moment in ticks(TICK_S, asyncio.get_running_loop().time, asyncio.sleep):
        board.tick()
        if board.idle:
            board.awake.clear()
            await board.awake.wait()


def _ua_settings(settings: EngineSettings, listeners: Listeners) -> UaSettings:
    return UaSettings(
        settings.sip_host,
        listeners.port,
        settings.product,
        tcp_port=listeners.tcp_port,
        tls_port=listeners.tls_port,
        public_host=settings.public_host,
        other_host=settings.other_sip_host,
        local_networks=tuple(map(ip_network, settings.local_networks)),
        require_digest=Credentials(settings.caller_user, settings.caller_password) if settings.caller_user else None,
    )


async def _voice_of(order: CallOrder) -> bytes:
    """What is said before the fax; a fax that was ordered with a message is not sent without."""
    if not order.voice_path:
        return b""
    try:
        return await asyncio.to_thread(Path(order.voice_path).read_bytes)
    except OSError as error:
        raise EngineUnavailable(f"the voice message cannot be read: {error.strerror}") from error


def _stillborn(detail: str) -> CallEvents:
    events = CallEvents()
    events.interrupt(EndedBy.LOCAL_FAULT, detail)
    return events


class _RingingCall:
    """A call that came in and waits for a decision."""

    def __init__(
        self, engine: EmbeddedEngine, session: Session, trunks: tuple[str, ...], meant: tuple[str, ...]
    ) -> None:
        self.call_id = session.call_id
        self.called = session.called
        self.caller = session.caller
        self.trunks = trunks
        self.meant = meant
        self._engine = engine
        self._session = session

    def answer(self, order: AnswerOrder) -> AbstractAsyncContextManager[AsyncIterator[CallEvent]]:
        trunk = order.trunk or next(iter(self.trunks), "")
        return self._engine.answer(self._session, trunk, order)

    async def reject(self, sip_code: int) -> None:
        self._engine.reject(self._session, sip_code)
