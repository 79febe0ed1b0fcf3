"""Asking a STUN server where it sees one of our sockets, which somebody else reads and writes."""

import asyncio
import secrets
from collections.abc import Callable
from itertools import pairwise

from mail2fax.engine.embedded.stun import LIMIT_S, REPEATS_S, Address, binding_request, mapped_address


class Asking:
    """One question, sent by `send`, and again a few times. Whoever reads the socket shows what comes to `heard`."""

    def __init__(self, server: Address, send: Callable[[bytes, Address], None]) -> None:
        self._server = server
        self._send = send
        self._transaction = secrets.token_bytes(12)
        self._answered: asyncio.Future[Address] = asyncio.get_running_loop().create_future()

    def heard(self, datagram: bytes, source: Address) -> bool:
        """Whether this is the answer: nobody but the server itself can give it."""
        found = mapped_address(datagram, self._transaction) if source == self._server else None
        if found is not None and not self._answered.done():
            self._answered.set_result(found)
        return found is not None

    async def answer(self) -> Address | None:
        """Where the server sees the socket; None when it says nothing in `LIMIT_S`."""
        pauses = [later - sooner for sooner, later in pairwise((*REPEATS_S, LIMIT_S))]
        for pause in pauses:
            self._send(binding_request(self._transaction), self._server)
            await asyncio.wait([self._answered], timeout=pause)
            if self._answered.done():
                return self._answered.result()
        return None
