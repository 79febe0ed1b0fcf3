"""A trunk that is always busy: it tells when each INVITE has come, and refuses it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

ECHOED = (b"via:", b"from:", b"to:", b"call-id:", b"cseq:")
"""RFC 3261 8.2.6.2: what an answer repeats of its request."""


class BusyTrunk(asyncio.DatagramProtocol):
    """Listens on a free UDP port of 127.0.0.1. Get one from `busy_trunk`."""

    def __init__(self) -> None:
        self.transport: asyncio.DatagramTransport | None = None
        self._invites: asyncio.Queue[float] = asyncio.Queue()

    @property
    def port(self) -> int:
        assert self.transport
        port: int = self.transport.get_extra_info("sockname")[1]
        return port

    async def next_invite(self) -> float:
        """The moment (`time.monotonic`) when the next INVITE came, which may have been a while ago."""
        async with asyncio.timeout(30):
            return await self._invites.get()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self.transport is None or not data.startswith(b"INVITE "):
            return
        self._invites.put_nowait(time.monotonic())
        lines = [line for line in data.split(b"\r\n") if line.lower().startswith(ECHOED)]
        tagged = [line + b";tag=busy" if line.lower().startswith(b"to:") else line for line in lines]
        head = [b"SIP/2.0 486 Busy Here", *tagged, b"Content-Length: 0"]
        self.transport.sendto(b"\r\n".join([*head, b"", b""]), addr)


@asynccontextmanager
async def busy_trunk() -> AsyncIterator[BusyTrunk]:
    """A trunk that listens until the block is left."""
    transport, trunk = await asyncio.get_running_loop().create_datagram_endpoint(BusyTrunk, local_addr=("127.0.0.1", 0))
    trunk.transport = transport
    try:
        yield trunk
    finally:
        transport.close()
