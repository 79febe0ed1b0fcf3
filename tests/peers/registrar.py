"""A small real registrar on a loopback port: it knows one account, and can be as difficult as registrars are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import SystemRandom
from typing import cast

from mail2fax.engine.embedded.sip.digest import Verifier
from mail2fax.engine.embedded.sip.message import Request, as_received, parse_message, respond
from mail2fax.engine.embedded.sip.settings import Credentials
from tests.harness.processes import becomes_true

HOST = "127.0.0.1"
USER, PASSWORD = "office", "open sesame"
LIMIT_S = 10.0


@dataclass
class Registrar(asyncio.DatagramProtocol):
    """`seconds` are granted to whoever asks, `least` is what is asked for with 423 (0: nothing), `silent` answers
    nothing, `refusing` is the answer to a right password, too. `heard` has every REGISTER that came, `bound` whether
    the account is registered now. It carries no call: whoever calls hears 503, and so
    does who asks by OPTIONS, which `options` counts."""

    seconds: int = 120
    least: int = 0
    silent: bool = False
    refusing: int = 0
    options: int = 0
    bound: bool = False
    heard: list[Request] = field(default_factory=list)
    transport: asyncio.DatagramTransport | None = None

    def __post_init__(self) -> None:
        self._verifier = Verifier(Credentials(USER, PASSWORD), "registrar", ("MD5",), SystemRandom())

    @property
    def port(self) -> int:
        assert self.transport
        return int(self.transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        request = parse_message(data)
        if not isinstance(request, Request) or request.method == "ACK" or self.silent:
            return
        request = as_received(request, addr)
        if request.method == "REGISTER":
            self.heard.append(request)
        status, fields = self._answer(request) if request.method == "REGISTER" else (503, [])
        self.options += request.method == "OPTIONS"
        assert self.transport
        self.transport.sendto(bytes(respond(request, status, *fields, to_tag="registrar")), addr)

    async def until(self, count: int) -> None:
        """Returns when so many REGISTERs have come."""
        await becomes_true(lambda: len(self.heard) >= count, within_s=LIMIT_S)

    def _answer(self, request: Request) -> tuple[int, list[tuple[str, str]]]:
        now = asyncio.get_running_loop().time()
        if not self._verifier.verify(request, now):
            return 401, self._verifier.challenges(request, now)
        if self.refusing:
            return self.refusing, []
        wanted = int(request.headers.get("Expires") or 0)
        if wanted and wanted < self.least:
            return 423, [("Min-Expires", str(self.least))]
        self.bound = wanted > 0
        granted = min(wanted, self.seconds) if not self.least else wanted
        # As everywhere, the account has other machines, too.
        contact = f"<sip:other@192.0.2.1>;expires=9999, {request.contacts[0]};expires={granted}"
        return 200, [("Contact", contact)] if granted else []


@asynccontextmanager
async def registrar(made: Registrar | None = None) -> AsyncIterator[Registrar]:
    """A registrar that listens in this block."""
    registrar = made or Registrar()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: registrar, local_addr=(HOST, 0))
    try:
        yield registrar
    finally:
        transport.close()
