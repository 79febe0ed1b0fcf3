"""The inside of a confined process: how it comes to be, how its order comes, and how it answers.

One process loads and rehearses all that the work needs, and waits at a socket, descriptor 0. For each order it forks:
the child has everything ready in ten milliseconds where a fresh Python takes a hundred and more. The child works on
what has come with the order as open descriptors, answers with one line of JSON, and ends; before it looks at the
sender's file it locks itself in (`confinement`). The parent never reads a file of anybody: so no child finds anything
of another one's. Nothing heavy is imported here.
"""

import contextlib
import errno
import gc
import json
import os
import select
import signal
import socket
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from mail2fax.document.limits import RenderLimits
from mail2fax.model.document import Kind

CHANNEL, ANSWER, ERRORS = 0, 1, 2
OUR_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})
"""Errors of a file that say nothing of what stands in it."""
STATUS = struct.Struct("=i")
"""How a child has ended, as the parent tells it: as in `subprocess`, the number of a signal is negative."""
BEGUN = STATUS.pack(256)
"""What the parent says of a child before that, as it is about to fork it; no process ends with this."""

_CHUNK = 1 << 20
_ORDER_BYTES = 16_384
_MOST_DESCRIPTORS = 5

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """What a confined process gets: its limits, and as descriptors the sender's file and the files to write.

    `pieces` are the files in the sender's file, each with its kind, its place and its size (0: to the end).
    """

    limits: RenderLimits
    source: int
    targets: tuple[int, ...]
    pieces: tuple[tuple[Kind, int, int], ...] = ()

    def read(self) -> bytes:
        """All of the sender's file."""
        return b"".join(self._chunks())

    def files(self) -> list[tuple[Kind, bytes]]:
        """The sender's files, one by one."""
        source = self.read()
        return [(kind, source[at : at + size if size else None]) for kind, at, size in self.pieces]

    def _chunks(self) -> Iterator[bytes]:
        return iter(lambda: os.read(self.source, _CHUNK), b"")


def serve(work: Callable[[Order], None]) -> None:
    """Has a child do `work` for each order that comes, until the gateway closes its end, or has died."""
    _be_silent()
    gc.freeze()  # what is loaded by now is nobody's rubbish: it need not be copied for each child
    with socket.socket(fileno=CHANNEL) as channel:
        _Nursery(channel, work).run()


class _Nursery:
    """The parent: it forks, and tells for each child how it has ended."""

    def __init__(self, channel: socket.socket, work: Callable[[Order], None]) -> None:
        self._channel = channel
        self._work = work
        self._woken, self._wake = socket.socketpair()
        """Through these the end of a child wakes us up."""
        self._children: dict[int, socket.socket] = {}
        """By process id, the line on which its end is told; when the gateway closes it, the child is to end."""

    def run(self) -> None:
        with self._woken, self._wake:
            self._woken.setblocking(False)
            self._wake.setblocking(False)
            signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
            signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
            while self._wait():
                self._bury()
        for child in self._children:
            os.kill(child, signal.SIGKILL)

    def _wait(self) -> bool:
        """Waits for whatever comes, and heeds it; False when the gateway is gone."""
        poll = select.poll()
        lines = {line.fileno(): child for child, line in self._children.items()}
        for descriptor in (self._channel.fileno(), self._woken.fileno(), *lines):
            poll.register(descriptor, select.POLLIN)
        for descriptor, _ in poll.poll():
            if descriptor in lines:  # nothing is ever said on it but that it has been closed
                os.kill(lines[descriptor], signal.SIGKILL)
            elif descriptor == self._woken.fileno():
                with contextlib.suppress(BlockingIOError):
                    self._woken.recv(_ORDER_BYTES)
            elif not self._fork():
                return False
        return True

    def _fork(self) -> bool:
        words, descriptors, _, _ = socket.recv_fds(self._channel, _ORDER_BYTES, _MOST_DESCRIPTORS)
        if not words:
            return False
        line, answer, source, *targets = descriptors
        # Before there is a child: where this is not said, none has touched the files, and another parent may have them.
        with contextlib.suppress(OSError):  # who gave the order has left, and the line tells so
            os.write(line, BEGUN)
        child = os.fork()
        if child == 0:
            self._be_a_child(line, answer, _order(json.loads(words), source, targets))
        for descriptor in (answer, source, *targets):
            os.close(descriptor)
        self._children[child] = socket.socket(fileno=line)
        return True

    def _be_a_child(self, line: int, answer: int, order: Order) -> NoReturn:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for other in (self._channel, self._woken, self._wake, *self._children.values()):
                other.close()
            os.close(line)
            os.dup2(answer, ANSWER)
            os.close(answer)
            self._work(order)
            code = 0
        finally:
            # At once: closing the target would try again to write what a full disk has just refused.
            os._exit(code)

    def _bury(self) -> None:
        """Tells of each child that has ended how it did."""
        while self._children:
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                return
            with self._children.pop(child) as line, contextlib.suppress(OSError):
                line.send(STATUS.pack(os.waitstatus_to_exitcode(status)))


def _order(words: Mapping[str, Any], source: int, targets: Sequence[int]) -> Order:
    pieces = tuple((Kind(kind), at, size) for kind, at, size in words["pieces"])
    return Order(RenderLimits(**words["limits"]), source, tuple(targets), pieces)


def _be_silent() -> None:
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
