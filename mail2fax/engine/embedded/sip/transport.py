"""A user agent on a UDP socket: the asyncio shell around `UserAgent`, and nothing else."""

import asyncio
from collections.abc import Callable
from typing import cast

from mail2fax.engine.embedded.sip.flow import udp
from mail2fax.engine.embedded.sip.ua import UserAgent


class UdpTransport(asyncio.DatagramProtocol):
    """Feeds a user agent from a socket and from the loop's clock.

    `now` everywhere is `loop.time()`. Whoever gives the user agent an order calls `flush` afterwards; `on_change` is
    called after each datagram and timer, so that sessions can be asked for their events.
    """

    def __init__(self, agent: UserAgent, on_change: Callable[[], None]) -> None:
        self._agent = agent
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.is_lost = False
        """The socket is gone, and `close` did not do it: asyncio gives up a socket whose sending fails oddly."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Before Python 3.12 the loop's own class was a DatagramTransport in all but name.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if exc is not None:
            self.is_lost = True
            self._on_change()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._agent.receive(data, udp(addr[:2]), self._loop.time())
        self.flush()
        self._on_change()

    def error_received(self, exc: Exception) -> None:
        """An ICMP "unreachable": the timers find out by themselves (RFC 3261 18.4 over UDP)."""

    def flush(self) -> None:
        """Send what waits to be sent, and set the alarm for what comes next."""
        for datagram, destination in self._agent.take_datagrams():
            if self._transport is not None:
                self._transport.sendto(datagram, destination.address)
        self._set_alarm()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()

    def _set_alarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = self._agent.next_timer()
        self._timer = None if due is None else self._loop.call_at(due, self._run_timers)

    def _run_timers(self) -> None:
        self._agent.run_timers(self._loop.time())
        self.flush()
        self._on_change()
