"""From target to target (RFC 3263 4.3): when the next one's turn comes, and when it must not."""

import pytest

from mail2fax.engine.embedded.sip.events import Ended, Established, OfferAnswered, Progress
from mail2fax.engine.embedded.sip.flow import Flow, Transport, udp
from mail2fax.engine.embedded.sip.message import Request
from mail2fax.engine.embedded.sip.settings import UaSettings
from mail2fax.model.call import EndedBy

from .scene import ANSWER, CREDENTIALS, T38_ANSWER, A, B, Solo

C = ("192.0.2.3", 5060)
BOTH = (udp(B), udp(C))
TARGET_LIMIT_S, TIMER_B_S = 8.0, 32.0
CHALLENGE = ("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')


def invites(solo: Solo) -> list[tuple[Request, tuple[str, int]]]:
    """Each INVITE that was made, what was only repeated left out, and where it went."""
    requests = {request.via.branch: request for request in solo.sent("INVITE")}
    went = {sent.datagram: sent.destination for sent in solo.pump.trace}
    return [(request, went[bytes(request)]) for request in requests.values()]


def test_a_target_that_says_nothing_is_followed_by_the_next_with_a_new_branch_in_the_same_call() -> None:
    solo = Solo()
    solo.invite(targets=BOTH)
    solo.wait(TARGET_LIMIT_S)
    [(first, to_first), (second, to_second)] = invites(solo)
    assert (to_first, to_second) == (B, C)
    assert first.via.branch != second.via.branch
    assert (first.call_id, first.from_.tag, first.cseq) == (second.call_id, second.from_.tag, second.cseq)
    assert solo.pump.times("a INVITE 1") == [0, 0.5, 1.5, 3.5, 7.5, 8.0]


def test_the_last_target_has_the_whole_time_and_its_silence_is_the_end() -> None:
    solo = Solo()
    solo.invite(targets=BOTH)
    solo.wait(TARGET_LIMIT_S + TIMER_B_S - 0.1)
    assert solo.caller.take_events() == []
    solo.wait(0.2)
    assert solo.caller.take_events() == [Ended(EndedBy.TIMEOUT)]
    solo.wait(64)
    assert solo.a.idle


def test_a_503_is_followed_by_the_next_target_and_the_last_answer_is_told() -> None:
    solo = Solo()
    solo.invite(targets=BOTH)
    solo.answer(solo.made("INVITE")[0], 503)
    [(first, _), (second, to_second)] = invites(solo)
    assert to_second == C
    assert [ack.via.branch for ack in solo.sent("ACK")] == [first.via.branch]
    solo.answer(second, 486, source=C)
    assert solo.caller.take_events() == [Ended(EndedBy.FAR_END, 486, "Busy Here")]


def test_the_503_of_the_last_target_is_the_answer() -> None:
    solo = Solo()
    solo.invite(targets=BOTH)
    solo.answer(solo.made("INVITE")[0], 503)
    solo.answer(solo.made("INVITE")[1], 503, source=C)
    assert solo.caller.take_events() == [Ended(EndedBy.FAR_END, 503, "Service Unavailable")]


@pytest.mark.parametrize("status", [302, 404, 408, 486, 500, 603])
def test_any_other_refusal_is_the_answer_of_the_call(status: int) -> None:
    solo = Solo()
    solo.invite(targets=BOTH)
    solo.answer(solo.made("INVITE")[0], status)
    [end] = solo.caller.take_events()
    assert isinstance(end, Ended)
    assert (end.by, end.code) == (EndedBy.FAR_END, status)
    assert len(solo.made("INVITE")) == 1


def test_a_target_that_cannot_be_reached_is_followed_by_the_next_at_once() -> None:
    solo = Solo()
    over_tcp = Flow(Transport.TCP, B)
    solo.invite(targets=(over_tcp, udp(C)))
    solo.a.lost(over_tcp, solo.pump.now)
    [_, (second, to_second)] = invites(solo)
    assert to_second == C
    assert second.via.transport == "UDP"
    solo.answer(second, 200, ("Contact", "<sip:far@192.0.2.3>"), body=ANSWER, source=C)
    assert solo.caller.take_events() == [Established(ANSWER)]


def test_the_contact_is_for_the_transport_of_the_target() -> None:
    solo = Solo(UaSettings(*A, tcp_port=5070))
    over_tcp = Flow(Transport.TCP, B)
    solo.invite(targets=(over_tcp, udp(C)))
    solo.a.lost(over_tcp, solo.pump.now)
    first, second = solo.made("INVITE")
    assert first.headers.get("Contact") == "<sip:100@192.0.2.1:5070;transport=tcp>"
    assert str(first.via).startswith("SIP/2.0/TCP 192.0.2.1:5070;branch=")
    assert second.headers.get("Contact") == "<sip:100@192.0.2.1:5060>"
    assert str(second.via).startswith("SIP/2.0/UDP 192.0.2.1:5060;branch=")


def test_no_target_follows_once_it_has_rung() -> None:
    solo = Solo()
    solo.invite(targets=BOTH)
    [invite] = solo.made("INVITE")
    solo.answer(invite, 180)
    solo.answer(invite, 503)
    assert solo.caller.take_events() == [Progress(180), Ended(EndedBy.FAR_END, 503, "Service Unavailable")]
    assert len(solo.made("INVITE")) == 1


def test_a_target_that_works_on_it_is_waited_for_but_may_still_refuse_with_503() -> None:
    solo = Solo()
    solo.invite(targets=BOTH)
    solo.answer(solo.made("INVITE")[0], 100)
    solo.wait(TARGET_LIMIT_S + 5)
    assert len(solo.made("INVITE")) == 1
    solo.answer(solo.made("INVITE")[0], 503)
    assert [to for _, to in invites(solo)] == [B, C]


def test_a_call_that_we_have_left_is_tried_nowhere_else() -> None:
    solo = Solo()
    solo.invite(targets=BOTH)
    solo.caller.hang_up(solo.pump.now)
    solo.wait(TIMER_B_S + 1)
    assert len(solo.made("INVITE")) == 1
    assert solo.caller.take_events() == [Ended(EndedBy.TIMEOUT)]


def test_a_challenge_is_answered_at_the_target_it_came_from_and_the_password_goes_on_to_the_next() -> None:
    solo = Solo()
    solo.invite(targets=BOTH, credentials=CREDENTIALS)
    solo.answer(solo.made("INVITE")[0], 401, CHALLENGE)
    solo.answer(solo.made("INVITE")[1], 503)
    [(_, first), (proven, second), (last, third)] = invites(solo)
    assert [first, second, third] == [B, B, C]
    assert proven.headers.get("Authorization") == last.headers.get("Authorization") is not None
    assert proven.cseq == last.cseq == (2, "INVITE")


def test_a_target_left_behind_that_rings_after_all_is_taken_back() -> None:
    solo = Solo()
    solo.invite(targets=BOTH)
    solo.wait(TARGET_LIMIT_S)
    first, second = solo.made("INVITE")
    solo.answer(first, 180)
    assert [cancel.via.branch for cancel in solo.made("CANCEL")] == [first.via.branch]
    solo.answer(first, 487)
    assert solo.caller.take_events() == []
    solo.answer(second, 200, ("Contact", "<sip:far@192.0.2.3>"), tag="second", body=ANSWER, source=C)
    assert solo.caller.take_events() == [Established(ANSWER)]


def test_a_target_left_behind_that_says_nothing_more_is_forgotten() -> None:
    """A node of a cluster that fails after its 100 must not cost a transaction for ever."""
    solo = Solo()
    solo.invite(targets=BOTH)
    solo.wait(TARGET_LIMIT_S)
    first, second = solo.made("INVITE")
    solo.answer(first, 100)
    solo.answer(second, 486, source=C)
    solo.wait(2 * TIMER_B_S)
    assert solo.a.transactions == 0


def test_a_target_left_behind_that_answers_first_has_the_call_and_the_other_is_taken_back() -> None:
    solo = Solo()
    solo.invite(targets=BOTH)
    solo.wait(TARGET_LIMIT_S)
    first, second = solo.made("INVITE")
    solo.answer(second, 100, source=C)
    solo.answer(first, 200, ("Contact", "<sip:far@192.0.2.2:5062>"), tag="first", body=ANSWER)
    assert solo.caller.take_events() == [Established(ANSWER)]
    assert [cancel.via.branch for cancel in solo.made("CANCEL")] == [second.via.branch]
    solo.answer(second, 487, source=C)
    assert solo.caller.take_events() == []


def test_of_two_targets_that_both_answer_one_is_hung_up() -> None:
    solo = Solo()
    solo.invite(targets=BOTH)
    solo.wait(TARGET_LIMIT_S)
    first, second = solo.made("INVITE")
    solo.answer(second, 200, ("Contact", "<sip:far@192.0.2.3>"), tag="second", body=ANSWER, source=C)
    solo.answer(first, 200, ("Contact", "<sip:far@192.0.2.2:5062>"), tag="first", body=ANSWER)
    assert [(bye.to.tag, bye.uri) for bye in solo.made("BYE")] == [("first", "sip:far@192.0.2.2:5062")]
    assert {ack.to.tag for ack in solo.sent("ACK")} == {"first", "second"}
    assert solo.caller.take_events() == [Established(ANSWER)]


def test_a_target_left_behind_that_answers_after_the_call_has_failed_is_hung_up() -> None:
    solo = Solo()
    solo.invite(targets=BOTH)
    solo.wait(TARGET_LIMIT_S)
    first, second = solo.made("INVITE")
    solo.answer(second, 486, source=C)
    assert solo.caller.take_events() == [Ended(EndedBy.FAR_END, 486, "Busy Here")]
    solo.answer(first, 200, ("Contact", "<sip:far@192.0.2.2:5062>"), tag="first", body=ANSWER)
    assert [bye.to.tag for bye in solo.made("BYE")] == ["first"]
    assert solo.caller.take_events() == []
    solo.answer(solo.made("BYE")[0], 200)
    solo.wait(64)
    assert solo.a.idle


def large(**changes: object) -> dict[str, object]:
    """An order whose INVITE is larger than 1300 bytes."""
    return {"sdp": b"v=0\r\n" + b"a=x\r\n" * 300, "udp_only": False, **changes}


def test_what_is_too_large_for_udp_goes_by_tcp() -> None:
    solo = Solo()
    solo.invite(**large())
    [sent] = solo.pump.trace
    assert (sent.destination, sent.transport) == (B, Transport.TCP)
    [invite] = solo.made("INVITE")
    assert invite.via.transport == "TCP"


def test_what_is_too_large_goes_by_udp_where_tcp_is_refused() -> None:
    solo = Solo()
    solo.invite(**large())
    solo.a.lost(Flow(Transport.TCP, B), solo.pump.now)
    solo.wait(0.1)
    assert [(sent.destination, sent.transport) for sent in solo.pump.trace] == [(B, Transport.TCP), (B, Transport.UDP)]
    solo.wait(64)
    assert solo.caller.take_events() == [Ended(EndedBy.TIMEOUT)]


LARGE_T38 = b"v=0\r\ns=t38 offer\r\n" + b"a=x\r\n" * 300


def standing(solo: Solo, **changes: object) -> None:
    """A call by UDP whose next offer does not fit in."""
    solo.invite(**changes)
    [invite] = solo.made("INVITE")
    solo.answer(invite, 200, ("Contact", "<sip:far@192.0.2.2:5062>"), body=ANSWER)
    solo.caller.take_events()
    solo.pump.trace.clear()
    solo.caller.offer(LARGE_T38, solo.pump.now)
    solo.wait(0.05)


def test_an_offer_in_mid_call_that_is_too_large_for_udp_goes_by_tcp_and_by_udp_where_that_is_refused() -> None:
    """RFC 3261 18.1.1 holds inside a dialog, too: a re-INVITE to T.38 is larger than the INVITE was."""
    solo = Solo(UaSettings(*A, tcp_port=A[1]))
    standing(solo, udp_only=False)
    assert [sent.transport for sent in solo.pump.trace] == [Transport.TCP]
    [offer] = solo.made("INVITE")
    assert offer.contacts[0].uri.endswith(";transport=tcp")
    solo.a.lost(Flow(Transport.TCP, B), solo.pump.now)
    solo.wait(0.1)
    assert [sent.transport for sent in solo.pump.trace] == [Transport.TCP, Transport.UDP]
    again = solo.made("INVITE")[-1]
    assert "transport" not in again.contacts[0].uri
    solo.answer(again, 200, ("Contact", "<sip:far@192.0.2.2:5062>"), body=T38_ANSWER)
    assert solo.caller.take_events() == [OfferAnswered(T38_ANSWER)]


@pytest.mark.parametrize(("settings", "udp_only"), [(UaSettings(*A, tcp_port=A[1]), True), (UaSettings(*A), False)])
def test_an_offer_stays_on_udp_where_the_trunk_is_udp_or_we_take_no_connections(
    settings: UaSettings, udp_only: bool
) -> None:
    solo = Solo(settings)
    standing(solo, udp_only=udp_only)
    assert {sent.transport for sent in solo.pump.trace} == {Transport.UDP}


def test_what_fits_or_must_go_by_udp_goes_by_udp() -> None:
    for changes in ({"udp_only": False}, large(udp_only=True)):
        solo = Solo()
        solo.invite(**changes)
        assert [sent.transport for sent in solo.pump.trace] == [Transport.UDP]
