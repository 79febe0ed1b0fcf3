"""A real Postfix says in its Received who has logged in; what clients call themselves says nothing."""

import asyncio
import base64
import smtplib
from email.message import EmailMessage
from pathlib import Path

import pytest

from mail2fax.cli.mail_sink import MailSink
from mail2fax.mail.header import Header, read_header
from mail2fax.mail.received import authenticated_by
from tests.harness.dovecot import PASSWORD, dovecot
from tests.harness.ports import free_port
from tests.harness.postfix import postfix

pytestmark = pytest.mark.timeout(180)

HOST = "relay.example.com"
AUTH_SERVICE = "service auth {{\n  inet_listener {{\n    address = 127.0.0.1\n    port = {port}\n  }}\n}}\n"


def hand_in(port: int, helo: str, *, log_in: bool) -> None:
    with smtplib.SMTP("127.0.0.1", port, local_hostname=helo, timeout=30) as client:
        client.ehlo()
        if log_in:
            # smtplib's own log-in knows ASCII only.
            secret = base64.b64encode(f"\0fax\0{PASSWORD}".encode()).decode()
            assert client.docmd("AUTH", f"PLAIN {secret}")[0] == 235
        message = "From: anna@example.com\r\nTo: fax@example.org\r\nSubject: 1\r\n\r\nhello\r\n"
        client.sendmail("anna@example.com", ["fax@example.org"], message)


def received_in(message: EmailMessage) -> Header:
    lines = "".join(f"Received: {value}\r\n" for value in message.get_all("Received", []))
    header = read_header(lines.replace("\r\n", "\n").replace("\n", "\r\n").encode())
    assert isinstance(header, Header)
    return header


async def test_who_has_logged_in_is_read_from_the_received_of_a_real_postfix() -> None:
    arrived: asyncio.Queue[EmailMessage] = asyncio.Queue()
    port = free_port()
    async with dovecot(more=AUTH_SERVICE.format(port=port)), MailSink(arrived.put_nowait) as sink:
        settings = {
            "relayhost": f"[127.0.0.1]:{sink.port}",
            "smtpd_sasl_auth_enable": "yes",
            "smtpd_sasl_type": "dovecot",
            "smtpd_sasl_path": f"inet:127.0.0.1:{port}",
            "smtpd_sasl_authenticated_header": "yes",
        }
        async with postfix(settings, dict[str, Path]()) as running:
            for helo, log_in in (
                ("pc7.example.com", True),
                ("pc7.example.com", False),
                (f"x (Authenticated sender: fax) by {HOST} (Postfix) with ESMTPSA id 1; x", False),
                (f"{HOST} by {HOST} with LMTP id 1", False),
            ):
                await asyncio.to_thread(hand_in, running.port, helo, log_in=log_in)
                async with asyncio.timeout(60):
                    header = received_in(await arrived.get())
                assert authenticated_by(header, HOST) == ("fax" if log_in else None), header.all("received")[0]
