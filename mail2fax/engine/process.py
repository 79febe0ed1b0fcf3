"""The engine in a process of its own, as the gateway sees it: started, stopped, and started again when it dies.

A 20 ms clock must not wait for a mail, and a crash in C code must not end the gateway. `remote.py` is one life of
that process, `child.py` what runs in it, `wire.py` the language between them.
"""

import asyncio
import itertools
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace

import structlog

from mail2fax.engine.events import RingingCalls
from mail2fax.engine.interface import EngineTraits, EngineUnavailable, IncomingCall
from mail2fax.engine.records import keep_records
from mail2fax.engine.remote import RemoteEngine
from mail2fax.engine.settings import EngineSettings, TrunkSettings
from mail2fax.engine.wire import Start
from mail2fax.log import LogSettings
from mail2fax.model.call import CallEvent, CallOrder
from mail2fax.model.trunk import TrunkState

log = structlog.get_logger()

# -P: nothing that lies in the directory we happen to run in is a module of the engine.
COMMAND = (sys.executable, "-P", "-m", "mail2fax.engine.child")

STOP_LIMIT_S = 4.0
"""More than the child needs to hang up (`child.FAREWELL_S`) and to exit."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
STABLE_AFTER_S = 60.0
"""A child that lived this long was in order: when it dies, the next one follows after the first pause."""


class EngineProcess:
    """A `FaxEngine` in a child process. When the child dies its calls end with `EndedBy.ENGINE`.

    `start` raises `EngineUnavailable` when the first child does not start. A later one that dies is followed by
    the next after pauses of 1 to 30 s, and until that one stands `call` raises `EngineUnavailable`. `command`
    starts the child.
    """

    def __init__(
        self,
        settings: EngineSettings,
        *,
        log_settings: LogSettings | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._settings = settings
        self._log_settings = log_settings or LogSettings()
        self._command = command
        self._remote: RemoteEngine | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._stopping = False
        self._deaths = 0
        self._numbers = itertools.count(1)
        self._ringing = RingingCalls[IncomingCall]()

    @property
    def traits(self) -> EngineTraits:
        return EngineTraits(lines=self._settings.lines, reports_pages=True, retries_itself=False)

    @property
    def port(self) -> int:
        """Where the engine listens for SIP; after the first start it never changes."""
        return self._settings.listen_port

    @property
    def trunk_states(self) -> Mapping[str, TrunkState]:
        """How the trunks stand, as the present child has told; after its death, until the next one speaks, nothing."""
        return self._remote.trunk_states if self._remote else {}

    @property
    def pid(self) -> int | None:
        """The child's process id, or None while there is no child."""
        return self._remote.pid if self._remote else None

    @property
    def deaths(self) -> int:
        """How often a child has died without being told to."""
        return self._deaths

    async def start(self) -> None:
        # What lies there is of a child that died together with its gateway.
        if left := await self._keep_records(None):
            log.warning("calls of an earlier engine were cut off", evidence=left)
        self._remote = await self._launch()
        self._supervisor = asyncio.create_task(self._supervise(self._remote), name="engine supervisor")

    async def stop(self) -> None:
        """Hangs up every call and ends the child, by force when that takes longer than `STOP_LIMIT_S`."""
        self._stopping = True
        self._ringing.close()
        if self._supervisor is None:
            return
        if self._remote:
            self._remote.close()
            await asyncio.wait([self._supervisor], timeout=STOP_LIMIT_S)
        self._supervisor.cancel()
        with suppress(asyncio.CancelledError):
            await self._supervisor

    def adopt(self, trunks: tuple[TrunkSettings, ...], lines: int) -> None:
        """The child, and each that follows it, calls over these trunks from now on; calls under way go on."""
        self._settings = replace(self._settings, trunks=trunks, lines=lines)
        if self._remote:
            self._remote.adopt(trunks, lines)

    def log_as(self, settings: LogSettings) -> None:
        """The child, and each that follows it, logs so from now on; it opens its log file anew."""
        self._log_settings = settings
        if self._remote:
            self._remote.log_as(settings)

    def call(self, order: CallOrder) -> AbstractAsyncContextManager[AsyncIterator[CallEvent]]:
        return self._call(order)

    def incoming(self) -> AsyncIterator[IncomingCall]:
        return self._ringing.listen()

    @asynccontextmanager
    async def _call(self, order: CallOrder) -> AsyncIterator[AsyncIterator[CallEvent]]:
        if self._remote is None or self._stopping:
            raise EngineUnavailable("the engine is not running")
        async with self._remote.carry(next(self._numbers), order) as events:
            yield events

    async def _launch(self) -> RemoteEngine:
        start = Start(self._settings, os.getpid(), self._log_settings)
        remote = await RemoteEngine.launch(self._command, start, self._ringing)
        # Whoever calls us knows this port by now: the next child gets the same.
        self._settings = replace(self._settings, listen_port=remote.port)
        log.info("engine started", pid=remote.pid, port=remote.port, lines=self._settings.lines)
        return remote

    async def _supervise(self, remote: RemoteEngine) -> None:
        """Lives through one child after the other, until the engine is stopped."""
        loop = asyncio.get_running_loop()
        pause_s = FIRST_PAUSE_S
        while True:
            born = loop.time()
            status = await remote.live()
            self._remote = None
            if self._stopping:
                log.info("engine stopped", status=status)
                return
            self._deaths += 1
            log.error("engine died", pid=remote.pid, status=status, evidence=await self._keep_records(remote.pid))
            if loop.time() - born > STABLE_AFTER_S:
                pause_s = FIRST_PAUSE_S
            remote, pause_s = await self._relaunch(pause_s)
            self._remote = remote

    async def _keep_records(self, pid: int | None) -> list[str]:
        """The names of the files that hold what the calls of a dead child were told."""
        folder = self._settings.record_folder
        try:
            return await asyncio.to_thread(keep_records, folder, pid) if folder else []
        except OSError as error:
            log.warning("engine records not kept", folder=folder, error=str(error))
            return []

    async def _relaunch(self, pause_s: float) -> tuple[RemoteEngine, float]:
        """The next child, after as many tries as it takes, and the pause that its own death would be followed by."""
        while True:
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            try:
                return await self._launch(), pause_s
            except EngineUnavailable as error:
                log.error("engine did not start", cause=str(error), next_try_s=pause_s)
