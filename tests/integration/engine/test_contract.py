"""What every engine owes to the house: one suite, run against each of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from mail2fax.engine.interface import EngineUnavailable
from mail2fax.model.call import (
    Answered,
    CallEnded,
    CallEvent,
    Dialled,
    EndedBy,
    FaxFault,
    Media,
    Negotiated,
    PageConfirmed,
    Ringing,
)
from tests.harness.answering_machine import BUSY, RINGS
from tests.integration.engine.stages import DELIVERED, LINES, LONG, PAGES, Stage, stage

ENGINES = ("scripted", "embedded", "process")


@pytest_asyncio.fixture(params=ENGINES)
async def theatre(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage whose engine has not been started; it is stopped in the end."""
    async with stage(request.param, tmp_path) as built:
        yield built
        await built.engine.stop()


@pytest_asyncio.fixture
async def running(theatre: Stage) -> Stage:
    await theatre.engine.start()
    return theatre


async def story(at: Stage, number: str) -> list[CallEvent]:
    async with at.engine.call(at.order(number)) as events:
        return [event async for event in events]


async def end_of(at: Stage, number: str) -> CallEnded:
    event = (await story(at, number))[-1]
    assert isinstance(event, CallEnded)
    return event


async def until(kind: type[CallEvent], events: AsyncIterator[CallEvent]) -> None:
    async with asyncio.timeout(30):
        async for event in events:
            if isinstance(event, kind):
                return


def position(kind: type[CallEvent], events: list[CallEvent]) -> int:
    return next(index for index, event in enumerate(events) if isinstance(event, kind))


async def test_calls_at_once_each_tell_their_story_in_order(tmp_path: Path) -> None:
    """All engines at the same time, since a fax takes its 20 seconds: two calls on each."""
    directories = [tmp_path / kind for kind in ENGINES]
    for directory in directories:
        directory.mkdir()
    await asyncio.gather(*map(two_faxes, ENGINES, directories))


async def two_faxes(kind: str, directory: Path) -> None:
    async with stage(kind, directory) as at:
        await at.engine.start()
        await asyncio.gather(one_fax(at), one_fax(at))
        await at.engine.stop()


async def one_fax(at: Stage) -> None:
    order = at.order(DELIVERED)
    async with at.engine.call(order) as stream:
        events = [event async for event in stream]
    assert events[0] == Dialled()
    assert position(Answered, events) < position(Negotiated, events) < position(PageConfirmed, events)
    confirmed = [event for event in events if isinstance(event, PageConfirmed)]
    assert confirmed == [PageConfirmed(page, last=page == PAGES) for page in range(1, PAGES + 1)]
    ends = [event for event in events if isinstance(event, CallEnded)]
    assert ends == [events[-1]]
    assert ends[0].delivered(PAGES)
    assert ends[0].media is Media.T38
    await at.got_the_pages(order.call_id)


async def test_a_refused_call_has_the_far_ends_own_words(running: Stage) -> None:
    events = await story(running, BUSY)
    assert events[0] == Dialled()
    assert not any(isinstance(event, Answered) for event in events)
    end = events[-1]
    assert isinstance(end, CallEnded)
    assert (end.call.ended_by, end.call.sip_code, end.call.sip_reason) == (EndedBy.FAR_END, 486, "Busy Here")
    assert (end.media, end.fax.fault) == (Media.NONE, FaxFault.NOT_STARTED)


@pytest.mark.parametrize(("number", "moment"), [(RINGS, Ringing), (LONG, Answered)])
async def test_leaving_the_block_hangs_up(running: Stage, number: str, moment: type[CallEvent]) -> None:
    order = running.order(number)
    async with running.engine.call(order) as events:
        await until(moment, events)
    await running.sees_hang_up(order.call_id)


@pytest.mark.parametrize(("number", "moment"), [(RINGS, Ringing), (LONG, Answered)])
async def test_the_end_of_a_call_can_be_read_after_its_block_was_left(
    running: Stage, number: str, moment: type[CallEvent]
) -> None:
    async with running.engine.call(running.order(number)) as events:
        await until(moment, events)
    async with asyncio.timeout(30):
        rest = [event async for event in events]
    assert [event for event in rest if isinstance(event, CallEnded)] == rest[-1:]
    end = rest[-1]
    assert isinstance(end, CallEnded)
    assert end.call.ended_by is EndedBy.CANCELLED


async def test_a_fault_inside_the_block_hangs_up(running: Stage) -> None:
    order = running.order(LONG)

    async def stumble() -> None:
        async with running.engine.call(order) as events:
            await until(Answered, events)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await stumble()
    await running.sees_hang_up(order.call_id)


async def test_cancelling_whoever_watches_hangs_up(running: Stage) -> None:
    order = running.order(LONG)
    answered = asyncio.Event()

    async def watch() -> None:
        async with running.engine.call(order) as events:
            async for event in events:
                if isinstance(event, Answered):
                    answered.set()

    watching = asyncio.create_task(watch())
    await asyncio.wait_for(answered.wait(), 10)
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    await running.sees_hang_up(order.call_id)


async def test_an_engine_that_was_not_started_takes_no_order(theatre: Stage) -> None:
    with pytest.raises(EngineUnavailable):
        await story(theatre, DELIVERED)


async def test_an_engine_that_was_stopped_takes_no_order(running: Stage) -> None:
    await running.engine.stop()
    with pytest.raises(EngineUnavailable):
        await story(running, DELIVERED)


async def test_an_order_beyond_the_lines_is_not_taken_and_a_line_that_was_left_is_free(running: Stage) -> None:
    assert running.engine.traits.lines == LINES
    async with running.engine.call(running.order(RINGS)):
        async with running.engine.call(running.order(RINGS)):
            with pytest.raises(EngineUnavailable):
                await story(running, DELIVERED)
        assert (await end_of(running, BUSY)).call.sip_code == 486


async def test_stopping_ends_the_calls_that_are_under_way(running: Stage) -> None:
    numbers = [RINGS, LONG]
    watching = [asyncio.create_task(end_of(running, number)) for number in numbers]
    await asyncio.sleep(0.5)
    async with asyncio.timeout(4):
        await running.engine.stop()
        ends = await asyncio.gather(*watching)
    assert [end.call.ended_by for end in ends] == [EndedBy.CANCELLED, EndedBy.CANCELLED]


async def test_stopping_ends_the_wait_for_incoming_calls(running: Stage) -> None:
    async def listen() -> int:
        return len([call async for call in running.engine.incoming()])

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0)
    await running.engine.stop()
    assert await listening == 0


async def test_stopping_twice_is_once(running: Stage) -> None:
    await running.engine.stop()
    await running.engine.stop()
