"""From the final dot to the 250: what is promised is durable, and what is not durable is not promised."""

import asyncio
import errno
import smtplib
import sqlite3
from email.message import EmailMessage

import pytest

from mail2fax.model.mail import Door
from mail2fax.store.errors import StoreFull
from mail2fax.store.spool import FLUSH_BYTES
from tests.integration.smtp.client import Client, until
from tests.integration.smtp.conftest import NOW, House, OpenHouse

MAIL = b"From: Anna <anna@example.com>\r\nSubject: +375 29 155 44 99\r\n\r\nHello\r\n"


async def sent(client: Client, mail: bytes = MAIL) -> str:
    await client.begin()
    await client.say(mail + b".\r\n")
    return await client.hear()


async def test_a_mail_sent_by_a_mail_library_is_accepted_and_lies_in_the_spool(house: House) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "anna@example.com", "fax@example.com", "+375291554499"
    mail.set_content("Привет\n.\n..\n")

    def send() -> dict[str, tuple[int, bytes]]:
        with smtplib.SMTP("127.0.0.1", house.port, timeout=20) as smtp:
            return smtp.send_message(mail)

    assert await asyncio.to_thread(send) == {}
    assert house.spooled()[0].replace(b"\r\n", b"\n") == bytes(mail)


async def test_the_gateway_gets_the_whole_arrival(house: House) -> None:
    async with Client(house.port) as client:
        assert await sent(client) == "250 2.0.0 queued as 1"
    arrival = house.gateway.arrivals[0]
    assert (arrival.door, arrival.mail_from, arrival.recipient) == (Door.SMTP, "anna@example.com", "fax@example.com")
    assert (arrival.peer, arrival.received_at, arrival.size) == ("127.0.0.1", NOW, len(MAIL))
    assert arrival.header == b"From: Anna <anna@example.com>\r\nSubject: +375 29 155 44 99"


async def test_the_250_comes_after_fsync_rename_fsync_of_the_directory_and_commit(house: House) -> None:
    """Trap: any other order can lose a mail that was promised, though kill -9 would never show it."""
    async with Client(house.port) as client:
        reply = await sent(client)
        assert [*house.gateway.steps, reply] == [
            "fsync",
            "rename",
            "fsync-directory",
            "kept",
            "committed",
            "250 2.0.0 queued as 1",
        ]


async def test_a_sender_who_may_not_fax_hears_550_in_the_session_and_leaves_no_trace(house: House) -> None:
    async with Client(house.port) as client:
        assert await sent(client, b"From: eve@example.net\r\n\r\n") == "550 5.7.1 This sender may not send faxes here"
        assert (await client.ask("NOOP")).startswith("250")
    assert (house.gateway.jobs(), house.spooled(), house.unfinished()) == ([], [], [])


async def test_the_same_mail_twice_is_one_job_with_the_same_answer(house: House) -> None:
    """Trap: when the 250 gets lost, the client sends the mail again (RFC 1047)."""
    replies = []
    for recipient in ["fax@example.com", "Fax@Example.com"]:
        async with Client(house.port) as client:
            await client.begin(recipient)
            await client.say(MAIL + b".\r\n")
            replies.append(await client.hear())
    assert replies == ["250 2.0.0 queued as 1"] * 2
    assert house.spooled() == [MAIL]


async def test_another_sender_recipient_or_byte_is_another_mail(house: House) -> None:
    for sender, recipient, mail in [
        ("anna@example.com", "fax@example.com", MAIL),
        ("anna@example.org", "fax@example.com", MAIL),
        ("anna@example.com", "other@fax.example.org", MAIL),
        ("anna@example.com", "fax@example.com", MAIL + b"\r\n"),
    ]:
        async with Client(house.port) as client:
            await client.begin(recipient, sender)
            await client.say(mail + b".\r\n")
            assert (await client.hear()).startswith("250 ")
    assert len({arrival.source_key for arrival in house.gateway.arrivals}) == 4
    assert all(arrival.source_key.startswith("smtp:") for arrival in house.gateway.arrivals)


async def test_a_client_that_leaves_during_the_commit_does_not_stop_the_commit(house: House) -> None:
    """Trap: aiosmtpd cancels the session when the client disconnects, also in the middle of our commit."""
    house.gateway.gate = asyncio.Event()
    async with Client(house.port) as client:
        await client.begin()
        await client.say(MAIL + b".\r\n")
        await until(lambda: house.gateway.arrivals)
        client.leave()
        await until(lambda: house.open_connections() == 0)
    house.gateway.gate.set()
    await until(lambda: "committed" in house.gateway.steps)
    assert len(house.gateway.jobs()) == 1
    assert house.spooled() == [MAIL]


async def test_a_client_that_leaves_within_a_mail_leaves_nothing_behind(house: House) -> None:
    async with Client(house.port) as client:
        await client.begin()
        await client.say(MAIL * 5000)
        await until(house.unfinished)
    await until(lambda: not house.unfinished())
    await house.door.stop()
    assert (house.spooled(), house.gateway.arrivals) == ([], [])


async def test_a_fault_of_the_gateway_is_451_and_tells_nothing_of_our_insides(house: House) -> None:
    """Trap: aiosmtpd answers 500 with the exception's text: permanent, and it leaks paths."""
    house.gateway.fault = RuntimeError("secret path /etc/x")
    async with Client(house.port) as client:
        assert await sent(client) == "451 4.3.0 Local error, please try again later"
        house.gateway.fault = None
        await client.begin_again()
        await client.say(MAIL + b".\r\n")
        assert (await client.hear()).startswith("250 ")


async def test_after_a_fault_a_kept_mail_is_left_for_the_sweep(house: House) -> None:
    """A commit can fail and yet have happened: its row must not lose the mail."""
    house.gateway.fault = sqlite3.OperationalError("disk I/O error")
    async with Client(house.port) as client:
        assert (await sent(client)).startswith("451 ")
    assert house.spooled() == [MAIL]


async def test_a_full_database_is_452(house: House) -> None:
    house.gateway.fault = StoreFull("database: full")
    async with Client(house.port) as client:
        assert (await sent(client)).startswith("452 4.3.1")


@pytest.mark.parametrize(
    ("call", "number", "reply"),
    [
        ("fsync", errno.EIO, "451 4.3.0"),
        ("fsync", errno.ENOSPC, "452 4.3.1"),
        ("write", errno.EIO, "451 4.3.0"),
        ("write", errno.ENOSPC, "452 4.3.1"),
    ],
)
@pytest.mark.parametrize("repeat", [1, 3000])
async def test_a_disk_that_fails_is_a_temporary_no_and_the_session_goes_on(
    house: House, call: str, number: int, reply: str, repeat: int
) -> None:
    """Trap: were the rest of the mail left unread, its lines would be taken for commands."""
    house.files.faults[call] = number
    async with Client(house.port) as client:
        answer = await sent(client, MAIL + b"RSET\r\nQUIT\r\n" * repeat)
        assert answer.startswith(reply)
        assert "secret" not in answer
        house.files.faults.clear()
        await client.begin_again()
        await client.say(MAIL + b".\r\n")
        assert await client.hear() == "250 2.0.0 queued as 1"
    assert (house.spooled(), house.unfinished()) == ([MAIL], [])


async def test_a_commit_that_takes_too_long_is_451_and_the_repeated_mail_is_the_same_job(
    open_house: OpenHouse,
) -> None:
    house = await open_house(accept_s=0.1)
    house.gateway.gate = asyncio.Event()
    async with Client(house.port) as client:
        assert (await sent(client)).startswith("451 4.3.0")
        house.gateway.gate.set()
        await until(lambda: "committed" in house.gateway.steps)
        await client.begin_again()
        await client.say(MAIL + b".\r\n")
        assert await client.hear() == "250 2.0.0 queued as 1"
    assert house.spooled() == [MAIL]


async def test_stop_waits_for_a_commit_and_its_answer(house: House) -> None:
    house.gateway.gate = asyncio.Event()
    async with Client(house.port) as client, Client(house.port) as idle:
        await client.begin()
        await client.say(MAIL + b".\r\n")
        await until(lambda: house.gateway.arrivals)
        assert (await idle.hear()).startswith("220 ")
        stopping = asyncio.create_task(house.door.stop())
        assert (await idle.hear()).startswith("421 4.3.2")
        assert not stopping.done()
        house.gateway.gate.set()
        assert await client.hear() == "250 2.0.0 queued as 1"
        assert await client.hear_all() == b""
        await stopping
    assert len(house.gateway.jobs()) == 1


async def test_stop_ends_a_mail_that_is_still_coming_in_and_the_client_may_send_it_again(house: House) -> None:
    async with Client(house.port) as client:
        await client.begin()
        await client.say(MAIL * (FLUSH_BYTES // len(MAIL) + 1))
        await until(house.unfinished)
        await house.door.stop()
        assert (await client.hear_all()).startswith(b"421 4.3.2")
    assert (house.spooled(), house.unfinished()) == ([], [])


async def test_many_clients_at_once_are_each_one_job(house: House) -> None:
    async def one(number: int) -> str:
        async with Client(house.port) as client:
            return await sent(client, MAIL + b"%d\r\n" % number)

    replies = await asyncio.gather(*(one(number) for number in range(40)))
    assert sorted(int(reply.rpartition(" ")[2]) for reply in replies) == list(range(1, 41))
    assert len(house.spooled()) == 40
