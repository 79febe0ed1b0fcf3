"""The scripted engine's own stories. What it owes to every caller is in the contract suite."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from mail2fax.engine.scripted import (
    Hold,
    Pause,
    Script,
    ScriptedEngine,
    Step,
    engine_dies,
    hung_up_after,
    never_ends,
    no_answer,
    no_fax,
    refused,
    rings_for_ever,
    unconfirmed,
)
from mail2fax.model.call import (
    AnswerOrder,
    CallEnded,
    CallEvent,
    CallOrder,
    Dialled,
    EndedBy,
    FaxFault,
    PageConfirmed,
    Ringing,
)


def order(number: str = "100", pages: int = 2) -> CallOrder:
    moment = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
    return CallOrder(f"id-of-{number}", number, "/nowhere.tif", pages, "ours", "+375 17", "Office", moment)


async def played(script: Script, pages: int = 2) -> list[CallEvent]:
    engine = ScriptedEngine({"100": script})
    await engine.start()
    async with engine.call(order(pages=pages)) as events:
        return [event async for event in events]


async def ended(script: Script, pages: int = 2) -> CallEnded:
    event = (await played(script, pages))[-1]
    assert isinstance(event, CallEnded)
    return event


async def test_a_number_without_a_script_is_delivered() -> None:
    engine = ScriptedEngine()
    await engine.start()
    async with engine.call(order(pages=3)) as events:
        story = [event async for event in events]
    confirmed = [event for event in story if isinstance(event, PageConfirmed)]
    assert confirmed == [PageConfirmed(1, last=False), PageConfirmed(2, last=False), PageConfirmed(3, last=True)]
    assert isinstance(story[-1], CallEnded)
    assert story[-1].delivered(3)
    assert engine.dialled == [order(pages=3)]


async def test_busy_has_its_sip_code_and_no_fax() -> None:
    end = await ended(refused(486, "Busy Here", q850=17))
    assert (end.call.sip_code, end.call.sip_reason, end.call.q850) == (486, "Busy Here", 17)
    assert end.fax.fault is FaxFault.NOT_STARTED


@pytest.mark.parametrize(
    ("script", "by", "fault"),
    [
        (no_answer, EndedBy.RING_LIMIT, FaxFault.NOT_STARTED),
        (no_fax, EndedBy.US, FaxFault.NO_FAX),
        (hung_up_after(1), EndedBy.FAR_END, FaxFault.DROPPED),
        (unconfirmed, EndedBy.US, FaxFault.NOT_CONFIRMED),
        (engine_dies, EndedBy.ENGINE, FaxFault.DROPPED),
    ],
)
async def test_a_call_that_fails_says_who_ended_it_and_is_not_delivered(
    script: Script, by: EndedBy, fault: FaxFault
) -> None:
    end = await ended(script)
    assert (end.call.ended_by, end.fax.fault, end.delivered(2)) == (by, fault, False)


async def test_a_far_end_that_hangs_up_after_the_last_confirmation_has_got_the_fax() -> None:
    assert (await ended(hung_up_after(2))).delivered(2)


async def test_a_script_without_an_end_ends_as_if_we_hung_up() -> None:
    def script(_order: CallOrder) -> Iterator[Step]:
        yield Dialled()

    assert (await ended(script)).call.ended_by is EndedBy.US


async def test_a_pause_takes_the_time_it_says_and_no_more() -> None:
    def script(_order: CallOrder) -> Iterator[Step]:
        yield Dialled()
        yield Pause(0.0)
        yield Ringing(180)

    assert (await played(script))[:2] == [Dialled(), Ringing(180)]


@pytest.mark.parametrize("script", [rings_for_ever, never_ends])
async def test_a_call_that_was_left_is_remembered(script: Script) -> None:
    engine = ScriptedEngine({"100": script})
    await engine.start()
    async with engine.call(order()) as events:
        assert await anext(events) == Dialled()
    assert engine.left == ["id-of-100"]


async def test_stopping_ends_a_call_that_holds() -> None:
    def script(_order: CallOrder) -> Iterator[Step]:
        yield Hold()

    engine = ScriptedEngine({"100": script})
    await engine.start()
    async with engine.call(order()) as events:
        watching = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        await engine.stop()
        end = await watching
    assert isinstance(end, CallEnded)
    assert end.call.ended_by is EndedBy.CANCELLED


async def test_a_call_comes_in_and_plays_its_steps_once_answered() -> None:
    engine = ScriptedEngine()
    await engine.start()
    engine.ring("100", "200", [PageConfirmed(1, last=True)])
    incoming = engine.incoming()
    call = await anext(incoming)
    assert (call.called, call.caller) == ("100", "200")
    async with call.answer(AnswerOrder("/nowhere.tif", "+375 17")) as events:
        story = [event async for event in events]
    assert story[0] == PageConfirmed(1, last=True)
    assert isinstance(story[-1], CallEnded)


async def test_a_call_that_comes_in_can_be_rejected() -> None:
    engine = ScriptedEngine()
    await engine.start()
    rung = engine.ring("100", "200", [])
    await (await anext(engine.incoming())).reject(404)
    assert rung.rejected_with == 404
