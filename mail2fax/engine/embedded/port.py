"""One UDP socket of the engine, and the choice of its port."""

import asyncio
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Self

from mail2fax.engine.embedded.mapping import Asking

Address = tuple[str, int]
Receiver = Callable[[bytes, Address], object]

_LONGEST = 65_536
_MOST_AT_ONCE = 16
"""Datagrams read before others have their turn."""


class DatagramPort:
    """A UDP socket: gives each datagram and its source to `receiver` (drops it while there is none), and sends.

    With it goes the port above, where RTCP comes in (RFC 3550 11), if that is free: to the same receiver.
    """

    def __init__(self, file: socket.socket) -> None:
        self.receiver: Receiver | None = None
        self.mapped: Address | None = None
        """Where a NAT has put this socket, once `find_mapped` has learned it."""
        self._file = file
        self._above: socket.socket | None = None
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(file, self._read, file)

    @classmethod
    async def open(cls, host: str, low: int, high: int) -> Self:
        """A socket on `host` (an IP address) and a free port from `low` to `high` (both 0: any).

        Raises `OSError` when none is free.
        """
        fault = OSError(f"there is no port from {low} to {high}")
        for port in _candidates(low, high):
            try:
                opened = cls(_bound(host, port))
            except OSError as error:
                fault = error
            else:
                if not high or opened.address[1] < high:
                    opened._open_above()
                return opened
        raise fault

    def _open_above(self) -> None:
        host, port = self.address
        with suppress(OSError, OverflowError):  # a call does without reports
            self._above = _bound(host, port + 1)
            self._loop.add_reader(self._above, self._read, self._above)

    @property
    def address(self) -> Address:
        host, port = self._file.getsockname()[:2]
        return (host, port)

    def lend(self) -> int:
        """The descriptor of the socket, for somebody who reads it from now on. The port above stays ours."""
        self._loop.remove_reader(self._file)
        return self._file.fileno()

    async def find_mapped(self, server: Address) -> None:
        """Ask a STUN server where it sees us; it need not answer. Nobody else may be listening meanwhile."""
        asking = Asking(server, self.send)
        self.receiver = asking.heard
        try:
            self.mapped = await asking.answer()
        finally:
            self.receiver = None

    def send(self, datagram: bytes, target: Address) -> None:
        """Sends, or, when the port was closed or the kernel has no room for it, does not."""
        with suppress(OSError):
            self._file.sendto(datagram, target)

    def close(self) -> None:
        self.receiver = None
        for file in (self._file, self._above):
            if file is not None and file.fileno() >= 0:
                self._loop.remove_reader(file)
                file.close()

    def _read(self, file: socket.socket) -> None:
        """An ICMP error shows as one of reading. Anybody can send one, so it takes our own timers to say that a peer is
        gone."""
        for _ in range(_MOST_AT_ONCE):
            try:
                data, source = file.recvfrom(_LONGEST)
            except OSError:
                return
            if self.receiver:
                self.receiver(data, (source[0], source[1]))


def _bound(host: str, port: int) -> socket.socket:
    file = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        file.setblocking(False)
        file.bind((host, port))
    except BaseException:
        file.close()
        raise
    return file


def _candidates(low: int, high: int) -> Iterator[int]:
    if low == high:
        yield low
        return
    # RFC 3550 11: RTP has an even port. A random start keeps a call from getting the late packets of the last one.
    even = range(low + low % 2, high + 1, 2)
    start = secrets.randbelow(len(even)) if even else 0
    yield from [*even[start:], *even[:start]]
