"""The timers of RFC 3261 section 17 to their end: nobody answers, or everybody repeats."""

import pytest

from mail2fax.engine.embedded.sip.events import Ended, Progress
from mail2fax.model.call import EndedBy

from .scene import ANSWER, OFFER, A, Solo

UP_TO_T2 = [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
UNCAPPED = [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]


def sent_after(solo: Solo, start: float, label: str) -> list[float]:
    """When this message was repeated, in seconds after its first sending at `start`."""
    first, *others = [sent.at - start for sent in solo.pump.trace if sent.label == label and sent.at >= start]
    assert first == pytest.approx(0)
    return others


def test_an_invite_nobody_answers_is_repeated_by_timer_a_and_ends_by_timer_b() -> None:
    """Trap: our own time-out is reported apart from a 408 on the wire."""
    solo = Solo()
    solo.invite()
    solo.wait(31.9)
    assert solo.caller.take_events() == []
    solo.wait(0.1)
    assert solo.caller.take_events() == [Ended(EndedBy.TIMEOUT)]
    assert sent_after(solo, 0, "a INVITE 1") == pytest.approx(UNCAPPED)
    assert solo.a.idle


def test_a_408_from_the_wire_is_the_far_ends_answer() -> None:
    solo = Solo()
    solo.invite()
    solo.answer(solo.sent("INVITE")[0], 408)
    assert solo.caller.take_events() == [Ended(EndedBy.FAR_END, 408, "Request Timeout")]


def test_timers_a_and_b_stop_at_any_1xx() -> None:
    """Trap: timers A and B stop on any 1xx; ringing has its own limit."""
    solo = Solo()
    solo.invite()
    solo.answer(solo.sent("INVITE")[0], 100)
    solo.wait(170)
    assert len(solo.sent("INVITE")) == 1
    assert solo.caller.take_events() == []


def test_a_bye_nobody_answers_is_repeated_by_timer_e_and_ends_by_timer_f() -> None:
    solo = Solo()
    solo.establish()
    start = solo.pump.now
    solo.caller.hang_up(start)
    solo.wait(31.99)
    assert solo.caller.take_events() == []
    solo.wait(0.02)
    assert solo.caller.take_events() == [Ended(EndedBy.US, 200, "OK")]
    assert sent_after(solo, start, "a BYE 2") == pytest.approx(UP_TO_T2)


def test_a_provisional_answer_to_a_bye_slows_timer_e_to_t2() -> None:
    solo = Solo()
    solo.establish()
    start = solo.pump.now
    solo.caller.hang_up(start)
    solo.wait(0.1)
    solo.answer(solo.sent("BYE")[0], 100)
    solo.wait(40)
    assert sent_after(solo, start, "a BYE 2") == pytest.approx([0.5, 4.5, 8.5, 12.5, 16.5, 20.5, 24.5, 28.5])


def test_a_bye_that_is_answered_stays_t4_for_latecomers() -> None:
    solo = Solo()
    solo.establish()
    solo.wait(40)
    solo.caller.hang_up(solo.pump.now)
    solo.answer(solo.sent("BYE")[0], 200)
    solo.wait(4.9)
    assert solo.a.transactions == 1
    solo.wait(0.1)
    assert solo.a.idle  # timer K


def test_a_failure_is_acknowledged_each_time_it_comes_for_timer_d() -> None:
    """Trap: ACK to 3xx-6xx uses the INVITE's branch, URI and Route and never goes to Contact."""
    solo = Solo()
    solo.invite()
    [invite] = solo.sent("INVITE")
    for _ in range(3):
        solo.answer(invite, 486, ("Contact", "<sip:elsewhere@203.0.113.9>"))
    acks = solo.sent("ACK")
    assert len(acks) == 3
    assert {ack.via.branch for ack in acks} == {invite.via.branch}
    assert {ack.uri for ack in acks} == {invite.uri}
    assert acks[0].to.tag == "far"
    assert {sent.destination for sent in solo.pump.trace if "ACK" in sent.label} == {solo.pump.trace[0].destination}
    solo.wait(31.8)
    assert solo.a.transactions == 1
    solo.wait(0.2)
    assert solo.a.idle


def test_a_failure_of_ours_nobody_acknowledges_is_repeated_by_timer_g_until_timer_h() -> None:
    solo = Solo()
    solo.send(solo.request("INVITE", body=OFFER))
    [session] = solo.a.take_incoming()
    start = solo.pump.now
    session.reject(486, start)
    solo.wait(60)
    assert sent_after(solo, start, "a 486 INVITE 1") == pytest.approx(UP_TO_T2)
    assert session.take_events() == [Ended(EndedBy.US, 486, "Busy Here")]
    assert solo.a.idle


def test_an_acknowledged_failure_stays_t4_and_swallows_what_is_repeated() -> None:
    solo = Solo()
    invite = solo.request("INVITE", body=OFFER)
    solo.send(invite)
    solo.a.take_incoming()[0].reject(486, solo.pump.now)
    solo.wait(0.05)
    refusal = solo.responses("INVITE")[-1]
    to = f"{refusal.headers.get('To')}"
    ack = solo.request("ACK", 1, ("To", to), branch="INVITE1")
    solo.send(ack)
    solo.send(invite)
    solo.send(ack)
    assert solo.answers("INVITE") == [100, 486]
    solo.wait(5)
    assert solo.a.idle  # timer I


def test_a_repeated_invite_fetches_the_latest_provisional_answer() -> None:
    solo = Solo()
    invite = solo.request("INVITE", body=OFFER)
    solo.send(invite)
    solo.a.take_incoming()[0].ring(solo.pump.now)
    solo.send(invite)
    assert solo.answers("INVITE") == [100, 180, 180]


def test_a_repeated_bye_fetches_the_same_answer_for_timer_j() -> None:
    solo = Solo()
    invite = solo.establish()
    bye = solo.inside(invite, "BYE", 1)
    solo.send(bye)
    solo.wait(31.5)
    solo.send(bye)
    first, second = [sent.datagram for sent in solo.pump.trace if sent.label == "a 200 BYE 1"]
    assert first == second
    solo.wait(10)
    assert solo.a.idle


def test_our_2xx_is_repeated_until_its_ack_and_without_one_ends_in_a_bye() -> None:
    """Trap: as server repeat our 2xx until the ACK; no ACK in 32 s means BYE."""
    solo = Solo()
    solo.send(solo.request("INVITE", body=OFFER))
    [session] = solo.a.take_incoming()
    start = solo.pump.now
    session.answer(ANSWER, start)
    solo.wait(31.9)
    assert solo.sent("BYE") == []
    solo.wait(0.2)
    assert sent_after(solo, start, "a 200 INVITE 1") == pytest.approx(UP_TO_T2)
    assert len(solo.sent("BYE")) == 1
    assert session.take_events() == [Ended(EndedBy.TIMEOUT, 200, "OK")]
    solo.wait(60)
    assert solo.a.idle


def test_a_repeated_invite_does_not_hasten_our_2xx() -> None:
    """RFC 6026: an INVITE repeated after the 2xx is absorbed; otherwise a lost ACK would be answered twice as fast."""
    solo = Solo()
    invite = solo.request("INVITE", body=OFFER)
    solo.send(invite)
    solo.a.take_incoming()[0].answer(ANSWER, solo.pump.now)
    solo.send(invite)
    assert solo.answers("INVITE") == [100, 200]


def test_a_call_that_rings_for_long_rings_again_each_minute() -> None:
    """RFC 3261 13.3.1: proxies give up on a call that is silent for three minutes (timer C)."""
    solo = Solo()
    solo.send(solo.request("INVITE", body=OFFER))
    [session] = solo.a.take_incoming()
    session.ring(solo.pump.now)
    solo.wait(130)
    assert solo.answers("INVITE") == [100, 180, 180, 180]
    session.reject(480, solo.pump.now)
    solo.wait(40)
    assert solo.a.idle


def test_a_call_that_was_answered_does_not_ring_again() -> None:
    solo = Solo()
    solo.send(solo.request("INVITE", body=OFFER))
    [session] = solo.a.take_incoming()
    session.ring(solo.pump.now)
    session.answer(ANSWER, solo.pump.now)
    to = solo.responses("INVITE")[-1].headers.get("To") or ""
    solo.send(solo.request("ACK", to=to, branch="ack"))
    solo.send(solo.request("BYE", 2, to=to))
    solo.wait(40)
    assert solo.a.idle


def test_a_late_alarm_does_not_make_a_burst() -> None:
    """When our process was held up for 20 s, one repetition goes out, not all that were missed."""
    solo = Solo()
    solo.caller = solo.invite()
    solo.a.run_timers(20.0)
    assert len(solo.a.take_datagrams()) == 1


def test_a_1xx_that_comes_after_the_answer_is_of_no_interest() -> None:
    solo = Solo()
    solo.establish()
    solo.answer(solo.sent("INVITE")[0], 180)
    assert Progress(180) not in solo.caller.take_events()


def test_the_answer_goes_to_where_the_request_came_from() -> None:
    """Trap: rport and received: answers go back through a NAT."""
    solo = Solo()
    behind_nat = ("203.0.113.7", 40_000)
    solo.send(solo.request("OPTIONS"), source=behind_nat)
    [sent] = [sent for sent in solo.pump.trace if sent.source == A]
    assert sent.destination == behind_nat
    via = str(solo.responses("OPTIONS")[0].via)
    assert "rport=40000" in via
    assert "received=203.0.113.7" in via


def test_without_rport_the_answer_goes_to_the_port_of_the_via() -> None:
    solo = Solo()
    via = ("Via", "SIP/2.0/UDP host.invalid:5070;branch=z9hG4bKplain")
    solo.send(solo.request("OPTIONS", 1, via), source=("203.0.113.7", 40_000))
    [sent] = [sent for sent in solo.pump.trace if sent.source == A]
    assert sent.destination == ("203.0.113.7", 5070)
    assert "received=203.0.113.7" in str(solo.responses("OPTIONS")[0].via)


def test_requests_of_old_elements_without_unique_branches_are_told_apart() -> None:
    """RFC 3261 17.2.3: without the magic cookie the branch means nothing."""
    solo = Solo()
    via = ("Via", "SIP/2.0/UDP 192.0.2.2:5062;branch=1")
    solo.send(solo.request("OPTIONS", 1, via, call="one"))
    solo.send(solo.request("OPTIONS", 1, via, call="two"))
    solo.send(solo.request("OPTIONS", 1, via, call="two"))
    assert [response.call_id for response in solo.responses("OPTIONS")] == ["one", "two", "two"]
