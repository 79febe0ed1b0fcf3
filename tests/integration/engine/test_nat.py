"""What a far end is told of where we are: fixed, found by STUN, or our own address where no NAT is between us."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mail2fax.engine.embedded.engine import EmbeddedEngine
from mail2fax.engine.embedded.port import DatagramPort
from mail2fax.engine.settings import EngineSettings, TrunkSettings
from mail2fax.model.call import CallOrder
from tests.harness.documents import write_fax_tiff
from tests.harness.processes import becomes_true
from tests.peers.stun_server import StunServer

LOOPBACK = "127.0.0.1"


@pytest.fixture
def order(tmp_path: Path) -> CallOrder:
    document = write_fax_tiff(tmp_path / "document.tif", 1)
    moment = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
    return CallOrder("one@mail2fax", "100", str(document), 1, "+375172000000", "+375 17", "Office", moment)


async def told(order: CallOrder, settings: EngineSettings, stun: StunServer | None = None) -> tuple[str, str, int]:
    """The host in Contact, and host and port in the SDP, of the INVITE that a trunk gets."""
    contact, media, port = await all_told(order, settings, stun)
    return contact.split(":")[0], media, port


async def all_told(order: CallOrder, settings: EngineSettings, stun: StunServer | None = None) -> tuple[str, str, int]:
    """The same, with the port in Contact. The call is placed once `stun` has been asked."""
    trunk, heard = await DatagramPort.open(LOOPBACK, 0, 0), asyncio.Queue[str]()
    trunk.receiver = lambda data, _source: heard.put_nowait(data.decode())
    engine = EmbeddedEngine(replace(settings, trunks=(TrunkSettings(*trunk.address, transport="udp"),)))
    await engine.start()
    if stun:
        await becomes_true(lambda: stun.asked > stun.deaf_for, within_s=10)
        await asyncio.sleep(0.05)
    async with asyncio.timeout(10), engine.call(order):
        invite = await heard.get()
        while not invite.startswith("INVITE"):
            invite = await heard.get()
    await engine.stop()
    trunk.close()
    contact = re.search(r"Contact: <sip:[^@]*@([^>]*)", invite)
    media = re.search(r"c=IN IP4 (\S+)[\s\S]*m=audio ([0-9]+) ", invite)
    assert contact
    assert media
    return contact[1], media[1], int(media[2])


async def test_a_fixed_public_address_is_told_to_those_outside(order: CallOrder) -> None:
    settings = EngineSettings(public_host="203.0.113.7", media_port_low=41_000, media_port_high=41_100)
    contact, media, port = await told(order, settings)
    assert (contact, media) == ("203.0.113.7", "203.0.113.7")
    assert 41_000 <= port <= 41_100


async def test_a_trunk_in_a_local_network_is_told_our_own_address(order: CallOrder) -> None:
    settings = EngineSettings(public_host="203.0.113.7", local_networks=("127.0.0.0/8",))
    assert (await told(order, settings))[:2] == (LOOPBACK, LOOPBACK)


async def test_stun_finds_the_public_address_and_the_port_of_the_media(order: CallOrder) -> None:
    async with StunServer(("203.0.113.9", 50_123), deaf_for=1) as stun:
        assert await told(order, EngineSettings(stun=stun.address)) == ("203.0.113.9", "203.0.113.9", 50_123)
        local = EngineSettings(stun=stun.address, local_networks=("127.0.0.0/8",))
        assert (await told(order, local))[:2] == (LOOPBACK, LOOPBACK)


async def test_stun_finds_the_port_of_the_socket_for_sip(order: CallOrder) -> None:
    """Trap: what the far end sends inside a call goes to Contact, and the NAT had another port than ours."""
    async with StunServer(("203.0.113.9", 50_123), deaf_for=1) as stun:
        contact, _, _ = await all_told(order, EngineSettings(stun=stun.address), stun)
        assert contact == "203.0.113.9:50123"


async def test_a_call_goes_without_a_stun_server_that_does_not_answer(order: CallOrder) -> None:
    async with StunServer(deaf_for=99) as stun:
        assert (await told(order, EngineSettings(stun=stun.address)))[:2] == (LOOPBACK, LOOPBACK)
        assert stun.asked == 6, "three times for the media, and as often for SIP"


async def test_only_the_server_that_was_asked_can_say_where_we_are() -> None:
    async with StunServer(("203.0.113.9", 1)) as stun, StunServer() as other:
        port = await DatagramPort.open(LOOPBACK, 0, 0)
        asking = asyncio.create_task(port.find_mapped(stun.address))
        other._transport.sendto(b"\x01\x01" + bytes(30), port.address)
        await asking
        assert port.mapped == ("203.0.113.9", 1)
        port.close()
