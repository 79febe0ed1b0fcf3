"""The torture messages of RFC 4475 and RFC 5118, each with what our user agent does about it.

Where an RFC leaves the choice between an error and lenience, the table says which we took. We are no registrar:
a good REGISTER gets 405 (RFC 4475 3.3.7 says so).
"""

import pytest

from mail2fax.engine.embedded.sip.errors import RemoteProtocolError
from mail2fax.engine.embedded.sip.flow import udp
from mail2fax.engine.embedded.sip.message import Request, Response, parse_message
from mail2fax.engine.embedded.sip.sdp import parse_sdp
from mail2fax.engine.embedded.sip.settings import UaSettings
from mail2fax.engine.embedded.sip.ua import UserAgent
from mail2fax.engine.embedded.sip.uri import parse_uri, user_of
from tests.harness.sip_pump import seeded
from tests.harness.torture import torture_message, torture_names

from .scene import A, B

CALL = 100
"""An INVITE that becomes a call: it is being tried."""
DROPPED = None

RFC_4475 = {
    # 3.1.1 valid
    "wsinv": 481,  # well-formed, and in a dialog (To has a tag) that is not ours
    "intmeth": 501,
    "esc01": CALL,
    "escnull": 405,
    "esc02": 501,  # %47 in a method is no escape: it is not REGISTER
    "lwsdisp": 200,
    "longreq": CALL,
    "dblreq": 405,  # what follows the first request of a datagram is dropped
    "semiuri": 200,
    "transports": 200,
    "mpart01": 405,
    "unreason": DROPPED,  # a response to nothing
    "noreason": DROPPED,
    # 3.1.2 invalid
    "badinv01": 400,
    "clerr": 400,
    "ncl": 400,
    "scalar02": 400,
    "scalarlg": DROPPED,
    "quotbal": 400,
    "ltgtruri": 400,
    "lwsruri": 400,
    "lwsstart": CALL,  # more blanks than one are forgiven
    "trws": 200,
    "escruri": CALL,  # headers in a Request-URI are passed over
    "baddate": CALL,  # we have no use for a date
    "regbadct": 405,
    "badaspec": 200,  # blanks inside of the brackets are forgiven
    "baddn": DROPPED,  # its file ends without the empty line; see below for the message with it
    "badvers": 505,
    "mismatch01": 400,
    "mismatch02": 501,
    "bigcode": DROPPED,
    # 3.2 and 3.3 transactions and semantics
    "badbranch": 200,  # matched as RFC 2543 does it
    "insuf": 400,
    "unkscm": 416,
    "novelsc": 416,
    "unksm2": 405,
    "bext01": 420,
    "invut": 415,
    "regaut01": 405,
    "multi01": 400,
    "mcl01": 400,
    "bcast": DROPPED,
    "zeromf": 200,
    "cparam01": 405,
    "cparam02": 405,
    "regescrt": 405,
    "sdp01": 406,
    # 3.4 RFC 2543
    "inv2543": CALL,
}

RFC_5118 = {
    "ipv6-good": 405,
    "ipv6-bad": 400,  # an IPv6 address without brackets
    "port-ambiguous": 405,  # 5070 is the last group of the address
    "port-unambiguous": 405,
    "via-received-param-with-delim": 481,
    "via-received-param-no-delim": 200,
    "ipv6-in-sdp": CALL,
    "mult-ip-in-header": 481,
    "mult-ip-in-sdp": CALL,
    "ipv4-mapped-ipv6": CALL,
    "ipv6-bug-abnf-3-colons": 200,  # written by the faulty grammar of RFC 2373
    "ipv6-correct-abnf-2-colons": 200,
}


def answer_to(datagram: bytes) -> int | None:
    """The status a fresh user agent answers with; None when it says nothing. It must come to rest again."""
    agent = UserAgent(UaSettings(*A), seeded(1))
    agent.receive(datagram, udp(B), 0.0)
    answers = [parse_message(sent) for sent, _ in agent.take_datagrams()]
    for call in agent.take_incoming():
        call.reject(486, 0.0)
    while (due := agent.next_timer()) is not None:
        agent.run_timers(due)
    assert agent.idle
    assert len(answers) <= 1
    return next((answer.status for answer in answers if isinstance(answer, Response)), None)


def test_no_message_is_missing() -> None:
    assert torture_names(4475) == sorted(RFC_4475)
    assert len(RFC_4475) == 49
    assert torture_names(5118) == sorted(RFC_5118)


@pytest.mark.parametrize("name", RFC_4475)
def test_rfc_4475(name: str) -> None:
    assert answer_to(torture_message(4475, name)) == RFC_4475[name]


@pytest.mark.parametrize("name", RFC_5118)
def test_rfc_5118(name: str) -> None:
    assert answer_to(torture_message(5118, name)) == RFC_5118[name]


def parsed(name: str) -> Request:
    message = parse_message(torture_message(4475, name))
    assert isinstance(message, Request)
    message.check()
    return message


def test_a_tortuous_invite_is_read_as_it_was_meant() -> None:
    """RFC 4475 3.1.1.1: folded everywhere, compact and long names mixed, blanks around every separator."""
    invite = parsed("wsinv")
    assert (invite.via.transport, invite.via.host, invite.via.branch) == ("UDP", "192.0.2.2", "390skdjuw")
    assert [hop.partition("branch")[0].split()[-2] for hop in invite.headers.items("Via")[1:]] != []
    assert len(invite.headers.items("Via")) == 3
    assert invite.from_.display == 'J Rosenberg \\"'
    assert (invite.from_.tag, invite.to.tag) == ("98asjd8", "1918181833n")
    assert invite.cseq == (9, "INVITE")
    assert invite.headers.get("Subject") == ""
    assert invite.headers.get("NewFangledHeader") == "newfangled value continued newfangled value"
    [contact] = invite.contacts
    assert (contact.display, contact.uri) == ('Quoted string ""', "sip:jdrosen@example.com")
    assert invite.sdp is not None
    assert len(parse_sdp(invite.sdp).media) == 2


def test_a_fresh_tortuous_invite_becomes_a_call() -> None:
    fresh = torture_message(4475, "wsinv").replace(b" ;   tag    = 1918181833n", b"")
    assert answer_to(fresh) == CALL


def test_names_in_the_wrong_form_are_no_reason_to_refuse() -> None:
    """RFC 4475 3.1.2.15: a comma in a display name without quotes. The archive's file lacks the empty line."""
    assert answer_to(torture_message(4475, "baddn") + b"\r\n") == 200


def test_escapes_in_a_user_part_are_decoded_once() -> None:
    """RFC 4475 3.1.1.3, 3.1.1.4, 3.1.1.9."""
    assert parse_uri(parsed("esc01").uri).user == "sips:user@example.com"
    assert parsed("esc01").to.user == "user"
    assert parse_uri("sip:null-%00-null@example.com").user == "null-\x00-null"
    assert user_of("sip:null-%00-null@example.com").isprintable()
    assert parse_uri(parsed("semiuri").uri).user == "user;par=u@example.net"


def test_unusual_characters_of_a_method_and_a_call_id_come_back_as_they_were() -> None:
    """RFC 4475 3.1.1.2."""
    request = parsed("intmeth")
    assert request.method == "!interesting-Method0123456789_*+`.%indeed'~"
    assert request.call_id == "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"
    again = parse_message(bytes(request))
    assert again.call_id == request.call_id


def test_reason_phrases_are_for_people() -> None:
    """RFC 4475 3.1.1.12 and 13: any UTF-8, or nothing."""
    unusual, empty = (parse_message(torture_message(4475, name)) for name in ("unreason", "noreason"))
    assert isinstance(unusual, Response)
    assert isinstance(empty, Response)
    assert unusual.phrase.startswith("= 2**3 * 5**2 ")
    assert "девять" in unusual.phrase
    assert (empty.status, empty.phrase) == (100, "Trying")


def test_a_contact_parameter_is_told_from_one_of_the_uri() -> None:
    """RFC 4475 3.3.12 and 13."""
    [outside], [inside] = parsed("cparam01").contacts, parsed("cparam02").contacts
    assert (outside.uri, outside.parameters) == ("sip:+19725552222@gw1.example.net", (("unknownparam", None),))
    assert (inside.uri, inside.parameters) == ("sip:+19725552222@gw1.example.net;unknownparam", ())


def test_an_overlarge_number_in_a_response_makes_it_none() -> None:
    """RFC 4475 3.1.2.5."""
    with pytest.raises(RemoteProtocolError):
        parse_message(torture_message(4475, "scalarlg")).check()


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("ipv6-in-sdp", ["2001:db8::20", "2001:db8::20"]),
        ("mult-ip-in-sdp", ["192.0.2.1", "2001:db8::1"]),
        ("ipv4-mapped-ipv6", ["::ffff:192.0.2.2", "::ffff:192.0.2.2"]),
    ],
)
def test_ipv6_in_a_session_description_is_read_line_by_line(name: str, addresses: list[str]) -> None:
    """RFC 5118 4.7, 4.9, 4.10."""
    body = parse_message(torture_message(5118, name)).sdp
    assert body is not None
    session = parse_sdp(body)
    assert [session.address_of(media) for media in session.media] == addresses


def test_an_ambiguous_port_belongs_to_the_address() -> None:
    """RFC 5118 4.3 and 4.4."""
    ambiguous, clear = (parse_message(torture_message(5118, f"port-{name}")) for name in ("ambiguous", "unambiguous"))
    assert isinstance(ambiguous, Request)
    assert isinstance(clear, Request)
    assert parse_uri(ambiguous.uri).port is None
    assert (parse_uri(clear.uri).host, parse_uri(clear.uri).port) == ("[2001:db8::10]", 5070)
