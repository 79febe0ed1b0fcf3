"""Clients that show nothing of themselves: whose mails must show it, where signatures count."""

from ipaddress import ip_network

from mail2fax.ingest.smtp import NOT_SHOWN
from mail2fax.ingest.smtp_session import TOO_MANY_REFUSED
from mail2fax.ingest.smtp_settings import Listener
from mail2fax.model.refusal import SMTP_REPLIES, Refusal, RefusalCode
from tests.integration.smtp.client import Client
from tests.integration.smtp.conftest import OpenHouse

PROXIED = Listener(proxies=(ip_network("127.0.0.1"),))
EVE = "From: eve@example.net\r\n\r\nhello\r\n."
ANNA = "From: anna@example.com\r\n\r\nhello\r\n."


async def introduced(client: Client, address: str) -> None:
    await client.say(b"PROXY TCP4 %b 192.0.2.1 40000 25\r\n" % address.encode())
    await client.begin()


async def test_a_stranger_does_not_hear_which_senders_may_fax(open_house: OpenHouse) -> None:
    """Trap: two answers tell whoever asks which From lines are worth forging."""
    house = await open_house(dkim=True, listeners=(PROXIED,), networks=(ip_network("198.51.100.0/24"),))
    async with Client(house.port) as client:
        await introduced(client, "192.0.2.5")
        assert await client.ask(EVE) == NOT_SHOWN
        house.gateway.verdict = Refusal(RefusalCode.SENDER_NOT_PROVEN)
        await client.begin_again()
        assert await client.ask(ANNA) == NOT_SHOWN
        house.gateway.verdict = Refusal(RefusalCode.MAIL_LOOPED)
        await client.begin_again()
        assert await client.ask(ANNA) == SMTP_REPLIES[RefusalCode.MAIL_LOOPED]
    async with Client(house.port) as client:
        await introduced(client, "198.51.100.5")
        house.gateway.verdict = None
        assert await client.ask(EVE) == SMTP_REPLIES[RefusalCode.SENDER_NOT_ALLOWED], "who shows something is told"


async def test_who_keeps_handing_in_forged_mails_is_put_off_and_nobody_else(open_house: OpenHouse) -> None:
    networks = (ip_network("198.51.100.0/24"),)
    house = await open_house(dkim=True, listeners=(PROXIED,), networks=networks, max_unproven_mails_per_address=2)
    async with Client(house.port) as client:
        await introduced(client, "192.0.2.5")
        assert await client.ask(EVE) == NOT_SHOWN
        await client.begin_again()
        assert await client.ask(EVE) == NOT_SHOWN
        assert await client.ask("MAIL FROM:<anna@example.com>") == TOO_MANY_REFUSED
    async with Client(house.port) as client:
        await introduced(client, "192.0.2.6")
        assert (await client.ask(ANNA)).startswith("250 ")
    async with Client(house.port) as client:
        await introduced(client, "198.51.100.5")
        for _ in range(3):
            assert (await client.ask(EVE)).startswith("550 ")
            await client.begin_again()
