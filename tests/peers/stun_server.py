"""A small real STUN server (RFC 8489): it says where requests come from, or what a NAT would have made of that."""

import asyncio
import struct
from ipaddress import IPv4Address
from types import TracebackType
from typing import Self, cast

_COOKIE = 0x2112A442


class StunServer(asyncio.DatagramProtocol):
    """On a free port of 127.0.0.1. Use it as a block. It tells `mapped` instead of what it sees, and ignores the first
    `deaf_for` requests."""

    def __init__(self, mapped: tuple[str, int] | None = None, deaf_for: int = 0) -> None:
        self.mapped = mapped
        self.deaf_for = deaf_for
        self.asked = 0

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._transport.get_extra_info("sockname")
        return host, port

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._transport.close()
        await asyncio.sleep(0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.asked += 1
        if self.asked <= self.deaf_for or data[:8] != struct.pack("!HHI", 1, 0, _COOKIE):
            return
        host, port = self.mapped or addr
        value = struct.pack("!BBHI", 0, 1, port ^ _COOKIE >> 16, int(IPv4Address(host)) ^ _COOKIE)
        body = struct.pack("!HH", 0x0020, len(value)) + value
        self._transport.sendto(struct.pack("!HHI", 0x0101, len(body), _COOKIE) + data[8:20] + body, addr)
