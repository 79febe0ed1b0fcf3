"""A relay between two SIP ends on this machine, as a session border controller is one: it loses what chance wants."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

Address = tuple[str, int]
HOST = "127.0.0.1"


class _Side(asyncio.DatagramProtocol):
    """One of the relay's two sockets: it stands for the far end of whoever sends to it."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override] # as in typeshed
        self.transport = transport

    @property
    def port(self) -> int:
        assert self.transport is not None
        port: int = self.transport.get_extra_info("sockname")[1]
        return port

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._relay.carry(data, self)


class Relay:
    """Hands datagrams on between a caller and `called`, both ways, each lost with the probability `loss`.

    It writes itself into every address, Contact and Via too, so that nothing goes past it. All ports of this machine
    that a system gives away have five digits: no Content-Length changes.
    """

    def __init__(self, called: int, loss: float, seed: int) -> None:
        self.lost = self.carried = 0
        self._called = called
        self._loss = loss
        self._chance = Random(seed)  # noqa: S311 - a test that can be repeated, not a secret
        self._caller = 0
        self.to_called, self.to_caller = _Side(self), _Side(self)

    @property
    def port(self) -> int:
        """Where the caller calls."""
        return self.to_called.port

    def from_caller(self, port: int) -> None:
        """Who calls: the port of its SIP."""
        self._caller = port

    def carry(self, data: bytes, side: _Side) -> None:
        self.carried += 1
        if self._chance.random() < self._loss:
            self.lost += 1
            return
        if side is self.to_called:
            names = {self._caller: self.to_caller.port, self.port: self._called}
            way, target = self.to_caller, self._called
        else:
            names = {self._called: self.port, self.to_caller.port: self._caller}
            way, target = self.to_called, self._caller
        for old, new in names.items():
            data = data.replace(f"{HOST}:{old}".encode(), f"{HOST}:{new}".encode())
        assert way.transport is not None
        way.transport.sendto(data, (HOST, target))


@asynccontextmanager
async def relayed(called: int, loss: float, seed: int = 1) -> AsyncIterator[Relay]:
    """A relay before the SIP port `called`."""
    relay, loop = Relay(called, loss, seed), asyncio.get_running_loop()
    for side in (relay.to_called, relay.to_caller):
        await loop.create_datagram_endpoint(lambda side=side: side, local_addr=(HOST, 0))  # type: ignore[misc] # a side
    try:
        yield relay
    finally:
        for side in (relay.to_called, relay.to_caller):
            if side.transport is not None:
                side.transport.close()
