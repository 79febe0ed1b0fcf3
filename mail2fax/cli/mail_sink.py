"""A mail server that keeps what it gets: where the demo's status mails go."""

import asyncio
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.smtp import DATA_SIZE_DEFAULT, SMTP, Envelope, Session


class MailSink:
    """Takes every mail on a free loopback port and hands it to `arrived`. Use as `async with`.

    A mail of more than `most_bytes` hears 552, as everywhere (RFC 1870).
    """

    def __init__(self, arrived: Callable[[EmailMessage], None], most_bytes: int = DATA_SIZE_DEFAULT) -> None:
        self._arrived = arrived
        self._most_bytes = most_bytes
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1, once it is open."""
        if self._server is None:
            raise RuntimeError("the mail sink is not open")
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> "MailSink":
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="mail-sink", data_size_limit=self._most_bytes), "127.0.0.1", 0
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # aiosmtpd's name
        content = envelope.original_content or b""
        self._arrived(message_from_bytes(content, policy=default))
        return "250 2.0.0 kept"
