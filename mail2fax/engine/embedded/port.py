"""One UDP socket of the engine, and the choice of its port."""

import asyncio
import secrets
from collections.abc import Callable, Iterator
from typing import Self

Address = tuple[str, int]
Receiver = Callable[[bytes, Address], None]


class DatagramPort(asyncio.DatagramProtocol):
    """A UDP socket: gives each datagram and its source to `receiver` (drops it while there is none), and sends."""

    def __init__(self) -> None:
        self.receiver: Receiver | None = None
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(cls, host: str, low: int, high: int) -> Self:
        """A socket on `host` (an IP address) and a free port from `low` to `high` (both 0: any).

        Raises `OSError` when none is free.
        """
        loop = asyncio.get_running_loop()
        fault = OSError(f"there is no port from {low} to {high}")
        for port in _candidates(low, high):
            try:
                transport, opened = await loop.create_datagram_endpoint(cls, local_addr=(host, port))
            except OSError as error:
                fault = error
            else:
                opened._transport = transport
                return opened
        raise fault

    @property
    def address(self) -> Address:
        host, port = self._open_transport().get_extra_info("sockname")[:2]
        return (host, port)

    def send(self, datagram: bytes, target: Address) -> None:
        """Sends, or, when the port was closed, does not."""
        transport = self._open_transport()
        if not transport.is_closing():
            transport.sendto(datagram, target)

    def close(self) -> None:
        self.receiver = None
        self._open_transport().close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self.receiver:
            self.receiver(data, (addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """An ICMP error. Anybody can send one, so it takes our own timers to say that a peer is gone."""

    def _open_transport(self) -> asyncio.DatagramTransport:
        if self._transport is None:
            raise RuntimeError("the port is not open")
        return self._transport


def _candidates(low: int, high: int) -> Iterator[int]:
    if low == high:
        yield low
        return
    # RFC 3550 11: RTP has an even port. A random start keeps a call from getting the late packets of the last one.
    even = range(low + low % 2, high + 1, 2)
    start = secrets.randbelow(len(even)) if even else 0
    yield from [*even[start:], *even[:start]]
