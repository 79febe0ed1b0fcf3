"""A far end for calls of ours: a fax machine on a loopback port that does what the number dialled says."""

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Self

from mail2fax.engine.embedded.engine import EmbeddedEngine
from mail2fax.engine.interface import IncomingCall
from mail2fax.engine.settings import EngineSettings
from mail2fax.model.call import AnswerOrder, CallEnded, Traced
from mail2fax.model.trace import TraceLine

BUSY, RINGS = "486", "180"
"""It takes any number but these: one is busy, the other rings for a minute."""
_RING_S = {RINGS: 60.0}


class AnsweringMachine:
    """Receives faxes into `directory` and remembers how each call ended. Use it as a block."""

    def __init__(self, directory: Path, settings: EngineSettings | None = None) -> None:
        self.engine = EmbeddedEngine(settings or EngineSettings(lines=8))
        self._directory = directory
        self.evidence: dict[str, list[TraceLine]] = {}
        """By Call-ID, what each call has shown."""
        self._ends: dict[str, asyncio.Future[CallEnded]] = {}
        self._tasks = asyncio.TaskGroup()

    @property
    def port(self) -> int:
        return self.engine.port

    async def __aenter__(self) -> Self:
        await self.engine.start()
        await self._tasks.__aenter__()
        self._tasks.create_task(self._answer_calls())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.engine.stop()
        await self._tasks.__aexit__(kind, error, trace)

    def received(self, call_id: str) -> Path:
        """The file of the pages that this call brought."""
        return self._directory / f"{call_id}.tif"

    async def end_of(self, call_id: str, *, within_s: float) -> CallEnded:
        """How this call ended, seen from here; waits for that, and raises `TimeoutError`."""
        async with asyncio.timeout(within_s):
            return await self._end(call_id)

    def _end(self, call_id: str) -> asyncio.Future[CallEnded]:
        return self._ends.setdefault(call_id, asyncio.get_running_loop().create_future())

    async def _answer_calls(self) -> None:
        async for call in self.engine.incoming():
            if call.called == BUSY:
                await call.reject(486)
            else:
                self._tasks.create_task(self._receive(call))

    async def _receive(self, call: IncomingCall) -> None:
        order = AnswerOrder(str(self.received(call.call_id)), "+1 555 0100", ring_s=_RING_S.get(call.called, 0.0))
        async with call.answer(order) as events:
            async for event in events:
                if isinstance(event, Traced):
                    self.evidence.setdefault(call.call_id, []).extend(event.lines)
                if isinstance(event, CallEnded):
                    self._end(call.call_id).set_result(event)
