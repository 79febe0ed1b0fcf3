"""A confined process as the gateway sees it: started ahead of its work, given one file, gone afterwards.

Starting Python with Pillow and numpy takes longer than rendering a page. So a process is started before there is
anything to do, loads and rehearses all it needs, and waits. What it works on comes as open descriptors through a
socket, which it then closes (`inside`); what it may do from there on is in `confinement`. No process sees two files.
"""

import asyncio
import json
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, Self

import mail2fax
from mail2fax.document.limits import RenderLimits

ANSWER_BYTES = 256 * 1024
CRASHES = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGSYS})
OUT_OF_TIME = frozenset({signal.SIGPROF, signal.SIGXCPU})

_WORDS = 200


class ConfinedProcess:
    """A process that waits for its one order. Get one from `start`, and `end` it, however it went."""

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
                # Without threads: a locked-in process can start none, and a page is not worth them.
                env={"PYTHONPATH": str(Path(mail2fax.__file__).parents[1]), "OPENBLAS_NUM_THREADS": "1"},
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
        """Hands over the file to read and those to write; raises `OSError` when the process is gone."""
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


class Standby:
    """Keeps one process of a module ready for the next piece of work. For one event loop."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._warm = False
        self._spare: ConfinedProcess | None = None
        self._keeping = asyncio.Lock()

    async def start(self) -> None:
        """From now on a process is ready; raises `OSError`."""
        self._warm = True
        await self.refill()

    async def stop(self) -> None:
        """No process waits any more."""
        async with self._keeping:
            self._warm = False
            spare, self._spare = self._spare, None
        if spare:
            await spare.end()

    async def refill(self) -> None:
        """Starts a process for the next piece of work, after this one: the two would only be in each other's way."""
        async with self._keeping:
            if self._warm and self._spare is None:
                self._spare = await ConfinedProcess.start(self._module)

    @asynccontextmanager
    async def process(self) -> AsyncIterator[ConfinedProcess]:
        """A process that is gone when the block is left, however it is left; raises `OSError`."""
        process, self._spare = self._spare, None
        if process and not process.waits:
            await process.end()
            process = None
        process = process or await ConfinedProcess.start(self._module)
        try:
            yield process
        finally:
            await process.end()


def parsed(line: bytes) -> Mapping[str, Any] | None:
    """A process's answer, empty when it gave none; None for what no process of ours would say."""
    try:
        answer = json.loads(line or b"{}")
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def clean(text: object) -> str:
    """Text from a confined process, short and printable."""
    return "".join(char if char.isprintable() else " " for char in str(text)[:_WORDS])
