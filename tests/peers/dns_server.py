"""A small real name server: UDP and TCP on one loopback port, with the records a test gives it."""

import asyncio
import socket
import struct
from collections import Counter
from types import TracebackType
from typing import Self, cast

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

HOST = "127.0.0.1"


class DnsServer:
    """Answers from `records`: name and kind to what stands behind it. Use it as a block.

    What it does not know does not exist (NXDOMAIN), or has no records of that kind. Kinds in `deaf_to` get no answer;
    with `truncates`, UDP answers say that TCP has more, and hold nothing. `asked` counts.
    """

    def __init__(self, records: dict[tuple[str, str], list[str]], ttl: int = 300) -> None:
        self.records = records
        self.ttl = ttl
        self.deaf_to: set[str] = set()
        self.is_broken = False
        self.broken_names: set[str] = set()
        self.truncates = False
        self.asked: Counter[tuple[str, str]] = Counter()
        self.port = 0

    @property
    def address(self) -> tuple[str, int]:
        return HOST, self.port

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        sock, listener = _one_port()
        self.port = sock.getsockname()[1]
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Udp(self), sock=sock)
        self._tcp = await asyncio.start_server(self._serve_tcp, sock=listener)
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._udp.close()
        self._tcp.close()
        await self._tcp.wait_closed()
        await asyncio.sleep(0)

    def answer(self, wire: bytes, *, over_tcp: bool) -> bytes | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked[name, kind] += 1
        if kind in self.deaf_to:
            return None
        response = dns.message.make_response(query)
        if self.is_broken or name in self.broken_names:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif self.truncates and not over_tcp:
            response.flags |= dns.flags.TC
        elif texts := self.records.get((name, kind)):
            response.answer.append(dns.rrset.from_text(question.name, self.ttl, dns.rdataclass.IN, kind, *texts))
        elif name not in {known for known, _ in self.records}:
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            answer = self.answer(await reader.readexactly(length), over_tcp=True)
            if answer is not None:
                writer.write(struct.pack("!H", len(answer)) + answer)
                await writer.drain()
        finally:
            writer.close()


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Before Python 3.12 the loop's own class was a DatagramTransport in all but name.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._server.answer(data, over_tcp=False)
        if answer is not None:
            self._transport.sendto(answer, addr)


def _one_port() -> tuple[socket.socket, socket.socket]:
    """Sockets for UDP and for TCP on one port that is free for both."""
    while True:
        listener = socket.create_server((HOST, 0))
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.bind(listener.getsockname())
        except OSError:  # somebody has it over UDP
            listener.close()
            sock.close()
        else:
            return sock, listener
