"""SIPp calls, we are called: what it must see of us, and how the call ends in our words."""

from mail2fax.engine.settings import EngineSettings
from mail2fax.model.call import Answered, Dialled, EndedBy, FaxFault, Media, Negotiated
from tests.integration.sip_peers.stage import SippCaller, end_of, refuse, running


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
