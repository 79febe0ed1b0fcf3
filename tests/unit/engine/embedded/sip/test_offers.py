"""Offers inside a call: accepted, refused, crossing each other, asked for."""

from collections.abc import Callable

import pytest

from mail2fax.engine.embedded.sip.errors import LocalProtocolError
from mail2fax.engine.embedded.sip.events import Ended, Established, OfferAnswered, OfferReceived, OfferRefused
from mail2fax.engine.embedded.sip.message import Request
from mail2fax.model.call import EndedBy

from .scene import ANSWER, CREDENTIALS, OFFER, T38_ANSWER, T38_OFFER, Duet, Solo

CONTACT = ("Contact", "<sip:far@192.0.2.2:5062>")


def offering() -> tuple[Solo, Request]:
    """A call of ours that stands, and our re-INVITE in it."""
    solo = Solo()
    solo.establish()
    solo.caller.offer(T38_OFFER, solo.pump.now)
    return solo, solo.sent("INVITE")[1]


@pytest.mark.parametrize("code", [488, 415, 606, 603, 500, 503])
def test_a_refused_offer_is_not_the_end(code: int) -> None:
    """Trap: 488, 415, 606, 603 to a T.38 offer: the old session goes on, and another offer may follow."""
    solo, reinvite = offering()
    solo.answer(reinvite, code)
    assert solo.caller.take_events() == [OfferRefused(code)]
    assert solo.caller.remote_sdp == ANSWER
    solo.caller.offer(T38_OFFER, solo.pump.now)
    solo.answer(solo.sent("INVITE")[2], 200, CONTACT, body=T38_ANSWER)
    assert solo.caller.take_events() == [OfferAnswered(T38_ANSWER)]


def test_the_ack_to_a_refused_offer_goes_the_way_of_the_offer() -> None:
    """Trap: ACK to 3xx-6xx uses the INVITE's branch, URI and Route, wherever a Contact in the answer points."""
    solo = Solo()
    solo.establish(("Record-Route", "<sip:192.0.2.9;lr>"))
    solo.caller.offer(T38_OFFER, solo.pump.now)
    reinvite = solo.sent("INVITE")[1]
    solo.answer(reinvite, 488, ("Contact", "<sip:elsewhere@203.0.113.9>"), source=("192.0.2.9", 5060))
    ack = solo.sent("ACK")[-1]
    assert (ack.via.branch, ack.uri) == (reinvite.via.branch, reinvite.uri)
    assert ack.headers.items("Route") == reinvite.headers.items("Route") == ["<sip:192.0.2.9;lr>"]
    assert [sent.destination for sent in solo.pump.trace if "a ACK" in sent.label][-1] == ("192.0.2.9", 5060)


@pytest.mark.parametrize("code", [408, 481])
def test_an_answer_that_the_dialog_is_gone_ends_the_call(code: int) -> None:
    """Trap: 408 and 481 to a re-INVITE end the dialog."""
    solo, reinvite = offering()
    solo.answer(reinvite, code)
    assert solo.caller.take_events() == [Ended(EndedBy.FAR_END, 200, "OK")]
    [bye] = solo.sent("BYE")
    solo.answer(bye, 481)
    solo.wait(40)
    assert solo.a.idle


def test_a_reinvite_nobody_answers_ends_the_call_as_our_time_out() -> None:
    solo, _ = offering()
    solo.wait(31.9)
    assert solo.caller.take_events() == []
    solo.wait(0.2)
    assert solo.caller.take_events() == [Ended(EndedBy.TIMEOUT, 200, "OK")]
    assert len(solo.sent("BYE")) == 1
    solo.wait(64)
    assert solo.a.idle


def test_a_reinvite_that_is_only_tried_is_cancelled_after_32_s() -> None:
    """A 100 stops timer B: without a limit of its own the offer would hang for ever."""
    solo, reinvite = offering()
    solo.answer(reinvite, 100)
    solo.wait(31.9)
    assert solo.sent("CANCEL") == []
    solo.wait(0.1)
    [cancel] = solo.sent("CANCEL")
    assert cancel.via.branch == reinvite.via.branch
    solo.answer(reinvite, 487)
    assert solo.caller.take_events() == [OfferRefused(487)]


def test_a_peer_that_answers_only_after_five_seconds_is_waited_for() -> None:
    """Trap: Asterisk holds our T.38 re-INVITE up to 5 s before it rejects."""
    solo, reinvite = offering()
    solo.answer(reinvite, 100)
    solo.wait(5)
    solo.answer(reinvite, 488)
    assert solo.caller.take_events() == [OfferRefused(488)]


def test_a_2xx_without_sdp_agrees_to_nothing() -> None:
    solo, reinvite = offering()
    solo.answer(reinvite, 200, CONTACT)
    assert solo.caller.take_events() == [OfferRefused(200)]
    assert len(solo.sent("ACK")) == 2


def test_the_ack_to_a_repeated_2xx_of_a_reinvite_is_the_same() -> None:
    solo, reinvite = offering()
    solo.answer(reinvite, 200, CONTACT, body=T38_ANSWER)
    solo.answer(reinvite, 200, CONTACT, body=T38_ANSWER)
    one, two = [sent.datagram for sent in solo.pump.trace if sent.label == "a ACK 2"]
    assert one == two
    assert solo.caller.take_events() == [OfferAnswered(T38_ANSWER)]


def test_a_reinvite_moves_the_target_and_never_the_route_set() -> None:
    """Trap: a re-INVITE refreshes the target, never the route set."""
    solo = Solo()
    solo.establish(("Record-Route", "<sip:192.0.2.9;lr>"))
    solo.caller.offer(T38_OFFER, solo.pump.now)
    moved = (("Contact", "<sip:moved@192.0.2.3>"), ("Record-Route", "<sip:192.0.2.44;lr>"))
    solo.answer(solo.sent("INVITE")[1], 200, *moved, body=T38_ANSWER)
    solo.caller.hang_up(solo.pump.now)
    [bye] = solo.sent("BYE")
    assert bye.uri == "sip:moved@192.0.2.3"
    assert bye.headers.items("Route") == ["<sip:192.0.2.9;lr>"]


def test_their_reinvite_moves_the_target_too() -> None:
    solo = Solo()
    invite = solo.establish()
    solo.send(solo.inside(invite, "INVITE", 1, ("Contact", "<sip:moved@192.0.2.3>"), body=T38_OFFER))
    assert solo.caller.accept_offer(T38_ANSWER, solo.pump.now)
    assert solo.caller.remote_sdp == T38_OFFER
    solo.caller.hang_up(solo.pump.now)
    assert solo.sent("BYE")[0].uri == "sip:moved@192.0.2.3"


def test_a_reinvite_is_authenticated_too() -> None:
    """Trap: 401 and 407 on a re-INVITE."""
    solo = Solo()
    solo.invite(credentials=CREDENTIALS)
    solo.answer(solo.sent("INVITE")[0], 200, CONTACT, body=ANSWER)
    solo.caller.take_events()
    solo.caller.offer(T38_OFFER, solo.pump.now)
    challenge = ("WWW-Authenticate", 'Digest realm="far", nonce="n", qop="auth"')
    solo.answer(solo.sent("INVITE")[1], 401, challenge)
    again = solo.sent("INVITE")[2]
    assert again.cseq == (3, "INVITE")
    assert again.body == T38_OFFER
    solo.answer(again, 200, CONTACT, body=T38_ANSWER)
    assert solo.caller.take_events() == [OfferAnswered(T38_ANSWER)]
    solo.caller.hang_up(solo.pump.now)
    assert "nc=00000002" in (solo.sent("BYE")[0].headers.get("Authorization") or "")


def test_offers_that_cross_are_both_refused_and_the_called_side_comes_first() -> None:
    """Trap: glare: 491 if our INVITE is pending; wait 2.1-4 s if we own the Call-ID, else 0-2 s."""
    for seed in range(20):
        duet = Duet(seed=seed)
        duet.establish()
        start = duet.pump.now
        duet.caller.offer(T38_OFFER, start)
        duet.called.offer(OFFER, start)
        duet.pump.run_until(start + 2.05)
        assert duet.pump.labels()[:6] == [
            "a INVITE 2",
            "b INVITE 1",
            "b 491 INVITE 2",
            "a 491 INVITE 1",
            "a ACK 2",
            "b ACK 1",
        ]
        [_, again] = [sent.at for sent in duet.pump.trace if sent.label.startswith("b INVITE")]
        assert 0 <= round(again - start - 0.02, 6) <= 2.0
        assert duet.caller.take_events() == [OfferReceived(OFFER)]
        duet.caller.refuse_offer(488, duet.pump.now)
        duet.pump.run_until(start + 4.1)
        [_, again] = [sent.at for sent in duet.pump.trace if sent.label.startswith("a INVITE")]
        assert 2.1 <= again - start - 0.02 <= 4.0
        assert duet.events() == ([], [OfferRefused(488), OfferReceived(T38_OFFER)])


def test_an_offer_that_waits_is_dropped_when_theirs_has_been_accepted() -> None:
    """Trap: after 491 ask again whether T.38 is still wanted."""
    duet = Duet()
    duet.establish()
    duet.caller.offer(T38_OFFER, duet.pump.now)
    duet.called.offer(T38_OFFER, duet.pump.now)
    duet.pump.run_until(duet.pump.now + 2.1)
    assert duet.caller.accept_offer(T38_ANSWER, duet.pump.now)
    duet.pump.run_until(duet.pump.now + 10)
    assert duet.events() == ([OfferReceived(T38_OFFER)], [OfferAnswered(T38_ANSWER)])
    assert sum(label.startswith("a INVITE") for label in duet.pump.labels()) == 1
    duet.caller.offer(OFFER, duet.pump.now)
    duet.pump.run_until(duet.pump.now + 1)
    assert duet.called.take_events() == [OfferReceived(OFFER)]


def test_a_far_end_that_always_says_491_does_not_keep_us_for_ever() -> None:
    solo, _ = offering()
    for number in range(1, 7):
        solo.answer(solo.made("INVITE")[number], 491)
        solo.wait(4)
    assert len(solo.made("INVITE")) == 7
    assert solo.caller.take_events() == [OfferRefused(491)]


def test_an_offer_that_waits_can_be_withdrawn_and_one_that_is_out_cannot() -> None:
    solo, reinvite = offering()
    assert not solo.caller.withdraw_offer()
    solo.answer(reinvite, 491)
    assert solo.caller.withdraw_offer()
    assert not solo.caller.withdraw_offer()
    solo.wait(5)
    assert len(solo.made("INVITE")) == 2
    assert solo.caller.take_events() == []
    solo.caller.offer(T38_OFFER, solo.pump.now)
    assert len(solo.made("INVITE")) == 3


def test_an_offer_waits_while_one_of_theirs_is_under_way() -> None:
    """RFC 3261 14.1: no new INVITE while another is in progress in either direction, up to its ACK."""
    solo = Solo()
    invite = solo.establish()
    solo.send(solo.inside(invite, "INVITE", 1, body=T38_OFFER))
    solo.caller.offer(OFFER, solo.pump.now)
    solo.wait(3.9)
    assert len(solo.made("INVITE")) == 1
    solo.caller.refuse_offer(488, solo.pump.now)
    solo.wait(0.1)
    solo.send(solo.inside(invite, "ACK", 1, branch="INVITE1"))
    solo.wait(4)
    assert len(solo.made("INVITE")) == 2


def test_their_second_offer_before_our_answer_gets_500_and_retry_after() -> None:
    """Trap: 500 + Retry-After if theirs is pending."""
    solo = Solo()
    invite = solo.establish()
    solo.send(solo.inside(invite, "INVITE", 1, body=T38_OFFER))
    solo.send(solo.inside(invite, "INVITE", 2, body=T38_OFFER))
    refusal = solo.responses("INVITE")[-1]
    assert refusal.status == 500
    assert 0 <= int(refusal.headers.get("Retry-After") or "x") <= 10
    assert solo.caller.take_events() == [OfferReceived(T38_OFFER)]
    assert solo.caller.accept_offer(T38_ANSWER, solo.pump.now)


def test_a_second_invite_before_the_call_is_answered_gets_500_and_retry_after() -> None:
    solo = Solo()
    solo.send(solo.request("INVITE", body=OFFER))
    [session] = solo.a.take_incoming()
    session.ring(solo.pump.now)
    to = solo.responses("INVITE")[-1].headers.get("To") or ""
    solo.send(solo.request("INVITE", 2, to=to, body=OFFER))
    assert solo.answers("INVITE") == [100, 180, 500]


def test_one_offer_at_a_time() -> None:
    solo, _ = offering()
    with pytest.raises(LocalProtocolError):
        solo.caller.offer(OFFER, solo.pump.now)


def test_a_reinvite_without_sdp_gets_our_current_session_as_offer() -> None:
    """Trap: offerless re-INVITE: offer in the 200, answer in the ACK; the same `o=` version."""
    solo = Solo()
    invite = solo.establish()
    solo.send(solo.inside(invite, "INVITE", 1))
    response = solo.responses("INVITE")[-1]
    assert (response.status, response.body) == (200, OFFER)
    solo.send(solo.inside(invite, "ACK", 1, body=T38_ANSWER, branch="ack"))
    assert solo.caller.take_events() == [OfferAnswered(T38_ANSWER)]
    solo.send(solo.inside(invite, "INVITE", 2))
    solo.send(solo.inside(invite, "ACK", 2, branch="ack2"))
    assert solo.caller.take_events() == []  # no answer in the ACK: as it was


def test_the_current_session_is_what_was_agreed_on_last() -> None:
    solo, reinvite = offering()
    solo.answer(reinvite, 200, CONTACT, body=T38_ANSWER)
    solo.caller.offer(OFFER, solo.pump.now)
    solo.answer(solo.sent("INVITE")[2], 488)
    invite = solo.sent("INVITE")[0]
    solo.send(solo.inside(invite, "INVITE", 1))
    assert solo.responses("INVITE")[-1].body == T38_OFFER
    solo.send(solo.inside(invite, "ACK", 1, branch="ack"))
    solo.send(solo.inside(invite, "INVITE", 2, body=OFFER))
    solo.caller.accept_offer(ANSWER, solo.pump.now)
    solo.send(solo.inside(invite, "INVITE", 3))
    assert solo.responses("INVITE")[-1].body == ANSWER


def test_another_invite_while_our_offer_in_a_200_is_open_gets_491() -> None:
    """RFC 5407 3.1.5."""
    solo = Solo()
    invite = solo.establish()
    solo.send(solo.inside(invite, "INVITE", 1))
    solo.send(solo.inside(invite, "INVITE", 2, body=T38_OFFER))
    assert solo.answers("INVITE") == [200, 491]


def test_a_reinvite_proves_that_our_200_has_arrived() -> None:
    """RFC 5407 3.1.4: the ACK was lost, the caller goes on; `Established` still comes first."""
    solo = Solo()
    solo.send(solo.request("INVITE", body=OFFER))
    [session] = solo.a.take_incoming()
    session.answer(ANSWER, solo.pump.now)
    to = solo.responses("INVITE")[-1].headers.get("To") or ""
    solo.send(solo.request("INVITE", 2, to=to, body=T38_OFFER))
    solo.send(solo.request("ACK", 1, to=to, branch="late"))
    assert session.take_events() == [Established(OFFER), OfferReceived(T38_OFFER)]


def test_a_cancelled_reinvite_gets_487_and_our_answer_comes_too_late() -> None:
    solo = Solo()
    invite = solo.establish()
    solo.send(solo.inside(invite, "INVITE", 1, body=T38_OFFER))
    solo.send(solo.inside(invite, "CANCEL", 1, branch="INVITE1"))
    assert solo.answers("INVITE") == [100, 487]
    assert not solo.caller.accept_offer(T38_ANSWER, solo.pump.now)
    assert not solo.caller.refuse_offer(488, solo.pump.now)
    assert solo.caller.remote_sdp == ANSWER


def test_our_2xx_to_a_reinvite_without_ack_ends_the_call() -> None:
    """Trap: repeat our 2xx (re-INVITE too) until the ACK; no ACK in 32 s means BYE."""
    solo = Solo()
    invite = solo.establish()
    solo.send(solo.inside(invite, "INVITE", 1, body=T38_OFFER))
    solo.caller.accept_offer(T38_ANSWER, solo.pump.now)
    solo.caller.take_events()
    solo.wait(32.1)
    assert solo.caller.take_events() == [Ended(EndedBy.TIMEOUT, 200, "OK")]
    assert len(solo.sent("BYE")) == 1


def test_a_200_whose_ack_is_late_does_not_outlive_a_call_that_another_one_ended() -> None:
    """Two of our 2xx are open at once; the first that is given up stops the other."""
    solo = Solo()
    invite = solo.establish()
    for cseq in (1, 2):
        solo.send(solo.inside(invite, "INVITE", cseq, body=T38_OFFER))
        assert solo.caller.accept_offer(T38_ANSWER, solo.pump.now)
    solo.wait(40)
    assert [type(event) for event in solo.caller.take_events()] == [OfferReceived, OfferReceived, Ended]
    before = len(solo.answers("INVITE"))
    solo.wait(60)
    assert len(solo.answers("INVITE")) == before
    assert solo.a.idle


def _we_leave(solo: Solo, invite: Request) -> None:
    solo.caller.hang_up(solo.pump.now)


def _they_leave(solo: Solo, invite: Request) -> None:
    solo.send(solo.inside(invite, "BYE", 2))


@pytest.mark.parametrize("leave", [_we_leave, _they_leave])
def test_an_offer_of_theirs_that_is_open_at_the_end_gets_487(leave: Callable[[Solo, Request], None]) -> None:
    """RFC 3261 15.1.2."""
    solo = Solo()
    invite = solo.establish()
    solo.send(solo.inside(invite, "INVITE", 1, body=T38_OFFER))
    leave(solo, invite)
    assert solo.answers("INVITE") == [100, 487]
    assert not solo.caller.accept_offer(T38_ANSWER, solo.pump.now)


@pytest.mark.parametrize("leave", [_we_leave, _they_leave])
def test_an_offer_of_ours_that_is_open_at_the_end_is_still_acknowledged(
    leave: Callable[[Solo, Request], None],
) -> None:
    solo, reinvite = offering()
    leave(solo, solo.sent("INVITE")[0])
    solo.answer(reinvite, 200, CONTACT, body=T38_ANSWER)
    assert [ack.cseq[0] for ack in solo.sent("ACK")] == [1, 2]
    for bye in solo.sent("BYE"):
        solo.answer(bye, 200)
    assert [type(event) for event in solo.caller.take_events()] == [Ended]
    solo.wait(40)
    assert solo.a.idle


@pytest.mark.parametrize("leave", [_we_leave, _they_leave])
def test_an_offer_of_ours_that_nobody_answers_does_not_outlive_the_call(
    leave: Callable[[Solo, Request], None],
) -> None:
    solo, reinvite = offering()
    solo.answer(reinvite, 100)
    leave(solo, solo.sent("INVITE")[0])
    for bye in solo.sent("BYE"):
        solo.answer(bye, 200)
    solo.wait(100)
    assert [type(event) for event in solo.caller.take_events()] == [Ended]
    assert solo.a.idle


def test_an_offer_that_waits_at_the_end_is_never_made() -> None:
    solo, reinvite = offering()
    solo.answer(reinvite, 491)
    solo.caller.hang_up(solo.pump.now)
    solo.answer(solo.sent("BYE")[0], 200)
    solo.wait(40)
    assert len(solo.sent("INVITE")) == 2
    assert solo.a.idle


@pytest.mark.parametrize("leave", [_we_leave, _they_leave])
def test_an_offer_that_meets_glare_at_the_end_is_not_made_again(leave: Callable[[Solo, Request], None]) -> None:
    solo, reinvite = offering()
    leave(solo, solo.sent("INVITE")[0])
    for bye in solo.sent("BYE"):
        solo.answer(bye, 200)
    solo.answer(reinvite, 491)
    solo.wait(40)
    assert len(solo.made("INVITE")) == 2
    assert solo.a.idle


def test_after_our_bye_an_invite_of_theirs_finds_no_call() -> None:
    solo = Solo()
    invite = solo.establish()
    solo.caller.hang_up(solo.pump.now)
    solo.send(solo.inside(invite, "INVITE", 1, body=T38_OFFER))
    assert solo.answers("INVITE") == [481]
