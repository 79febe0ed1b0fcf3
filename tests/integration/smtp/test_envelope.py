"""Before DATA: greeting, MAIL and RCPT, and who is not served."""

import asyncio
import logging
import smtplib

import pytest

from mail2fax.ingest.smtp import SmtpSettings
from mail2fax.model.refusal import SMTP_REPLIES
from tests.integration.smtp.client import Client, until
from tests.integration.smtp.conftest import House, OpenHouse

MAIL = b"From: anna@example.com\r\n\r\n.\r\n"


async def greeted(client: Client) -> str:
    assert (await client.hear()).startswith("220 gw.example.com ESMTP")
    return await client.ask("EHLO client.example.com")


async def test_what_we_can_do_is_announced_and_nothing_else(house: House) -> None:
    async with Client(house.port) as client:
        words = (await greeted(client)).replace("250-", "").replace("250 ", "").split("\n")
    assert words == ["gw.example.com", "SIZE 1000000", "8BITMIME", "PIPELINING", "HELP"]


async def test_mail_for_anybody_else_is_refused_so_we_are_no_relay(house: House) -> None:
    async with Client(house.port) as client:
        await greeted(client)
        await client.ask("MAIL FROM:<anna@example.com>")
        for foreign in ["fax@example.net", "other@example.com", "fax@sub.example.com", "fax@example.com@example.net"]:
            assert (await client.ask(f"RCPT TO:<{foreign}>"))[:3] in {"550", "553"}, foreign
        for foreign in [
            '"fax@example.com"@example.net',
            "fax%example.com@example.net",
            "postmaster",
            "fax.example.org",
        ]:
            assert (await client.ask(f"RCPT TO:<{foreign}>")).startswith("550 5.1.1"), foreign
        assert (await client.ask("DATA")).startswith("503")


@pytest.mark.parametrize("recipient", ["fax@example.com", "FAX@Example.COM", "any.body@fax.example.org"])
async def test_a_fax_address_is_taken_in_any_case_and_a_domain_with_any_name(house: House, recipient: str) -> None:
    async with Client(house.port) as client:
        await client.begin(recipient)
        await client.say(MAIL)
        assert (await client.hear()).startswith("250 ")
    assert house.gateway.arrivals[0].recipient == recipient.lower()


NUMBERS = (
    "FAX=+375291554499@example.com",
    "fax=+375291554499/T33S=12@fax.example.org",
    "+375291554499@example.com",
    "fax+375291554499@example.com",
)


async def test_an_address_that_is_a_number_is_taken_at_our_domains_and_refused_at_once_where_it_is_none(
    house: House,
) -> None:
    async with Client(house.port) as client:
        await greeted(client)
        for foreign in (
            "FAX=+375291554499@example.net",
            "+375291554499@sub.example.com",
            "tom+375291554499@example.com",
        ):
            await client.ask("MAIL FROM:<anna@example.com>")
            assert (await client.ask(f"RCPT TO:<{foreign}>")).startswith("550 5.1.1"), foreign
            await client.ask("RSET")
        for unfit in ("FAX=80291554499@example.com", "FAX=+3752915p4@fax.example.org", "+375/ISUB=2@example.com"):
            await client.ask("MAIL FROM:<anna@example.com>")
            assert (await client.ask(f"RCPT TO:<{unfit}>")).startswith("550 5.1.3 This fax address is not"), unfit
            await client.ask("RSET")
        for number in NUMBERS:
            await client.ask("MAIL FROM:<anna@example.com>")
            assert (await client.ask(f"RCPT TO:<{number}>")).startswith("250"), number
            await client.ask("DATA")
            await client.say(MAIL)
            assert (await client.hear()).startswith("250 ")
    assert [arrival.recipient for arrival in house.gateway.arrivals] == [number.lower() for number in NUMBERS]


async def test_a_mail_has_one_recipient_and_the_client_sends_again_for_the_next(house: House) -> None:
    async with Client(house.port) as client:
        await greeted(client)
        await client.ask("MAIL FROM:<anna@example.com>")
        assert (await client.ask("RCPT TO:<fax@example.com>")).startswith("250")
        assert (await client.ask("RCPT TO:<a@fax.example.org>")).startswith("452 4.5.3")
        assert (await client.ask("RCPT TO:<fax@example.net>")).startswith("550 5.1.1")
        assert (await client.ask("DATA")).startswith("354")
        await client.say(MAIL)
        assert (await client.hear()).startswith("250 ")
    assert [arrival.recipient for arrival in house.gateway.arrivals] == ["fax@example.com"]


async def test_the_null_sender_arrives_as_an_empty_string(house: House) -> None:
    """Trap: aiosmtpd gives the two characters <> for it."""
    async with Client(house.port) as client:
        await client.begin(sender="")
        await client.say(MAIL)
        assert (await client.hear()).startswith("250 ")
    assert house.gateway.arrivals[0].mail_from == ""


@pytest.mark.parametrize(
    "parameters",
    [
        "AUTH=<>",
        "AUTH=anna+40example.com",
        "RET=HDRS ENVID=QQ314159",
        "SIZE=1000 BODY=8BITMIME AUTH=<> RET=FULL",
        "auth=<> ret=full",
        "AUTH=" + "x" * 500,
    ],
)
async def test_what_relays_add_to_mail_is_taken_and_ignored(house: House, parameters: str) -> None:
    """Trap: Postfix, Sendmail and Exchange send AUTH=<> once they have logged in; aiosmtpd bounces that with 555."""
    async with Client(house.port) as client:
        await greeted(client)
        assert (await client.ask(f"MAIL FROM:<anna@example.com> {parameters}")).startswith("250")
        assert (
            await client.ask("RCPT TO:<fax@example.com> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;fax@example.com")
        ).startswith("250")


async def test_an_unknown_parameter_is_still_refused(house: House) -> None:
    async with Client(house.port) as client:
        await greeted(client)
        assert (await client.ask("MAIL FROM:<anna@example.com> SOLICIT=x")).startswith("555")
        assert (await client.ask("MAIL FROM:<anna@example.com> SMTPUTF8")).startswith("501")


async def test_the_limits_of_one_session_do_not_change_with_another(house: House) -> None:
    """Trap: aiosmtpd keeps the lengths of commands in one table for all, and each new connection clears it."""
    async with Client(house.port) as first, Client(house.port) as second:
        await greeted(first)
        await greeted(second)
        long_mail = "MAIL FROM:<anna@example.com> AUTH=" + "x" * 1000
        assert (await first.ask(long_mail)).startswith("250")
        assert (await second.ask(long_mail)).startswith("250")
        assert (await second.ask("NOOP " + "x" * 3000)).startswith("500")
        assert (await second.ask("NOOP " + "x" * 300_000)).startswith("500")


async def test_low_disk_is_452_at_mail_and_counts_what_the_mail_announces(open_house: OpenHouse) -> None:
    house = await open_house(min_free_bytes=1_000_000)
    house.files.free = 1_400_000
    async with Client(house.port) as client:
        await greeted(client)
        assert (await client.ask("MAIL FROM:<anna@example.com> SIZE=500000")).startswith("452 4.3.1")
        assert (await client.ask("MAIL FROM:<anna@example.com> SIZE=300000")).startswith("250")
        house.files.free = 999_999
        await client.ask("RSET")
        assert (await client.ask("MAIL FROM:<anna@example.com>")).startswith("452 4.3.1")


async def test_a_fault_at_rcpt_is_451_and_the_next_mail_is_served(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap: after a fault aiosmtpd keeps the envelope, and answers the next MAIL with 503 nested MAIL command."""
    async with Client(house.port) as client:
        await greeted(client)
        await client.ask("MAIL FROM:<anna@example.com>")
        with monkeypatch.context() as broken:
            broken.setattr(SmtpSettings, "takes", lambda _self, _address: 1 / 0)
            assert await client.ask("RCPT TO:<fax@example.com>") == "451 4.3.0 Local error, please try again later"
        await client.begin_again()


async def test_a_fault_at_mail_is_451_tells_nothing_and_the_next_mail_is_served(house: House) -> None:
    """Trap: aiosmtpd answers 500, for good, with the exception's text."""
    house.files.faults["free-bytes"] = 5
    async with Client(house.port) as client:
        await greeted(client)
        assert await client.ask("MAIL FROM:<anna@example.com>") == "451 4.3.0 Local error, please try again later"
        house.files.faults.clear()
        await client.begin_again()


async def test_a_connection_too_many_is_turned_away_and_a_place_that_gets_free_is_given_again(
    open_house: OpenHouse,
) -> None:
    """Trap: aiosmtpd takes as many connections as the machine can hold."""
    house = await open_house(max_connections=2)
    async with Client(house.port) as first, Client(house.port) as second:
        await greeted(first)
        await greeted(second)
        async with Client(house.port) as third:
            assert (await third.hear()).startswith("421 4.7.0")
            assert await third.hear_all() == b""
        assert (await second.ask("QUIT")).startswith("221")
        await until(lambda: house.open_connections() == 1)
        async with Client(house.port) as fourth:
            await greeted(fourth)


async def test_connections_that_come_all_at_once_are_counted_right(open_house: OpenHouse) -> None:
    house = await open_house(max_connections=5)
    clients = [Client(house.port) for _ in range(20)]
    await asyncio.gather(*(client.__aenter__() for client in clients))
    greetings = await asyncio.gather(*(client.hear() for client in clients))
    for client in clients:
        client.leave()
    assert sorted(greeting[:3] for greeting in greetings) == ["220"] * 5 + ["421"] * 15


async def test_a_session_that_never_ends_is_ended(open_house: OpenHouse) -> None:
    """Trap: aiosmtpd counts commands only when it is told to."""
    house = await open_house(max_same_commands=3)
    async with Client(house.port) as client:
        await greeted(client)
        for _ in range(3):
            assert (await client.ask("NOOP")).startswith("250")
        assert (await client.ask("NOOP")).startswith("421")


async def test_a_silent_client_is_told_and_cut_off(open_house: OpenHouse) -> None:
    house = await open_house(idle_s=0.1)
    async with Client(house.port) as client:
        await greeted(client)
        assert (await client.hear_all()).startswith(b"421 4.4.2")
    await until(lambda: house.open_connections() == 0)


async def test_a_client_that_does_not_read_our_replies_is_cut_off(
    open_house: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing alone would wait for ever until the client has read what it was sent."""
    monkeypatch.setattr("mail2fax.ingest.smtp_secure.FAREWELL_S", 0.1)
    house = await open_house(idle_s=0.3, max_same_commands=1_000_000)
    async with Client(house.port) as client:
        await greeted(client)
        with pytest.raises(ConnectionError):
            await client.say_for_ever(b"HELP\r\n" * 10_000)
        await until(lambda: house.open_connections() == 0)


async def test_a_client_that_does_not_speak_ascii_gets_an_answer_in_ascii(house: House) -> None:
    """Trap: aiosmtpd encodes replies as ASCII, and any other letter in one of ours would raise."""
    async with Client(house.port) as client:
        await greeted(client)
        assert (await client.ask("MAIL FROM:<анна@example.com>")).startswith("500")
        assert (await client.ask("ПРИВЕТ")).startswith("500")
        assert (await client.ask("NOOP")).startswith("250")


def test_every_refusal_has_one_permanent_ascii_line_for_smtp() -> None:
    for reply in SMTP_REPLIES.values():
        assert reply.isascii()
        assert reply.isprintable()
        assert reply.startswith("55")


async def test_contents_of_mails_never_reach_the_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Trap: at debug aiosmtpd logs every line of DATA."""
    caplog.set_level(logging.DEBUG)
    async with Client(house.port) as client:
        await client.begin()
        await client.say(b"From: anna@example.com\r\n\r\nconfidential\r\n.\r\n")
        await client.hear()
    assert logging.getLogger("mail.log").level == logging.ERROR
    assert "confidential" not in caplog.text


async def test_an_old_client_that_says_helo_is_served(house: House) -> None:
    def send() -> object:
        with smtplib.SMTP("127.0.0.1", house.port, timeout=20) as smtp:
            smtp.helo("old.example.com")
            return smtp.sendmail("anna@example.com", "fax@example.com", "From: anna@example.com\r\n\r\n")

    assert await asyncio.to_thread(send) == {}


async def test_a_closed_door_can_be_closed_again_and_has_no_port(house: House) -> None:
    await house.door.stop()
    await house.door.stop()
    with pytest.raises(RuntimeError):
        _ = house.port


def test_the_times_we_wait_are_those_of_the_standard() -> None:
    """RFC 5321 4.5.3.2: at least five minutes for a command; RFC 1047: a quick answer to the final dot."""
    settings = SmtpSettings(recipients=("fax@example.com",), hostname="gw.example.com")
    assert settings.idle_s >= 300
    assert settings.accept_s <= 60
