"""One render process as the gateway sees it: started ahead of its document, given one document, gone afterwards.

Starting Python with Pillow and numpy takes longer than rendering a page. So a process is started before there is
anything to render, loads and rehearses all it needs, and waits. Its document comes as open descriptors through a
socket, which it then closes; what it may do from there on is in `confinement`. No process sees two documents.
"""

import asyncio
import json
import socket
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Self

import mail2fax
from mail2fax.document.limits import RenderLimits

ANSWER_BYTES = 16_384
_ORDER_BYTES = 4096
_DESCRIPTORS = 3


@dataclass(frozen=True, slots=True)
class Order:
    """What a render process gets, as descriptors: the sender's file, the file to write, and the one for the same
    document in standard resolution; and its limits."""

    limits: RenderLimits
    source: int
    target: int
    standard: int


def wait_for_order(channel: int) -> Order | None:
    """The order that comes through the socket `channel`; None when the gateway has closed its end, or has died."""
    with socket.socket(fileno=channel) as waiting:
        words, descriptors, _, _ = socket.recv_fds(waiting, _ORDER_BYTES, _DESCRIPTORS)
    return Order(RenderLimits(**json.loads(words)), *descriptors) if words else None


class RenderProcess:
    """A process that waits for its one document. Get one from `start`, and `end` it, however it went."""

    def __init__(
        self, process: asyncio.subprocess.Process, channel: socket.socket, folder: "tempfile.TemporaryDirectory[str]"
    ) -> None:
        self._process = process
        self._channel = channel
        self._folder = folder

    @classmethod
    async def start(cls, module: str) -> Self:
        """Starts `module`, which loads itself while we go on; raises `OSError`."""
        ours, theirs = socket.socketpair()
        folder = tempfile.TemporaryDirectory(prefix="mail2fax-render-", ignore_cleanup_errors=True)
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-s", "-m", module),
                stdin=theirs.fileno(),
                stdout=asyncio.subprocess.PIPE,
                limit=ANSWER_BYTES,
                cwd=folder.name,
                start_new_session=True,  # a Ctrl-C at our terminal is for us: we end the process ourselves
                env={"PYTHONPATH": str(Path(mail2fax.__file__).parents[1])},
            )
        except BaseException:
            ours.close()
            folder.cleanup()
            raise
        finally:
            theirs.close()
        return cls(process, ours, folder)

    @property
    def waits(self) -> bool:
        """It has not died meanwhile. Its end of the socket tells that at once, its exit status only later."""
        try:
            return bool(self._channel.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return True

    def give(self, source: BinaryIO, targets: Sequence[BinaryIO], limits: RenderLimits) -> None:
        """Hands over the document and both files to write; raises `OSError` when the process is gone."""
        order = json.dumps(asdict(limits)).encode()
        socket.send_fds(self._channel, [order], [file.fileno() for file in (source, *targets)])
        self._channel.close()

    async def answer(self) -> tuple[bytes, int]:
        """Its one line, and how it ended; raises `ValueError` when the line has no end."""
        assert self._process.stdout is not None  # noqa: S101 - for mypy: it was asked for
        line = await self._process.stdout.readline()
        return line, await self._process.wait()

    async def end(self) -> None:
        """It is gone, whatever it was doing."""
        self._channel.close()
        if self._process.returncode is None:
            self._process.kill()
            await asyncio.shield(self._process.wait())
        self._folder.cleanup()
