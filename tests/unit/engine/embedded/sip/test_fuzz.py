"""Whatever comes in is a value or our own error, and a user agent outlives it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from mail2fax.engine.embedded.sip.digest import parse_challenges
from mail2fax.engine.embedded.sip.errors import RemoteProtocolError
from mail2fax.engine.embedded.sip.flow import udp
from mail2fax.engine.embedded.sip.message import parse_message
from mail2fax.engine.embedded.sip.sdp import parse_sdp
from mail2fax.engine.embedded.sip.settings import UaSettings
from mail2fax.engine.embedded.sip.ua import UserAgent
from mail2fax.engine.embedded.sip.uri import parse_name_address, parse_uri, user_of
from mail2fax.engine.embedded.sip.via import parse_via
from tests.harness.sip_pump import seeded

from .scene import ANSWER, CREDENTIALS, OFFER, A, B, order

SEEDS = (
    b"INVITE sip:100@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2:5062;branch=z9hG4bK1;rport\r\n"
    b'From: "Far" <sip:far@192.0.2.2>;tag=f\r\nTo: <sip:100@192.0.2.1>\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\n'
    b"Contact: <sip:far@192.0.2.2>\r\nRecord-Route: <sip:p>\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n",
    b"SIP/2.0 200 OK\r\nv: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nf: <sip:a@b>;tag=1\r\nt: sip:c;tag=2\r\n"
    b"i: call@mail2fax\r\nCSeq: 1 INVITE\r\nReason: Q.850;cause=16\r\n"
    b'WWW-Authenticate: Digest realm="r", nonce="n"\r\n\r\n',
    b"BYE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:b>\r\n"
    b"Call-ID: 1\r\nCSeq: 1 BYE\r\n\r\n",
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 8 0\r\na=rtpmap:8 PCMA/8000\r\n",
)
# No deadline: how long one example takes says more about the machine than about the parser.
STEADY = settings(deadline=None)

PIECES = [
    b"\r\n",
    b"\r\n ",
    b":",
    b";",
    b'"',
    b"<",
    b">",
    b",",
    b"=",
    b"\x00",
    b"\xff",
    b"SIP/2.0",
    b"%00",
    b"@",
    b"[",
    b"9" * 30,
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good message with a few pieces cut out, doubled or put in."""
    data = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        middle = draw(st.sampled_from([*PIECES, data[start:end] * 2]) | st.binary(max_size=8))
        data = data[:start] + middle + data[end:]
    return data


@STEADY
@given(mutated() | st.binary(max_size=300))
def test_a_datagram_is_a_message_or_our_error(datagram: bytes) -> None:
    try:
        message = parse_message(datagram)
        message.check()
    except RemoteProtocolError:
        return
    assert bytes(parse_message(bytes(message))) == bytes(message)


@STEADY
@given(mutated() | st.binary(max_size=300))
def test_a_body_is_a_description_or_our_error(body: bytes) -> None:
    try:
        description = parse_sdp(body)
    except RemoteProtocolError:
        return
    again = parse_sdp(bytes(description))
    assert [media.codecs for media in again.media] == [media.codecs for media in description.media]


@STEADY
@given(st.text(max_size=60) | mutated().map(lambda data: data.decode("utf-8", "surrogateescape")))
def test_headers_are_values_or_our_error(text: str) -> None:
    for parse in (parse_uri, parse_name_address, parse_via):
        try:
            str(parse(text))
        except RemoteProtocolError:
            continue
    parse_challenges(text)


@STEADY
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_a_user_part_is_readable(text: str) -> None:
    assert user_of(f"sip:{text}@host").isprintable()


@STEADY
@given(st.lists(mutated(), max_size=8))
def test_a_user_agent_outlives_what_it_hears(datagrams: list[bytes]) -> None:
    agent = UserAgent(UaSettings(*A, require_digest=CREDENTIALS, digest_methods=frozenset({"BYE"})), seeded(1))
    session = agent.invite(order(credentials=CREDENTIALS), 0.0)
    branch = agent.take_datagrams()[0][0].split(b"branch=")[1].split(b";")[0]
    now = 0.0
    for datagram in datagrams:
        now += 1.0
        agent.receive(datagram.replace(b"z9hG4bK1", branch), udp(B), now)
        for call in agent.take_incoming():
            call.ring(now)
            call.answer(ANSWER, now)
            call.hang_up(now)
        agent.take_datagrams()
    session.accept_offer(OFFER, now)
    session.hang_up(now)
    while (due := agent.next_timer()) is not None:
        agent.run_timers(due)
        agent.take_datagrams()
    assert agent.idle
