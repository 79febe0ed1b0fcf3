"""An SMTP client that says exactly the bytes it is told to: what no decent library would send."""

import asyncio
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Self

PATIENCE_S = 20.0


async def until(condition: Callable[[], object]) -> None:
    """Waits until `condition` holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for is a file or the other end, which set no event
            await asyncio.sleep(0.005)


class Client:
    """One connection. `say` sends bytes as they are; `hear` reads one reply, all its lines, without line ends."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._port = port
        self._tls = tls

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, ssl=self._tls)
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._writer.transport.abort()

    async def say(self, data: bytes) -> None:
        self._writer.write(data)
        async with asyncio.timeout(PATIENCE_S):
            await self._writer.drain()

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Goes on within TLS, after the 220 to STARTTLS."""
        async with asyncio.timeout(PATIENCE_S):
            await self._writer.start_tls(context, server_hostname="127.0.0.1")

    async def hear(self) -> str:
        lines: list[str] = []
        async with asyncio.timeout(PATIENCE_S):
            while not lines or lines[-1][3:4] == "-":
                lines.append((await self._reader.readuntil(b"\n")).decode("ascii").rstrip("\r\n"))
        return "\n".join(lines)

    async def say_for_ever(self, piece: bytes, pause_s: float = 0.0) -> None:
        """Says `piece` again and again, until the connection breaks."""
        while True:
            await self.say(piece)
            await asyncio.sleep(pause_s)

    async def ask(self, command: str) -> str:
        await self.say(command.encode() + b"\r\n")
        return await self.hear()

    async def hear_all(self) -> bytes:
        """Everything up to the end of the connection, however it ends."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                return await self._reader.read()
            except ConnectionResetError:
                return b""

    async def begin(self, recipient: str = "fax@example.com", sender: str = "anna@example.com") -> None:
        """Everything up to the 354."""
        assert (await self.hear()).startswith("220 ")
        assert (await self.ask("EHLO client.example.com")).startswith("250")
        await self.begin_again(recipient, sender)

    async def begin_again(self, recipient: str = "fax@example.com", sender: str = "anna@example.com") -> None:
        """From MAIL to the 354."""
        assert (await self.ask(f"MAIL FROM:<{sender}>")).startswith("250")
        assert (await self.ask(f"RCPT TO:<{recipient}>")).startswith("250")
        assert (await self.ask("DATA")).startswith("354")

    def leave(self) -> None:
        """Goes without a word: the connection is reset."""
        self._writer.transport.abort()
