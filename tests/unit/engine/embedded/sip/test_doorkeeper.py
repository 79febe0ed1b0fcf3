"""Who may ask anything of us, and how many answers a stranger gets."""

import logging
from collections.abc import ItemsView
from dataclasses import replace

import pytest

from mail2fax.engine.embedded.sip.doorkeeper import (
    BURST_IN_ALL,
    BURST_PER_SOURCE,
    LOG_EVERY_S,
    MOST_SOURCES,
    READ_BURST_IN_ALL,
    READ_BURST_PER_SOURCE,
    Doorkeeper,
)
from mail2fax.engine.embedded.sip.flow import Flow, udp
from mail2fax.engine.embedded.sip.settings import UaSettings
from mail2fax.engine.embedded.sip.ua import UserAgent
from mail2fax.model.trace import Way
from tests.harness.sip_pump import SipPump, seeded
from tests.unit.engine.embedded.sip.scene import ANSWER, CREDENTIALS, OFFER, A, B, Duet, Solo, order

STRANGER = ("198.51.100.9", 5060)


def knows_b(source: Flow) -> bool:
    return source.address[0] == B[0]


def guarded(settings: UaSettings | None = None) -> Solo:
    """Our user agent at A knows B alone."""
    solo = Solo()
    solo.a = UserAgent(settings or UaSettings(*A), seeded(1), Doorkeeper(knows_b))
    solo.pump = SipPump({"a": (A, solo.a), "b": (B, None), "stranger": (STRANGER, None)})
    return solo


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "REGISTER", "BYE", "MESSAGE", "CANCEL"])
def test_a_stranger_is_refused_and_no_state_is_kept_of_it(method: str) -> None:
    solo = guarded()
    request = solo.request(method, 1, body=OFFER if method == "INVITE" else b"")
    for _ in range(2):
        solo.send(request, STRANGER)
    assert solo.answers(method) == [403, 403]
    first, second = solo.responses(method)
    assert first.to.tag == second.to.tag
    assert solo.a.transactions == 0
    assert solo.a.take_incoming() == []


def test_a_trunk_is_served() -> None:
    solo = guarded()
    solo.send(solo.request("INVITE", 1, body=OFFER))
    [session] = solo.a.take_incoming()
    assert session.source == udp(B)


def test_requests_inside_a_call_are_served_wherever_they_come_from() -> None:
    """Trap: in-dialog requests can come from another port, or another machine of the provider, than the call."""
    solo = guarded()
    invite = solo.establish()
    solo.send(solo.inside(invite, "BYE", 1), STRANGER)
    assert solo.answers("BYE") == [200]


def test_a_cancel_is_heeded_wherever_it_comes_from() -> None:
    solo = guarded()
    invite = solo.request("INVITE", 1, body=OFFER, branch="z9hG4bKone")
    solo.send(invite)
    solo.send(replace(solo.request("CANCEL", 1, branch="z9hG4bKone"), uri=invite.uri), STRANGER)
    assert solo.answers("CANCEL") == [200]
    assert 487 in solo.answers("INVITE")


def test_a_stranger_with_the_password_may_call_and_a_trunk_needs_none() -> None:
    duet = Duet()
    duet.b = UserAgent(UaSettings(*B, require_digest=CREDENTIALS), seeded(2), Doorkeeper(lambda _: False))
    duet.pump = SipPump({"a": (A, duet.a), "b": (B, duet.b)})
    duet.invite(credentials=CREDENTIALS)
    duet.pump.run_until(1)
    assert duet.called.caller == "100"
    duet.called.answer(ANSWER, duet.pump.now)
    duet.pump.run_until(2)
    duet.caller.hang_up(duet.pump.now)
    duet.pump.run_until_idle()
    solo = guarded(UaSettings(*A, require_digest=CREDENTIALS))
    solo.send(solo.request("INVITE", 1, body=OFFER))
    assert 401 not in solo.answers("INVITE")


def test_a_stranger_with_a_wrong_password_may_not_call() -> None:
    duet = Duet()
    duet.b = UserAgent(UaSettings(*B, require_digest=CREDENTIALS), seeded(2), Doorkeeper(lambda _: False))
    duet.pump = SipPump({"a": (A, duet.a), "b": (B, duet.b)})
    duet.a.invite(order(credentials=replace(CREDENTIALS, password="wrong")), 0.0)
    duet.pump.run_until_idle()
    assert duet.b.take_incoming() == []


def test_a_stranger_that_asks_too_often_is_not_answered_any_more() -> None:
    """Trap: whoever answers a flood is part of one, and the source of a datagram is easily forged."""
    solo = guarded()
    for number in range(50):
        solo.pump.send(bytes(solo.request("OPTIONS", number, branch=f"z9hG4bK{number}")), STRANGER, A)
    solo.pump.send(b"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKx\r\nFrom: <sip:a>\r\n\r\n", STRANGER, A)
    solo.wait(0.05)
    assert len(solo.answers("OPTIONS")) == BURST_PER_SOURCE
    solo.wait(3)
    solo.send(solo.request("OPTIONS", 100, branch="z9hG4bKlater"), STRANGER)
    assert len(solo.answers("OPTIONS")) == BURST_PER_SOURCE + 1


def test_all_strangers_together_get_no_more_answers_than_one_crowd_is_worth() -> None:
    door = Doorkeeper(lambda _: False)
    answers = [door.answers(udp((f"198.51.{number // 250}.{number % 250}", 5060)), 0.0) for number in range(500)]
    assert sum(answers) == BURST_IN_ALL


def test_no_crowd_of_strangers_takes_more_memory_than_a_thousand() -> None:
    door = Doorkeeper(lambda _: False)
    for number in range(3 * MOST_SOURCES):
        door.answers(udp((f"2001:db8::{number:x}", 5060)), number / 1000)
    assert len(door._answers) <= MOST_SOURCES + 1


def shown(agent: UserAgent) -> list[bytes]:
    """The messages that a user agent reads from now on."""
    read: list[bytes] = []
    agent.tap = lambda way, message, _: read.append(message) if way is Way.RECEIVED else None
    return read


def test_of_a_flooding_stranger_no_more_is_even_read_than_costs_nothing() -> None:
    """Trap: a datagram that takes 2 ms to read and 0.1 ms to send stops the media of all calls."""
    solo = guarded()
    read = shown(solo.a)
    for number in range(1000):
        solo.a.receive(bytes(solo.request("OPTIONS", number)), udp(STRANGER), 0.0)
    assert len(read) == READ_BURST_PER_SOURCE
    for number in range(1000):
        solo.a.receive(b"nonsense", udp((f"198.51.100.{number % 250}", 5060)), 0.0)
    assert len(read) == READ_BURST_IN_ALL


def test_what_belongs_to_a_call_is_read_from_wherever_it_comes_in_the_middle_of_a_flood() -> None:
    solo = guarded()
    invite = solo.establish()
    for number in range(1000):
        solo.a.receive(bytes(solo.request("OPTIONS", number)), udp(STRANGER), solo.pump.now)
    solo.send(solo.inside(invite, "BYE", 1), STRANGER)
    assert solo.answers("BYE") == [200]


def test_an_answer_is_read_from_wherever_it_comes_in_the_middle_of_a_flood() -> None:
    solo = guarded()
    session = solo.invite()
    for number in range(1000):
        solo.a.receive(bytes(solo.request("OPTIONS", number)), udp(STRANGER), solo.pump.now)
    solo.answer(solo.sent("INVITE")[0], 486, source=STRANGER)
    assert session.ended


def test_a_trunk_is_read_in_the_middle_of_a_flood() -> None:
    solo = guarded()
    for number in range(1000):
        solo.a.receive(bytes(solo.request("OPTIONS", number)), udp(STRANGER), 0.0)
    solo.send(solo.request("OPTIONS", 5000, branch="z9hG4bKtrunk"))
    assert 200 in solo.answers("OPTIONS")


def test_strangers_get_one_line_a_minute_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Trap: whoever scans from everywhere fills the disk."""
    caplog.set_level(logging.INFO)
    door = Doorkeeper(lambda _: False)
    for number in range(500):
        door.answers(udp((f"198.51.{number // 250}.{number % 250}", 5060)), 0.0)
    door.answers(udp(STRANGER), LOG_EVERY_S + 1)
    assert [record.getMessage().rpartition(" ")[2] for record in caplog.records] == ["requests=1", "requests=500"]


def test_a_scan_from_everywhere_does_not_have_all_strangers_looked_through_for_each_newcomer() -> None:
    looked = 0

    class Counted(dict[str, object]):
        def items(self) -> ItemsView[str, object]:  # type: ignore[override] # the same to whoever goes through it
            nonlocal looked
            looked += 1
            return super().items()

    door = Doorkeeper(lambda _: False)
    door._answers._sources = Counted()  # type: ignore[assignment] # it only counts how often it is gone through
    for number in range(3 * MOST_SOURCES):
        door.answers(udp((f"2001:db8::{number:x}", 5060)), number / 10_000)
    assert looked <= 1
