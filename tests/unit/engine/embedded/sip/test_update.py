"""UPDATE in a call that stands: an offer without an INVITE transaction, or a sign of life (RFC 3311)."""

import pytest

from mail2fax.engine.embedded.sip.events import OfferReceived
from mail2fax.engine.embedded.sip.message import Request

from .scene import ANSWER, OFFER, T38_ANSWER, T38_OFFER, Solo

CONTACT = ("Contact", "<sip:far@192.0.2.2:5062>")


def standing() -> tuple[Solo, Request]:
    solo = Solo()
    return solo, solo.establish()


def test_an_offer_in_an_update_is_answered_in_its_200_and_needs_no_ack() -> None:
    solo, invite = standing()
    solo.send(solo.inside(invite, "UPDATE", 1, body=T38_OFFER))
    assert solo.caller.take_events() == [OfferReceived(T38_OFFER)]
    assert solo.answers("UPDATE") == []
    assert solo.caller.accept_offer(T38_ANSWER, solo.pump.now)
    solo.wait(40)
    [answer] = solo.responses("UPDATE")
    assert (answer.status, answer.body) == (200, T38_ANSWER)
    assert answer.headers.get("Content-Type") == "application/sdp"
    assert answer.contacts
    assert solo.caller.remote_sdp == T38_OFFER
    assert solo.sent("BYE") == []


def test_a_refused_update_changes_nothing() -> None:
    solo, invite = standing()
    solo.send(solo.inside(invite, "UPDATE", 1, body=T38_OFFER))
    assert solo.caller.refuse_offer(488, solo.pump.now)
    assert solo.answers("UPDATE") == [488]
    assert solo.caller.remote_sdp == ANSWER


def test_an_update_without_sdp_moves_the_target_and_nothing_else() -> None:
    solo, invite = standing()
    moved = (("Contact", "<sip:moved@192.0.2.3>"), ("Record-Route", "<sip:192.0.2.44;lr>"))
    solo.send(solo.inside(invite, "UPDATE", 1, *moved))
    assert solo.answers("UPDATE") == [200]
    assert solo.responses("UPDATE")[0].body == b""
    assert solo.caller.take_events() == []
    solo.caller.hang_up(solo.pump.now)
    [bye] = solo.sent("BYE")
    assert (bye.uri, bye.headers.get("Route")) == ("sip:moved@192.0.2.3", None)


def test_an_update_with_an_offer_finds_their_own_reinvite_unanswered() -> None:
    solo, invite = standing()
    solo.send(solo.inside(invite, "INVITE", 1, body=T38_OFFER))
    solo.send(solo.inside(invite, "UPDATE", 2, body=T38_OFFER))
    [refused] = solo.responses("UPDATE")
    assert refused.status == 500
    assert 0 <= int(refused.headers.get("Retry-After") or "") <= 10
    assert solo.caller.accept_offer(T38_ANSWER, solo.pump.now)


def test_an_update_with_an_offer_meets_the_offer_in_our_200() -> None:
    """RFC 5407 3.1.5: a re-INVITE without SDP asked for our offer, whose answer comes in the ACK."""
    solo, invite = standing()
    solo.send(solo.inside(invite, "INVITE", 1))
    solo.send(solo.inside(invite, "UPDATE", 2, body=T38_OFFER))
    assert solo.answers("UPDATE") == [491]
    solo.send(solo.inside(invite, "ACK", 1, body=ANSWER))
    solo.send(solo.inside(invite, "UPDATE", 3, body=T38_OFFER, branch="again"))
    assert solo.caller.accept_offer(T38_ANSWER, solo.pump.now)
    assert solo.answers("UPDATE") == [491, 200]


def test_an_update_may_overtake_the_ack_to_our_200() -> None:
    """Offer and answer are through with the 200; an ACK that is lost must not keep T.38 away for seconds."""
    solo = Solo()
    solo.send(solo.request("INVITE", 1, body=OFFER))
    [called] = solo.a.take_incoming()
    called.answer(ANSWER, solo.pump.now)
    to = solo.responses("INVITE")[-1].headers.get("To") or ""
    solo.send(solo.request("UPDATE", 2, body=T38_OFFER, to=to))
    assert OfferReceived(T38_OFFER) in called.take_events()
    assert called.accept_offer(T38_ANSWER, solo.pump.now)
    assert solo.answers("UPDATE") == [200]


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_a_second_offer_before_the_first_is_answered_gets_500_and_when_to_come_again(method: str) -> None:
    """RFC 3311 5.2, RFC 3261 14.2."""
    solo, invite = standing()
    solo.send(solo.inside(invite, "UPDATE", 1, body=T38_OFFER))
    solo.send(solo.inside(invite, method, 2, body=T38_OFFER, branch="second"))
    [second] = [answer for answer in solo.responses(method) if answer.cseq[0] == 2]
    assert second.status == 500
    assert 0 <= int(second.headers.get("Retry-After") or "") <= 10
    assert solo.caller.accept_offer(T38_ANSWER, solo.pump.now)


def test_an_update_with_an_offer_meets_our_own_offer() -> None:
    """Glare: 491 while our re-INVITE is pending. One without SDP gets through."""
    solo, invite = standing()
    solo.caller.offer(T38_OFFER, solo.pump.now)
    solo.send(solo.inside(invite, "UPDATE", 1, body=T38_OFFER))
    solo.send(solo.inside(invite, "UPDATE", 2))
    assert solo.answers("UPDATE") == [491, 200]
    solo.answer(solo.made("INVITE")[1], 200, CONTACT, body=T38_ANSWER)


def test_our_own_offer_waits_while_theirs_in_an_update_is_open() -> None:
    solo, invite = standing()
    solo.send(solo.inside(invite, "UPDATE", 1, body=T38_OFFER))
    solo.caller.take_events()
    solo.caller.offer(T38_OFFER, solo.pump.now)
    solo.wait(1)
    assert len(solo.made("INVITE")) == 1
    assert solo.caller.accept_offer(T38_ANSWER, solo.pump.now)
    solo.wait(10)
    assert len(solo.made("INVITE")) == 1


def test_an_update_nobody_answers_gets_487_with_the_end_of_the_call() -> None:
    solo, invite = standing()
    solo.send(solo.inside(invite, "UPDATE", 1, body=T38_OFFER))
    solo.caller.hang_up(solo.pump.now)
    assert solo.answers("UPDATE") == [487]
    solo.send(solo.inside(invite, "UPDATE", 2, branch="late"))
    assert solo.answers("UPDATE") == [487, 481]


def test_an_update_outside_of_all_dialogs_finds_nothing() -> None:
    solo = Solo()
    for method in ("UPDATE", "PRACK", "BYE", "INFO"):
        solo.send(solo.request(method))
        assert solo.answers(method) == [481]


def test_an_update_with_a_body_we_cannot_read_gets_415() -> None:
    solo, invite = standing()
    solo.send(solo.inside(invite, "UPDATE", 1, ("Content-Type", "text/plain"), body=b"hello"))
    assert solo.answers("UPDATE") == [415]
