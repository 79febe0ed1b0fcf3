"""From the name of a trunk to its targets (RFC 3263), asked of a real name server."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import SystemRandom

import pytest
import pytest_asyncio

from mail2fax.engine.embedded.sip.flow import Flow, Transport, udp
from mail2fax.engine.embedded.sip.resolver import LIFETIME_S, NotFound, Place, Resolver
from tests.peers.dns_server import DnsServer

RECORDS = {
    ("full.example", "NAPTR"): [
        '20 10 "s" "SIP+D2U" "" _sip._udp.full.example.',
        '10 20 "s" "SIP+D2T" "" _sip._tcp.full.example.',
        '10 10 "s" "SIPS+D2T" "" _sips._tcp.full.example.',
        '5 10 "s" "SIPS+D2S" "" _sips._sctp.full.example.',
        '1 10 "u" "SIP+D2U" "!^.*$!sip:elsewhere@example!" .',
    ],
    ("_sips._tcp.full.example", "SRV"): ["10 0 5061 one.full.example."],
    ("_sip._tcp.full.example", "SRV"): ["10 0 5070 one.full.example."],
    ("_sip._udp.full.example", "SRV"): ["20 0 5080 two.full.example.", "10 0 5060 one.full.example."],
    ("one.full.example", "A"): ["192.0.2.1", "192.0.2.2"],
    ("one.full.example", "AAAA"): ["2001:db8::1"],
    ("two.full.example", "A"): ["192.0.2.9"],
    ("srv.example", "A"): ["192.0.2.7"],
    ("_sip._udp.srv.example", "SRV"): ["10 5 5062 one.full.example.", "20 5 5063 two.full.example."],
    ("_sip._udp.half.example", "SRV"): ["10 5 5062 broken.example.", "20 5 5063 two.full.example."],
    ("tcp-only.example", "A"): ["192.0.2.7"],
    ("_sip._tcp.tcp-only.example", "SRV"): ["10 5 5062 two.full.example."],
    ("closed.example", "A"): ["192.0.2.7"],
    ("_sip._udp.closed.example", "SRV"): ["0 0 0 ."],
    ("bare.example", "A"): ["192.0.2.7"],
    ("sip_trunk.bare.example", "A"): ["192.0.2.8"],
    ("alias.example", "CNAME"): ["bare.example."],
    ("wide.example", "A"): [f"192.0.2.{number}" for number in range(1, 30)],
}
ONE = [("192.0.2.1", 5060), ("192.0.2.2", 5060)]


@pytest_asyncio.fixture
async def server() -> AsyncIterator[DnsServer]:
    async with DnsServer(dict(RECORDS)) as server:
        yield server


def resolver(server: DnsServer, *families: int, hosts: Path = Path("/dev/null")) -> Resolver:
    return Resolver(frozenset(families or {4}), SystemRandom(), server.address, hosts)


async def addresses(server: DnsServer, *place: object) -> list[tuple[str, int]]:
    found = await resolver(server).find(Place(*place))  # type: ignore[arg-type] # the tests give what a Place takes
    return [flow.address for flow in found]


async def test_naptr_says_which_transport_is_wanted_most_and_srv_where_it_is_served(server: DnsServer) -> None:
    found = await resolver(server).find(Place("full.example"))
    assert set(found) == {
        Flow(Transport.TLS, address, name="full.example") for address in [("192.0.2.1", 5061), ("192.0.2.2", 5061)]
    }


async def test_a_wanted_transport_is_looked_for_among_the_services(server: DnsServer) -> None:
    found = await resolver(server).find(Place("full.example", transport=Transport.UDP))
    assert set(found[:2]) == set(map(udp, ONE)), "name servers give addresses in any order"
    assert found[2] == udp(("192.0.2.9", 5080))


async def test_without_naptr_srv_is_asked_for_each_transport_and_its_priorities_hold(server: DnsServer) -> None:
    first, second, third = await addresses(server, "srv.example")
    assert {first, second} == {("192.0.2.1", 5062), ("192.0.2.2", 5062)}
    assert third == ("192.0.2.9", 5063)
    found = await resolver(server).find(Place("tcp-only.example"))
    assert found == (Flow(Transport.TCP, ("192.0.2.9", 5062)),)


async def test_a_port_that_is_given_needs_no_srv(server: DnsServer) -> None:
    assert await addresses(server, "srv.example", 5099) == [("192.0.2.7", 5099)]
    assert {kind for _, kind in server.asked} == {"A"}


async def test_an_address_needs_no_name_server(server: DnsServer) -> None:
    assert await addresses(server, "192.0.2.5") == [("192.0.2.5", 5060)]
    assert await addresses(server, "192.0.2.5", 0, Transport.TLS) == [("192.0.2.5", 5061)]
    [flow] = await resolver(server, 6).find(Place("[2001:db8::5]", 5070))
    assert flow.address == ("2001:db8::5", 5070)
    assert not server.asked


async def test_a_name_with_addresses_only_is_reached_at_the_usual_port(server: DnsServer) -> None:
    assert await addresses(server, "bare.example") == [("192.0.2.7", 5060)]
    assert await addresses(server, "sip_trunk.bare.example") == [("192.0.2.8", 5060)]
    [flow] = await resolver(server).find(Place("bare.example", transport=Transport.TLS))
    assert flow == Flow(Transport.TLS, ("192.0.2.7", 5061), name="bare.example")


async def test_both_families_are_asked_where_we_have_both(server: DnsServer) -> None:
    found = await resolver(server, 4, 6).find(Place("one.full.example"))
    assert found[0].address[0] == "2001:db8::1"
    assert {flow.address[0] for flow in found[1:]} == {"192.0.2.1", "192.0.2.2"}
    [only] = await resolver(server, 6).find(Place("one.full.example"))
    assert only.address[0] == "2001:db8::1"


async def test_a_family_that_we_do_not_have_is_no_target(server: DnsServer) -> None:
    for place in (Place("bare.example"), Place("192.0.2.1")):
        with pytest.raises(NotFound, match=r"IPv4 addresses alone: set sip\.listen_also to an IPv4 address"):
            await resolver(server, 6).find(place)


async def test_a_service_that_is_decidedly_not_available_is_not_tried_at_the_usual_port(server: DnsServer) -> None:
    with pytest.raises(NotFound, match=r"closed\.example"):
        await addresses(server, "closed.example")


async def test_a_name_that_does_not_exist_is_named(server: DnsServer) -> None:
    with pytest.raises(NotFound, match=r"nowhere\.example: no such name"):
        await addresses(server, "nowhere.example")


async def test_no_more_targets_are_taken_than_a_call_could_try(server: DnsServer) -> None:
    assert len(await addresses(server, "wide.example")) == 8


async def test_an_answer_too_long_for_udp_is_fetched_by_tcp(server: DnsServer) -> None:
    server.truncates = True
    assert len(await addresses(server, "srv.example")) == 3


async def test_answers_are_kept_as_long_as_their_ttl_says(server: DnsServer) -> None:
    kept = resolver(server)
    await kept.find(Place("bare.example", 5060))
    await kept.find(Place("bare.example", 5060))
    assert server.asked["bare.example", "A"] == 1
    server.ttl = 0
    fresh = resolver(server)
    await fresh.find(Place("bare.example", 5060))
    await fresh.find(Place("bare.example", 5060))
    assert server.asked["bare.example", "A"] == 3


async def test_where_nobody_answers_the_last_answer_is_used_again(server: DnsServer) -> None:
    server.ttl = 0
    known = resolver(server)
    before = await known.find(Place("bare.example", 5060))
    server.is_broken = True
    assert await known.find(Place("bare.example", 5060)) == before
    with pytest.raises(NotFound, match="do not answer"):
        await resolver(server).find(Place("bare.example", 5060))


async def test_a_name_server_that_knows_no_naptr_delays_but_does_not_prevent(server: DnsServer) -> None:
    """Some drop queries of kinds that they do not know."""
    server.deaf_to = {"NAPTR"}
    async with asyncio.timeout(LIFETIME_S + 1):
        assert len(await addresses(server, "srv.example")) == 3


async def test_a_name_server_that_knows_addresses_only_is_good_enough(server: DnsServer) -> None:
    server.deaf_to = {"NAPTR", "SRV"}
    assert await addresses(server, "bare.example") == [("192.0.2.7", 5060)]


async def test_a_question_without_an_answer_is_not_an_answer(server: DnsServer) -> None:
    """The domain's own address is often its web server: a lost packet must not send the calls there."""
    server.ttl = 0
    known = resolver(server)
    before = await known.find(Place("srv.example"))
    server.deaf_to = {"SRV"}
    assert set(await known.find(Place("srv.example"))) == set(before)
    guessing = resolver(server)
    assert [flow.address for flow in await guessing.find(Place("srv.example"))] == [("192.0.2.7", 5060)]
    server.deaf_to = set()
    assert set(await guessing.find(Place("srv.example"))) == set(before)


async def test_a_server_whose_address_cannot_be_had_is_passed_over(server: DnsServer) -> None:
    server.broken_names = {"broken.example"}
    found = await addresses(server, "half.example")
    assert found == [("192.0.2.9", 5063)]


async def test_an_ipv6_address_is_found_in_the_form_that_sockets_tell(server: DnsServer) -> None:
    found = await resolver(server, 6).find(Place("[2001:DB8::0001]", 5060))
    assert [flow.address[0] for flow in found] == ["2001:db8::1"]


async def test_one_family_without_an_answer_does_not_take_the_other_away(server: DnsServer) -> None:
    server.deaf_to = {"AAAA"}
    found = await resolver(server, 4, 6).find(Place("bare.example", 5060))
    assert [flow.address[0] for flow in found] == ["192.0.2.7"]


async def test_a_silent_name_server_is_waited_for_no_longer_than_a_call_can_wait(server: DnsServer) -> None:
    server.deaf_to = {"NAPTR", "SRV", "A"}
    async with asyncio.timeout(LIFETIME_S + 1):
        with pytest.raises(NotFound, match="do not answer"):
            await addresses(server, "bare.example")


async def test_what_the_hosts_file_knows_is_not_asked_of_the_network(server: DnsServer, tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost\n# 192.0.2.66 pbx\n192.0.2.6 PBX pbx.example # ours\n::6 pbx\nnonsense pbx\n")
    for name in ("pbx", "Pbx.Example."):
        [flow] = await resolver(server, hosts=hosts).find(Place(name))
        assert flow == udp(("192.0.2.6", 5060))
    assert not server.asked
