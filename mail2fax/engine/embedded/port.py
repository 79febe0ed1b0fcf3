"""One UDP socket of the engine, and the choice of its port."""

import asyncio
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Self

from mail2fax.engine.embedded.stun import LIMIT_S, REPEATS_S, binding_request, mapped_address

Address = tuple[str, int]
Receiver = Callable[[bytes, Address], None]


class DatagramPort(asyncio.DatagramProtocol):
    """A UDP socket: gives each datagram and its source to `receiver` (drops it while there is none), and sends.

    With it goes the port above, where RTCP comes in (RFC 3550 11), if that is free: to the same receiver.
    """

    def __init__(self, main: "DatagramPort | None" = None) -> None:
        self.receiver: Receiver | None = None
        self._main = main or self
        self._above: DatagramPort | None = None
        self.mapped: Address | None = None
        """Where a NAT has put this socket, once `find_mapped` has learned it."""
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
                if not high or opened.address[1] < high:
                    await opened._open_above()
                return opened
        raise fault

    async def _open_above(self) -> None:
        loop = asyncio.get_running_loop()
        host, port = self.address
        with suppress(OSError, OverflowError):  # a call does without reports
            transport, above = await loop.create_datagram_endpoint(
                lambda: DatagramPort(self), local_addr=(host, port + 1)
            )
            above._transport = transport
            self._above = above

    @property
    def address(self) -> Address:
        host, port = self._open_transport().get_extra_info("sockname")[:2]
        return (host, port)

    async def find_mapped(self, server: Address) -> None:
        """Ask a STUN server where it sees us; it need not answer. Nobody else may be listening meanwhile."""
        transaction = secrets.token_bytes(12)
        answered = asyncio.get_running_loop().create_future()

        def receive(datagram: bytes, source: Address) -> None:
            found = mapped_address(datagram, transaction) if source == server else None
            if found is not None and not answered.done():
                answered.set_result(found)

        self.receiver = receive
        try:
            async with asyncio.timeout(LIMIT_S):
                for pause in (*(later - sooner for sooner, later in pairwise(REPEATS_S)), LIMIT_S):
                    self.send(binding_request(transaction), server)
                    await asyncio.wait([answered], timeout=pause)
                    if answered.done():
                        self.mapped = answered.result()
                        return
        except TimeoutError:
            return
        finally:
            self.receiver = None

    def send(self, datagram: bytes, target: Address) -> None:
        """Sends, or, when the port was closed, does not."""
        transport = self._open_transport()
        if not transport.is_closing():
            transport.sendto(datagram, target)

    def close(self) -> None:
        self.receiver = None
        self._open_transport().close()
        if self._above:
            self._above.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        receiver = self._main.receiver
        if receiver:
            receiver(data, (addr[0], addr[1]))

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
