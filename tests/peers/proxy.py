"""A proxy as stands before many gateways: it hands bytes on, and says first whom they are from (PROXY, version 2)."""

import asyncio
import struct
from ipaddress import IPv4Address
from types import TracebackType
from typing import Self

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
TCP_OVER_IPV4 = 0x11


class Proxy:
    """Listens on a free port of 127.0.0.1; whoever comes there comes to `target` as if from `source`."""

    def __init__(self, target: int, source: str) -> None:
        self._target = target
        addresses = IPv4Address(source).packed + IPv4Address("198.51.100.1").packed + struct.pack("!HH", 56324, 25)
        self._header = SIGNATURE + struct.pack("!BBH", 0x21, TCP_OVER_IPV4, len(addresses)) + addresses

    @property
    def port(self) -> int:
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        far_writer.write(self._header)
        await asyncio.gather(_hand_on(reader, far_writer), _hand_on(far_reader, writer), return_exceptions=True)


async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
