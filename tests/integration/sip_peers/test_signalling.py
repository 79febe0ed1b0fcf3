"""What is agreed on beside the media: reliable answers, UPDATE, session timers, routes, digests. SIPp is the far end.

Each scenario checks what we send; the tests look at what the call's watcher is told.
"""

from dataclasses import replace

import pytest

from mail2fax.model.call import Answered, CallOrder, Dialled, EndedBy, Media, MediaPolicy, Negotiated, Ringing
from tests.integration.sip_peers.stage import SippCaller, SippTrunk, end_of

LOOSE = {
    "record_route": "<sip:[local_ip]:[local_port];lr;far>, <sip:[local_ip]:[local_port];lr;near>",
    "route": "&lt;sip:.*;lr;near&gt;",
    "uri": "sip:far@.*",
}
STRICT = {
    "record_route": "<sip:[local_ip]:[local_port];far>, <sip:[local_ip]:[local_port];near>",
    "route": "&lt;sip:.*;far&gt;",
    "uri": "sip:.*;near",
}


# We call


async def test_reliable_answers_get_their_prack(trunk: SippTrunk, order: CallOrder) -> None:
    told = await trunk.call(order, "requires-prack")
    assert told[:-1] == [Dialled(), Ringing(183), Ringing(180), Answered(), Negotiated(Media.G711)]
    assert end_of(told).call.ended_by is EndedBy.FAR_END


async def test_an_update_refreshes_the_session_or_describes_it_anew(trunk: SippTrunk, order: CallOrder) -> None:
    told = await trunk.call(order, "updates")
    assert told[:-1] == [Dialled(), Answered(), Negotiated(Media.G711)]


async def test_who_wants_a_longer_session_timer_gets_it(trunk: SippTrunk, order: CallOrder) -> None:
    assert Answered() in await trunk.call(order, "wants-a-longer-timer")


@pytest.mark.parametrize("words", [LOOSE, STRICT], ids=["loose", "strict"])
async def test_requests_go_by_the_proxies_that_want_it(
    trunk: SippTrunk, order: CallOrder, words: dict[str, str]
) -> None:
    """Trap: Record-Route is reversed for the caller; a strict router takes the place of the Request-URI."""
    assert Answered() in await trunk.call(order, "is-behind-proxies", words=words, leave_at=Answered)


async def test_two_places_get_a_digest_each_and_a_stale_nonce_another_try(trunk: SippTrunk, order: CallOrder) -> None:
    """Trap: several challenges, the first one supported; one retry per nonce unless `stale`."""
    end = end_of(await trunk.call(order, "challenges-in-two-places"))
    assert (end.call.ended_by, end.call.sip_code) == (EndedBy.FAR_END, 486)


async def test_a_challenged_offer_comes_again(trunk: SippTrunk, order: CallOrder) -> None:
    told = await trunk.call(replace(order, media_policy=MediaPolicy.OFFER), "challenges-the-reinvite")
    assert end_of(told).media is Media.G711_FALLBACK


async def test_who_asks_for_an_offer_gets_what_was_agreed_on(trunk: SippTrunk, order: CallOrder) -> None:
    assert end_of(await trunk.call(order, "asks-for-an-offer")).media is Media.G711


async def test_an_offer_that_meets_ours_is_told_to_wait(trunk: SippTrunk, order: CallOrder) -> None:
    told = await trunk.call(replace(order, media_policy=MediaPolicy.OFFER), "meets-our-offer")
    assert end_of(told).media is Media.G711_FALLBACK


async def test_early_media_of_several_far_ends_does_no_harm(trunk: SippTrunk, order: CallOrder) -> None:
    """Trap: early media from several legs; the one that answers repeats nothing in its 200."""
    told = await trunk.call(order, "rings-in-several-places", leave_at=Answered)
    assert told[:1] == [Dialled()]
    assert told[-1] == Answered()


@pytest.mark.parametrize("answer", ["481 Call/Transaction Does Not Exist", "408 Request Timeout"])
async def test_a_far_end_that_has_lost_the_call_ends_it(trunk: SippTrunk, order: CallOrder, answer: str) -> None:
    """Trap: 408 and 481 end the dialog."""
    told = await trunk.call(
        replace(order, media_policy=MediaPolicy.OFFER), "loses-the-dialog", words={"answer": answer}
    )
    assert end_of(told).call.ended_by is EndedBy.FAR_END


async def test_what_has_no_place_in_a_fax_call_is_answered_and_changes_nothing(
    trunk: SippTrunk, order: CallOrder
) -> None:
    assert end_of(await trunk.call(order, "asks-this-and-that")).call.sip_code == 200


async def test_a_refusal_says_when_to_call_again_and_whom_instead(trunk: SippTrunk, order: CallOrder) -> None:
    words = {"answer": "503 Service Unavailable", "header": "Retry-After: 30 (so busy);duration=60"}
    congested = end_of(await trunk.call(order, "refuses", words=words)).call
    assert (congested.retry_after_s, congested.redirected_to) == (30, "")
    contacts = "Contact: <sip:+375291110000@127.0.0.1>;q=0.1, <sip:%2B375291112233@127.0.0.1:9>;q=0.9"
    words = {"answer": "302 Moved Temporarily", "header": contacts}
    moved = end_of(await trunk.call(order, "refuses", words=words)).call
    assert (moved.retry_after_s, moved.redirected_to) == (None, "+375291112233")


# We are called


async def test_a_caller_who_wants_it_is_told_reliably_that_it_rings(caller: SippCaller) -> None:
    told = await caller.call("calls-and-requires-prack", caller.answer(ring_s=2.5), "-nr")
    assert told[:-1] == [Dialled(), Answered(), Negotiated(Media.G711)]


async def test_a_caller_without_an_offer_gets_ours(caller: SippCaller) -> None:
    """Trap: the offer in the 200, the answer in the ACK."""
    told = await caller.call("calls-without-an-offer", caller.answer())
    assert told[:-1] == [Dialled(), Answered(), Negotiated(Media.G711)]
    assert end_of(told).call.ended_by is EndedBy.FAR_END


async def test_a_callers_session_timer_is_kept(caller: SippCaller) -> None:
    told = await caller.call("calls-with-a-session-timer", caller.answer())
    assert told[:-1] == [Dialled(), Answered(), Negotiated(Media.G711)]


async def test_our_bye_goes_the_way_the_call_came(caller: SippCaller) -> None:
    assert Answered() in await caller.call("calls-through-proxies", caller.answer(leave_at=Answered))


async def test_who_offers_anew_before_our_answer_is_told_to_wait(caller: SippCaller) -> None:
    told = await caller.call("calls-and-is-impatient", caller.answer(ring_s=1.0))
    assert Answered() in told


async def test_the_same_call_by_two_ways_is_taken_once(caller: SippCaller) -> None:
    told = await caller.call("comes-twice", caller.answer(ring_s=0.5))
    assert told.count(Answered()) == 1


async def test_a_caller_may_leave_by_bye_while_it_rings(caller: SippCaller) -> None:
    end = end_of(await caller.call("calls-and-leaves-early", caller.answer(ring_s=5.0)))
    assert (end.call.ended_by, end.call.sip_code, end.call.q850) == (EndedBy.FAR_END, 487, 16)
