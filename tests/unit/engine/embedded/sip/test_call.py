"""How a call of ours begins and ends: ringing, forks, CANCEL and its races, routes, BYE."""

import pytest

from mail2fax.engine.embedded.sip.errors import LocalProtocolError
from mail2fax.engine.embedded.sip.events import Ended, Established, Progress
from mail2fax.model.call import EndedBy

from .scene import ANSWER, CREDENTIALS, OFFER, B, Duet, Solo, order

CHALLENGE = 'Digest realm="far", nonce="n1", qop="auth", algorithm=MD5'


def test_the_ack_to_a_2xx_has_a_branch_of_its_own_and_the_same_bytes_each_time() -> None:
    """Trap: ACK to a 2xx is a new branch, and its bytes are kept and sent again for every repeated 2xx."""
    solo = Solo()
    invite = solo.establish()
    solo.answer(invite, 200, ("Contact", "<sip:far@192.0.2.2:5062>"), body=ANSWER)
    solo.wait(30)
    solo.answer(invite, 200, ("Contact", "<sip:moved@192.0.2.2:5062>"), body=ANSWER)
    first, second, third = [sent.datagram for sent in solo.pump.trace if sent.label == "a ACK 1"]
    assert first == second == third
    assert solo.sent("ACK")[0].via.branch != invite.via.branch
    assert solo.sent("ACK")[0].uri == "sip:far@192.0.2.2:5062"
    assert solo.caller.take_events() == []


def test_ack_and_bye_follow_the_record_route_in_reverse() -> None:
    """Trap: Record-Route is reversed for the UAC; the ACK follows the route set."""
    solo = Solo()
    solo.establish(("Record-Route", "<sip:p3.invalid;lr>, <sip:p2.invalid;lr>"), ("Record-Route", "<sip:192.0.2.9;lr>"))
    solo.caller.hang_up(solo.pump.now)
    solo.wait(0.1)
    for request in (solo.sent("ACK")[0], solo.sent("BYE")[0]):
        routes = request.headers.items("Route")
        assert routes == ["<sip:192.0.2.9;lr>", "<sip:p2.invalid;lr>", "<sip:p3.invalid;lr>"]
        assert request.uri == "sip:far@192.0.2.2:5062"
    assert {sent.destination for sent in solo.pump.trace[-2:]} == {("192.0.2.9", 5060)}


def test_a_strict_router_takes_the_place_of_the_request_uri() -> None:
    """Trap: loose and strict routes."""
    solo = Solo()
    solo.establish(("Record-Route", "<sip:p2.invalid;lr>, <sip:192.0.2.9>"))
    [ack] = solo.sent("ACK")
    assert ack.uri == "sip:192.0.2.9"
    assert ack.headers.items("Route") == ["<sip:p2.invalid;lr>", "<sip:far@192.0.2.2:5062>"]


def test_a_private_contact_is_passed_over_when_the_trunk_says_so() -> None:
    """Trap: Contact may be private: per-trunk "answer to where it came from"."""
    solo = Solo()
    solo.invite(to_source=True)
    solo.answer(solo.sent("INVITE")[0], 200, ("Contact", "<sip:far@10.1.1.1>"), body=ANSWER)
    [ack] = [sent for sent in solo.pump.trace if sent.label == "a ACK 1"]
    assert ack.destination == B
    assert ack.datagram.startswith(b"ACK sip:far@10.1.1.1 SIP/2.0")


def test_a_contact_with_a_name_is_reached_where_the_answer_came_from() -> None:
    """No name service is asked in here, so a name is as good as the way the answer took."""
    solo = Solo()
    solo.invite()
    solo.answer(solo.sent("INVITE")[0], 200, ("Contact", "<sip:far@sip_trunk>"), body=ANSWER)
    [ack] = [sent for sent in solo.pump.trace if sent.label == "a ACK 1"]
    assert ack.destination == B


def test_each_fork_that_answers_late_is_acknowledged_and_hung_up() -> None:
    """Trap: forks: one early dialog per To tag; ACK and BYE surplus 2xx."""
    solo = Solo()
    solo.invite()
    [invite] = solo.sent("INVITE")
    contact = ("Contact", "<sip:other@192.0.2.3>")
    solo.answer(invite, 183, tag="one", body=b"v=0\r\ns=one\r\n")
    solo.answer(invite, 180, tag="two")
    solo.answer(invite, 200, contact, tag="two", body=ANSWER)
    solo.answer(invite, 200, contact, tag="one", body=ANSWER)
    solo.answer(invite, 200, contact, tag="one", body=ANSWER)
    assert [ack.to.tag for ack in solo.sent("ACK")] == ["two", "one", "one"]
    assert [bye.to.tag for bye in solo.sent("BYE")] == ["one"]
    events = solo.caller.take_events()
    assert events == [Progress(183, b"v=0\r\ns=one\r\n"), Progress(180), Established(ANSWER)]
    solo.answer(solo.sent("BYE")[0], 200)
    solo.caller.hang_up(solo.pump.now)
    solo.wait(0.05)
    solo.answer(solo.sent("BYE")[1], 200)
    assert solo.caller.take_events() == [Ended(EndedBy.US, 200, "OK")]
    solo.wait(40)
    assert solo.a.idle


def test_early_media_stands_in_for_an_answer_without_sdp() -> None:
    solo = Solo()
    solo.invite()
    [invite] = solo.sent("INVITE")
    solo.answer(invite, 183, body=ANSWER)
    solo.answer(invite, 200)
    assert solo.caller.take_events() == [Progress(183, ANSWER), Established(ANSWER)]


def test_cancel_waits_for_a_provisional_answer() -> None:
    """Trap: CANCEL only after a 1xx, with the INVITE's branch and CSeq number."""
    solo = Solo()
    solo.invite()
    solo.caller.hang_up(solo.pump.now)
    solo.wait(0.1)
    assert solo.sent("CANCEL") == []
    invite = solo.sent("INVITE")[0]
    solo.answer(invite, 100)
    [cancel] = solo.sent("CANCEL")
    assert (cancel.via, cancel.uri, cancel.call_id, cancel.from_) == (
        invite.via,
        invite.uri,
        invite.call_id,
        invite.from_,
    )
    assert cancel.cseq == (1, "CANCEL")
    assert cancel.to.tag is None
    assert len(cancel.headers.lines("Via")) == 1


def test_a_provisional_answer_to_the_unauthenticated_invite_does_not_count_for_the_next() -> None:
    """The CANCEL of the second INVITE waits for a 1xx to the second INVITE."""
    solo = Solo()
    solo.invite(credentials=CREDENTIALS)
    solo.answer(solo.sent("INVITE")[0], 100)
    solo.answer(solo.sent("INVITE")[0], 407, ("Proxy-Authenticate", CHALLENGE))
    solo.caller.hang_up(solo.pump.now)
    assert solo.sent("CANCEL") == []
    solo.answer(solo.sent("INVITE")[1], 180)
    assert [cancel.cseq for cancel in solo.sent("CANCEL")] == [(2, "CANCEL")]


def test_a_200_after_a_refusal_is_no_call() -> None:
    solo = Solo()
    solo.invite()
    [invite] = solo.sent("INVITE")
    solo.answer(invite, 486)
    solo.answer(invite, 200, body=ANSWER)
    assert solo.caller.take_events() == [Ended(EndedBy.FAR_END, 486, "Busy Here")]
    assert len(solo.sent("ACK")) == 1


def test_a_200_that_crosses_our_cancel_is_acknowledged_and_hung_up() -> None:
    """Trap: if the 200 crosses the CANCEL: ACK, then BYE."""
    solo = Solo()
    solo.invite()
    [invite] = solo.sent("INVITE")
    solo.answer(invite, 180)
    solo.caller.hang_up(solo.pump.now)
    solo.answer(invite, 200, ("Contact", "<sip:far@192.0.2.2:5062>"), body=ANSWER)
    assert [label for label in solo.pump.labels() if label[0] == "a"] == [
        "a INVITE 1",
        "a CANCEL 1",
        "a ACK 1",
        "a BYE 2",
    ]
    assert solo.caller.take_events() == [Progress(180)]
    solo.answer(solo.sent("BYE")[0], 200)
    assert solo.caller.take_events() == [Ended(EndedBy.US, 200, "OK")]


def test_a_cancel_that_leads_nowhere_is_given_up_after_32_s() -> None:
    """Trap: give up 32 s after the CANCEL."""
    solo = Solo()
    solo.invite()
    [invite] = solo.sent("INVITE")
    solo.answer(invite, 180)
    solo.caller.hang_up(solo.pump.now)
    solo.wait(0.1)
    solo.answer(solo.sent("CANCEL")[0], 200)
    solo.wait(31.7)
    assert solo.caller.take_events() == [Progress(180)]
    solo.wait(0.2)
    assert solo.caller.take_events() == [Ended(EndedBy.US)]
    solo.wait(10)
    assert solo.a.idle


def test_a_far_end_that_goes_on_ringing_after_the_cancel_is_given_up_all_the_same() -> None:
    """Each ringing took the 32 s away that a CANCEL is given, and a call that nobody wanted stayed for ever."""
    solo = Solo()
    solo.invite()
    [invite] = solo.made("INVITE")
    solo.answer(invite, 180)
    solo.caller.hang_up(solo.pump.now)
    solo.answer(solo.made("CANCEL")[0], 200)
    for _ in range(3):
        solo.wait(5)
        solo.answer(invite, 180)
    solo.wait(20)
    assert [event for event in solo.caller.take_events() if isinstance(event, Ended)] == [Ended(EndedBy.US)]


def test_the_ring_limit_cancels_whatever_has_been_heard() -> None:
    """Trap: ringing has its own limit, default 180 s."""
    solo = Solo()
    solo.invite()
    [invite] = solo.sent("INVITE")
    solo.answer(invite, 183, body=ANSWER)
    solo.wait(179.8)
    assert solo.sent("CANCEL") == []
    solo.wait(0.2)
    assert len(solo.sent("CANCEL")) == 1
    solo.answer(invite, 487)
    assert solo.caller.take_events()[-1] == Ended(EndedBy.RING_LIMIT, 487, "Request Terminated")


def test_an_answer_at_the_ring_limit_is_hung_up_and_the_limit_told() -> None:
    solo = Solo()
    solo.invite(ring_limit_s=10)
    [invite] = solo.sent("INVITE")
    solo.answer(invite, 180)
    solo.wait(10)
    solo.answer(invite, 200, body=ANSWER)
    solo.answer(solo.sent("BYE")[0], 200)
    assert solo.caller.take_events()[-1] == Ended(EndedBy.RING_LIMIT, 200, "OK")


def test_hanging_up_twice_is_hanging_up_once() -> None:
    duet = Duet()
    duet.establish()
    duet.caller.hang_up(duet.pump.now)
    duet.caller.hang_up(duet.pump.now)
    duet.pump.run_until_idle()
    duet.caller.hang_up(duet.pump.now)
    assert duet.pump.labels() == ["a BYE 2", "b 200 BYE 2"]
    assert duet.caller.take_events() == [Ended(EndedBy.US, 200, "OK")]


def test_a_redirection_is_not_followed() -> None:
    """Trap: a 3xx ends the call with its code."""
    solo = Solo()
    solo.invite()
    solo.answer(solo.sent("INVITE")[0], 302, ("Contact", "<sip:premium@203.0.113.5>"))
    assert solo.caller.take_events() == [Ended(EndedBy.FAR_END, 302, "Moved Temporarily", redirected_to="premium")]
    assert len(solo.sent("INVITE")) == 1


def test_the_q850_cause_of_a_final_answer_is_told() -> None:
    """Trap: `Reason: Q.850;cause=` goes into the result beside the SIP code."""
    solo = Solo()
    solo.invite()
    reasons = ("Reason", 'SIP;cause=480, Q.850 ;cause=17 ;text="User, busy"')
    solo.answer(solo.sent("INVITE")[0], 480, reasons)
    assert solo.caller.take_events() == [Ended(EndedBy.FAR_END, 480, "Temporarily Unavailable", 17)]


def test_the_q850_cause_of_a_bye_is_told() -> None:
    solo = Solo()
    invite = solo.establish()
    solo.send(solo.inside(invite, "BYE", 1, ("Reason", "Q.850;cause=31")))
    assert solo.caller.take_events() == [Ended(EndedBy.FAR_END, 200, "OK", 31)]


@pytest.mark.parametrize("reason", ["Q.850;cause=999", "Q.850;cause=x", "Q.850", "SIP;cause=16", ";;;", '"'])
def test_a_reason_that_says_nothing_is_passed_over(reason: str) -> None:
    solo = Solo()
    invite = solo.establish()
    solo.send(solo.inside(invite, "BYE", 1, ("Reason", reason)))
    assert solo.caller.take_events() == [Ended(EndedBy.FAR_END, 200, "OK")]


def test_our_reason_stands_in_the_bye_as_one_header() -> None:
    duet = Duet()
    duet.establish()
    duet.caller.hang_up(duet.pump.now, 'fax "done"\r\nX-Evil: 1')
    duet.pump.run_until_idle()
    [bye] = [sent.datagram for sent in duet.pump.trace if sent.label == "a BYE 2"]
    assert b'Reason: SIP;text="fax \\"done\\"  X-Evil: 1"\r\n' in bye


def test_byes_that_cross_are_both_answered() -> None:
    duet = Duet()
    duet.establish()
    duet.caller.hang_up(duet.pump.now)
    duet.called.hang_up(duet.pump.now)
    duet.pump.run_until_idle()
    assert duet.pump.labels() == ["a BYE 2", "b BYE 1", "b 200 BYE 2", "a 200 BYE 1"]
    assert duet.events() == ([Ended(EndedBy.US, 200, "OK")], [Ended(EndedBy.US, 200, "OK")])
    assert duet.is_quiet()


def test_a_bye_answered_five_seconds_late_still_ends_the_call_well() -> None:
    """Trap: FreeSWITCH in T.38 answers our BYE 5 s late once our UDPTL stops."""
    solo = Solo()
    solo.establish()
    solo.caller.hang_up(solo.pump.now)
    solo.wait(5)
    solo.answer(solo.sent("BYE")[0], 200)
    assert solo.caller.take_events() == [Ended(EndedBy.US, 200, "OK")]


def test_requests_from_another_port_find_their_dialog() -> None:
    """Trap: in-dialog requests can come from another port: match by Call-ID and tags."""
    solo = Solo()
    invite = solo.establish()
    solo.send(solo.inside(invite, "BYE", 1), source=("192.0.2.77", 9))
    assert solo.answers("BYE") == [200]
    assert solo.caller.ended


def test_a_falling_cseq_is_refused() -> None:
    """Trap: in-dialog CSeq rises strictly; 500 for one that falls."""
    solo = Solo()
    invite = solo.establish()
    solo.send(solo.inside(invite, "OPTIONS", 7))
    solo.send(solo.inside(invite, "BYE", 6))
    assert solo.answers("BYE") == [500]
    solo.send(solo.inside(invite, "BYE", 7))
    solo.send(solo.inside(invite, "BYE", 8))
    assert solo.answers("BYE") == [500, 500, 200]


def test_the_order_of_orders_is_kept() -> None:
    solo = Solo()
    solo.invite()
    for wrong in (
        solo.caller.ring,
        lambda now: solo.caller.answer(OFFER, now),
        lambda now: solo.caller.reject(486, now),
    ):
        with pytest.raises(LocalProtocolError):
            wrong(solo.pump.now)
    with pytest.raises(LocalProtocolError):
        solo.caller.offer(OFFER, solo.pump.now)
    assert not solo.caller.accept_offer(ANSWER, solo.pump.now)
    assert not solo.caller.refuse_offer(488, solo.pump.now)


@pytest.mark.parametrize(
    "changes",
    [
        {"call_id": "two words"},
        {"call_id": ""},
        {"call_id": "x\r\nEvil: 1"},
        {"domain": "fax.example>"},
        {"domain": "fax example"},
        {"domain": ""},
        {"from_domain": "x\r\n"},
        {"number": ""},
        {"number": "1\r\n2"},
        {"caller_id": "1\n"},
    ],
)
def test_an_order_that_cannot_be_written_is_refused_before_anything_is_sent(changes: dict[str, object]) -> None:
    with pytest.raises(LocalProtocolError):
        order(**changes)


def test_number_and_name_are_escaped_where_they_stand() -> None:
    """Text from outside never breaks out of a header."""
    solo = Solo()
    solo.invite(number="*31#123@evil", display_name='Bureau "Nord"\r\nX: 1', caller_id="a b")
    [invite] = solo.sent("INVITE")
    assert invite.uri == "sip:*31%23123%40evil@fax.example"
    assert invite.from_.display == 'Bureau "Nord"  X: 1'
    assert invite.from_.uri == "sip:a%20b@192.0.2.1"
    assert invite.contacts[0].uri == "sip:a%20b@192.0.2.1:5060"


def test_extra_headers_cannot_carry_a_line_break() -> None:
    solo = Solo()
    with pytest.raises(LocalProtocolError):
        solo.invite(extra_headers=(("X-A", "1\r\nX-B: 2"),))
