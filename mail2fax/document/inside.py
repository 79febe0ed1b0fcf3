"""The inside of a confined process: how its order comes, and how it answers.

It waits at a socket, descriptor 0, for open descriptors: a file to read, and files to write to. It answers on
descriptor 1 with one line of JSON. Between the two it locks itself in (`confinement`). Nothing heavy is imported here:
these processes are started often.
"""

import errno
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mail2fax.document.limits import RenderLimits

CHANNEL, ANSWER, ERRORS = 0, 1, 2
OUR_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})
"""Errors of a file that say nothing of what stands in it."""

_CHUNK = 1 << 20
_ORDER_BYTES = 4096
_MOST_DESCRIPTORS = 3

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """What a confined process gets: its limits, and as descriptors the sender's file and the files to write."""

    limits: RenderLimits
    source: int
    targets: tuple[int, ...]

    def read(self) -> bytes:
        """All of the sender's file."""
        return b"".join(self._chunks())

    def _chunks(self) -> Iterator[bytes]:
        return iter(lambda: os.read(self.source, _CHUNK), b"")


def wait_for_order() -> Order | None:
    """The order that comes through the socket; None when the gateway has closed its end, or has died."""
    with socket.socket(fileno=CHANNEL) as waiting:
        words, descriptors, _, _ = socket.recv_fds(waiting, _ORDER_BYTES, _MOST_DESCRIPTORS)
    if not words:
        return None
    source, *targets = descriptors
    return Order(RenderLimits(**json.loads(words)), source, tuple(targets))


def be_silent() -> None:
    """From here on nothing can reach our standard error: what is written there would be the sender's text."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, ERRORS)
    os.close(nowhere)


def say(answer: Answer) -> None:
    """Gives the one answer."""
    write_all(ANSWER, json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace") + b"\n")


def write_all(descriptor: int, data: bytes) -> None:
    """Writes all of `data`, in as many pieces as the system takes."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
