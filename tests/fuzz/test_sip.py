"""SIP and SDP, from a datagram to what a user agent makes of a whole conversation."""

import pytest

from mail2fax.engine.embedded.description import read_description
from mail2fax.engine.embedded.sip.digest import parse_challenges
from mail2fax.engine.embedded.sip.errors import RemoteProtocolError
from mail2fax.engine.embedded.sip.flow import udp
from mail2fax.engine.embedded.sip.message import parse_message
from mail2fax.engine.embedded.sip.sdp import parse_sdp
from mail2fax.engine.embedded.sip.settings import Credentials, InviteOrder, UaSettings
from mail2fax.engine.embedded.sip.text import decode
from mail2fax.engine.embedded.sip.ua import UserAgent
from mail2fax.engine.embedded.sip.uri import parse_name_address, parse_uri, user_of
from mail2fax.engine.embedded.sip.via import parse_via
from tests.fuzz.loop import TEST_LIMIT_S, Target, fuzz
from tests.harness.sip_pump import seeded
from tests.harness.torture import torture_messages

pytestmark = pytest.mark.timeout(TEST_LIMIT_S)

US, THEM = ("192.0.2.1", 5060), ("192.0.2.2", 5062)
SDP = (
    b"v=0\r\no=- 7 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
    b"a=ptime:20\r\na=sendrecv\r\n"
)
T38 = (
    b"v=0\r\no=- 7 2 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 0 RTP/AVP 8\r\n"
    b"m=image 40000 udptl t38\r\na=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\n"
    b"a=T38FaxRateManagement:transferredTCF\r\na=T38FaxMaxBuffer:2000\r\na=T38FaxMaxDatagram:400\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n"
)
WORDS = (
    b"SIP/2.0", b";tag=", b";branch=z9hG4bK", b"<sip:", b">", b'"', b",", b";", b"=", b"@", b"[", b"]", b"::1",
    b"Require: 100rel\r\nRSeq: 1\r\n", b"Session-Expires: 90;refresher=uac\r\n", b"Min-SE: 90\r\n",
    b"Record-Route: <sip:192.0.2.9;lr>\r\n", b"Content-Length: 0\r\n", b"Contact: *\r\n",
    b"RAck: 1 1 INVITE\r\n", b"Retry-After: 5 (x);duration=1\r\n",
    b"Reason: Q.850;cause=17\r\n", b"m=audio 1 RTP/AVP 0\r\n", b"a=rtpmap:0 PCMU/8000\r\n", b"c=IN IP4 0.0.0.0\r\n",
    b"Content-Type: multipart/mixed;boundary=b\r\n", b"--b\r\n", b"INVITE", b"PRACK", b"UPDATE", b"BYE",
    b"CANCEL", b"ACK",
)  # fmt: skip

CALL = "call@mail2fax"


def request(method: str, cseq: int, body: bytes = b"", *, ours: bool, more: str = "") -> bytes:
    """A request of the far end: inside our call, or a call of its own."""
    to, call = (";tag=OURS", CALL) if ours else ("", "theirs@far")
    head = (
        f"{method} sip:100@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2:5062;branch=z9hG4bK{method}{cseq};rport\r\n"
        f"From: <sip:far@192.0.2.2>;tag=far\r\nTo: <sip:100@192.0.2.1>{to}\r\nCall-ID: {call}\r\n"
        f"CSeq: {cseq} {method}\r\nContact: <sip:far@192.0.2.2:5062>\r\n{more}"
    )
    kind = "Content-Type: application/sdp\r\n" if body else ""
    return f"{head}{kind}\r\n".encode() + body


def response(status: int, method: str, body: bytes = b"", more: str = "") -> bytes:
    """An answer of the far end to what we sent last."""
    head = (
        f"SIP/2.0 {status} Text\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKOURS\r\n"
        f"From: <sip:100@192.0.2.1>;tag=OURS\r\nTo: <sip:+1@far>;tag=far\r\nCall-ID: {CALL}\r\n"
        f"CSeq: CSEQ {method}\r\nContact: <sip:far@192.0.2.2:5062>\r\n{more}"
    )
    kind = "Content-Type: application/sdp\r\n" if body else ""
    return f"{head}{kind}\r\n".encode() + body


CHALLENGE = 'WWW-Authenticate: Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth"\r\n'
TALK = [
    response(100, "INVITE"),
    response(180, "INVITE", more="Require: 100rel\r\nRSeq: 5\r\n"),
    response(183, "INVITE", SDP),
    response(401, "INVITE", more=CHALLENGE),
    response(422, "INVITE", more="Min-SE: 3600\r\n"),
    response(200, "INVITE", SDP, more="Session-Expires: 1800;refresher=uac\r\nAllow: UPDATE\r\n"),
    response(302, "INVITE", more="Contact: <sip:+2@far>\r\n"),
    response(486, "INVITE", more="Reason: Q.850;cause=17\r\nRetry-After: 60\r\n"),
    response(200, "BYE"),
    request("INVITE", 7, T38, ours=True, more="Session-Expires: 90;refresher=uas\r\nSupported: timer\r\n"),
    request("ACK", 7, ours=True),
    request("UPDATE", 8, SDP, ours=True),
    request("INFO", 9, ours=True),
    request("BYE", 10, ours=True, more="Reason: Q.850;cause=16\r\n"),
    request("INVITE", 1, SDP, ours=False, more="Require: 100rel\r\nRecord-Route: <sip:192.0.2.9;lr>\r\n"),
    request("INVITE", 2, ours=False),
    request("PRACK", 3, ours=False, more="RAck: 1 1 INVITE\r\n"),
    request("CANCEL", 1, ours=False),
    request("OPTIONS", 4, ours=False),
]
_BREAK = b"\n=====\n"


def parse_and_write(data: bytes) -> None:
    """What can be read can be written, and means the same then."""
    message = parse_message(data)
    message.check()
    _ = (message.contacts, message.sdp)
    again = parse_message(bytes(message))
    assert bytes(again) == bytes(message)


def describe(data: bytes) -> None:
    read_description(data, 4)
    description = parse_sdp(data)
    again = parse_sdp(bytes(description))
    assert [media.codecs for media in again.media] == [media.codecs for media in description.media]


def read_pieces(data: bytes) -> None:
    text = decode(data)
    parse_challenges(text)
    assert user_of(text).isprintable()
    for parse in (parse_uri, parse_name_address, parse_via):
        try:
            str(parse(text))
        except RemoteProtocolError:
            continue


def converse(data: bytes) -> None:
    """A call of ours and whatever comes; at the end nothing may be left of either."""
    agent = UserAgent(UaSettings(*US), seeded(1))
    order = InviteOrder("+1", "far", (udp(THEM),), "100", CALL, SDP, Credentials("office", "secret"))
    session = agent.invite(order, 0.0)
    now, branch, tag, cseq = 0.0, b"", b"", b"1"
    for datagram in data.split(_BREAK)[:12]:
        for sent, _ in agent.take_datagrams():
            if not sent.startswith(b"SIP/2.0"):
                branch = sent.partition(b"branch=z9hG4bK")[2].partition(b";")[0]
                cseq = sent.partition(b"CSeq: ")[2].partition(b" ")[0]
                tag = sent.partition(b"From: ")[2].partition(b"tag=")[2].partition(b"\r\n")[0]
        now += 0.3
        adapted = datagram.replace(b"z9hG4bKOURS", b"z9hG4bK" + branch).replace(b"CSEQ", cseq)
        agent.receive(adapted.replace(b"tag=OURS", b"tag=" + tag), udp(THEM), now)
        agent.run_timers(now)
        session.accept_offer(T38, now)
        for call in agent.take_incoming():
            call.ring(now)
            call.answer(SDP, now)
            call.hang_up(now)
    session.hang_up(now)
    for _ in range(5000):
        due = agent.next_timer()
        if due is None:
            break
        agent.run_timers(due)
        agent.take_datagrams()
    assert agent.idle


PIECES = [
    b'"Far" <sip:+1;a=b@[::1]:5062;lr?x=y>;tag=1',
    b"SIP/2.0/UDP a.b:1;rport;branch=z",
    b'Digest realm="r, s", nonce="n", algorithm=MD5-sess, qop="auth,auth-int", stale=TRUE',
]
CONVERSATIONS = [_BREAK.join(TALK[start : start + 6]) for start in range(len(TALK))]

TARGETS = [
    Target("sip-message", parse_and_write, 30_000, [*torture_messages(), *TALK], (RemoteProtocolError,), WORDS),
    Target("sdp", describe, 25_000, [SDP, T38], (RemoteProtocolError,), WORDS),
    Target("sip-pieces", read_pieces, 90_000, PIECES, (), WORDS),
    Target("sip-conversation", converse, 6_000, [*CONVERSATIONS, *torture_messages()], (), (*WORDS, _BREAK, *TALK)),
]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_any_input_gives_a_value_or_our_own_error(target: Target) -> None:
    fuzz(target)
