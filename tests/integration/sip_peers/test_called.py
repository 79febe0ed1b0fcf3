"""SIPp calls, we are called: what it must see of us, and how the call ends in our words."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mail2fax.engine.embedded.engine import EmbeddedEngine
from mail2fax.engine.interface import IncomingCall
from mail2fax.engine.settings import EngineSettings
from mail2fax.model.call import Answered, AnswerOrder, CallEvent, Dialled, EndedBy, FaxFault, Media, Negotiated
from tests.integration.sip_peers.sipp import playing
from tests.integration.sip_peers.stage import end_of, read, running

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
                return await read(events, leave_at)

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


@pytest.fixture
def caller(sipp: str, tmp_path: Path) -> SippCaller:
    return SippCaller(sipp, tmp_path)


async def test_a_call_is_answered_and_ends_with_the_callers_bye(caller: SippCaller) -> None:
    told = await caller.call("calls", caller.answer())
    end = end_of(told)
    assert told == [Dialled(), Answered(), Negotiated(Media.G711), end]
    assert (end.call.ended_by, end.call.sip_code) == (EndedBy.FAR_END, 200)
    assert (end.media, end.fax.fault, end.fax.pages_confirmed) == (Media.G711, FaxFault.NO_FAX, 0)


async def test_an_answer_without_an_ack_is_repeated_until_it_comes(caller: SippCaller) -> None:
    end = end_of(await caller.call("is-slow-to-acknowledge", caller.answer(), "-nr"))
    assert (end.call.ended_by, end.call.sip_code) == (EndedBy.FAR_END, 200)


async def test_a_call_that_we_refuse_is_refused(caller: SippCaller) -> None:
    assert await caller.call("calls-and-is-refused", refuse) == []


async def test_a_call_that_we_leave_is_hung_up(caller: SippCaller) -> None:
    assert Answered() in await caller.call("calls-and-is-hung-up-on", caller.answer(leave_at=Answered))


async def test_a_call_that_is_cancelled_while_it_rings_here_ends(caller: SippCaller) -> None:
    told = await caller.call("calls-and-cancels", caller.answer(ring_s=5.0))
    end = end_of(told)
    assert told == [Dialled(), end]
    assert (end.call.ended_by, end.call.sip_code) == (EndedBy.FAR_END, 487)


async def test_t38_that_the_caller_offers_is_taken(caller: SippCaller) -> None:
    told = await caller.call("calls-and-offers-t38", caller.answer())
    assert told[:-1] == [Dialled(), Answered(), Negotiated(Media.G711), Negotiated(Media.T38)]
    assert end_of(told).media is Media.T38


async def test_options_are_answered(caller: SippCaller) -> None:
    async with running(EngineSettings(lines=1)) as engine:
        await caller.talk("asks-options", engine)


async def test_nonsense_leaves_no_trace(caller: SippCaller) -> None:
    async with running(EngineSettings(lines=1)) as engine:
        await caller.talk("talks-nonsense", engine)
        assert engine.counters.transactions <= 1  # that of the OPTIONS, in case it comes again
