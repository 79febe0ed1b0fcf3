"""The pool of connections on a virtual clock: what is opened, used again, kept alive and closed."""

from dataclasses import dataclass, field

import pytest

from mail2fax.engine.embedded.sip.connections import (
    Action,
    Close,
    ConnectionLimits,
    Connections,
    Open,
    Write,
)
from mail2fax.engine.embedded.sip.flow import Flow, Transport

TRUNK = Flow(Transport.TLS, ("192.0.2.2", 5061), name="trunk.example.com")
STRANGER = ("203.0.113.9", 40_000)
OPTIONS = b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\n"
LIMITS = ConnectionLimits(inbound=4, per_source=2, outbound=2, waiting=3)


@dataclass
class Pool:
    """The connections, what they want done, and who still needs them."""

    used: set[Flow] = field(default_factory=set)
    now: float = 0.0

    def __post_init__(self) -> None:
        self.connections = Connections(lambda flow: flow in self.used, LIMITS)

    def send(self, message: bytes = b"x", flow: Flow = TRUNK) -> list[Action]:
        self.connections.send(message, flow, self.now)
        return self.connections.take_actions()

    def wait(self, seconds: float) -> list[Action]:
        end = self.now + seconds
        while (due := self.connections.next_timer()) is not None and due <= end:
            self.now = due
            self.connections.run_timers(due)
        self.now = end
        return self.connections.take_actions()

    def opened(self, flow: Flow = TRUNK) -> int:
        """A connection of ours that stands, with nothing left to do."""
        [first, *_] = self.send(flow=flow)
        assert isinstance(first, Open)
        self.connections.connected(first.number, self.now)
        self.connections.take_actions()
        return first.number

    def accepted(self, host: str = STRANGER[0]) -> int | None:
        return self.connections.accepted(Transport.TCP, (host, STRANGER[1]), self.now)


def test_strangers_on_tcp_leave_places_for_the_trunks() -> None:
    pool = Pool()
    limits = ConnectionLimits(inbound=4, strangers=2, per_source=4)
    pool.connections = Connections(lambda _: False, limits, lambda flow: flow.address[0] == TRUNK.address[0])
    assert [pool.accepted(f"203.0.113.{number}") is None for number in range(3)] == [False, False, True]
    assert [pool.accepted(TRUNK.address[0]) is None for _ in range(3)] == [False, False, True]


def test_the_first_message_opens_a_connection_and_goes_out_when_it_stands() -> None:
    pool = Pool()
    [opened] = pool.send(b"1")
    assert opened == Open(1, Flow(TRUNK.transport, TRUNK.address, 1, TRUNK.name))
    assert pool.send(b"2") == []
    pool.connections.connected(1, 0.1)
    assert pool.connections.take_actions() == [Write(1, b"1"), Write(1, b"2")]
    assert pool.send(b"3") == [Write(1, b"3")]


def test_another_address_transport_or_name_is_another_connection() -> None:
    for other in (
        Flow(Transport.TLS, ("192.0.2.3", 5061), name=TRUNK.name),
        Flow(Transport.TCP, TRUNK.address, name=TRUNK.name),
        Flow(Transport.TLS, TRUNK.address, name="somebody.else"),
    ):
        pool = Pool()
        pool.opened()
        assert [type(action) for action in pool.send(flow=other)] == [Open]


def test_an_answer_goes_back_by_the_connection_the_request_came_by() -> None:
    pool = Pool()
    number = pool.accepted()
    assert number is not None
    [(message, flow)] = pool.connections.received(number, OPTIONS, 0.0)
    assert (message, flow) == (OPTIONS, Flow(Transport.TCP, STRANGER, number))
    assert pool.send(b"200", Flow(Transport.TCP, (STRANGER[0], 5060), number)) == [Write(number, b"200")]


def test_when_that_connection_is_gone_the_answer_goes_to_where_the_sender_listens() -> None:
    pool = Pool()
    number = pool.accepted()
    assert number is not None
    pool.connections.ended(number)
    answer = Flow(Transport.TCP, (STRANGER[0], 5060), number)
    assert pool.send(b"200", answer) == [Open(2, Flow(Transport.TCP, (STRANGER[0], 5060), 2))]


def test_everybody_who_sent_by_a_connection_hears_when_it_breaks() -> None:
    pool = Pool()
    number = pool.opened()
    inside = Flow(TRUNK.transport, TRUNK.address, number, TRUNK.name)
    stale = Flow(TRUNK.transport, TRUNK.address, 77, TRUNK.name)
    pool.send(flow=inside)
    pool.send(flow=stale)
    pool.connections.ended(number)
    assert set(pool.connections.take_lost()) == {TRUNK, inside, stale}
    assert len(pool.connections) == 0


def test_a_connection_that_is_not_to_be_had_in_time_is_given_up() -> None:
    pool = Pool()
    pool.send()
    assert pool.wait(LIMITS.connect_s - 0.1) == []
    assert pool.wait(0.2) == [Close(1)]
    assert pool.connections.take_lost()[0].address == TRUNK.address
    pool.connections.connected(1, pool.now)  # it stood at the same moment
    assert pool.connections.take_actions() == [Close(1)]


def test_too_many_connections_of_ours_are_a_loss_and_no_connection() -> None:
    pool = Pool()
    for port in range(LIMITS.outbound):
        pool.send(flow=Flow(Transport.TCP, ("192.0.2.2", 5060 + port)))
    one_more = Flow(Transport.TCP, ("192.0.2.2", 5999))
    assert pool.send(flow=one_more) == []
    assert pool.connections.take_lost() == [one_more]


def test_a_connection_that_is_on_the_way_does_not_collect_messages_without_end() -> None:
    pool = Pool()
    for _ in range(LIMITS.waiting + 1):
        pool.send()
    assert pool.connections.take_lost() == [TRUNK]


def test_one_address_has_so_many_connections_and_all_together_so_many() -> None:
    pool = Pool()
    taken = [pool.accepted("203.0.113.1") for _ in range(3)]
    assert [number is None for number in taken] == [False, False, True]
    assert pool.accepted("203.0.113.2") is not None
    assert pool.accepted("203.0.113.3") is not None
    assert pool.accepted("203.0.113.4") is None


def test_who_connects_and_says_nothing_is_closed() -> None:
    pool = Pool()
    number = pool.accepted()
    assert number is not None
    assert pool.wait(LIMITS.message_s - 0.1) == []
    assert pool.wait(0.2) == [Close(number)]


def test_a_message_that_does_not_end_closes_the_connection_however_slowly_it_comes() -> None:
    pool = Pool()
    number = pool.accepted()
    assert number is not None
    pool.connections.received(number, OPTIONS, pool.now)
    pool.wait(50)
    for byte in OPTIONS[:9]:
        assert pool.connections.received(number, bytes([byte]), pool.now) == []
        assert pool.wait(1) == []
    assert pool.wait(1.1) == [Close(number)]


def test_a_stream_that_is_no_sip_is_closed() -> None:
    pool = Pool()
    number = pool.accepted()
    assert number is not None
    assert pool.connections.received(number, b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 0.0) == []
    assert pool.connections.take_actions() == [Close(number)]


def test_a_ping_is_answered() -> None:
    pool = Pool()
    number = pool.accepted()
    assert number is not None
    assert pool.connections.received(number, b"\r\n\r\n", 0.0) == []
    assert pool.connections.take_actions() == [Write(number, b"\r\n")]


def test_a_connection_that_nobody_needs_is_closed_and_one_that_is_needed_is_not() -> None:
    for is_used in (True, False):
        pool = Pool({TRUNK} if is_used else set())
        number = pool.opened()
        actions = pool.wait(LIMITS.idle_s + LIMITS.ping_s)
        assert (Close(number) in actions) is not is_used


def test_a_call_that_came_in_keeps_its_connection() -> None:
    pool = Pool()
    number = pool.accepted()
    assert number is not None
    [(_, flow)] = pool.connections.received(number, OPTIONS, 0.0)
    pool.used.add(flow)
    assert pool.wait(3 * LIMITS.idle_s) == []
    pool.used.clear()
    assert pool.wait(LIMITS.idle_s) == [Close(number)]


def test_a_silent_connection_that_is_needed_is_pinged() -> None:
    pool = Pool({TRUNK})
    number = pool.opened()
    assert pool.wait(3 * LIMITS.ping_s) == [Write(number, b"\r\n\r\n")] * 3


def test_a_far_end_that_has_never_answered_a_ping_need_not() -> None:
    pool = Pool({TRUNK})
    pool.opened()
    pool.wait(10 * LIMITS.ping_s)
    assert len(pool.connections) == 1


def test_a_far_end_that_answers_pings_is_missed_when_it_does_not() -> None:
    pool = Pool({TRUNK})
    number = pool.opened()
    for _ in range(3):
        assert pool.wait(LIMITS.ping_s + 0.1) == [Write(number, b"\r\n\r\n")]
        pool.connections.received(number, b"\r\n", pool.now)
    assert pool.wait(LIMITS.ping_s) == [Write(number, b"\r\n\r\n")]
    assert pool.wait(LIMITS.pong_s + 0.1) == [Close(number)]
    assert TRUNK in pool.connections.take_lost()


def test_nothing_is_taken_from_a_far_end_whose_certificate_was_not_seen_yet() -> None:
    pool = Pool()
    pool.send()
    assert pool.connections.received(1, OPTIONS, 0.0) == []


def test_all_is_closed_at_the_end() -> None:
    pool = Pool()
    numbers = [pool.opened(), pool.accepted()]
    pool.connections.close_all()
    assert pool.connections.take_actions() == [Close(number) for number in numbers if number]
    assert len(pool.connections) == 0
    assert pool.connections.next_timer() is None


@pytest.mark.parametrize("late", [Close(9), Write(9, b"x")])
def test_what_comes_too_late_does_no_harm(late: Action) -> None:
    pool = Pool()
    pool.connections.ended(9)
    assert pool.connections.received(9, OPTIONS, 0.0) == []
    pool.connections.connected(9, 0.0)
    assert pool.connections.take_actions() == [Close(9)]
    assert pool.connections.take_lost() == []
    assert late.number == 9
