"""An engine of ours and SIPp, one call between them."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mail2fax.engine.embedded.engine import EmbeddedEngine
from mail2fax.engine.interface import IncomingCall
from mail2fax.engine.settings import EngineSettings, TrunkSettings
from mail2fax.model.call import AnswerOrder, CallEnded, CallEvent, CallOrder, Traced
from tests.harness.processes import becomes_true
from tests.integration.sip_peers.sipp import HOST, playing

USER, PASSWORD = "office", "s3cret"
"""What the scenarios ask for."""
OFFER_AFTER_S = 0.3
_FREE_WITHIN_S = 3.0


def fax_order(document: Path) -> CallOrder:
    """An order for the one page of `document`."""
    return CallOrder(
        call_id=f"{uuid.uuid4()}@mail2fax",
        number="+375291554499",
        document_path=str(document),
        pages=1,
        caller_id="+375172000000",
        station_id="+375 17 200 00 00",
        header="Office",
        header_time=datetime(2026, 3, 2, 10, 15, tzinfo=UTC),
    )


@asynccontextmanager
async def running(settings: EngineSettings) -> AsyncIterator[EmbeddedEngine]:
    """An engine that runs for as long as the block, at the end of which it must come to hold no call."""
    engine = EmbeddedEngine(settings)
    await engine.start()
    try:
        yield engine
        await becomes_true(lambda: _is_free(engine), within_s=_FREE_WITHIN_S)
    finally:
        await engine.stop()


@dataclass(frozen=True, slots=True)
class SippTrunk:
    """SIPp as the trunk of an engine of ours, and the far end of its calls."""

    program: str
    directory: Path

    async def call(
        self,
        order: CallOrder,
        scenario: str,
        *options: str,
        words: Mapping[str, str] | None = None,
        password: str = PASSWORD,
        leave_at: type[CallEvent] | None = None,
    ) -> list[CallEvent]:
        """The events of one call: up to its end, or, where we leave it, to the first of the kind `leave_at`. Its
        evidence is left out.

        SIPp must have seen what the scenario expects.
        """
        told = await self.story(order, scenario, *options, words=words, password=password, leave_at=leave_at)
        return [event for event in told if not isinstance(event, Traced)]

    async def story(
        self,
        order: CallOrder,
        scenario: str,
        *options: str,
        words: Mapping[str, str] | None = None,
        password: str = PASSWORD,
        leave_at: type[CallEvent] | None = None,
    ) -> list[CallEvent]:
        """The same with the call's evidence."""
        async with playing(self.program, scenario, self.directory, *options, words=words) as sipp:
            trunk = TrunkSettings(HOST, sipp.port, USER, password, offer_after_s=OFFER_AFTER_S)
            async with running(EngineSettings(lines=1, trunks=(trunk,))) as engine:
                async with engine.call(order) as events:
                    told = await read(events, leave_at)
                await sipp.is_satisfied()
        return told


Decision = Callable[[IncomingCall], Awaitable[list[CallEvent]]]


@dataclass(frozen=True, slots=True)
class SippCaller:
    """SIPp as somebody who calls an engine of ours."""

    program: str
    directory: Path

    def answer(self, *, ring_s: float = 0.0, leave_at: type[CallEvent] | None = None) -> Decision:
        """Take the call, and leave it at the first event of that kind, else at its end."""
        order = AnswerOrder(str(self.directory / "received.tif"), "+375 17 200 00 00", ring_s=ring_s)

        async def take(call: IncomingCall) -> list[CallEvent]:
            async with call.answer(order) as events:
                return [event for event in await read(events, leave_at) if not isinstance(event, Traced)]

        return take

    async def call(self, scenario: str, decide: Decision, *options: str) -> list[CallEvent]:
        """The events of SIPp's call to us, about which we `decide`. SIPp must have seen what the scenario expects."""
        async with running(EngineSettings(lines=1)) as engine, asyncio.TaskGroup() as tasks:
            deciding = tasks.create_task(_decide(engine, decide))
            await self.talk(scenario, engine, *options)
        return deciding.result()

    async def talk(self, scenario: str, engine: EmbeddedEngine, *options: str) -> None:
        """Let SIPp do to the engine what the scenario says."""
        async with playing(self.program, scenario, self.directory, *options, calls=engine.port) as sipp:
            await sipp.is_satisfied()


async def _decide(engine: EmbeddedEngine, decide: Decision) -> list[CallEvent]:
    async for call in engine.incoming():
        return await decide(call)
    raise AssertionError("nobody called")


async def refuse(call: IncomingCall) -> list[CallEvent]:
    await call.reject(486)
    return []


async def read(events: AsyncIterator[CallEvent], leave_at: type[CallEvent] | None = None) -> list[CallEvent]:
    told: list[CallEvent] = []
    async for event in events:
        told.append(event)
        if leave_at and isinstance(event, leave_at):
            break
    return told


def end_of(told: list[CallEvent]) -> CallEnded:
    """The end of a call, of which there is exactly one, last."""
    ends = [event for event in told if isinstance(event, CallEnded)]
    assert ends == told[-1:], told
    return ends[0]


def _is_free(engine: EmbeddedEngine) -> bool:
    held = engine.counters
    return (held.lines, held.undecided, held.dialogs) == (0, 0, 0)
