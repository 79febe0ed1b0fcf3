"""Which address of ours a far end is told."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from mail2fax.engine.embedded.sip.flow import Flow, Transport, udp
from mail2fax.engine.embedded.sip.settings import UaSettings
from mail2fax.engine.embedded.sip.via import parse_via
from mail2fax.engine.embedded.sip.whereabouts import Whereabouts

from .scene import CREDENTIALS, A, B, Solo

OUTSIDE, INSIDE = udp(("198.51.100.5", 5060)), udp(("192.168.1.5", 5060))
LOCAL = (ip_network("192.168.0.0/16"),)


def whereabouts(public: str = "") -> Whereabouts:
    return Whereabouts("192.168.1.2", {Transport.UDP: 5062, Transport.TCP: 5062}, public, LOCAL)


def contact(places: Whereabouts, flow: Flow) -> str:
    return places.contact("fax", flow)[1]


def test_without_a_nat_it_is_our_own_address() -> None:
    assert contact(whereabouts(), OUTSIDE) == "<sip:fax@192.168.1.2:5062>"


def test_a_fixed_public_address_is_for_those_outside() -> None:
    places = whereabouts("203.0.113.7")
    assert contact(places, OUTSIDE) == "<sip:fax@203.0.113.7:5062>"
    assert contact(places, INSIDE) == "<sip:fax@192.168.1.2:5062>"
    assert (places.host_for(OUTSIDE), places.host_for(INSIDE)) == ("203.0.113.7", "192.168.1.2")


def test_the_via_says_what_we_are_and_lets_the_far_end_see_the_rest() -> None:
    via = whereabouts("203.0.113.7").via(OUTSIDE, "1")
    assert str(via) == "SIP/2.0/UDP 192.168.1.2:5062;branch=z9hG4bK1;rport"


def test_an_ipv6_address_has_its_brackets() -> None:
    places = Whereabouts("[2001:db8::2]", {Transport.UDP: 5060}, "2001:db8::7")
    assert contact(places, udp(("2001:db8::5", 5060))) == "<sip:fax@[2001:db8::7]:5060>"


def test_a_far_end_of_the_other_version_of_ip_is_told_our_address_of_that() -> None:
    places = Whereabouts("192.0.2.2", {Transport.UDP: 5060}, "203.0.113.7", LOCAL, "[2001:db8::2]")
    theirs = udp(("2001:db8::5", 5060))
    assert contact(places, theirs) == "<sip:fax@[2001:db8::2]:5060>"
    assert places.host_for(theirs) == "2001:db8::2"
    assert str(places.via(theirs, "1")).startswith("SIP/2.0/UDP [2001:db8::2]:5060;")
    assert contact(places, OUTSIDE) == "<sip:fax@203.0.113.7:5060>", "the public address is of its own version"
    alone = Whereabouts("192.0.2.2", {Transport.UDP: 5060}, other_host="[2001:db8::2]")
    alone.found_public("203.0.113.9")
    assert alone.host_for(theirs) == "2001:db8::2"
    assert alone.host_for(OUTSIDE) == "203.0.113.9"


def test_what_a_far_end_has_seen_of_us_is_told_to_that_far_end() -> None:
    places = whereabouts()
    places.learn(parse_via("SIP/2.0/UDP 192.168.1.2:5062;branch=1;received=203.0.113.9;rport=40001"), OUTSIDE)
    assert contact(places, OUTSIDE) == "<sip:fax@203.0.113.9:40001>"
    assert contact(places, udp(("198.51.100.6", 5060))) == "<sip:fax@192.168.1.2:5062>"


def test_a_fixed_address_is_stronger_than_what_was_seen() -> None:
    places = whereabouts("203.0.113.7")
    places.learn(parse_via("SIP/2.0/UDP 192.168.1.2:5062;branch=1;received=203.0.113.9;rport=40001"), OUTSIDE)
    assert contact(places, OUTSIDE) == "<sip:fax@203.0.113.7:5062>"
    places.found_public("203.0.113.8")
    assert places.host_for(OUTSIDE) == "203.0.113.7"


def test_what_stun_has_found_is_for_those_outside() -> None:
    places = whereabouts()
    places.found_public("203.0.113.8")
    assert (places.host_for(OUTSIDE), places.host_for(INSIDE)) == ("203.0.113.8", "192.168.1.2")
    assert contact(places, OUTSIDE) == "<sip:fax@203.0.113.8:5062>"
    places.found_public("203.0.113.8", 40_007)
    places.found_public("203.0.113.8")  # for a media port: that of SIP is known still
    assert contact(places, OUTSIDE) == "<sip:fax@203.0.113.8:40007>"
    assert contact(places, INSIDE) == "<sip:fax@192.168.1.2:5062>"
    tcp = Flow(Transport.TCP, OUTSIDE.address)
    assert contact(places, tcp) == "<sip:fax@203.0.113.8:5062;transport=tcp>"


def test_what_the_far_end_has_seen_is_stronger_than_what_stun_has_found() -> None:
    """Trap: with the STUN server's host and our own port, its requests went to where no NAT forwards."""
    places = whereabouts()
    places.found_public("203.0.113.8")
    places.learn(parse_via("SIP/2.0/UDP 192.168.1.2:5062;branch=1;received=203.0.113.9;rport=40001"), OUTSIDE)
    assert contact(places, OUTSIDE) == "<sip:fax@203.0.113.9:40001>"


def test_the_port_that_a_connection_of_ours_left_from_is_nowhere_to_be_reached() -> None:
    places, flow = whereabouts(), Flow(Transport.TCP, ("198.51.100.5", 5060))
    places.learn(parse_via("SIP/2.0/TCP 192.168.1.2:5062;branch=1;received=203.0.113.9;rport=40001"), flow)
    assert contact(places, flow) == "<sip:fax@203.0.113.9:5062;transport=tcp>"


def test_what_was_seen_of_a_connection_moves_nothing_for_datagrams() -> None:
    """Trap: the Contact for UDP lost its port after an answer over TCP, and each answer made us register anew."""
    places = whereabouts()
    by_tcp = Flow(Transport.TCP, OUTSIDE.address)
    places.learn(parse_via("SIP/2.0/UDP 192.168.1.2:5062;branch=1;received=203.0.113.9;rport=40002"), OUTSIDE)
    assert contact(places, by_tcp) == "<sip:fax@203.0.113.9:5062;transport=tcp>"
    places.learn(parse_via("SIP/2.0/TCP 192.168.1.2:5062;branch=1;received=203.0.113.9;rport=51111"), by_tcp)
    assert contact(places, OUTSIDE) == "<sip:fax@203.0.113.9:40002>"
    assert contact(places, by_tcp) == "<sip:fax@203.0.113.9:5062;transport=tcp>"


def test_a_new_public_address_makes_far_ends_outside_forget_the_old_one() -> None:
    """Trap: what a far end had seen before the change was told it for ever."""
    places = whereabouts()
    places.found_public("203.0.113.9", 40001)
    places.learn(parse_via("SIP/2.0/UDP 192.168.1.2:5062;branch=1;received=203.0.113.9;rport=40002"), OUTSIDE)
    places.learn(parse_via("SIP/2.0/UDP 192.168.1.2:5062;branch=1;received=192.168.7.7;rport=40003"), INSIDE)
    places.found_public("203.0.113.9", 40001)
    assert contact(places, OUTSIDE) == "<sip:fax@203.0.113.9:40002>"
    places.found_public("203.0.113.77", 51000)
    assert contact(places, OUTSIDE) == "<sip:fax@203.0.113.77:51000>"
    assert contact(places, INSIDE) == "<sip:fax@192.168.7.7:40003>"


@pytest.mark.parametrize(
    "seen", ["", ";rport=9", ";received=203.0.113.9", ";received=evil;rport=9", ";received=::1;rport=x"]
)
def test_what_says_nothing_teaches_nothing(seen: str) -> None:
    places = whereabouts()
    places.learn(parse_via(f"SIP/2.0/UDP 192.168.1.2:5062;branch=1{seen}"), OUTSIDE)
    assert contact(places, OUTSIDE) == "<sip:fax@192.168.1.2:5062>"


def test_what_was_learned_is_bounded() -> None:
    places = whereabouts()
    for number in range(1000):
        flow = udp((f"198.51.{number // 250}.{number % 250}", 5060))
        places.learn(parse_via("SIP/2.0/UDP 192.168.1.2;branch=1;received=203.0.113.9;rport=40001"), flow)
    assert places.host_for(udp(("198.51.0.1", 5060))) == "192.168.1.2"
    assert len(places._learned) == 256


def test_a_call_learns_from_the_answers_of_the_one_before() -> None:
    solo = Solo(UaSettings(*A))
    solo.invite()
    [first] = solo.made("INVITE")
    assert first.headers.get("Contact") == "<sip:100@192.0.2.1:5060>"
    seen = first.via.received_from(("203.0.113.9", 40_001))
    solo.answer(type(first)(first.headers.with_set("Via", str(seen)), method="INVITE", uri=first.uri), 486)
    solo.invite(call_id="second@mail2fax", targets=(udp(B),))
    assert solo.made("INVITE")[1].headers.get("Contact") == "<sip:100@203.0.113.9:40001>"


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        (401, ("WWW-Authenticate", 'Digest realm="x", nonce="n", algorithm=MD5')),
        (407, ("Proxy-Authenticate", 'Digest realm="x", nonce="n", algorithm=MD5')),
        (422, ("Min-SE", "3600")),
    ],
)
def test_an_invite_that_is_made_again_names_where_its_first_answer_has_seen_us(
    status: int, wanted: tuple[str, str]
) -> None:
    """Trap: behind a NAT the far end's requests inside the call went to our private address, and its BYE was lost."""
    solo = Solo()
    solo.invite(credentials=CREDENTIALS, extra_headers=(("P-Asserted-Identity", "<sip:100@fax.example>"),))
    [first] = solo.made("INVITE")
    seen = first.via.received_from(("203.0.113.9", 40_001))
    solo.answer(replace(first, headers=first.headers.with_set("Via", str(seen))), status, wanted)
    second = solo.made("INVITE")[1]
    assert second.headers.get("Contact") == "<sip:100@203.0.113.9:40001>"
    assert second.headers.get("P-Asserted-Identity") == "<sip:100@fax.example>"
    assert second.via.branch != first.via.branch
