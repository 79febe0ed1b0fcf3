"""The way of a call's events from the engine to whoever watches it."""

import asyncio
import contextlib

import pytest

from mail2fax import wiring
from mail2fax.config import Config
from mail2fax.engine.events import CallEvents, RingingCalls
from mail2fax.engine.scripted import ScriptedIncoming
from mail2fax.jobs.retry import judge
from mail2fax.model.call import (
    Answered,
    CallEnded,
    CallEvent,
    CallResult,
    Dialled,
    EndedBy,
    FaxFault,
    FaxResult,
    Media,
    Negotiated,
    PageConfirmed,
    PageProgress,
)
from mail2fax.model.job import JobEvent
from mail2fax.model.so_far import CallSoFar

ENDED = CallEnded(CallResult(EndedBy.US, 200, "OK"), Media.T38, FaxResult(FaxFault.NONE, 0, "OK", 1, 1, True))


async def _all(events: CallEvents) -> list[CallEvent]:
    return [event async for event in events]


async def test_events_come_in_order_and_end_after_the_end() -> None:
    events = CallEvents()
    for event in (Dialled(), Answered(), ENDED):
        events.put(event)
    assert await _all(events) == [Dialled(), Answered(), ENDED]
    assert await _all(events) == []


async def test_a_reader_who_is_early_waits() -> None:
    events = CallEvents()
    reading = asyncio.create_task(_all(events))
    for event in (Dialled(), ENDED):
        await asyncio.sleep(0)
        events.put(event)
    assert await reading == [Dialled(), ENDED]


async def test_a_call_ends_once() -> None:
    events = CallEvents()
    events.put(ENDED)
    events.put(Answered())
    events.interrupt(EndedBy.ENGINE)
    assert await _all(events) == [ENDED]


async def test_progress_that_nobody_has_read_gives_way_to_newer_progress() -> None:
    """A reader that is held up (by a slow disk) must not make the engine remember a thousand percents."""
    events = CallEvents()
    for percent in range(101):
        events.put(PageProgress(1, percent))
    events.put(PageConfirmed(1, last=True))
    events.put(ENDED)
    assert await _all(events) == [PageProgress(1, 100), PageConfirmed(1, last=True), ENDED]


async def test_a_call_that_is_cut_off_after_the_last_confirmation_was_delivered() -> None:
    """The engine dies after the last MCF, before it could say so: the pages are there none the less."""
    events = CallEvents()
    for event in (Answered(), Negotiated(Media.T38, 14_400, True, "MMR", "204x196", "+375 17")):
        events.put(event)
    events.put(PageConfirmed(1, last=False))
    events.put(PageConfirmed(2, last=True))
    events.interrupt(EndedBy.ENGINE, "it died")
    end = (await _all(events))[-1]
    assert isinstance(end, CallEnded)
    assert end.delivered(2)
    assert (end.call.ended_by, end.media, end.fax.far_id) == (EndedBy.ENGINE, Media.T38, "+375 17")


def test_a_call_that_is_cut_off_in_mid_page_keeps_its_confirmed_pages_and_is_not_delivered() -> None:
    so_far = CallSoFar()
    for event in (Answered(), Negotiated(Media.G711), PageConfirmed(1, last=False), PageProgress(2)):
        so_far.note(event)
    end = so_far.interrupted(EndedBy.ENGINE)
    assert (end.fax.pages_confirmed, end.fax.fault, end.delivered(2)) == (1, FaxFault.DROPPED, False)


@pytest.mark.parametrize(
    ("told", "event"),
    [
        ([PageProgress(1, 40)], JobEvent.POSTPONED),
        ([PageProgress(1, 100), PageConfirmed(1, last=False)], JobEvent.POSTPONED),
        ([PageProgress(1), PageConfirmed(1, last=False), PageProgress(2, 100)], JobEvent.DOUBTED),
        ([PageProgress(1), PageConfirmed(1, last=False), PageProgress(2), PageConfirmed(2, True)], JobEvent.DELIVERED),
    ],
)
def test_a_fault_of_ours_leaves_a_last_page_that_had_begun_in_doubt(told: list[CallEvent], event: JobEvent) -> None:
    """Trap: only what was confirmed counted as sent, and a page that waited for its MCF was dialled once more."""
    so_far = CallSoFar()
    for each in (Answered(), Negotiated(Media.T38, 14_400), *told):
        so_far.note(each)
    end = so_far.interrupted(EndedBy.LOCAL_FAULT, "a fault in the engine")
    assert judge(end, 2, wiring.retries(Config())).event is event


def test_a_call_that_is_cut_off_before_the_answer_had_no_fax() -> None:
    end = CallSoFar().interrupted(EndedBy.CANCELLED)
    assert (end.call.sip_code, end.media, end.fax.fault) == (None, Media.NONE, FaxFault.NOT_STARTED)


async def test_calls_that_ring_are_heard_while_somebody_listens() -> None:
    ringing = RingingCalls[ScriptedIncoming]()
    call = ScriptedIncoming("100", "200", [], asyncio.Event())
    ringing.put(call)
    heard = [ringing.heard]
    async with contextlib.aclosing(ringing.listen()) as listener:
        assert await anext(listener) is call
        heard.append(ringing.heard)
    heard.append(ringing.heard)
    assert heard == [False, True, False]


async def test_closing_ends_every_listener() -> None:
    ringing = RingingCalls[ScriptedIncoming]()

    async def listen() -> int:
        return len([call async for call in ringing.listen()])

    listeners = [asyncio.create_task(listen()) for _ in range(3)]
    await asyncio.sleep(0)
    ringing.close()
    assert await asyncio.gather(*listeners) == [0, 0, 0]
