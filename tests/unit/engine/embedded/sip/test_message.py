"""Messages are read leniently and written strictly."""

import time

import pytest

from mail2fax.engine.embedded.sip.errors import LocalProtocolError, RemoteProtocolError
from mail2fax.engine.embedded.sip.flow import udp
from mail2fax.engine.embedded.sip.headers import Headers
from mail2fax.engine.embedded.sip.message import MOST_IN_HEAD, Request, Response, parse_message, respond
from mail2fax.engine.embedded.sip.settings import UaSettings
from mail2fax.engine.embedded.sip.text import readable
from mail2fax.engine.embedded.sip.ua import UserAgent
from tests.harness.sip_pump import seeded

INVITE = (
    b"INVITE sip:100@192.0.2.1 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.2:5062;branch=z9hG4bK1;rport\r\n"
    b'From: "Far" <sip:far@192.0.2.2>;tag=f\r\n'
    b"To: <sip:100@192.0.2.1>\r\n"
    b"Call-ID: c@192.0.2.2\r\n"
    b"CSeq: 7 INVITE\r\n"
    b"Content-Type: application/sdp\r\n"
    b"Content-Length: 5\r\n"
    b"\r\n"
    b"v=0\r\n"
)


def request(datagram: bytes) -> Request:
    message = parse_message(datagram)
    assert isinstance(message, Request)
    return message


def response(datagram: bytes) -> Response:
    message = parse_message(datagram)
    assert isinstance(message, Response)
    return message


def test_a_message_is_written_as_it_was_read() -> None:
    assert bytes(request(INVITE)) == INVITE


def test_the_headers_every_message_has_are_read() -> None:
    message = request(INVITE)
    message.check()
    assert message.via.branch == "z9hG4bK1"
    assert message.via.sent_by == "192.0.2.2:5062"
    assert (message.from_.display, message.from_.tag, message.from_.user) == ("Far", "f", "far")
    assert message.to.tag is None
    assert message.call_id == "c@192.0.2.2"
    assert message.cseq == (7, "INVITE")
    assert message.sdp == b"v=0\r\n"


def test_compact_names_and_any_case_are_read() -> None:
    """Trap: compact header names."""
    datagram = INVITE.replace(b"Via:", b"v :").replace(b"From:", b"F:").replace(b"To:", b"t:")
    datagram = datagram.replace(b"Call-ID:", b"i:").replace(b"CSeq:", b"cseq\t:").replace(b"Content-Type:", b"c:")
    message = request(datagram.replace(b"Content-Length:", b"l:"))
    message.check()
    assert (message.call_id, message.sdp) == ("c@192.0.2.2", b"v=0\r\n")


def test_folded_headers_are_joined() -> None:
    """Trap: folded headers."""
    datagram = INVITE.replace(b";branch=z9hG4bK1", b"\r\n ;branch=z9hG4bK1").replace(b"To: ", b"To:\r\n\t")
    message = request(datagram)
    message.check()
    assert message.via.branch == "z9hG4bK1"
    assert message.to.user == "100"


def test_repeated_via_and_record_route_stay_in_order() -> None:
    """Trap: repeated Via and Record-Route: an ordered multi-map, not a dict."""
    more = b"Record-Route: <sip:a;lr>,<sip:b;lr>\r\nSubject: x\r\nrecord-route: <sip:c;lr>\r\nVia: SIP/2.0/UDP z\r\n"
    message = request(INVITE.replace(b"From:", more + b"From:"))
    assert message.headers.items("Record-Route") == ["<sip:a;lr>", "<sip:b;lr>", "<sip:c;lr>"]
    assert len(message.headers.lines("Via")) == 2
    assert message.headers.get("Via") == str(message.via)


@pytest.mark.parametrize(
    ("line", "display"),
    [
        ('"Мюллер" <sip:far@x>;tag=f'.encode(), "Мюллер"),
        ("Büro Nord <sip:far@x>;tag=f".encode(), "Büro Nord"),
        ("Büro Nord <sip:far@x>;tag=f".encode("latin-1"), "Büro Nord"),
        (rb'"quote \" and \\ back" <sip:far@x>;tag=f', 'quote " and \\ back'),
        (b'"<sip:trick@y>" <sip:far@x>;tag=f', "<sip:trick@y>"),
        (b"sip:far@x;tag=f", ""),
        (b"<sip:far@x> ; tag=f", ""),
        (b"A.B.Charles<sip:far@x>;tag=f", "A.B.Charles"),
    ],
)
def test_display_names_of_all_kinds_are_read(line: bytes, display: str) -> None:
    """Trap: unquoted UTF-8 or Latin-1 display names."""
    message = request(INVITE.replace(b'"Far" <sip:far@192.0.2.2>;tag=f', line))
    assert readable(message.from_.display) == display
    assert (message.from_.user, message.from_.tag) == ("far", "f")
    assert line in bytes(respond(message, 200))


@pytest.mark.parametrize("line", [b"SIP/2.0 200", b"SIP/2.0 200 ", b"sip/2.0  200  OK", b"SIP/2.0 200 Fein\xfc"])
def test_a_status_line_may_lack_its_reason(line: bytes) -> None:
    """Trap: a status line without reason."""
    message = response(line + b"\r\nCSeq: 1 INVITE\r\n\r\n")
    assert message.status == 200
    assert message.phrase in {"OK", "Feinü"}


def test_bare_line_feeds_and_leading_blank_lines_are_forgiven() -> None:
    message = request(b"\r\n\r\n" + INVITE.replace(b"\r\n", b"\n").replace(b"Content-Length: 5\n", b""))
    message.check()
    assert message.body == b"v=0\n"


def test_a_line_that_is_no_header_is_passed_over() -> None:
    message = request(INVITE.replace(b"To:", b"what is this\r\nBad Name: 1\r\n: empty\r\nTo:"))
    message.check()
    assert message.headers.get("Bad Name") is None


def test_a_stray_carriage_return_or_nul_in_a_value_becomes_a_blank() -> None:
    message = request(INVITE.replace(b"CSeq:", b"Subject: a\rX: b\x00c\r\nCSeq:"))
    assert message.headers.get("Subject") == "a X: b c"


def test_what_goes_beyond_content_length_is_dropped() -> None:
    assert request(INVITE + b"rest").body == b"v=0\r\n"


@pytest.mark.parametrize("length", [b"6", b"-1", b"x", b"99999999999999999999"])
def test_a_content_length_that_does_not_fit_is_an_error(length: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_message(INVITE.replace(b"Content-Length: 5", b"Content-Length: " + length))


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"INVITE sip:x SIP/2.0",
        b"INVITE sip:x\r\n\r\n",
        b"INV(TE sip:x SIP/2.0\r\n\r\n",
        b"INVITE sip:x\x01 SIP/2.0\r\n\r\n",
        b"SIP/2.0 99 Low\r\n\r\n",
        b"SIP/2.0 700 High\r\n\r\n",
        b"SIP/2.0 2000 Long\r\n\r\n",
        b"SIP/2.0 200OK\r\n\r\n",
    ],
)
def test_what_is_no_message_is_an_error(datagram: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_message(datagram)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Via: ", b"X-Via: "),
        (b"From: ", b"X-From: "),
        (b"To: ", b"X-To: "),
        (b"Call-ID: ", b"X-Call-ID: "),
        (b"CSeq: 7", b"CSeq: -7"),
        (b"CSeq: 7", b"CSeq: 2147483648"),
        (b"CSeq: 7 INVITE", b"CSeq: 7 BYE"),
        (b"SIP/2.0/UDP 192", b"SIP/2.0/UDP ;192"),
        (b"INVITE sip:", b"INVITE <sip:"),
        (b" SIP/2.0\r\n", b" and more SIP/2.0\r\n"),
        (b"Call-ID: ", b"Call-ID: another\r\nCall-ID: "),
        (b"192.0.2.2:5062;", b"192.0.2.2:70000;"),
        (b"<sip:far@192.0.2.2>", b"<sip:far@192.0.2.2"),
        (b'"Far"', b'"Far'),
    ],
)
def test_a_header_that_must_be_there_and_is_not_is_an_error(old: bytes, new: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        request(INVITE.replace(old, new, 1)).check()


@pytest.mark.parametrize(
    ("text", "host", "branch"),
    [
        (b"SIP / 2.0 / UDP  192.0.2.2 : 5062 ; branch = z9hG4bKx", "192.0.2.2", "z9hG4bKx"),
        (b"SIP/2.0/UDP sip_trunk;branch=1", "sip_trunk", "1"),
        (b"SIP/2.0/TLS [2001:db8::1]:5061;branch=z", "[2001:db8::1]", "z"),
        (b"sip/2.0/udp h", "h", ""),
    ],
)
def test_vias_of_all_kinds_are_read(text: bytes, host: str, branch: str) -> None:
    """Trap: underscores in hosts."""
    message = request(INVITE.replace(b"SIP/2.0/UDP 192.0.2.2:5062;branch=z9hG4bK1;rport", text))
    assert (message.via.host, message.via.branch) == (host, branch)


@pytest.mark.parametrize(
    "field",
    [
        ("X", "a\r\nY: b"),
        ("X", "a\nb"),
        ("X", "a\rb"),
        ("X", "\x00"),
        ("X\r\nY", "a"),
        ("X Y", "a"),
        ("", "a"),
        ("X:", "a"),
    ],
)
def test_no_header_can_be_smuggled_into_what_we_write(field: tuple[str, str]) -> None:
    with pytest.raises(LocalProtocolError):
        Headers((field,))


def test_no_line_break_gets_into_a_start_line() -> None:
    with pytest.raises(LocalProtocolError):
        bytes(Request(Headers(), method="INVITE", uri="sip:x SIP/2.0\r\nEvil: 1"))
    with pytest.raises(LocalProtocolError):
        bytes(Response(Headers(), status=200, reason="OK\r\nEvil: 1"))


def test_content_length_is_ours_whatever_the_headers_say() -> None:
    message = Request(Headers((("l", "7"), ("Content-Length", "99"))), b"abc", method="INFO", uri="sip:x")
    assert bytes(message).count(b"Content-Length") == 1
    assert b"Content-Length: 3\r\n\r\nabc" in bytes(message)


def test_an_answer_copies_what_it_must_and_nothing_else() -> None:
    message = request(INVITE.replace(b"From:", b"Record-Route: <sip:p;lr>\r\nSubject: x\r\nFrom:"))
    ringing = respond(message, 180, ("Contact", "<sip:me>"), to_tag="mine")
    assert [name for name, _ in ringing.headers.fields] == [
        "Via",
        "Record-Route",
        "From",
        "To",
        "Call-ID",
        "CSeq",
        "Contact",
    ]
    assert ringing.to.tag == "mine"
    assert respond(message, 486, to_tag="mine").headers.get("Record-Route") is None


def test_headers_are_replaced_where_they_stand() -> None:
    headers = Headers((("A", "1"), ("B", "2"), ("a", "3")))
    assert headers.with_set("A", "x").fields == (("A", "x"), ("B", "2"))
    assert headers.with_set("C", "x").fields == (*headers.fields, ("C", "x"))
    assert headers.without("b").fields == (("A", "1"), ("a", "3"))
    assert headers.with_added(("D", "4")).fields == (*headers.fields, ("D", "4"))


def test_a_body_without_a_type_is_sdp_if_it_looks_like_it() -> None:
    bare = INVITE.replace(b"Content-Type: application/sdp\r\n", b"")
    assert request(bare).sdp == b"v=0\r\n"
    assert request(bare.replace(b"v=0", b"xyz")).sdp is None
    assert request(INVITE.replace(b"application/sdp", b"Application/SDP ;x=y")).sdp == b"v=0\r\n"


MULTIPART = (
    b'INVITE sip:x SIP/2.0\r\nContent-Type: multipart/mixed;boundary="a b"\r\n\r\n'
    b"preamble\r\n--a b\r\nContent-Type: application/ISUP;version=itu-t92+\r\n\r\n\x01\x11\x00\r\n"
    b"--a b\r\nContent-Disposition: session\r\ncontent-type : application/SDP\r\n\r\nv=0\r\ns=-\r\n--a b--\r\n"
)


def test_the_session_description_is_found_beside_the_isup_of_a_gateway() -> None:
    """SIP-T gateways send multipart bodies; RFC 5621 has every user agent read them."""
    assert request(MULTIPART).sdp == b"v=0\r\ns=-"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b';boundary="a b"', b""),
        (b"application/SDP", b"application/sdpx"),
        (b"v=0\r\ns=-", b""),
        (b"--a b", b"--other"),
    ],
)
def test_a_multipart_body_without_a_session_description_has_none(old: bytes, new: bytes) -> None:
    assert request(MULTIPART.replace(old, new)).sdp is None


_DEAR = {
    "hops in one line": b"Via: " + b",".join([b"SIP/2.0/UDP a;branch=1"] * 2800),
    "lines": b"\r\n".join([b"X: 1"] * 9000),
    "parameters": b"Via: SIP/2.0/UDP a" + b";x=1" * 15_000,
    "routes": b"Record-Route: " + b",".join([b"<sip:a;lr>"] * 5000),
    "quotes": b'Contact: "' + b"\\\\" * 30_000,
    "brackets": b"Contact: " + b"<" * 60_000,
}


@pytest.mark.parametrize("name", _DEAR)
@pytest.mark.parametrize("size", [16_000, 60_000])
def test_the_largest_datagram_costs_no_more_than_a_tick(name: str, size: int) -> None:
    """Trap: 60 KB of headers took 60 ms, and the media of all calls waited. Now such a head is dropped unread."""
    head = b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
    rest = b"To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
    datagram = head + rest + _DEAR[name][: size - len(head + rest) - 4] + b"\r\n\r\n"
    agent = UserAgent(UaSettings("192.0.2.1", 5060), seeded(1))
    begun = time.process_time()
    for _ in range(10):
        agent.receive(datagram, udp(("192.0.2.2", 5060)), 0.0)
    # A tick is 20 ms; the machine that runs the tests may be half as fast as the one that runs the calls.
    assert (time.process_time() - begun) / 10 < 0.04
    assert bool(agent.take_datagrams()) is (size < MOST_IN_HEAD and name not in {"lines", "hops in one line"})


def test_a_session_description_too_large_to_be_read_in_a_moment_is_none() -> None:
    headers = Headers((("Content-Type", "application/sdp"),))
    assert Request(headers, b"v=0\r\n" + b"a=x\r\n" * 100, method="INVITE", uri="sip:a@b").sdp is not None
    assert Request(headers, b"v=0\r\n" + b"a=x\r\n" * 4000, method="INVITE", uri="sip:a@b").sdp is None


def test_more_hops_than_a_request_may_go_through_are_not_read() -> None:
    """RFC 3261 8.1.1.6: 70 of them. Trap: each costs time, and a thousand fit into one line."""
    for hops, in_one_line in ((70, True), (70, False), (71, True), (71, False)):
        vias = ["SIP/2.0/UDP a"] * (hops - 1)
        lines = f"Via: {', '.join(vias)}\r\n" if in_one_line else "".join(f"v: {via}\r\n" for via in vias)
        datagram = INVITE.replace(b"Via:", lines.encode() + b"Via:")
        if hops > 70:
            with pytest.raises(RemoteProtocolError):
                parse_message(datagram)
        else:
            assert len(parse_message(datagram).headers.items("Via")) == hops
