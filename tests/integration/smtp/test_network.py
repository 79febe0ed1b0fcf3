"""Clients by their address: trusted networks, proxies (with swaks as the client behind one), and limits."""

import asyncio
import ssl
import struct
from ipaddress import ip_address, ip_network

import pytest

from mail2fax.ingest.proxy_header import V2_START
from mail2fax.ingest.smtp_settings import Encryption, Listener
from mail2fax.ingest.tls import server_context
from mail2fax.model.mail import Proof, ProofKind
from tests.harness.certificates import make_certificates
from tests.harness.peers import need
from tests.integration.smtp.client import Client, until
from tests.integration.smtp.conftest import House, OpenHouse

OFFICE = ip_network("192.0.2.0/28")
PROXIED = Listener(proxies=(ip_network("127.0.0.1"),))
FROM_HERE = Proof(ProofKind.FROM)
FROM_OFFICE = Proof(ProofKind.NETWORK, "192.0.2.0/28")
HEADER = b"PROXY TCP4 %s 198.51.100.1 56324 25\r\n"


async def proxied(open_house: OpenHouse, **changes: object) -> House:
    return await open_house(**{"listeners": (PROXIED,), "networks": (OFFICE,)} | changes)


async def swaks(house: House, *words: str) -> str:
    """What swaks says of one mail."""
    process = await asyncio.create_subprocess_exec(
        *(need("swaks"), "--server", "127.0.0.1", "--port", str(house.port), "--ehlo", "client.example.com"),
        *("--from", "anna@example.com", "--to", "fax@example.com", "--header", "Subject: +375 17 200 15 15", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(20):
        output, _ = await process.communicate()
    return output.decode()


def behind_proxy(version: int, source: str) -> list[str]:
    family = "6" if ":" in source else "4"
    own = "2001:db8::25" if family == "6" else "198.51.100.1"
    protocol = ["--proxy-protocol", "STREAM", "--proxy-command", "PROXY"] if version == 2 else []
    family_word = f"AF_INET{'6' if family == '6' else ''}" if version == 2 else f"TCP{family}"
    return [
        *("--proxy-version", str(version), "--proxy-family", family_word, *protocol),
        *("--proxy-source", source, "--proxy-source-port", "56324", "--proxy-dest", own, "--proxy-dest-port", "25"),
    ]


@pytest.mark.parametrize("version", [1, 2])
async def test_a_client_behind_a_proxy_is_known_by_its_own_address(open_house: OpenHouse, version: int) -> None:
    """Trap: aiosmtpd's peer stays the proxy, and every client would be in the proxy's network."""
    house = await proxied(open_house)
    said = await swaks(house, *behind_proxy(version, "192.0.2.5"))
    assert "250 2.0.0 queued" in said, said
    (arrival,) = house.gateway.arrivals
    assert arrival.peer == "192.0.2.5"
    assert arrival.proofs == (FROM_OFFICE,), "it came from loopback, and yet not from this machine"


@pytest.mark.parametrize("version", [1, 2])
async def test_a_client_behind_a_proxy_that_shows_nothing_is_refused_at_mail(
    open_house: OpenHouse, version: int
) -> None:
    house = await proxied(open_house)
    said = await swaks(house, *behind_proxy(version, "192.0.2.77"))
    assert "<** 550 5.7.1 Mail from your address is not taken here" in said, said
    assert not house.gateway.arrivals


async def test_swaks_from_this_machine_itself_is_taken(open_house: OpenHouse) -> None:
    house = await open_house()
    assert "250 2.0.0 queued" in await swaks(house)
    assert house.gateway.arrivals[0].proofs == (FROM_HERE,)


@pytest.mark.parametrize(
    "header",
    [b"PROXY UNKNOWN\r\n", V2_START + b"\x20\x00\x00\x00", HEADER % b"127.0.0.1"],
)
async def test_whom_a_proxy_does_not_name_has_shown_nothing(open_house: OpenHouse, header: bytes) -> None:
    """Trap: the proxy itself may stand in a trusted network, or on this machine."""
    house = await proxied(open_house, networks=(OFFICE, ip_network("127.0.0.0/8") if b"127" not in header else OFFICE))
    async with Client(house.port) as client:
        await client.say(header)
        assert (await client.hear()).startswith("220 ")
        await client.ask("EHLO client.example.com")
        assert (await client.ask("MAIL FROM:<anna@example.com>")).startswith("550 5.7.1")


async def test_a_header_cut_anywhere_with_the_session_behind_it_is_read(open_house: OpenHouse) -> None:
    house = await proxied(open_house)
    async with Client(house.port) as client:
        wire = HEADER % b"192.0.2.5" + b"EHLO client.example.com\r\nMAIL FROM:<anna@example.com>\r\n"
        for at in range(0, len(wire), 7):
            await client.say(wire[at : at + 7])
            await asyncio.sleep(0)
        assert (await client.hear()).startswith("220 ")
        assert (await client.hear()).startswith("250-")
        assert (await client.hear()).startswith("250 ")


async def test_a_proxy_that_says_nothing_or_nonsense_is_cut_off(open_house: OpenHouse) -> None:
    house = await proxied(open_house, proxy_s=0.1)
    for words in [b"", b"PROXY ", b"EHLO client.example.com\r\n", b"PROXY TCP4 nonsense\r\n"]:
        async with Client(house.port) as client:
            await client.say(words)
            assert await client.hear_all() == b""
    await until(house.places_are_free)


async def test_nobody_but_a_proxy_may_say_who_he_is(open_house: OpenHouse) -> None:
    """Trap: whoever may send a PROXY header may be anybody."""
    house = await open_house(listeners=(Listener(proxies=(ip_network("198.51.100.7"),)),), networks=(OFFICE,))
    async with Client(house.port) as client:
        await client.say(HEADER % b"192.0.2.5")
        assert (await client.hear()).startswith("220 ")
        assert (await client.hear()).startswith("500 ")


async def test_a_proxys_header_stands_before_the_handshake_and_may_come_with_it(
    open_house: OpenHouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Trap: aiosmtpd looks for the header within TLS, where no proxy writes it."""
    certificates = make_certificates(tmp_path_factory.mktemp("certificates"))
    house = await proxied(
        open_house,
        listeners=(Listener(encryption=Encryption.TLS, proxies=PROXIED.proxies),),
        tls=server_context(str(certificates.server)),
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = certificates.client_context().wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    source = ip_address("192.0.2.5").packed + ip_address("198.51.100.1").packed + struct.pack("!HH", 56324, 465)
    writer.write(V2_START + struct.pack("!BBH", 0x21, 0x11, len(source)) + source + outgoing.read())
    greeting = b""
    async with asyncio.timeout(20):
        while not greeting:
            incoming.write(await reader.read(65536))
            try:
                tls.do_handshake()
                greeting = tls.read(1000)
            except ssl.SSLWantReadError:
                pass
            writer.write(outgoing.read())
    writer.close()
    assert greeting.startswith(b"220 gw.example.com")


async def test_a_listener_that_is_told_to_believes_every_from_line(open_house: OpenHouse) -> None:
    house = await proxied(open_house, listeners=(Listener(proxies=PROXIED.proxies, trust_from=True),))
    await swaks(house, *behind_proxy(1, "203.0.113.9"))
    assert house.gateway.arrivals[0].proofs == (FROM_HERE,)


async def test_one_address_gets_its_share_of_connections_and_others_theirs(open_house: OpenHouse) -> None:
    """Trap: aiosmtpd has no limit for an address, and one client could take every place."""
    house = await proxied(open_house, max_connections_per_address=2)
    first, second, third, other = (Client(house.port) for _ in range(4))
    async with first, second, third, other:
        for client in (first, second):
            await client.say(HEADER % b"192.0.2.5")
            assert (await client.hear()).startswith("220 ")
        await third.say(HEADER % b"192.0.2.5")
        assert (await third.hear()).startswith("421 4.7.0")
        await other.say(HEADER % b"192.0.2.6")
        assert (await other.hear()).startswith("220 ")
        await first.ask("QUIT")
    await until(house.places_are_free)


async def test_each_listener_has_its_port_and_all_are_closed_together(open_house: OpenHouse) -> None:
    house = await open_house(listeners=(Listener(), PROXIED))
    assert len(set(house.door.ports)) == 2
    async with Client(house.door.ports[1]) as silent:
        await until(lambda: not house.places_are_free())
        await house.door.stop()
        assert await silent.hear_all() == b""
