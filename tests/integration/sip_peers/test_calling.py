"""We call, SIPp is called: what it must see of us, and how the call ends in our words."""

from dataclasses import replace

import pytest

from mail2fax.model.call import (
    Answered,
    CallEnded,
    CallOrder,
    Dialled,
    EndedBy,
    FaxFault,
    Media,
    MediaPolicy,
    Negotiated,
    Ringing,
    Traced,
)
from mail2fax.model.trace import TraceKind
from tests.integration.sip_peers.stage import SippTrunk, end_of

REFUSALS = [
    ("486 Busy Here", 'Reason: Q.850;cause=17;text="User busy"', 17),
    ("404 Not Found", "Reason: Q.850;cause=1", 1),
    ("503 Service Unavailable", "Retry-After: 30", None),
    ("488 Not Acceptable Here", 'Warning: 304 far "No medium in common"', None),
    # Nobody follows it: where a call goes is not the far end's to say, since its number may cost more.
    ("302 Moved Temporarily", "Contact: <sip:elsewhere@127.0.0.1:9>", None),
]


# Refusals


@pytest.mark.parametrize(("answer", "header", "cause"), REFUSALS, ids=[answer for answer, _, _ in REFUSALS])
async def test_a_refusal_is_acknowledged_and_told_in_the_far_ends_words(
    trunk: SippTrunk, order: CallOrder, answer: str, header: str, cause: int | None
) -> None:
    told = await trunk.call(order, "refuses", words={"answer": answer, "header": header})
    end = end_of(told)
    code, _, reason = answer.partition(" ")
    assert (end.call.ended_by, end.call.sip_code, end.call.sip_reason) == (EndedBy.FAR_END, int(code), reason)
    assert end.call.q850 == cause
    assert (end.media, end.fax.fault, end.fax.code) == (Media.NONE, FaxFault.NOT_STARTED, None)
    assert told == [Dialled(), end]


async def test_a_refusal_whose_ack_was_lost_is_acknowledged_again(trunk: SippTrunk, order: CallOrder) -> None:
    """Trap: the repeated answer belongs to the INVITE's transaction, which stays for it."""
    end = end_of(await trunk.call(order, "loses-the-ack", "-nr"))
    assert (end.call.ended_by, end.call.sip_code) == (EndedBy.FAR_END, 486)


# Ringing


async def test_who_rings_for_ever_is_cancelled_at_the_ring_limit(trunk: SippTrunk, order: CallOrder) -> None:
    """Trap: a CANCEL has the INVITE's branch and number. SIPp checks that."""
    told = await trunk.call(replace(order, ring_limit_s=1.0), "rings-for-ever")
    end = end_of(told)
    assert told == [Dialled(), Ringing(180), end]
    assert (end.call.ended_by, end.call.sip_code) == (EndedBy.RING_LIMIT, 487)
    assert end.fax.fault is FaxFault.NOT_STARTED


async def test_a_cancel_that_is_lost_is_said_again(trunk: SippTrunk, order: CallOrder) -> None:
    end = end_of(await trunk.call(replace(order, ring_limit_s=1.0), "hears-our-third-cancel", "-nr"))
    assert (end.call.ended_by, end.call.sip_code) == (EndedBy.RING_LIMIT, 487)


async def test_a_call_that_is_left_while_it_rings_is_cancelled(trunk: SippTrunk, order: CallOrder) -> None:
    assert await trunk.call(order, "rings-for-ever", leave_at=Ringing) == [Dialled(), Ringing(180)]


async def test_an_answer_that_crosses_our_cancel_is_acknowledged_and_hung_up(
    trunk: SippTrunk, order: CallOrder
) -> None:
    """Trap: after this CANCEL the call stands, and would stay for as long as the far end likes."""
    end = end_of(await trunk.call(replace(order, ring_limit_s=0.5), "answers-too-late"))
    assert (end.call.ended_by, end.call.sip_code) == (EndedBy.RING_LIMIT, 200)
    assert (end.media, end.fax.fault) == (Media.NONE, FaxFault.NOT_STARTED)


# The call stands


async def test_a_bye_in_mid_call_ends_it_with_the_far_ends_cause(trunk: SippTrunk, order: CallOrder) -> None:
    told = await trunk.call(order, "hangs-up", words={"header": "Reason: Q.850;cause=31"})
    end = end_of(told)
    assert told == [Dialled(), Ringing(180), Answered(), Negotiated(Media.G711), end]
    assert (end.call.ended_by, end.call.sip_code, end.call.q850) == (EndedBy.FAR_END, 200, 31)
    assert (end.media, end.fax.fault, end.fax.code) == (Media.G711, FaxFault.NO_FAX, 49)


async def test_a_call_that_is_left_after_the_answer_is_hung_up(trunk: SippTrunk, order: CallOrder) -> None:
    assert Answered() in await trunk.call(order, "is-hung-up-on", leave_at=Answered)


async def test_the_end_of_a_failed_call_waits_for_the_answer_to_our_bye(trunk: SippTrunk, order: CallOrder) -> None:
    """Whether the far end heard that it is over belongs to the evidence: what we said thrice, and what it answered."""
    told = await trunk.story(order, "hears-our-third-bye", "-nr")
    assert isinstance(told[-1], CallEnded)
    assert told[-1].call.ended_by is EndedBy.US
    lines = [line for part in told if isinstance(part, Traced) for line in part.lines]
    farewell = [f"{line.way} {line.text.partition(chr(10))[0]}" for line in lines if line.kind is TraceKind.SIP][-4:]
    assert [words.split(" sip:")[0] for words in farewell] == ["> BYE", "> BYE", "> BYE", "< SIP/2.0 200 OK"]


async def test_an_answer_whose_ack_was_lost_gets_the_same_ack_again(trunk: SippTrunk, order: CallOrder) -> None:
    end = end_of(await trunk.call(order, "repeats-its-answer", "-nr"))
    assert (end.call.ended_by, end.call.sip_code) == (EndedBy.FAR_END, 200)


async def test_of_two_far_ends_that_answer_the_second_is_hung_up(trunk: SippTrunk, order: CallOrder) -> None:
    told = await trunk.call(order, "forks")
    assert told.count(Answered()) == 1
    assert end_of(told).call.ended_by is EndedBy.FAR_END


# Digest


async def test_invite_and_bye_bear_a_digest_that_sipp_finds_right(trunk: SippTrunk, order: CallOrder) -> None:
    assert Answered() in await trunk.call(order, "challenges", leave_at=Answered)


async def test_a_password_that_is_not_accepted_is_not_tried_again(trunk: SippTrunk, order: CallOrder) -> None:
    """Trap: a new nonce for each try would go on for ever, and lock the account."""
    end = end_of(await trunk.call(order, "refuses-password", password="wrong"))
    assert (end.call.ended_by, end.call.sip_code) == (EndedBy.FAR_END, 401)


# T.38


@pytest.mark.parametrize("answer", ["488 Not Acceptable Here", "415 Unsupported Media Type", "606 Not Acceptable"])
async def test_t38_that_is_refused_leaves_the_call_in_audio(trunk: SippTrunk, order: CallOrder, answer: str) -> None:
    """Trap: this refusal is not the end of the call."""
    told = await trunk.call(offering(order), "refuses-t38", words={"answer": answer})
    end = end_of(told)
    assert told == [Dialled(), Answered(), Negotiated(Media.G711), Negotiated(Media.G711_FALLBACK), end]
    assert (end.call.ended_by, end.call.sip_code, end.media) == (EndedBy.FAR_END, 200, Media.G711_FALLBACK)


async def test_t38_is_offered_again_after_a_glare(trunk: SippTrunk, order: CallOrder) -> None:
    end = end_of(await trunk.call(offering(order), "says-491-once"))
    assert (end.call.ended_by, end.media) == (EndedBy.FAR_END, Media.G711_FALLBACK)


async def test_t38_that_is_taken_is_what_the_call_goes_on_in(trunk: SippTrunk, order: CallOrder) -> None:
    told = await trunk.call(offering(order), "takes-t38")
    assert told[:-1] == [Dialled(), Answered(), Negotiated(Media.G711), Negotiated(Media.T38)]
    assert end_of(told).media is Media.T38


async def test_t38_that_the_far_end_offers_is_taken(trunk: SippTrunk, order: CallOrder) -> None:
    told = await trunk.call(order, "offers-t38")
    assert told[:-1] == [Dialled(), Answered(), Negotiated(Media.G711), Negotiated(Media.T38)]
    assert end_of(told).media is Media.T38


async def test_t38_that_the_far_end_offers_is_refused_where_the_order_says_never(
    trunk: SippTrunk, order: CallOrder
) -> None:
    told = await trunk.call(replace(order, media_policy=MediaPolicy.NEVER), "offers-t38-in-vain")
    assert end_of(told).media is Media.G711


def offering(order: CallOrder) -> CallOrder:
    return replace(order, media_policy=MediaPolicy.OFFER)
