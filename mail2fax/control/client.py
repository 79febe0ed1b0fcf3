"""The command line's end of the control socket. It waits in its own thread, and for nothing without a limit."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import structlog

from mail2fax.control.place import short_name
from mail2fax.control.wire import MAX_LINE, Answer, Kind, Order, WireError, order_line, parse_answer, parse_hello

log = structlog.get_logger(__name__)

CONNECT_S = 5.0
ANSWER_S = 90.0
"""Longer than the gateway takes for any deed; while a fax is followed it says each few seconds that it is there."""


class NoGateway(Exception):
    """Nobody answers at the socket; the message says why, and what to do."""


class GatewayLost(Exception):
    """The gateway has gone in the middle, or does not answer any more."""


@contextmanager
def talking_to(path: Path) -> Iterator["Conversation"]:
    """A conversation with the gateway at the socket `path`; raises `NoGateway` and `WireError`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(CONNECT_S)
        try:
            with short_name(path) as name:
                connection.connect(name)
        except OSError as error:
            raise NoGateway(_why_not(path, error)) from error
        with connection.makefile("rb") as lines:
            conversation = Conversation(connection, lines)
            parse_hello(conversation.line())
            yield conversation


class Conversation:
    """One order and its answers. Methods raise `GatewayLost` and `WireError`."""

    def __init__(self, connection: socket.socket, lines: BinaryIO) -> None:
        self._connection = connection
        self._lines = lines

    def order(self, order: Order, file: bytes = b"") -> Iterator[Answer]:
        """Says `order`, with the bytes of `file` behind it; then every answer, until "done" or "refused"."""
        self._connection.settimeout(ANSWER_S)
        try:
            self._connection.sendall(order_line(order))
            self._connection.sendall(file)
        except TimeoutError as error:
            raise GatewayLost("the gateway does not take the order") from error
        except OSError as error:
            # It may have refused the file before its end: then its next line says why.
            log.debug("order not taken whole", error=str(error))
        yield from self._answers()

    def line(self) -> bytes:
        """The gateway's next line."""
        try:
            line = self._lines.readline(MAX_LINE)
        except OSError as error:
            raise GatewayLost("the gateway does not answer") from error
        if not line:
            raise GatewayLost("the gateway has gone")
        if not line.endswith(b"\n"):
            raise WireError("the gateway's line is too long")
        return line

    def _answers(self) -> Iterator[Answer]:
        while True:
            answer = parse_answer(self.line())
            yield answer
            if answer.answer in {Kind.DONE, Kind.REFUSED}:
                return


def _why_not(path: Path, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return f"you may not use {path}: only root, the gateway's user and its group may"
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return (
            f"the gateway does not run (nobody answers at {path}). "
            "Start it with: systemctl start mail2fax (or: mail2fax run)"
        )
    return f"the gateway cannot be reached at {path}: {error.strerror or error}"
