"""What the UDP sockets of an event loop receive, written down as a capture that tshark reads.

A capture of the loopback interface takes rights that a person at their desk does not have, and holds the datagrams of
every other test besides. Here each datagram is taken as it comes out of its socket, with the addresses that it had.
"""

import asyncio
import ipaddress
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mail2fax.engine.embedded import switchboard
from mail2fax.engine.embedded.sip import transport
from mail2fax.engine.embedded.spandsp.lane import Lane, LaneDatagram

Address = tuple[str, int]

_LINKTYPE_RAW = 101
"""Packets begin with their IP header (tcpdump.org/linktypes.html)."""
_UDP = 17


@dataclass(frozen=True, slots=True)
class Packet:
    """One datagram: when it was received (seconds since 1970), and between whom."""

    at: float
    source: Address
    destination: Address
    data: bytes


class TappedLoop(asyncio.SelectorEventLoop):
    """An event loop that remembers, in `packets`, all that its datagram endpoints receive."""

    def __init__(self) -> None:
        super().__init__()
        self.packets: list[Packet] = []

    # The signature is asyncio's own, whose types are for many more uses than ours.
    async def create_datagram_endpoint(self, protocol_factory: Callable[[], Any], *given: Any, **named: Any) -> Any:
        def tapped() -> _Tap:
            return _Tap(protocol_factory(), self.packets)

        transport, tap = await super().create_datagram_endpoint(tapped, *given, **named)
        return transport, tap.protocol


class TappedLane(Lane):
    """A lane that carries nothing, so that every datagram of a call comes by here; `packets` of its loop has it.

    What goes out is the same, octet for octet, as when lanes carry (tests/integration/engine/test_lane.py).
    """

    def __init__(self, file: int) -> None:
        super().__init__(file)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, TappedLoop)
        self._packets = loop.packets
        with socket.socket(fileno=os.dup(file)) as ours:
            self._own = ours.getsockname()[:2]

    def carry_audio(self, *_given: object) -> None:
        pass

    def carry_t38(self, *_given: object) -> None:
        pass

    def take_datagrams(self) -> list[LaneDatagram]:
        taken = super().take_datagrams()
        self._packets += [Packet(time.time(), each.source, self._own, each.data) for each in taken]
        return taken


@contextmanager
def tapped_lanes() -> Iterator[None]:
    """Calls that begin in here can be listened to, on loops that are `TappedLoop`s."""
    at_once = transport.MOST_AT_ONCE
    switchboard.Lane = TappedLane  # type: ignore[attr-defined] # by import it is the switchboard's own
    transport.MOST_AT_ONCE = 1  # SIP, too, comes by the loop only
    try:
        yield
    finally:
        switchboard.Lane = Lane  # type: ignore[attr-defined] # as above
        transport.MOST_AT_ONCE = at_once


class _Tap(asyncio.DatagramProtocol):
    """Stands before a protocol, and hands on everything."""

    def __init__(self, protocol: asyncio.DatagramProtocol, packets: list[Packet]) -> None:
        self.protocol = protocol
        self._packets = packets
        self._own: Address = ("", 0)

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # as in typeshed
        self._own = transport.get_extra_info("sockname")[:2]
        self.protocol.connection_made(transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._packets.append(Packet(time.time(), addr[:2], self._own, data))
        self.protocol.datagram_received(data, addr)

    def error_received(self, exc: Exception) -> None:
        self.protocol.error_received(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self.protocol.connection_lost(exc)


def write_pcap(path: Path, packets: list[Packet]) -> Path:
    """The packets as a capture file (tcpdump.org/manpages/pcap-savefile.5.html)."""
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, _LINKTYPE_RAW)
    path.write_bytes(header + b"".join(_record(packet) for packet in packets))
    return path


def _record(packet: Packet) -> bytes:
    frame = _ip(packet)
    seconds, fraction = divmod(packet.at, 1)
    return struct.pack("<IIII", int(seconds), int(fraction * 1_000_000), len(frame), len(frame)) + frame


def _ip(packet: Packet) -> bytes:
    """IPv4 and UDP headers without checksums (RFC 791, RFC 768)."""
    (source, source_port), (destination, destination_port) = packet.source, packet.destination
    length = 8 + len(packet.data)
    udp = struct.pack("!HHHH", source_port, destination_port, length, 0)
    hosts = ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address(destination).packed
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0, 64, _UDP, 0) + hosts + udp + packet.data
