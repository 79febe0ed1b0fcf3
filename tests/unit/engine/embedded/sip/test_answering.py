"""How a call that comes in begins and ends: CANCEL, early BYE, the ACK to our 2xx."""

import pytest

from mail2fax.engine.embedded.sip.errors import LocalProtocolError
from mail2fax.engine.embedded.sip.events import Ended, Established
from mail2fax.model.call import EndedBy

from .scene import ANSWER, OFFER, Solo


def test_an_incoming_cancel_ends_the_call_with_487() -> None:
    """Trap: incoming CANCEL: 200 to it, 487 to the INVITE."""
    solo = Solo()
    solo.send(solo.request("INVITE", body=OFFER))
    [session] = solo.a.take_incoming()
    solo.send(solo.request("CANCEL", branch="INVITE1"))
    assert solo.answers("CANCEL") == [200]
    assert solo.answers("INVITE") == [100, 487]
    assert session.take_events() == [Ended(EndedBy.FAR_END, 487, "Request Terminated")]
    session.answer(ANSWER, solo.pump.now)
    session.ring(solo.pump.now)
    session.reject(486, solo.pump.now)
    session.hang_up(solo.pump.now)
    assert session.take_events() == []


def test_a_cancel_that_comes_after_our_answer_changes_nothing() -> None:
    """RFC 5407 3.1.2."""
    solo = Solo()
    solo.send(solo.request("INVITE", body=OFFER))
    [session] = solo.a.take_incoming()
    session.answer(ANSWER, solo.pump.now)
    solo.send(solo.request("CANCEL", branch="INVITE1"))
    assert solo.answers("CANCEL") == [200]
    assert solo.answers("INVITE") == [100, 200]
    assert session.take_events() == []


def test_the_caller_may_leave_before_the_answer_by_bye_too() -> None:
    solo = Solo()
    solo.send(solo.request("INVITE", body=OFFER))
    [session] = solo.a.take_incoming()
    session.ring(solo.pump.now)
    solo.wait(0.05)
    to = solo.responses("INVITE")[-1].headers.get("To") or ""
    solo.send(solo.request("BYE", 2, ("Reason", "Q.850;cause=16"), to=to))
    assert solo.answers("BYE") == [200]
    assert solo.answers("INVITE") == [100, 180, 487]
    assert session.take_events() == [Ended(EndedBy.FAR_END, 487, "Request Terminated", 16)]


def test_we_do_not_say_bye_before_the_ack() -> None:
    """RFC 3261 15: the called side waits for the ACK before it sends BYE."""
    solo = Solo()
    solo.send(solo.request("INVITE", body=OFFER))
    [session] = solo.a.take_incoming()
    session.answer(ANSWER, solo.pump.now)
    session.hang_up(solo.pump.now)
    solo.wait(3)
    assert solo.sent("BYE") == []
    to = solo.responses("INVITE")[-1].headers.get("To") or ""
    solo.send(solo.request("ACK", 1, to=to, branch="ack"))
    assert len(solo.sent("BYE")) == 1


def test_an_invite_that_comes_while_our_bye_waits_for_the_ack_finds_no_call() -> None:
    solo = Solo()
    solo.send(solo.request("INVITE", body=OFFER))
    [session] = solo.a.take_incoming()
    session.answer(ANSWER, solo.pump.now)
    session.hang_up(solo.pump.now)
    to = solo.responses("INVITE")[-1].headers.get("To") or ""
    solo.send(solo.request("INVITE", 2, to=to, body=OFFER))
    assert solo.answers("INVITE") == [100, 200, 481]
    assert session.take_events() == []


def test_a_hang_up_that_waits_for_the_ack_does_not_wait_for_ever() -> None:
    solo = Solo()
    solo.send(solo.request("INVITE", body=OFFER))
    [session] = solo.a.take_incoming()
    session.answer(ANSWER, solo.pump.now)
    session.hang_up(solo.pump.now)
    solo.wait(32.1)
    solo.answer(solo.sent("BYE")[0], 200)
    assert session.take_events() == [Ended(EndedBy.US, 200, "OK")]


def test_the_ack_to_our_2xx_is_known_by_dialog_and_cseq_even_with_the_invites_branch() -> None:
    """Trap: that ACK is matched by dialog and CSeq."""
    solo = Solo()
    solo.send(solo.request("INVITE", body=OFFER))
    [session] = solo.a.take_incoming()
    session.answer(ANSWER, solo.pump.now)
    solo.wait(0.05)
    to = solo.responses("INVITE")[-1].headers.get("To") or ""
    solo.send(solo.request("ACK", 2, to=to, branch="wrong"))
    assert session.take_events() == []
    solo.send(solo.request("ACK", 1, to=to, branch="INVITE1"))
    assert session.take_events() == [Established(OFFER)]
    solo.wait(10)
    assert solo.answers("INVITE") == [100, 200]


def test_a_call_without_sdp_is_answered_with_our_offer() -> None:
    solo = Solo()
    solo.send(solo.request("INVITE"))
    [session] = solo.a.take_incoming()
    assert session.remote_sdp is None
    session.answer(OFFER, solo.pump.now)
    solo.wait(0.05)
    to = solo.responses("INVITE")[-1].headers.get("To") or ""
    solo.send(solo.request("ACK", 1, to=to, branch="ack", body=ANSWER))
    assert session.take_events() == [Established(ANSWER)]
    assert session.remote_sdp == ANSWER


def test_a_refusal_must_be_one() -> None:
    solo = Solo()
    solo.send(solo.request("INVITE", body=OFFER))
    with pytest.raises(LocalProtocolError):
        solo.a.take_incoming()[0].reject(200, solo.pump.now)


def test_an_incoming_call_that_we_leave_is_refused() -> None:
    solo = Solo()
    solo.send(solo.request("INVITE", body=OFFER))
    [session] = solo.a.take_incoming()
    session.hang_up(solo.pump.now)
    solo.wait(0.05)
    assert solo.answers("INVITE") == [100, 480]


def test_the_numbers_that_an_invite_names_beside_its_uri_are_known() -> None:
    """A provider calls the Contact that we have registered; what was dialled stands in other headers."""
    solo = Solo()
    party = ("P-Called-Party-ID", '"Office" <sip:+375172001501@provider.example;user=phone>')
    solo.send(solo.request("INVITE", 1, party, body=OFFER, uri="sip:account@192.0.2.1", to="<sip:1502@192.0.2.1>"))
    [session] = solo.a.take_incoming()
    assert (session.called, session.meant) == ("account", ("+375172001501", "1502"))


def test_an_invite_that_names_one_number_or_nonsense_means_no_other() -> None:
    solo = Solo()
    solo.send(solo.request("INVITE", 1, ("P-Called-Party-ID", "<nonsense"), body=OFFER))
    [session] = solo.a.take_incoming()
    assert session.meant == ()
