"""SIP on a stream of bytes: where a message ends and the next begins (RFC 3261 18.3), and keep-alives between them."""

import re
from enum import Enum, auto

from mail2fax.engine.embedded.sip.errors import RemoteProtocolError
from mail2fax.engine.embedded.sip.message import MOST_IN_HEAD

MOST_IN_BODY = 64 * 1024

_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
_LONGEST_EMPTY_LINE = 4
# RFC 3261 7.3.1 and 7.3.3: names do not mind case, `l` is the compact form, the value may stand on the next line.
_CONTENT_LENGTH = re.compile(rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*(?:\r?\n[ \t]+)?([^\r\n]*)")
_NUMBER = re.compile(rb"[0-9]{1,9}")
_LINE_ENDS = b"\r\n"


class Keepalive(Enum):
    """What is between messages, and asks for an answer."""

    PING = auto()
    """Two empty lines; one is the answer (RFC 5626 4.4.1)."""


class Framer:
    """Cuts a stream into messages, however it arrives. Raises `RemoteProtocolError` when it cannot go on."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._end: int | None = None
        self._empty_lines = 0
        self._pongs_due = 0

    @property
    def is_between(self) -> bool:
        """Whether no message has begun that is not complete."""
        return not self._buffer

    def expect_pong(self) -> None:
        """We have sent a ping: the next empty line is its answer, and not half a ping of theirs."""
        self._pongs_due += 1

    def receive(self, data: bytes) -> list[bytes | Keepalive]:
        """Take in some bytes; the messages and pings that are complete with them, in order."""
        self._buffer += data
        pieces: list[bytes | Keepalive] = []
        while True:
            pieces += self._skip_empty_lines()
            message = self._next_message()
            if message is None:
                return pieces
            pieces.append(message)

    def _skip_empty_lines(self) -> list[Keepalive]:
        """RFC 3261 7.5: empty lines before a message are no part of it."""
        if self._searched:
            return []
        rest = self._buffer.lstrip(_LINE_ENDS)
        skipped = self._buffer[: len(self._buffer) - len(rest)]
        self._buffer = rest
        return [Keepalive.PING for _ in range(skipped.count(b"\n")) if self._is_ping()]

    def _is_ping(self) -> bool:
        """Whether one more empty line is the second half of a ping."""
        if self._pongs_due:
            self._pongs_due -= 1
            return False
        self._empty_lines = (self._empty_lines + 1) % 2
        return self._empty_lines == 0

    def _next_message(self) -> bytes | None:
        if self._end is None:
            self._end = self._find_end()
        if self._end is None or len(self._buffer) < self._end:
            return None
        message = bytes(self._buffer[: self._end])
        del self._buffer[: self._end]
        self._end, self._searched, self._empty_lines = None, 0, 0
        return message

    def _find_end(self) -> int | None:
        # What was searched is not searched again, or a head that comes byte by byte would cost its square.
        found = _EMPTY_LINE.search(self._buffer, max(0, self._searched - _LONGEST_EMPTY_LINE))
        self._searched = len(self._buffer)
        if (found.end() if found else self._searched) > MOST_IN_HEAD:
            raise RemoteProtocolError("a head without end")
        return found.end() + _content_length(bytes(self._buffer[: found.start()])) if found else None


def _content_length(head: bytes) -> int:
    """The length of the body. None stated means none: a stream has no other end for it (RFC 3261 20.14)."""
    stated = {value.strip() for value in _CONTENT_LENGTH.findall(head)}
    if not stated:
        return 0
    value = stated.pop()
    if stated or not _NUMBER.fullmatch(value) or int(value) > MOST_IN_BODY:
        raise RemoteProtocolError("no usable Content-Length")
    return int(value)
