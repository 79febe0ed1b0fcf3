"""SIP over connections: nothing is repeated, nobody waits for repeats, and a lost connection is told (RFC 3261 17)."""

import pytest

from mail2fax.engine.embedded.sip.dialog import Dialog
from mail2fax.engine.embedded.sip.events import Ended, Established, OfferRefused
from mail2fax.engine.embedded.sip.flow import Flow, Transport, udp
from mail2fax.engine.embedded.sip.message import Request, parse_message, respond
from mail2fax.engine.embedded.sip.uri import NameAddress
from mail2fax.engine.embedded.sip.via import parse_via
from mail2fax.model.call import EndedBy

from .scene import ANSWER, T38_OFFER, A, B, Duet, Solo

TCP = Flow(Transport.TCP, B)
TIMER_B_S = 32.0


class TcpSolo(Solo):
    """Our user agent at A; what the far end sends comes by TCP."""

    def reply(self, request: Request, status: int, *fields: tuple[str, str], body: bytes = b"") -> None:
        typed = (("Content-Type", "application/sdp"),) if body else ()
        answer = respond(request, status, *typed, *fields, to_tag="far", body=body)
        self.pump.send(bytes(answer), B, A, Transport.TCP)
        self.wait(0.05)

    def ask(self, request: Request) -> None:
        self.pump.send(bytes(request), B, A, Transport.TCP)
        self.wait(0.05)


def over_tcp(request: Request) -> Request:
    via = str(request.via).replace("UDP", "TCP")
    return Request(request.headers.with_set("Via", via), request.body, method=request.method, uri=request.uri)


def test_a_whole_call_over_tcp_repeats_nothing_and_leaves_nothing() -> None:
    duet = Duet()
    duet.invite(targets=(TCP,))
    duet.pump.run_until(1)
    duet.called.answer(ANSWER, duet.pump.now)
    duet.pump.run_until(2)
    duet.caller.hang_up(duet.pump.now)
    duet.pump.run_until_idle()
    assert duet.is_quiet()
    labels = ["a INVITE 1", "b 100 INVITE 1", "b 200 INVITE 1", "a ACK 1", "a BYE 2", "b 200 BYE 2"]
    assert duet.pump.labels() == labels
    assert {sent.transport for sent in duet.pump.trace} == {Transport.TCP}


def test_an_invite_over_tcp_is_sent_once_and_given_up_by_timer_b() -> None:
    solo = TcpSolo()
    solo.invite(targets=(TCP,))
    solo.wait(TIMER_B_S + 1)
    assert solo.pump.times("a INVITE 1") == [0]
    assert solo.caller.take_events() == [Ended(EndedBy.TIMEOUT)]


def test_after_a_refusal_over_tcp_nothing_stays_for_repeats() -> None:
    solo = TcpSolo()
    solo.invite(targets=(TCP,))
    solo.reply(solo.made("INVITE")[0], 486)
    assert solo.made("ACK")[0].via.branch == solo.made("INVITE")[0].via.branch
    assert solo.a.transactions == 0  # timer D is zero
    assert solo.a.idle


def test_our_refusal_over_tcp_is_sent_once_and_forgotten_with_its_ack() -> None:
    solo = TcpSolo()
    invite = over_tcp(solo.request("INVITE", body=ANSWER))
    solo.ask(invite)
    [session] = solo.a.take_incoming()
    session.reject(486, solo.pump.now)
    solo.wait(10)
    assert solo.answers("INVITE") == [100, 486]
    [refusal] = [response for response in solo.responses("INVITE") if response.status == 486]
    tag = refusal.headers.get("To") or ""
    ack = Request(invite.headers.with_set("CSeq", "1 ACK").with_set("To", tag), method="ACK", uri=invite.uri)
    solo.ask(ack)
    assert solo.a.transactions == 0  # timer I is zero


def test_a_connection_that_cannot_be_had_ends_the_call_as_unreachable_and_not_as_silent() -> None:
    solo = Solo()
    solo.invite(targets=(TCP,))
    solo.a.lost(TCP, solo.pump.now)
    assert solo.caller.take_events() == [Ended(EndedBy.UNREACHABLE)]
    assert solo.a.idle


def test_the_loss_of_another_connection_concerns_nobody() -> None:
    solo = Solo()
    solo.invite(targets=(TCP,))
    solo.a.lost(Flow(Transport.TLS, B), solo.pump.now)
    solo.a.lost(Flow(Transport.TCP, ("192.0.2.9", 5060)), solo.pump.now)
    assert solo.caller.take_events() == []


def test_a_call_whose_connection_breaks_while_it_rings_is_taken_back_by_another_one() -> None:
    solo = TcpSolo()
    solo.invite(targets=(TCP,))
    [invite] = solo.made("INVITE")
    solo.reply(invite, 180)
    solo.a.lost(Flow(Transport.TCP, B, 7), solo.pump.now)
    assert len(solo.made("CANCEL")) == 1
    solo.reply(invite, 487)
    [_, end] = solo.caller.take_events()
    assert end == Ended(EndedBy.UNREACHABLE), "the 487 is our own doing, and not that nobody answered"


def test_a_call_whose_connection_breaks_while_it_rings_ends_when_there_is_no_other() -> None:
    solo = TcpSolo()
    solo.invite(targets=(TCP,))
    solo.reply(solo.made("INVITE")[0], 180)
    solo.a.lost(TCP, solo.pump.now)
    solo.a.lost(TCP, solo.pump.now)
    [_, end] = solo.caller.take_events()
    assert end == Ended(EndedBy.UNREACHABLE)
    assert solo.a.transactions == 0


def test_a_connection_that_breaks_in_mid_call_ends_only_the_offer_under_way() -> None:
    solo = TcpSolo()
    solo.invite(targets=(TCP,))
    solo.reply(solo.made("INVITE")[0], 200, ("Contact", "<sip:far@192.0.2.2:5062;transport=tcp>"), body=ANSWER)
    solo.caller.offer(T38_OFFER, solo.pump.now)
    solo.wait(0.1)
    solo.a.lost(TCP, solo.pump.now)
    assert solo.caller.take_events() == [Established(ANSWER), OfferRefused(503)]
    solo.caller.hang_up(solo.pump.now)
    solo.reply(solo.made("BYE")[0], 200)
    assert solo.caller.take_events() == [Ended(EndedBy.US, 200, "OK")]


def test_a_bye_that_cannot_be_sent_ends_the_call_at_once() -> None:
    solo = TcpSolo()
    solo.invite(targets=(TCP,))
    solo.reply(solo.made("INVITE")[0], 200, ("Contact", "<sip:far@192.0.2.2:5062;transport=tcp>"), body=ANSWER)
    solo.caller.hang_up(solo.pump.now)
    solo.a.lost(TCP, solo.pump.now)
    assert solo.caller.take_events() == [Established(ANSWER), Ended(EndedBy.US, 200, "OK")]
    assert solo.a.dialogs == 0


@pytest.mark.parametrize(
    ("via", "source", "answer"),
    [
        # RFC 3261 18.2.2: by the same connection, and to the port of the sent-by when that is gone.
        ("SIP/2.0/TCP a:5070", Flow(Transport.TCP, B, 3), Flow(Transport.TCP, (B[0], 5070), 3)),
        ("SIP/2.0/TCP a;rport", Flow(Transport.TCP, B, 3), Flow(Transport.TCP, (B[0], 5060), 3)),
        ("SIP/2.0/TLS a", Flow(Transport.TLS, B, 3), Flow(Transport.TLS, (B[0], 5061), 3)),
        ("SIP/2.0/UDP a:5070", udp(B), udp((B[0], 5070))),
        ("SIP/2.0/UDP a:5070;rport", udp(B), udp(B)),
    ],
)
def test_answers_go_back_the_way_the_request_came(via: str, source: Flow, answer: Flow) -> None:
    assert parse_via(via).answer_flow(source) == answer


OVER_TCP = Flow(Transport.TCP, ("192.0.2.2", 40_000), 5, "trunk.example.com")


@pytest.mark.parametrize(
    ("target", "flow", "hop"),
    [
        # The neighbour itself, whatever its Contact says of its port: by the connection.
        ("sip:far@192.0.2.2:5070;transport=tcp", OVER_TCP, OVER_TCP),
        ("sip:far@192.0.2.2", OVER_TCP, OVER_TCP),
        ("sip:far@trunk.example.com", OVER_TCP, OVER_TCP),
        # Somebody else: as its URI says, by our transport when it does not say.
        ("sip:far@192.0.2.9", OVER_TCP, Flow(Transport.TCP, ("192.0.2.9", 5060), name="trunk.example.com")),
        (
            "sip:far@192.0.2.9;transport=udp",
            OVER_TCP,
            Flow(Transport.UDP, ("192.0.2.9", 5060), name="trunk.example.com"),
        ),
        (
            "sip:far@192.0.2.9;transport=TLS",
            OVER_TCP,
            Flow(Transport.TLS, ("192.0.2.9", 5061), name="trunk.example.com"),
        ),
        ("sip:far@192.0.2.9;transport=carrier-pigeon", udp(B), udp(("192.0.2.9", 5060))),
        ("sip:far@192.0.2.2;transport=tcp", udp(B), Flow(Transport.TCP, ("192.0.2.2", 5060))),
        # RFC 3261 26.2.2: a sips: URI never goes in clear.
        ("sips:far@192.0.2.9", udp(B), Flow(Transport.TLS, ("192.0.2.9", 5061))),
        ("sips:far@fax.example.com", udp(B), Flow(Transport.TLS, (B[0], 5061), name="fax.example.com")),
    ],
)
def test_requests_inside_a_dialog_go_the_way_their_target_says(target: str, flow: Flow, hop: Flow) -> None:
    ours, theirs = NameAddress("sip:a@b").with_tag("1"), NameAddress("sip:c@d").with_tag("2")
    assert Dialog("call", ours, theirs, target, (), 1, None, flow).next_hop == hop


def test_a_call_that_came_by_tcp_is_hung_up_by_the_same_connection() -> None:
    solo, source = TcpSolo(), Flow(Transport.TCP, ("192.0.2.2", 40_000), 5)
    invite = over_tcp(solo.request("INVITE", 1, ("Contact", "<sip:far@192.0.2.2:5999>"), body=ANSWER))
    solo.a.receive(bytes(invite), source, solo.pump.now)
    [session] = solo.a.take_incoming()
    session.answer(ANSWER, solo.pump.now)
    tag = parse_message(solo.a.take_datagrams()[-1][0]).to
    ack = solo.request("ACK", 1, to=str(tag))
    solo.a.receive(bytes(ack), source, solo.pump.now)
    session.hang_up(solo.pump.now)
    [(bye, flow)] = solo.a.take_datagrams()
    assert bye.startswith(b"BYE sip:far@192.0.2.2:5999 ")
    # If that connection is gone: to where the caller's Via says that it listens.
    assert flow == Flow(Transport.TCP, B, 5)
