"""What a user agent says to requests that are no call, and to what is no SIP at all."""

import pytest

from mail2fax.engine.embedded.sip.flow import udp
from mail2fax.engine.embedded.sip.settings import UaSettings
from mail2fax.engine.embedded.sip.ua import UserAgent
from tests.harness.sip_pump import seeded

from .scene import CREDENTIALS, OFFER, A, B, Duet, Solo

HEADERS = b"From: <sip:a@b>\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n"


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\r\n\r\n",
        b"\x00" * 20,
        b"hello",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"INVITE sip:x@y SIP/2.0\r\n\r\n",
        b"INVITE sip:x@y SIP/2.0\r\nVia: garbage\r\n" + HEADERS,
        b"INVITE sip:x@y SIP/2.0\r\nVia: garbage\r\nContent-Length: -1\r\n" + HEADERS,
        b"SIP/2.0 200 OK\r\n\r\n",
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\n" + HEADERS,
        b"ACK sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP x\r\nFrom: a\r\nTo: b\r\nCall-ID: 1\r\nCSeq: 1 ACK\r\n\r\n",
    ],
)
def test_garbage_is_not_answered(datagram: bytes) -> None:
    """Trap: no answer to garbage."""
    agent = UserAgent(UaSettings(*A), seeded(1))
    agent.receive(datagram, udp(B), 0.0)
    assert agent.take_datagrams() == []
    assert agent.idle


def test_a_broken_request_that_says_where_its_answer_goes_gets_400() -> None:
    solo = Solo()
    solo.send(solo.request("OPTIONS", 1, ("CSeq", "1 BYE")))
    solo.send(solo.request("OPTIONS", 1, ("CSeq", "4294967296 OPTIONS")))
    statuses = [sent.datagram.split()[1] for sent in solo.pump.trace if sent.source == A]
    assert statuses == [b"400", b"400"]
    assert solo.a.idle


def test_a_broken_ack_is_never_answered() -> None:
    solo = Solo()
    solo.send(solo.request("ACK", 1, ("Content-Length", "-5"), ("CSeq", "1 BYE")))
    assert [sent for sent in solo.pump.trace if sent.source == A] == []


def test_info_is_taken_note_of_inside_a_dialog_only() -> None:
    """RFC 6086: INFO has no place outside of a dialog; inside, the old kind (DTMF) is harmless."""
    solo = Solo()
    invite = solo.establish()
    solo.send(solo.request("INFO"))
    solo.send(solo.inside(invite, "INFO", 1, branch="old"))
    solo.send(solo.inside(invite, "INFO", 2, ("Info-Package", "dtmf"), branch="new"))
    assert solo.answers("INFO") == [481, 200, 469]
    assert solo.caller.take_events() == []


def test_options_are_answered_with_what_we_can_do() -> None:
    """Trap: OPTIONS in and out of a dialog."""
    solo = Solo()
    invite = solo.establish()
    solo.send(solo.request("OPTIONS"))
    solo.send(solo.inside(invite, "OPTIONS", 1, branch="inside"))
    outside, inside = solo.responses("OPTIONS")
    for response in (outside, inside):
        assert response.status == 200
        assert response.headers.get("Allow") == "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO"
        assert response.headers.get("Accept") == "application/sdp"
    assert outside.to.tag is not None


@pytest.mark.parametrize(
    ("method", "status"),
    [("REGISTER", 405), ("MESSAGE", 405), ("SUBSCRIBE", 405), ("NOTIFY", 405), ("REFER", 603), ("FROBNICATE", 501)],
)
def test_other_methods_are_refused_in_and_out_of_a_dialog(method: str, status: int) -> None:
    solo = Solo()
    invite = solo.establish()
    solo.send(solo.request(method))
    solo.send(solo.inside(invite, method, 1, branch="inside"))
    assert solo.answers(method) == [status, status]
    assert solo.responses(method)[0].headers.get("Allow") is not None
    assert not solo.caller.ended


@pytest.mark.parametrize("method", ["BYE", "INVITE", "OPTIONS", "INFO"])
def test_requests_inside_a_dialog_we_do_not_know_get_481(method: str) -> None:
    solo = Solo()
    solo.send(solo.request(method, to="<sip:200@192.0.2.1>;tag=never"))
    assert solo.answers(method) == [481]


@pytest.mark.parametrize("method", ["BYE", "CANCEL"])
def test_a_bye_or_cancel_for_nothing_gets_481(method: str) -> None:
    solo = Solo()
    solo.send(solo.request(method))
    assert solo.answers(method) == [481]


def test_an_ack_for_nothing_is_not_answered() -> None:
    solo = Solo()
    solo.send(solo.request("ACK", to="<sip:200@192.0.2.1>;tag=never"))
    assert [sent for sent in solo.pump.trace if sent.source == A] == []


def test_an_extension_we_would_have_to_know_is_named_in_420() -> None:
    solo = Solo()
    solo.send(solo.request("INVITE", 1, ("Require", "100rel, precondition, Timer, replaces"), body=OFFER))
    [response] = solo.responses("INVITE")
    assert response.status == 420
    assert response.headers.get("Unsupported") == "precondition, replaces"
    assert solo.a.take_incoming() == []


def test_a_body_we_cannot_read_gets_415_and_what_we_can() -> None:
    solo = Solo()
    solo.send(solo.request("INVITE", 1, ("Content-Type", "application/isup"), body=b"x"))
    solo.send(solo.request("INVITE", 2, ("Content-Encoding", "gzip"), body=OFFER))
    first, second = solo.responses("INVITE")
    assert (first.status, first.headers.get("Accept")) == (415, "application/sdp")
    assert (second.status, second.headers.get("Accept-Encoding")) == (415, "identity")


@pytest.mark.parametrize(("uri", "status"), [("http://x", 416), ("sip:", 400), ("sip:a@b:99999", 400)])
def test_a_request_uri_that_leads_nowhere_is_refused(uri: str, status: int) -> None:
    solo = Solo()
    solo.send(solo.request("INVITE", uri=uri, body=OFFER))
    assert solo.answers("INVITE") == [status]


@pytest.mark.parametrize(
    ("uri", "called"),
    [
        ("sip:+375172000000@gw", "+375172000000"),
        ("sip:%2B375;phone-context=x:pw@gw:5061;user=phone", "+375"),
        ("tel:+375-17;ext=1", "+375-17"),
        ("sip:gw", ""),
        ("sip:1%0d%0aX:2@gw", "1  X"),
    ],
)
def test_the_called_number_is_the_user_part(uri: str, called: str) -> None:
    solo = Solo()
    solo.send(solo.request("INVITE", uri=uri, body=OFFER))
    [session] = solo.a.take_incoming()
    assert session.called == called
    assert session.caller == "far"


def test_another_version_of_sip_gets_505() -> None:
    solo = Solo()
    datagram = bytes(solo.request("OPTIONS")).replace(b"SIP/2.0\r\n", b"SIP/7.0\r\n", 1)
    solo.pump.send(datagram, B, A)
    solo.wait(0.1)
    assert solo.answers("OPTIONS") == [505]


def test_a_call_that_comes_by_two_ways_is_taken_once() -> None:
    """RFC 3261 8.2.2.2: a merged request gets 482."""
    solo = Solo()
    solo.send(solo.request("INVITE", body=OFFER, branch="one"))
    solo.send(solo.request("INVITE", body=OFFER, branch="two"))
    assert solo.answers("INVITE") == [100, 482]
    assert len(solo.a.take_incoming()) == 1


def test_bytes_of_theirs_come_back_as_they_were() -> None:
    """A Latin-1 display name is echoed byte by byte: the far end compares."""
    solo = Solo()
    caller = 'From: M\xfcller AG <sip:far@192.0.2.2>;tag="a/b=="'.encode("latin-1")
    datagram = bytes(solo.request("OPTIONS")).replace(b"From: <sip:far@192.0.2.2>;tag=far", caller)
    solo.pump.send(datagram, B, A)
    solo.wait(0.1)
    assert caller in solo.pump.trace[-1].datagram


def test_a_call_without_the_password_stays_outside() -> None:
    duet = Duet(b_settings=UaSettings(*B, require_digest=CREDENTIALS))
    duet.invite()
    duet.pump.run_until_idle()
    assert duet.b.take_incoming() == []
    assert duet.pump.labels() == ["a INVITE 1", "b 401 INVITE 1", "a ACK 1"]


def test_a_trunk_that_says_so_is_answered_inside_the_dialog_where_it_called_from() -> None:
    solo = Solo(UaSettings(*A, to_source=True))
    here = ("203.0.113.7", 40_000)
    solo.send(solo.request("INVITE", body=OFFER), source=here)
    [session] = solo.a.take_incoming()
    session.answer(OFFER, solo.pump.now)
    to = solo.responses("INVITE")[-1].headers.get("To") or ""
    solo.send(solo.request("ACK", to=to, branch="ack"), source=here)
    session.hang_up(solo.pump.now)
    solo.wait(0.1)
    assert [sent.destination for sent in solo.pump.trace if sent.label == "a BYE 1"] == [here]


def test_the_called_side_follows_the_record_route_in_order() -> None:
    solo = Solo()
    routes = ("Record-Route", "<sip:192.0.2.9;lr>, <sip:p2.invalid;lr>")
    solo.send(solo.request("INVITE", 1, routes, body=OFFER))
    [session] = solo.a.take_incoming()
    session.answer(OFFER, solo.pump.now)
    response = solo.responses("INVITE")[-1]
    assert response.headers.items("Record-Route") == ["<sip:192.0.2.9;lr>", "<sip:p2.invalid;lr>"]
    solo.send(solo.request("ACK", to=response.headers.get("To") or "", branch="ack"))
    session.hang_up(solo.pump.now)
    [bye] = solo.sent("BYE")
    assert bye.headers.items("Route") == ["<sip:192.0.2.9;lr>", "<sip:p2.invalid;lr>"]


def test_we_name_ourselves_in_requests_and_answers() -> None:
    duet = Duet(b_settings=UaSettings(*B, product="answering machine/1"))
    duet.invite()
    duet.pump.run_until(1)
    assert b"User-Agent: mail2fax\r\n" in duet.pump.trace[0].datagram
    assert b"Server: answering machine/1\r\n" in duet.pump.trace[1].datagram
