"""The far end as a process: a trunk that wants a password, and behind it a fax machine for each number.

Run as `python -m tests.peers.far_end DIRECTORY`. It tells in JSON lines on stderr where it listens, which calls come
in, every page, how each call ends and when the last packet was heard, in seconds of the machine's monotonic clock.
Received faxes are `DIRECTORY/CALL-ID.tif`, what a person has heard is `DIRECTORY/CALL-ID.alaw`.
"""

import asyncio
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from random import SystemRandom

import structlog

from mail2fax import log as logs
from mail2fax.engine.embedded.clock import ticks
from mail2fax.engine.embedded.port import DatagramPort
from mail2fax.engine.embedded.rtp.packet import PCMA, looks_like_rtp, parse_packet
from mail2fax.engine.embedded.rtp.rtcp import is_rtcp
from mail2fax.engine.embedded.sip.errors import RemoteProtocolError
from mail2fax.engine.embedded.sip.flow import Flow
from mail2fax.engine.embedded.sip.message import Request, parse_message
from mail2fax.engine.embedded.sip.session import Session
from mail2fax.engine.embedded.sip.settings import Credentials, UaSettings
from mail2fax.engine.embedded.sip.ua import UserAgent
from mail2fax.engine.embedded.spandsp.task import Law
from mail2fax.engine.embedded.switchboard import Call, Switchboard
from mail2fax.engine.settings import EngineSettings
from mail2fax.model.call import AnswerOrder, CallEnded, CallEvent, MediaPolicy, Negotiated, PageConfirmed, PageProgress
from tests.peers.behaviours import HANG_UPS, REFUSALS, Behaviour, behaviour_of, forwarding_of

HOST = "127.0.0.1"
USER, PASSWORD = "office", "correct horse"
STATION_ID = "+375 29 155 00 00"
LINES = 20
OFFER_AFTER_S = 0.7
LISTENED = 5 * 8000
"""How long a person listens, in samples."""
RING_S = {Behaviour.RINGS: 3600.0}
INTO_THE_PAGE_S = 3.0
"""How far into a page the far end hangs up. A page of the letter takes about ten seconds."""

_POLICIES = {Behaviour.REFUSES_T38: MediaPolicy.NEVER, Behaviour.TAKES_T38: MediaPolicy.ACCEPT}

log = structlog.get_logger()


class WatchedAgent(UserAgent):
    """A user agent that tells each request it gets, whatever it makes of it."""

    def receive(self, datagram: bytes, source: Flow, now: float) -> None:
        with suppress(RemoteProtocolError):
            message = parse_message(datagram)
            if isinstance(message, Request):
                proven = message.headers.get("Authorization") is not None
                log.info("request", method=message.method, call_id=message.call_id, proven=proven, at=now)
        super().receive(datagram, source, now)


class FarEnd:
    """Takes every call, and does with it what its number says."""

    def __init__(self, port: int, directory: Path) -> None:
        trunk = UaSettings(HOST, port, "far end", require_digest=Credentials(USER, PASSWORD), digest_realm="far end")
        settings = EngineSettings(HOST, port, lines=LINES, offer_after_s=OFFER_AFTER_S)
        agent = WatchedAgent(trunk, SystemRandom())
        self._board = Switchboard(settings, agent, time.monotonic, self._ring)
        self._directory = directory
        self._tasks = asyncio.TaskGroup()

    async def run(self, sip: socket.socket) -> None:
        """Takes calls until cancelled."""
        async with self._tasks:
            await self._board.sip.listen_udp(sip)
            async for _moment in ticks(0.020, time.monotonic, asyncio.sleep):
                self._board.tick()

    def _ring(self, session: Session) -> bool:
        log.info("call", number=session.called, caller=session.caller, call_id=session.call_id, at=time.monotonic())
        self._tasks.create_task(self._take(session))
        return True

    async def _take(self, session: Session) -> None:
        behaviour = behaviour_of(session.called)
        if behaviour in REFUSALS:
            self._board.reject(session, REFUSALS[behaviour])
            return
        if behaviour is Behaviour.FORWARDED:
            self._board.reject(session, 302, ("Contact", f"<sip:{forwarding_of(session.called)}@{HOST}>;q=0.7"))
            return
        media = await DatagramPort.open(HOST, 0, 0)
        path = self._directory / f"{session.call_id}.tif"
        policy = _POLICIES.get(behaviour, MediaPolicy.OFFER)
        order = AnswerOrder(str(path), STATION_ID, policy, ring_s=RING_S.get(behaviour, 0.2))
        listens = behaviour is Behaviour.LISTENS
        call = self._board.answer(session, order, media, voice=Law.A.silence * LISTENED if listens else b"")
        if listens:
            _record(call, path.with_suffix(".alaw"))
        async for event in call.events:
            _tell(session, event, call.lane.read_at)
            if isinstance(event, PageProgress) and event.page == HANG_UPS.get(behaviour):
                self._tasks.create_task(self._hang_up(call))

    async def _hang_up(self, call: Call) -> None:
        await asyncio.sleep(INTO_THE_PAGE_S)
        self._board.leave(call)


def _record(call: Call, path: Path) -> None:
    """Keeps the audio that comes, as it comes."""
    receive = call.line.receive_media

    def receive_and_keep(datagram: bytes, source: tuple[str, int], now: float) -> None:
        if looks_like_rtp(datagram) and not is_rtcp(datagram) and datagram[1] & 0x7F == PCMA:
            with path.open("ab") as heard:
                heard.write(parse_packet(datagram).payload)
        receive(datagram, source, now)

    call.line.receive_media = receive_and_keep  # type: ignore[method-assign] # the line does not know that it is heard


def _tell(session: Session, event: CallEvent, heard_at: float) -> None:
    told = log.bind(number=session.called, call_id=session.call_id, at=time.monotonic())
    match event:
        case Negotiated(medium, rate, ecm, far_id=far_id):
            told.info("negotiated", media=medium, rate=rate, ecm=ecm, far_id=far_id)
        case PageProgress(page):
            told.info("page under way", page=page)
        case PageConfirmed(page, last):
            told.info("page received", page=page, last=last)
        case CallEnded(call, medium, fax):
            told.info(
                "call over",
                by=call.ended_by,
                media=medium,
                t30=fax.code_name,
                pages=fax.pages_confirmed,
                heard_at=heard_at,
            )


async def main(directory: Path) -> None:
    sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sip.bind((HOST, 0))
    port = sip.getsockname()[1]
    log.info("far end listens", port=port)
    await FarEnd(port, directory).run(sip)


if __name__ == "__main__":
    logs.configure(logs.LogSettings(form="json"))
    asyncio.run(main(Path(sys.argv[1])))
