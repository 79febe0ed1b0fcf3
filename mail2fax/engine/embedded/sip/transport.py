"""A user agent on its sockets, UDP, TCP and TLS: the asyncio shell around `UserAgent` and `Connections`."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import cast

import structlog

from mail2fax.engine.embedded.sip.certificate import is_for
from mail2fax.engine.embedded.sip.connections import Close, ConnectionLimits, Connections, Open, Write
from mail2fax.engine.embedded.sip.doorkeeper import SparseLog
from mail2fax.engine.embedded.sip.flow import Flow, Transport, udp, version_of
from mail2fax.engine.embedded.sip.ua import UserAgent

log = structlog.get_logger()

MOST_AT_ONCE = 16
"""Datagrams that are read in one round of the loop, which itself reads one. When every line ticks in each round, a
burst would else overflow the socket, and what is repeated for that would keep it full."""
LONGEST_AT_ONCE_S = 0.003
"""... and for no longer than this: the lines have to speak every 20 ms."""
_LARGEST_DATAGRAM = 65_536

MOST_UNSENT = 256 * 1024
"""Bytes that wait for a far end to read them. One that is so far behind is not there any more."""


class SipTransport:
    """Feeds a user agent from its sockets and from the loop's clock.

    `now` everywhere is `loop.time()`. Whoever gives the user agent an order calls `flush` afterwards; `on_change` is
    called after each message and timer, so that sessions can be asked for their events. `client_tls` makes the context
    for connections of ours (None: no TLS). `sources` are the addresses they come from, one for each version of IP.
    """

    def __init__(
        self,
        agent: UserAgent,
        on_change: Callable[[], None],
        *,
        sources: Sequence[str] = (),
        client_tls: ssl.SSLContext | None = None,
        limits: ConnectionLimits | None = None,
    ) -> None:
        self._agent = agent
        self._on_change = on_change
        self._sources = {version_of(source): source for source in sources}
        self._client_tls = client_tls
        self._loop = asyncio.get_running_loop()
        self._connections = Connections(agent.uses, limits, agent.knows)
        self._datagrams: dict[int, asyncio.DatagramTransport] = {}
        """By the version of IP, as the sockets below."""
        self._udp: dict[int, socket.socket] = {}
        self._streams: dict[int, asyncio.Transport] = {}
        self._opening: dict[int, asyncio.Task[None]] = {}
        self._servers: list[asyncio.Server] = []
        self._timer: asyncio.TimerHandle | None = None
        self._due: float | None = None
        self._refused = SparseLog()
        self._aside: Callable[[bytes, tuple[str, int]], bool] = _nobodys
        self._closed = False
        self.is_lost = False
        """The UDP socket is gone, and `close` did not do it: asyncio gives up a socket whose sending fails oddly."""

    @property
    def connections(self) -> int:
        """How many there are, open or on the way."""
        return len(self._connections)

    async def listen_udp(self, sock: socket.socket) -> None:
        version = version_of(sock.getsockname()[0])
        await self._loop.create_datagram_endpoint(lambda: _Datagrams(self, version), sock=sock)
        self._udp[version] = sock

    async def listen_tcp(self, sock: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Take connections on a bound socket; with a context, by TLS."""
        transport = Transport.TCP if tls is None else Transport.TLS
        # TLS begins after the connection was counted: one that never comes to an end of its handshake counts, too.
        self._servers.append(await self._loop.create_server(lambda: _Stream(self, transport, tls), sock=sock))

    def flush(self) -> None:
        """Send what waits to be sent, and set the alarm for what comes next."""
        now, any_lost = self._loop.time(), False
        while True:
            for message, flow in self._agent.take_datagrams():
                self._send(message, flow, now)
            self._act()
            lost = self._connections.take_lost()
            for flow in lost:
                self._agent.lost(flow, now)
            if not lost:
                break
            any_lost = True
        self._set_alarm()
        if any_lost:
            self._on_change()

    async def gone(self) -> None:
        """After `close`: until the last socket is really closed, which takes the loop a moment."""
        if self._opening:
            await asyncio.wait(self._opening.values())
        await asyncio.sleep(0)

    def close(self) -> None:
        """Close everything at once."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for datagrams in self._datagrams.values():
            datagrams.close()
        for server in self._servers:
            server.close()
        self._connections.close_all()
        self._act()

    # UDP

    def udp_opened(self, version: int, transport: asyncio.DatagramTransport) -> None:
        self._datagrams[version] = transport

    def udp_lost(self, version: int, fault: Exception | None) -> None:
        # Not while the others are closed: they close themselves.
        self._datagrams = {other: each for other, each in self._datagrams.items() if other != version}
        self._udp.pop(version, None)
        if fault is not None:
            self.is_lost = True
            self._on_change()

    def udp_received(self, datagram: bytes, address: tuple[str, int]) -> None:
        now = self._loop.time()
        until, version = now + LONGEST_AT_ONCE_S, version_of(address[0])
        self._read(datagram, address, now)
        for _ in range(MOST_AT_ONCE - 1):
            if (now := self._loop.time()) >= until or (behind := self._next_datagram(version)) is None:
                break
            self._read(*behind, now)
        self._changed()

    def send_aside(self, datagram: bytes, address: tuple[str, int]) -> None:
        """Sends what is no SIP by the socket for UDP."""
        self._send_datagram(datagram, address)

    def show_first(self, somebody: Callable[[bytes, tuple[str, int]], bool] | None) -> None:
        """From now on what comes by UDP is shown to `somebody` first, and is no SIP where he says that it is his."""
        self._aside = somebody or _nobodys

    def _read(self, datagram: bytes, address: tuple[str, int], now: float) -> None:
        if not self._aside(datagram, address):
            self._agent.receive(datagram, udp(address), now)

    def _next_datagram(self, version: int) -> tuple[bytes, tuple[str, int]] | None:
        if version not in self._udp:
            return None
        try:
            datagram, address = self._udp[version].recvfrom(_LARGEST_DATAGRAM)
        except OSError:  # none waits; or an ICMP error, of which the timers find out by themselves
            return None
        return datagram, address[:2]

    # TCP and TLS

    def stream_accepted(self, stream: "_Stream", transport: asyncio.Transport) -> int | None:
        """The number of a connection that somebody made; None when it is not wanted."""
        peer = transport.get_extra_info("peername")  # None when it is gone already
        if peer is None or self._closed:
            return None
        number = self._connections.accepted(stream.over, (peer[0], peer[1]), self._loop.time())
        if number is None:
            return None
        self._set_alarm()
        if stream.server_tls is None:
            self._streams[number] = transport
        else:
            transport.pause_reading()
            self._run(number, self._secure(number, stream, transport, stream.server_tls))
        return number

    def stream_received(self, number: int, data: bytes) -> None:
        now = self._loop.time()
        for message, flow in self._connections.received(number, data, now):
            self._agent.receive(message, flow, now)
        self._changed()

    def stream_ended(self, number: int) -> None:
        self._streams.pop(number, None)
        self._connections.ended(number)
        if not self._closed:
            self._changed()

    async def _secure(
        self, number: int, stream: "_Stream", transport: asyncio.Transport, context: ssl.SSLContext
    ) -> None:
        """The handshake of a connection that somebody made. `Connections` closes what takes too long."""
        try:
            secured = await self._loop.start_tls(transport, stream, context, server_side=True)
        except OSError as error:
            if times := self._refused.count(self._loop.time()):
                peer = transport.get_extra_info("peername")
                log.info("connection refused", peer=peer, cause=str(error), times=times)
            secured = None
        except asyncio.CancelledError:
            transport.abort()
            raise
        if secured is None:
            transport.abort()
            self.stream_ended(number)
        else:
            self._streams[number] = secured

    async def _open(self, number: int, flow: Flow) -> None:
        """Connect. How long that may take is for `Connections` to say: it closes what took too long."""
        host, port = flow.address
        context = self._client_tls if flow.transport is Transport.TLS else None
        name, source = flow.name or host, self._sources.get(flow.version)
        try:
            if flow.transport is Transport.TLS and context is None:
                raise OSError("TLS is not set up")
            transport, _ = await self._loop.create_connection(
                lambda: _Stream(self, flow.transport, number=number),
                host,
                port,
                ssl=context,
                server_hostname=name if context is not None else None,
                local_addr=(source, 0) if source else None,
            )
        except (OSError, ssl.CertificateError, ValueError) as error:
            log.warning("no connection", to=str(flow), cause=str(error))
            self.stream_ended(number)
            return
        secured: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        if secured is not None and not is_for(secured.getpeercert() or {}, name):
            log.error("certificate of somebody else", to=str(flow), wanted=name)
            transport.abort()
            self.stream_ended(number)
            return
        self._streams[number] = transport
        self._connections.connected(number, self._loop.time())
        self.flush()

    def _send(self, message: bytes, flow: Flow, now: float) -> None:
        if flow.is_reliable:
            self._connections.send(message, flow, now)
        else:
            self._send_datagram(message, flow.address)

    def _send_datagram(self, datagram: bytes, address: tuple[str, int]) -> None:
        """Or not, where there is no socket for such an address: then the timers say that nobody answers."""
        if socket_of_version := self._datagrams.get(version_of(address[0])):
            socket_of_version.sendto(datagram, address)

    def _act(self) -> None:
        for action in self._connections.take_actions():
            match action:
                case Open(number, flow):
                    self._run(number, self._open(number, flow))
                case Write(number, data):
                    self._write(number, data)
                case Close(number):
                    self._close(number)

    def _run(self, number: int, opening: Coroutine[None, None, None]) -> None:
        task = self._opening[number] = self._loop.create_task(opening)
        task.add_done_callback(lambda _task: self._opening.pop(number, None))

    def _write(self, number: int, data: bytes) -> None:
        stream = self._streams.get(number)
        if stream is None or stream.is_closing():
            return
        stream.write(data)
        if stream.get_write_buffer_size() > MOST_UNSENT:
            log.warning("connection broken off: the far end does not read", peer=stream.get_extra_info("peername"))
            stream.abort()

    def _close(self, number: int) -> None:
        if task := self._opening.get(number):
            task.cancel()
        if stream := self._streams.pop(number, None):
            # A far end that does not read could keep a closing connection for ever, and TLS says good-bye for 30 s.
            stream.abort() if self._closed or stream.get_write_buffer_size() else stream.close()

    def _changed(self) -> None:
        self.flush()
        self._on_change()

    def _set_alarm(self) -> None:
        moments = (self._agent.next_timer(), self._connections.next_timer())
        due = min((moment for moment in moments if moment is not None), default=None)
        if due == self._due:
            return  # as nearly always: every tick of every call comes by here
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = None if due is None else self._loop.call_at(due, self._run_timers)

    def _run_timers(self) -> None:
        self._due = None
        now = self._loop.time()
        self._agent.run_timers(now)
        self._connections.run_timers(now)
        self._changed()


def _nobodys(_datagram: bytes, _address: tuple[str, int]) -> bool:
    return False


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, owner: SipTransport, version: int) -> None:
        self._owner = owner
        self._version = version

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Before Python 3.12 the loop's own class was a DatagramTransport in all but name.
        self._owner.udp_opened(self._version, cast(asyncio.DatagramTransport, transport))

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.udp_lost(self._version, exc)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._owner.udp_received(data, addr[:2])

    def error_received(self, exc: Exception) -> None:
        """An ICMP "unreachable": the timers find out by themselves (RFC 3261 18.4 over UDP)."""


class _Stream(asyncio.Protocol):
    """One connection; `number` is None for one that somebody else made, until it was accepted."""

    def __init__(
        self,
        owner: SipTransport,
        over: Transport,
        server_tls: ssl.SSLContext | None = None,
        number: int | None = None,
    ) -> None:
        self.over = over
        self.server_tls = server_tls
        self._owner = owner
        self._number = number

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast(asyncio.Transport, transport)
        raw: socket.socket | None = stream.get_extra_info("socket")
        if raw is not None:
            with suppress(OSError):
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._number is None:
            self._number = self._owner.stream_accepted(self, stream)
            if self._number is None:
                stream.abort()

    def data_received(self, data: bytes) -> None:
        if self._number is not None:
            self._owner.stream_received(self._number, data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._number is not None:
            self._owner.stream_ended(self._number)
