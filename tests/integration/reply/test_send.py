"""Handing a reply to a mail server: its answers decide whether to try again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage

import pytest
from aiosmtpd.smtp import SMTP

from mail2fax.cli.mail_sink import MailSink
from mail2fax.reply.send import MailServer, SendFailed, send


def mail() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "fax@example.com"
    message["To"] = "anna@example.com"
    message["Subject"] = "[Fax 1] delivered"
    message.set_content("All pages were confirmed.")
    return message


class Refuser:
    """Answers the recipient with one fixed reply."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    async def handle_RCPT(self, *_: object) -> str:
        return self.answer


@asynccontextmanager
async def server(handler: object) -> AsyncIterator[MailServer]:
    listener = await asyncio.get_running_loop().create_server(lambda: SMTP(handler, hostname="peer"), "127.0.0.1", 0)
    async with listener:
        yield MailServer("127.0.0.1", listener.sockets[0].getsockname()[1], "gw.example.com", timeout_s=5)


async def test_a_mail_arrives_as_it_was_written() -> None:
    arrived: list[EmailMessage] = []
    async with MailSink(arrived.append) as sink:
        await send(mail(), MailServer("127.0.0.1", sink.port, "gw.example.com"))
    (message,) = arrived
    assert message["Subject"] == "[Fax 1] delivered"
    assert message.get_content() == "All pages were confirmed.\r\n"


@pytest.mark.parametrize(("answer", "permanent"), [("550 5.1.1 no such user", True), ("451 4.3.0 later", False)])
async def test_a_refused_recipient_is_final_or_not_as_the_code_says(answer: str, permanent: bool) -> None:
    async with server(Refuser(answer)) as peer:
        with pytest.raises(SendFailed) as caught:
            await send(mail(), peer)
    assert caught.value.permanent is permanent


async def test_a_server_that_refuses_our_own_address_is_tried_again() -> None:
    """Trap: a mail server set up wrongly for ten minutes, and every status mail of that time is gone for good."""

    class RefusesSender:
        async def handle_MAIL(self, *_: object) -> str:
            return "550 5.7.1 not from there"

    async with server(RefusesSender()) as peer:
        with pytest.raises(SendFailed) as caught:
            await send(mail(), peer)
    assert not caught.value.permanent


async def test_a_server_that_turns_everybody_away_is_tried_again() -> None:
    async def closed(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 5.3.2 no service here\r\n")
        writer.close()

    listener = await asyncio.start_server(closed, "127.0.0.1", 0)
    async with listener:
        peer = MailServer("127.0.0.1", listener.sockets[0].getsockname()[1], "gw.example.com", timeout_s=5)
        with pytest.raises(SendFailed) as caught:
            await send(mail(), peer)
    assert not caught.value.permanent


async def test_a_server_that_is_not_there_is_tried_again() -> None:
    async with server(Refuser("250 ok")) as peer:
        pass
    with pytest.raises(SendFailed) as caught:
        await send(mail(), peer)
    assert not caught.value.permanent


async def test_a_server_that_says_nothing_does_not_hold_us() -> None:
    connections: list[asyncio.StreamWriter] = []

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as listener:
        peer = MailServer("127.0.0.1", listener.sockets[0].getsockname()[1], "gw.example.com", timeout_s=0.2)
        with pytest.raises(SendFailed):
            await send(mail(), peer)
        for writer in connections:
            writer.close()
            await writer.wait_closed()
