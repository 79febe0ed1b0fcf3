"""The engine's own process: takes orders from the pipe, carries the calls, reports, and does not outlive its gateway.

Run as `python -m mail2fax.engine.child` by `process.py`, with the pipe as standard input. The first line holds the
settings, for a command line or an environment would show the trunk's password to everybody on the machine.
"""

import asyncio
import gc
import itertools
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol

import structlog

from mail2fax.engine.embedded.engine import EmbeddedEngine
from mail2fax.engine.interface import EngineUnavailable, FaxEngine, IncomingCall
from mail2fax.engine.priority import give_way_when_full, go_first
from mail2fax.engine.settings import EngineSettings, TrunkSettings
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
    decode_order,
    encode,
)
from mail2fax.log import LogSettings, configure
from mail2fax.model.call import AnswerOrder, CallEvent, CallOrder, EndedBy
from mail2fax.model.so_far import CallSoFar
from mail2fax.model.trunk import TrunkState

log = structlog.get_logger()

BEGIN_LIMIT_S = 10.0
BEAT_S = 0.5
HANG_LIMIT_S = 10.0
"""How long the loop may stand still (a C call that never returns) before the kernel ends the process."""
FAREWELL_S = 1.8
"""Seconds between the end of the gateway and our own, at the latest: time for BYE, CANCEL and their answers."""
MAX_BACKLOG = 4 * MAX_LINE
"""Bytes of reports that wait for the gateway. A gateway so far behind is not there any more."""

_STDIN = 0


class HostedEngine(FaxEngine, Protocol):
    """An engine that this process can host: it also says where it listens, tells each change of a trunk, and takes
    other trunks while it runs."""

    @property
    def port(self) -> int: ...
    def trunk_news(self) -> AsyncIterator[TrunkState]: ...
    def adopt(self, trunks: tuple[TrunkSettings, ...], lines: int) -> None: ...


class Child:
    """Serves one gateway at the other end of the pipe, with one engine, until the pipe closes."""

    def __init__(self, engine: HostedEngine, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._engine = engine
        self._reader = reader
        self._writer = writer
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._ringing: dict[int, IncomingCall] = {}
        self._over = asyncio.Event()

    def end(self) -> None:
        """Hangs up every call and ends `serve`."""
        self._over.set()

    async def serve(self, gateway_pid: int) -> None:
        """Carries calls until the gateway closes the pipe or dies; then hangs up all of them, within `FAREWELL_S`."""
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(self._watch_gateway(gateway_pid))
            obey = tasks.create_task(self._obey(tasks))
            tasks.create_task(self._offer_calls())
            tasks.create_task(self._tell_of_trunks())
            await self._over.wait()
            watch.cancel()
            obey.cancel()
            # From here on the kernel holds the clock: whatever happens now, we are silent in time.
            signal.setitimer(signal.ITIMER_REAL, FAREWELL_S)
            # Ends the iterators of the calls and of `incoming`, and with them their tasks, once all is reported.
            await self._engine.stop()

    async def _obey(self, tasks: asyncio.TaskGroup) -> None:
        try:
            while line := await self._reader.readline():
                self._heed(decode_order(line), tasks)
        except (WireError, ValueError) as error:
            log.error("gateway talks nonsense", cause=str(error))
        except ConnectionError:
            log.debug("gateway reset its pipe")
        finally:
            self.end()

    async def _watch_gateway(self, gateway_pid: int) -> None:
        """Ends us when our parent is gone though the pipe is open: some child of its own may have inherited it."""
        while os.getppid() == gateway_pid:
            # The dead man's handle: SIGALRM ends the process when this loop does not come round in time.
            signal.setitimer(signal.ITIMER_REAL, HANG_LIMIT_S)
            await asyncio.sleep(BEAT_S)
        self.end()

    async def _offer_calls(self) -> None:
        """Passes on the calls that come in. Their numbers are below zero: never one of the gateway's."""
        numbers = itertools.count(-1, -1)
        try:
            async for call in self._engine.incoming():
                number = next(numbers)
                self._ringing[number] = call
                self._say(number, Offered(call.call_id, call.called, call.caller, call.trunks, call.meant))
        finally:
            self.end()  # the engine has stopped, by itself: only a new process can help

    async def _tell_of_trunks(self) -> None:
        async for state in self._engine.trunk_news():
            self._say(0, state)

    def _heed(self, message: Message[Order], tasks: asyncio.TaskGroup) -> None:
        number = message.call
        match message.body:
            case CallOrder() as order:
                self._begin(number, self._engine.call(order), tasks)
            case AnswerOrder() as order:
                if call := self._ringing.pop(number, None):
                    self._begin(number, call.answer(order), tasks)
                else:
                    self._say(number, NotTaken("this call does not ring any more"))
            case Reject(sip_code):
                if call := self._ringing.pop(number, None):
                    tasks.create_task(call.reject(sip_code))
            case HangUp():
                if task := self._calls.get(number):
                    task.cancel()
            case Trunks(trunks, lines):
                self._engine.adopt(trunks, lines)
            case LogSettings() as settings:
                _log_as(settings)
            case Start():
                raise WireError("a second first line")

    def _begin(
        self, number: int, block: AbstractAsyncContextManager[AsyncIterator[CallEvent]], tasks: asyncio.TaskGroup
    ) -> None:
        task = self._calls[number] = tasks.create_task(self._carry(number, block))
        task.add_done_callback(lambda _task: self._calls.pop(number))

    async def _carry(self, number: int, block: AbstractAsyncContextManager[AsyncIterator[CallEvent]]) -> None:
        so_far = CallSoFar()
        try:
            async for event in self._events_of(number, block):
                so_far.note(event)
                self._say(number, event)
        except EngineUnavailable as error:
            self._say(number, NotTaken(str(error)))
        except Exception:
            # A fault of ours in one call must not end the others.
            log.exception("call failed", call=number)
            self._say(number, so_far.interrupted(EndedBy.LOCAL_FAULT, "a fault in the engine"))

    async def _events_of(
        self, number: int, block: AbstractAsyncContextManager[AsyncIterator[CallEvent]]
    ) -> AsyncIterator[CallEvent]:
        """Every event of a call, its end included when the gateway hangs up (which cancels us)."""
        events: AsyncIterator[CallEvent] | None = None
        try:
            async with block as events:
                self._say(number, Taken())
                async for event in events:
                    yield event
        except asyncio.CancelledError:
            if events is None:
                raise
            async for event in events:
                yield event

    def _say(self, number: int, report: Report) -> None:
        if self._writer.is_closing():
            return
        self._writer.write(encode(number, report))
        backlog = self._writer.transport.get_write_buffer_size()
        if backlog > MAX_BACKLOG:
            log.error("gateway does not read", backlog_bytes=backlog)
            self._writer.transport.abort()
            self.end()


def _log_as(settings: LogSettings) -> None:
    try:
        configure(settings)
    except OSError as error:
        log.error("log file not opened", file=settings.file, error=str(error))


async def run(make: Callable[[EngineSettings], HostedEngine]) -> int:
    """Serves the gateway at the other end of standard input with the engine that `make` makes; the exit status."""
    pipe = socket.socket(fileno=os.dup(_STDIN))
    pipe.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=pipe, limit=MAX_LINE)
    first = decode_order(await asyncio.wait_for(reader.readline(), BEGIN_LIMIT_S)).body
    if not isinstance(first, Start):
        raise WireError("an order before the settings")
    _log_as(first.log)
    if first.settings.real_time:
        give_way_when_full(asyncio.get_running_loop())
        go_first()
    engine = make(first.settings)
    try:
        await engine.start()
    except EngineUnavailable as error:
        writer.write(encode(0, NotStarted(str(error))))
        await writer.drain()
        return 1
    # What stands now is never garbage: a collection that walked it all (50 ms) would be heard on every line.
    gc.collect()
    gc.freeze()
    writer.write(encode(0, Ready(engine.port)))
    child = Child(engine, reader, writer)
    # A signal to the whole service is for the gateway, which lets calls end first: its pipe tells us when to stop.
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, lambda: None)
    await child.serve(first.gateway_pid)
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(run(EmbeddedEngine)))
