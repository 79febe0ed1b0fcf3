"""How long a connection may take, and how a request may look that comes over it.

uvicorn waits for ever for the rest of a request's head, and for a client that does not take its answer in; a few such
clients would use up every connection.
"""

import asyncio
import json
from typing import Any

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

from mail2fax.api.errors import ApiError

log = structlog.get_logger(__name__)


class PatientProtocol(H11Protocol):
    """One connection; subclasses made by `patient` know the limits."""

    stall_s = 30.0
    most = 100
    most_per_address = 50

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_due: asyncio.TimerHandle | None = None
        self._taken_in_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        address = _address(self)
        same = sum(_address(other) == address for other in self.connections)
        if len(self.connections) > self.most or same > self.most_per_address:
            log.warning("api connection turned away, too many", peer=address, all=len(self.connections), same=same)
            transport.abort()
            return
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_head()
        self._cancel_taking_in()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        if self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]:
            data = _with_plain_url(data)
        super().data_received(data)
        if self.cycle is not before:
            self._cancel_head()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is answered in the form of all other faults."""
        log.info("api request is no http", peer=_address(self))
        body = json.dumps(dict(ApiError(400, "http", "this is no HTTP request that we read").body)).encode()
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        for event in (
            h11.Response(
                status_code=400, headers=[*headers, (b"content-length", b"%d" % len(body))], reason=b"Bad Request"
            ),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def on_response_complete(self) -> None:
        """The answer is given: what comes next is the head of another request, or the end."""
        answered = self.cycle
        self._expect_head()
        super().on_response_complete()
        if self.cycle is not answered:  # it had come already
            self._cancel_head()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._taken_in_due = self.loop.call_later(self.stall_s, self._cut, "it does not take its answer in")

    def resume_writing(self) -> None:
        self._cancel_taking_in()
        super().resume_writing()

    def _expect_head(self) -> None:
        self._cancel_head()
        self._head_due = self.loop.call_later(self.stall_s, self._cut, "no request has come")

    def _cancel_head(self) -> None:
        if self._head_due:
            self._head_due.cancel()

    def _cancel_taking_in(self) -> None:
        if self._taken_in_due:
            self._taken_in_due.cancel()

    def _cut(self, why: str) -> None:
        log.info("api connection cut", peer=_address(self), why=why)
        self.transport.abort()


def patient(stall_s: float, most: int, most_per_address: int) -> type[PatientProtocol]:
    """The protocol with these limits: uvicorn makes its connections from a class."""
    return type(
        "LimitedProtocol",
        (PatientProtocol,),
        {"stall_s": stall_s, "most": most, "most_per_address": most_per_address},
    )


def _with_plain_url(data: bytes) -> bytes:
    """The beginning of a request, its first line in ASCII: curl sends a Cyrillic `?file=` as it was typed."""
    line, rest = data[: (end := data.find(b"\n") + 1)], data[end:]
    if line.isascii():
        return data
    return b"".join(b"%%%02X" % byte if byte > 0x7F else bytes([byte]) for byte in line) + rest  # noqa: PLR2004 # ASCII


def _address(connection: object) -> str:
    return connection.client[0] if isinstance(connection, H11Protocol) and connection.client else ""
