"""Provisional answers that are acknowledged: PRACK in both roles (RFC 3262)."""

import pytest

from mail2fax.engine.embedded.sip.events import Ended, Established, OfferReceived, Progress
from mail2fax.engine.embedded.sip.message import Request
from mail2fax.model.call import EndedBy

from .scene import ANSWER, CREDENTIALS, OFFER, T38_ANSWER, T38_OFFER, Duet, Solo

CONTACT = ("Contact", "<sip:far@192.0.2.2:5062>")
REQUIRED = ("Require", "100rel")


def reliable(number: int) -> tuple[tuple[str, str], ...]:
    return CONTACT, REQUIRED, ("RSeq", str(number))


def ringing(*fields: tuple[str, str], body: bytes = b"") -> tuple[Solo, Request]:
    """A call of ours that was told that it rings."""
    solo = Solo()
    solo.invite()
    [invite] = solo.sent("INVITE")
    solo.answer(invite, 183, *(fields or reliable(7)), body=body)
    return solo, invite


def test_we_say_that_we_can_and_require_nothing() -> None:
    solo = Solo()
    solo.invite()
    [invite] = solo.sent("INVITE")
    assert invite.headers.items("Supported") == ["100rel", "timer"]
    assert invite.headers.get("Require") is None


def test_a_reliable_answer_is_acknowledged_inside_its_dialog() -> None:
    """RFC 3262 4: RAck names the answer and its INVITE; route set and target are those of the early dialog."""
    route = ("Record-Route", "<sip:192.0.2.9;lr>")
    solo, invite = ringing(*reliable(7), route)
    [prack] = solo.sent("PRACK")
    assert prack.headers.get("RAck") == f"7 {invite.cseq[0]} INVITE"
    assert (prack.uri, prack.to.tag, prack.headers.items("Route")) == (
        "sip:far@192.0.2.2:5062",
        "far",
        ["<sip:192.0.2.9;lr>"],
    )
    assert prack.cseq[0] == invite.cseq[0] + 1
    assert prack.via.branch != invite.via.branch


def test_a_plain_provisional_answer_is_not_acknowledged() -> None:
    solo, _ = ringing(CONTACT)
    solo.answer(solo.sent("INVITE")[0], 180, CONTACT, ("RSeq", "8"))
    assert solo.sent("PRACK") == []
    assert [event.code for event in solo.caller.take_events() if isinstance(event, Progress)] == [183, 180]


def test_a_repeated_answer_is_told_and_acknowledged_once_and_one_out_of_order_not_at_all() -> None:
    solo, invite = ringing()
    [prack] = solo.made("PRACK")
    solo.answer(prack, 200)
    solo.answer(invite, 183, *reliable(7))
    solo.answer(invite, 180, *reliable(9))
    solo.answer(invite, 180, *reliable(8))
    assert [prack.headers.get("RAck") for prack in solo.made("PRACK")] == ["7 1 INVITE", "8 1 INVITE"]
    assert solo.caller.take_events() == [Progress(183), Progress(180)]


def test_each_fork_counts_for_itself() -> None:
    solo, invite = ringing()
    solo.answer(invite, 180, *reliable(7), tag="other")
    assert [(prack.to.tag, prack.headers.get("RAck")) for prack in solo.made("PRACK")] == [
        ("far", "7 1 INVITE"),
        ("other", "7 1 INVITE"),
    ]


def test_a_prack_is_repeated_until_it_is_answered_and_its_failure_ends_nothing() -> None:
    solo, invite = ringing()
    solo.wait(1.2)
    assert len(solo.sent("PRACK")) == 2
    solo.answer(solo.sent("PRACK")[0], 481)
    solo.wait(5)
    assert len(solo.sent("PRACK")) == 2
    solo.answer(invite, 200, CONTACT, body=ANSWER)
    assert solo.caller.take_events() == [Progress(183), Established(ANSWER)]


def test_a_challenged_prack_comes_again_with_a_digest() -> None:
    solo = Solo()
    solo.invite(credentials=CREDENTIALS)
    [invite] = solo.sent("INVITE")
    solo.answer(invite, 183, *reliable(7))
    solo.answer(solo.sent("PRACK")[0], 401, ("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"'))
    again = solo.made("PRACK")[1]
    assert 'uri="sip:far@192.0.2.2:5062"' in (again.headers.get("Authorization") or "")
    assert again.headers.get("RAck") == "7 1 INVITE"


def test_numbers_go_on_rising_when_the_call_is_answered_and_the_routes_are_made_anew() -> None:
    """RFC 3261 13.2.2.4: the route set is computed again from the 2xx; a BYE with the PRACK's number would be 500."""
    solo, invite = ringing(*reliable(7), ("Record-Route", "<sip:192.0.2.9;lr>"))
    solo.answer(solo.sent("PRACK")[0], 200)
    solo.answer(invite, 200, CONTACT, ("Record-Route", "<sip:192.0.2.10;lr>"), body=ANSWER)
    solo.caller.hang_up(solo.pump.now)
    [bye] = solo.sent("BYE")
    assert bye.cseq[0] == solo.sent("PRACK")[0].cseq[0] + 1
    assert bye.headers.items("Route") == ["<sip:192.0.2.10;lr>"]


def test_the_answer_of_a_reliable_183_counts_when_the_200_has_none() -> None:
    solo, invite = ringing(*reliable(7), body=ANSWER)
    solo.answer(invite, 200, CONTACT)
    assert solo.caller.take_events() == [Progress(183, ANSWER), Established(ANSWER)]


def test_when_the_call_fails_nothing_is_left_of_its_early_dialogs() -> None:
    solo, invite = ringing()
    solo.answer(invite, 180, CONTACT, tag="other")
    assert solo.a.dialogs == 2
    solo.answer(solo.sent("PRACK")[0], 200)
    solo.answer(invite, 486)
    assert solo.a.dialogs == 0
    solo.wait(40)
    assert solo.a.idle


def test_a_flood_of_tags_is_not_remembered() -> None:
    solo = Solo()
    solo.invite()
    [invite] = solo.sent("INVITE")
    for number in range(100):
        solo.answer(invite, 183, CONTACT, tag=f"t{number}")
    assert solo.a.dialogs == 32


# UPDATE before the answer


def test_an_update_before_the_answer_moves_the_early_media() -> None:
    """RFC 3311: allowed once our offer was answered reliably; the 200 need not repeat it."""
    solo, invite = ringing(*reliable(7), body=ANSWER)
    solo.caller.take_events()
    solo.send(solo.inside(invite, "UPDATE", 1, body=T38_OFFER))
    assert solo.caller.take_events() == [OfferReceived(T38_OFFER)]
    assert solo.caller.accept_offer(b"v=0\r\ns=ours\r\n", solo.pump.now)
    [accepted] = solo.responses("UPDATE")
    assert (accepted.status, accepted.body) == (200, b"v=0\r\ns=ours\r\n")
    solo.answer(invite, 200, CONTACT)
    assert solo.caller.take_events() == [Established(T38_OFFER)]


def test_an_update_with_an_offer_waits_for_the_answer_to_ours() -> None:
    """RFC 3311 5.2: 491 while our own offer has no answer; one without SDP is harmless."""
    solo, invite = ringing(CONTACT)
    solo.send(solo.inside(invite, "UPDATE", 1, body=T38_OFFER))
    solo.send(solo.inside(invite, "UPDATE", 2))
    solo.send(solo.inside(invite, "UPDATE", 2, branch="late"))
    assert solo.answers("UPDATE") == [491, 200, 500]


def test_a_second_early_offer_before_the_first_is_answered_gets_500_and_when_to_come_again() -> None:
    """RFC 3311 5.2; from whichever of the far ends that ring it comes."""
    solo, invite = ringing(*reliable(7), body=ANSWER)
    solo.answer(invite, 183, *reliable(1), CONTACT, tag="other", body=ANSWER)
    solo.send(solo.inside(invite, "UPDATE", 1, body=T38_OFFER))
    other = f"{invite.headers.get('To')};tag=other"
    solo.send(solo.inside(invite, "UPDATE", 2, body=T38_OFFER, branch="same"))
    solo.send(solo.inside(invite, "UPDATE", 1, ("From", other), body=T38_OFFER, branch="another"))
    assert solo.answers("UPDATE") == [500, 500]
    assert all(0 <= int(answer.headers.get("Retry-After") or "") <= 10 for answer in solo.responses("UPDATE"))
    assert solo.caller.accept_offer(T38_ANSWER, solo.pump.now)
    assert solo.answers("UPDATE") == [500, 500, 200]


def test_an_early_offer_that_nobody_took_goes_with_the_answer() -> None:
    solo, invite = ringing(*reliable(7), body=ANSWER)
    solo.send(solo.inside(invite, "UPDATE", 1, body=T38_OFFER))
    solo.answer(invite, 200, CONTACT)
    assert solo.answers("UPDATE") == [487]
    assert not solo.caller.accept_offer(OFFER, solo.pump.now)


@pytest.mark.parametrize(("method", "status"), [("INVITE", 491), ("BYE", 481), ("INFO", 200), ("OPTIONS", 200)])
def test_other_requests_before_the_answer_end_nothing(method: str, status: int) -> None:
    solo, invite = ringing()
    solo.send(solo.inside(invite, method, 1))
    assert solo.answers(method)[0] == status
    solo.answer(invite, 200, CONTACT, body=ANSWER)
    assert Established(ANSWER) in solo.caller.take_events()


# We are called


def called(*fields: tuple[str, str], body: bytes = OFFER) -> tuple[Solo, Request]:
    solo = Solo()
    invite = solo.request("INVITE", 1, *fields, body=body)
    solo.send(invite)
    [solo.caller] = solo.a.take_incoming()
    return solo, invite


def prack(solo: Solo, cseq: int, rack: str, *, body: bytes = b"") -> None:
    ringing = solo.responses("INVITE")[-1]
    request = solo.request("PRACK", cseq, ("RAck", rack), body=body, to=ringing.headers.get("To") or "")
    solo.send(request)


def test_who_requires_it_hears_a_reliable_180_until_his_prack() -> None:
    """RFC 3262 3: after T1, 2*T1, 4*T1 ... without the limit that a 2xx has."""
    solo, _ = called(REQUIRED)
    solo.caller.ring(solo.pump.now)
    solo.wait(9)
    rings = [answer for answer in solo.responses("INVITE") if answer.status == 180]
    assert len(rings) == 5
    assert len({bytes(answer) for answer in rings}) == 1
    assert rings[0].headers.get("Require") == "100rel"
    prack(solo, 2, f"{rings[0].headers.get('RSeq')} 1 INVITE")
    assert solo.answers("PRACK") == [200]
    solo.wait(20)
    assert len([answer for answer in solo.responses("INVITE") if answer.status == 180]) == 5


def test_who_only_supports_it_hears_an_ordinary_180() -> None:
    solo, _ = called(("Supported", "100rel"))
    solo.caller.ring(solo.pump.now)
    solo.wait(9)
    [ring] = [answer for answer in solo.responses("INVITE") if answer.status == 180]
    assert ring.headers.get("RSeq") is None


@pytest.mark.parametrize("rack", ["1 1 INVITE", "x", "0 0 0 0", ""])
def test_a_prack_to_nothing_is_refused(rack: str) -> None:
    solo, _ = called(REQUIRED)
    solo.caller.ring(solo.pump.now)
    solo.wait(0)
    prack(solo, 2, rack)
    assert solo.answers("PRACK") == [481]


def test_an_offer_in_a_prack_is_not_taken_but_the_180_is_acknowledged() -> None:
    solo, _ = called(REQUIRED)
    solo.caller.ring(solo.pump.now)
    number = solo.responses("INVITE")[-1].headers.get("RSeq")
    prack(solo, 2, f"{number} 1 INVITE", body=OFFER)
    assert solo.answers("PRACK") == [488]
    solo.wait(5)
    assert len([answer for answer in solo.responses("INVITE") if answer.status == 180]) == 1


def test_a_prack_that_comes_after_our_answer_is_taken() -> None:
    """RFC 3262 3: nothing is repeated after the final answer, but a PRACK on its way is good."""
    solo, invite = called(REQUIRED)
    solo.caller.ring(solo.pump.now)
    number = solo.responses("INVITE")[-1].headers.get("RSeq")
    solo.caller.answer(ANSWER, solo.pump.now)
    prack(solo, 2, f"{number} 1 INVITE")
    assert solo.answers("PRACK") == [200]
    to = solo.responses("INVITE")[-1].headers.get("To") or ""
    solo.send(solo.request("ACK", 1, to=to, branch="ack"))
    assert solo.caller.take_events() == [Established(OFFER)]
    assert invite.cseq[0] == 1


def test_a_caller_who_never_acknowledges_is_given_up() -> None:
    solo, _ = called(REQUIRED)
    solo.caller.ring(solo.pump.now)
    solo.wait(33)
    assert solo.responses("INVITE")[-1].status == 504
    assert solo.caller.take_events() == [Ended(EndedBy.TIMEOUT, 504, "Server Time-out")]


def test_an_invite_without_sdp_is_not_told_reliably_that_it_rings() -> None:
    """RFC 3262 5: the first reliable answer would have to bear our offer. The 200 bears it."""
    solo, _ = called(REQUIRED, body=b"")
    solo.caller.ring(solo.pump.now)
    assert solo.answers("INVITE") == [100]
    solo.caller.answer(OFFER, solo.pump.now)
    assert solo.responses("INVITE")[-1].body == OFFER


def test_an_update_while_it_rings_here_keeps_its_place() -> None:
    """RFC 3311 5.2: 500 with Retry-After to an offer before we have answered the first."""
    solo, _ = called()
    solo.caller.ring(solo.pump.now)
    to = solo.responses("INVITE")[-1].headers.get("To") or ""
    solo.send(solo.request("UPDATE", 2, body=T38_OFFER, to=to))
    solo.send(solo.request("UPDATE", 3, to=to))
    first, second = solo.responses("UPDATE")
    assert (first.status, second.status) == (500, 200)
    assert first.headers.get("Retry-After") is not None


def test_a_reliable_ring_between_two_of_ours() -> None:
    """Both roles at once: what one end makes of it, the other understands."""
    duet = Duet()
    duet.invite(extra_headers=(REQUIRED,))
    duet.pump.run_until(0.1)
    duet.ring(duet.pump.now)
    duet.pump.run_until(70.0)
    assert [label for label in duet.pump.labels() if "180" in label or "PRACK" in label] == [
        "b 180 INVITE 1",
        "a PRACK 2",
        "b 200 PRACK 2",
        "b 180 INVITE 1",
        "a PRACK 3",
        "b 200 PRACK 3",
    ]
    duet.called.answer(ANSWER, duet.pump.now)
    duet.pump.run_until(71.0)
    assert Established(ANSWER) in duet.caller.take_events()
