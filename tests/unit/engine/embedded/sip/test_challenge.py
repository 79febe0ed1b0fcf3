"""Challenges in a call: answered once, on every kind of request, and never from a password in the open."""

from mail2fax.engine.embedded.sip.events import Ended
from mail2fax.engine.embedded.sip.flow import udp
from mail2fax.engine.embedded.sip.settings import InviteOrder, UaSettings
from mail2fax.model.call import EndedBy

from .scene import ANSWER, CREDENTIALS, A, B, Duet, Solo

CHALLENGE = 'Digest realm="far", nonce="n1", qop="auth", algorithm=MD5'


def test_a_challenge_is_answered_by_a_new_request_that_keeps_everything_else() -> None:
    """Trap: keep P-Asserted-Identity and other extra headers on the retry; our CSeq rises for it."""
    solo = Solo()
    solo.invite(credentials=CREDENTIALS, extra_headers=(("P-Asserted-Identity", "<sip:100@fax.example>"),))
    solo.answer(solo.sent("INVITE")[0], 407, ("Proxy-Authenticate", CHALLENGE))
    first, second = solo.sent("INVITE")
    assert second.cseq == (2, "INVITE")
    assert second.via.branch != first.via.branch
    assert (second.call_id, second.from_, second.to, second.body) == (first.call_id, first.from_, first.to, first.body)
    assert second.headers.get("P-Asserted-Identity") == "<sip:100@fax.example>"
    assert "nc=00000001" in (second.headers.get("Proxy-Authorization") or "")


def test_a_wrong_password_is_tried_once() -> None:
    """Trap: one retry per nonce unless `stale`; a server that makes a new nonce each time gets no storm either."""
    solo = Solo()
    solo.invite(credentials=CREDENTIALS)
    for number in (0, 1):
        challenge = ("WWW-Authenticate", CHALLENGE.replace("n1", f"n{number}"))
        solo.answer(solo.sent("INVITE")[number], 401, challenge, tag=f"t{number}")
    assert len(solo.sent("INVITE")) == 2
    assert solo.caller.take_events() == [Ended(EndedBy.FAR_END, 401, "Unauthorized")]


def test_a_stale_nonce_is_replaced_but_not_for_ever() -> None:
    solo = Solo()
    solo.invite(credentials=CREDENTIALS)
    for number in range(6):
        challenge = CHALLENGE.replace("n1", f"n{number}") + ", stale=TRUE"
        solo.answer(solo.sent("INVITE")[number], 401, ("WWW-Authenticate", challenge), tag=f"t{number}")
    assert len(solo.sent("INVITE")) == 6
    assert solo.caller.take_events() == [Ended(EndedBy.FAR_END, 401, "Unauthorized")]


def test_a_proxy_and_the_far_end_may_both_ask() -> None:
    """Trap: 401 and 407: the answers to both go into the next INVITE."""
    solo = Solo()
    solo.invite(credentials=CREDENTIALS)
    solo.answer(solo.sent("INVITE")[0], 407, ("Proxy-Authenticate", CHALLENGE))
    solo.answer(solo.sent("INVITE")[1], 401, ("WWW-Authenticate", CHALLENGE.replace("n1", "n2")), tag="x")
    last = solo.sent("INVITE")[2]
    assert "n1" in (last.headers.get("Proxy-Authorization") or "")
    assert "n2" in (last.headers.get("Authorization") or "")
    solo.answer(last, 200, ("Contact", "<sip:far@192.0.2.2:5062>"), body=ANSWER)
    [ack] = [ack for ack in solo.sent("ACK") if ack.cseq[0] == 3]
    assert ack.headers.get("Authorization") == last.headers.get("Authorization")


def test_without_credentials_a_challenge_is_the_end() -> None:
    solo = Solo()
    solo.invite()
    solo.answer(solo.sent("INVITE")[0], 401, ("WWW-Authenticate", CHALLENGE))
    assert solo.caller.take_events() == [Ended(EndedBy.FAR_END, 401, "Unauthorized")]


def test_a_challenge_after_we_have_left_is_not_answered() -> None:
    solo = Solo()
    solo.invite(credentials=CREDENTIALS)
    solo.caller.hang_up(solo.pump.now)
    solo.answer(solo.sent("INVITE")[0], 401, ("WWW-Authenticate", CHALLENGE))
    assert solo.caller.take_events() == [Ended(EndedBy.US, 401, "Unauthorized")]


def test_a_bye_is_authenticated_too() -> None:
    """Trap: 401 and 407 on BYE."""
    solo = Solo()
    solo.invite(credentials=CREDENTIALS)
    solo.answer(solo.sent("INVITE")[0], 200, ("Contact", "<sip:far@192.0.2.2:5062>"), body=ANSWER)
    solo.caller.hang_up(solo.pump.now)
    solo.wait(0.05)
    solo.answer(solo.sent("BYE")[0], 407, ("Proxy-Authenticate", CHALLENGE))
    again = solo.sent("BYE")[1]
    assert again.cseq == (3, "BYE")
    assert "Proxy-Authorization" in dict(again.headers.fields)
    solo.answer(again, 200)
    assert solo.caller.take_events()[-1] == Ended(EndedBy.US, 200, "OK")


def test_a_called_side_that_asks_for_a_password_gets_its_requests_proven() -> None:
    settings = UaSettings(*B, require_digest=CREDENTIALS)
    duet = Duet(b_settings=settings)
    duet.invite(credentials=CREDENTIALS)
    duet.pump.run_until(1)
    assert duet.called.caller == "100"
    assert duet.called.called == "+375172000000"


def test_the_password_is_not_shown() -> None:
    assert "secret" not in repr(CREDENTIALS)
    assert "secret" not in repr(InviteOrder("1", "x", (udp(A),), "2", "c", b"", CREDENTIALS))
