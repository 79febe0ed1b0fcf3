"""One life of the engine's own process, as the gateway sees it: its pipe, and the calls that it carries.

The pipe is a pair of sockets, for these can be closed one way: that tells the engine to stop, and it is what the engine
sees when the gateway dies.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Self

import structlog

from mail2fax.engine.events import CallEvents, RingingCalls
from mail2fax.engine.interface import EngineUnavailable, IncomingCall
from mail2fax.engine.settings import TrunkSettings
from mail2fax.engine.wire import (
    MAX_LINE,
    HangUp,
    Message,
    NotStarted,
    NotTaken,
    Offered,
    Order,
    Ready,
    Reject,
    Report,
    Start,
    Taken,
    Trunks,
    WireError,
    decode_report,
    encode,
)
from mail2fax.log import LogSettings
from mail2fax.model.call import AnswerOrder, CallEvent, CallOrder, EndedBy
from mail2fax.model.trunk import TrunkState

log = structlog.get_logger()

START_LIMIT_S = 60.0
"""One second of processor time, on a machine that may just be booting everything else."""
TAKE_LIMIT_S = 10.0
"""More than the engine needs to find the trunk's address."""
EXIT_LIMIT_S = 1.0
"""How long a process may outlive its end of the pipe."""

_STDERR = 2
_TEMPORARILY_UNAVAILABLE = 480


@dataclass(slots=True)
class _Carried:
    """One call in the engine: its events, and whether the order was taken, once the engine has said so."""

    events: CallEvents = field(default_factory=CallEvents)
    judged: asyncio.Event = field(default_factory=asyncio.Event)
    refusal: str = ""
    left: bool = False
    """Nobody is in its block any more; only its end is still of interest."""


class RemoteEngine:
    """The engine process from its first line to its exit. Get one from `launch`, and let `live` run."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        ringing: RingingCalls[IncomingCall],
    ) -> None:
        self.port = 0
        self.trunk_states: dict[str, TrunkState] = {}
        self._process = process
        self._reader = reader
        self._writer = writer
        self._ringing = ringing
        self._calls: dict[int, _Carried] = {}
        self._over = False

    @classmethod
    async def launch(cls, command: Sequence[str], start: Start, ringing: RingingCalls[IncomingCall]) -> Self:
        """An engine that is ready for orders; raises `EngineUnavailable`, and then leaves no process behind."""
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            raise EngineUnavailable(f"there is no pipe for the engine process: {error}") from error
        reader, writer = await asyncio.open_connection(sock=ours, limit=MAX_LINE)
        try:
            with theirs:
                # What it prints belongs to the log. A session of its own: Ctrl-C at a terminal is for the gateway,
                # which then ends its calls in order.
                process = await asyncio.create_subprocess_exec(
                    *command, stdin=theirs.fileno(), stdout=_STDERR, start_new_session=True
                )
        except OSError as error:
            writer.close()
            raise EngineUnavailable(f"the engine process cannot be started: {error}") from error
        remote = cls(process, reader, writer, ringing)
        try:
            await asyncio.wait_for(remote._begin(start), START_LIMIT_S)
        except (TimeoutError, WireError, OSError, ValueError) as error:
            raise EngineUnavailable(f"the engine process did not begin: {str(error) or 'it took too long'}") from error
        finally:
            if not remote.port:
                await remote._bury()
        return remote

    @property
    def pid(self) -> int:
        return self._process.pid

    async def live(self) -> int:
        """Reads reports until the pipe closes, then ends every call; returns the exit status of the process."""
        try:
            while line := await self._reader.readline():
                self._heed(decode_report(line))
        except (WireError, ValueError) as error:
            log.error("engine talks nonsense", pid=self.pid, cause=str(error))
            self._kill()
        except ConnectionError:
            log.debug("engine reset its pipe", pid=self.pid)
        finally:
            await self._bury()
        return self._process.returncode or 0

    def close(self) -> None:
        """Tells the engine to hang up every call and to end. Its last reports are still read."""
        if not self._writer.is_closing():
            self._writer.write_eof()

    @asynccontextmanager
    async def carry(self, number: int, order: CallOrder | AnswerOrder) -> AsyncIterator[CallEvents]:
        """The block of call `number`; raises `EngineUnavailable` when the order was not taken."""
        if self._over:
            raise EngineUnavailable("the engine process has died")
        call = self._calls[number] = _Carried()
        try:
            self._say(number, order)
            await self._judgement(call)
            if call.refusal:
                raise EngineUnavailable(call.refusal)
            yield call.events
        finally:
            call.left = True
            if call.refusal or call.events.ended:
                self._calls.pop(number, None)
            else:
                self._say(number, HangUp())

    def reject(self, number: int, sip_code: int) -> None:
        """Turns the incoming call `number` away."""
        self._say(number, Reject(sip_code))

    def adopt(self, trunks: tuple[TrunkSettings, ...], lines: int) -> None:
        """Tells the engine over which trunks it calls from now on."""
        for gone in self.trunk_states.keys() - {trunk.name for trunk in trunks}:
            del self.trunk_states[gone]
        self._say(0, Trunks(trunks, lines))

    def log_as(self, settings: LogSettings) -> None:
        """Tells the engine where to log from now on."""
        self._say(0, settings)

    async def _begin(self, start: Start) -> None:
        self._say(0, start)
        match decode_report(await self._reader.readline()).body:
            case Ready(port):
                self.port = port
            case NotStarted(reason):
                raise EngineUnavailable(reason)
            case other:
                raise WireError(f"{type(other).__name__} before Ready")

    async def _judgement(self, call: _Carried) -> None:
        """Waits until the engine has said whether it takes the order. An engine that cannot say so is ended."""
        try:
            await asyncio.wait_for(call.judged.wait(), TAKE_LIMIT_S)
        except TimeoutError:
            log.error("engine does not answer", pid=self.pid)
            self._kill()
            # Nobody knows whether it dialled: so the call has ended, rather than not begun.
            call.events.interrupt(EndedBy.ENGINE, "the engine process did not answer")

    def _say(self, number: int, order: Order) -> None:
        if not self._writer.is_closing():
            self._writer.write(encode(number, order))

    def _heed(self, message: Message[Report]) -> None:
        if isinstance(message.body, Offered):
            self._offer(message.call, message.body)
        elif isinstance(message.body, TrunkState):
            self._note_trunk(message.body)
        elif call := self._calls.get(message.call):
            self._follow(call, message.body)
            if call.left and (call.refusal or call.events.ended):
                del self._calls[message.call]
        # Anything else is about a call that was left before it was taken.

    def _follow(self, call: _Carried, report: Report) -> None:
        match report:
            case Ready() | NotStarted() | Offered() | TrunkState():
                raise WireError(f"{type(report).__name__} in a call")
            case Taken():
                pass
            case NotTaken(reason):
                call.refusal = reason or "the engine did not take the order"
            case event:
                call.events.put(event)
        call.judged.set()

    def _note_trunk(self, state: TrunkState) -> None:
        self.trunk_states[state.name] = state
        log.info("trunk", trunk=state.name, condition=state.condition, reason=state.reason)

    def _offer(self, number: int, offered: Offered) -> None:
        if self._ringing.heard:
            self._ringing.put(_RemoteIncoming(self, number, offered))
        else:
            self.reject(number, _TEMPORARILY_UNAVAILABLE)

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

    async def _bury(self) -> None:
        """Sees to it that the process is gone, and only then ends its calls: it might still be talking in them."""
        self._over = True
        self._writer.close()
        try:
            if not await self._exits():
                self._kill()
                await self._exits()
        finally:
            self._kill()
            for call in self._calls.values():
                call.events.interrupt(EndedBy.ENGINE, "the engine process died")
                call.judged.set()

    async def _exits(self) -> bool:
        try:
            await asyncio.wait_for(self._process.wait(), EXIT_LIMIT_S)
        except TimeoutError:
            return False
        return True


class _RemoteIncoming:
    """A call that rings in the engine's process."""

    def __init__(self, remote: RemoteEngine, number: int, offered: Offered) -> None:
        self.call_id = offered.call_id
        self.called = offered.called
        self.caller = offered.caller
        self.trunks = offered.trunks
        self.meant = offered.meant
        self._remote = remote
        self._number = number

    def answer(self, order: AnswerOrder) -> AbstractAsyncContextManager[AsyncIterator[CallEvent]]:
        return self._remote.carry(self._number, order)

    async def reject(self, sip_code: int) -> None:
        self._remote.reject(self._number, sip_code)
