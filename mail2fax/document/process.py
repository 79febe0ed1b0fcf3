"""Confined processes as the gateway sees them: each is given one file, and is gone afterwards.

`Standby` keeps the parent that forks them (`inside`); what a process may do is in `confinement`. No process sees two
files, and the parent sees none.
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
from mail2fax.document.inside import BEGUN, STATUS
from mail2fax.document.limits import RenderLimits
from mail2fax.model.document import Piece

ANSWER_BYTES = 256 * 1024
CRASHES = frozenset(
    {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGSYS, signal.SIGTRAP}
)
"""PDFium ends itself by SIGTRAP where a check of its own fails."""
OUT_OF_TIME = frozenset({signal.SIGPROF, signal.SIGXCPU})
LET_GO_S = 5.0
"""How long the parent may take to end a process that it was told to end."""
FORK_S = 15.0
"""How long it may take to fork one, a matter of milliseconds. A parent that takes longer is stopped or hangs."""
START_S = 60.0
"""The same for the first one, for which it must have loaded everything: a second, and on a busy machine some more."""
TELL_S = 15.0
"""How long it may take to tell that one has ended which has answered: that does so at once."""
STARTS = 2
"""How many parents are tried for one piece of work."""

_WORDS = 200
_CHUNK = 65_536


class ConfinedProcess:
    """A process at work on one file."""

    def __init__(self, line: socket.socket, words: socket.socket) -> None:
        self._line = line
        self._words = words
        self._code: int | None = None

    async def begun(self, within_s: float) -> None:
        """It is there; raises `OSError` when its parent does not say so in time, or has died."""
        try:
            told = await asyncio.wait_for(self._told(), within_s)
        except TimeoutError as error:
            raise ConnectionError("the parent of the confined processes does not answer") from error
        if told != BEGUN:
            self._code = int(STATUS.unpack(told)[0])

    async def answer(self) -> tuple[bytes, int]:
        """Its one line, and how it ended; raises `ValueError` when the line has no end, `OSError` when its parent has
        died or does not tell."""
        loop, said = asyncio.get_running_loop(), b""
        while b"\n" not in said and (more := await loop.sock_recv(self._words, _CHUNK)):
            said += more
            if len(said) > ANSWER_BYTES:
                raise ValueError("an answer without end")
        try:
            return said.partition(b"\n")[0], await asyncio.wait_for(self._ended(), TELL_S)
        except TimeoutError as error:  # which is for those who wait for the process: this is about its parent
            raise ConnectionError("the parent of the confined processes does not answer") from error

    def leave(self) -> None:
        """It is to end, and nobody waits for that."""
        self._line.close()
        self._words.close()

    async def end(self) -> bool:
        """It is gone, whatever it was doing; False when its parent does not say so: it goes when that goes."""
        try:
            if self._code is None:
                self._line.shutdown(socket.SHUT_WR)
                # Not `asyncio.timeout`: in a task that is being cancelled, as by a time limit around us, it does not
                # turn its own cancelling into a TimeoutError (Python 3.11).
                await asyncio.wait_for(self._ended(), LET_GO_S)
            return True
        except (OSError, TimeoutError):
            return False
        finally:
            self.leave()

    async def _ended(self) -> int:
        while self._code is None:
            told = await self._told()
            if told != BEGUN:
                self._code = int(STATUS.unpack(told)[0])
        return self._code

    async def _told(self) -> bytes:
        """The next thing that the parent says of it: `BEGUN`, or how it has ended."""
        told = await asyncio.get_running_loop().sock_recv(self._line, STATUS.size)
        if len(told) != STATUS.size:
            # Its children do not outlive it for long. That says nothing of what this one was reading.
            raise ConnectionError("the parent of the confined processes has died")
        return told


class _Parent:
    """The process that forks the others."""

    def __init__(
        self, process: asyncio.subprocess.Process, channel: socket.socket, folder: "tempfile.TemporaryDirectory[str]"
    ) -> None:
        self._process = process
        self._channel = channel
        self._folder = folder
        self.has_forked = False
        """Whether it has everything loaded: then the next process is there in a moment."""

    @classmethod
    async def start(cls, module: str) -> Self:
        """Starts `module`, which loads itself while we go on; raises `OSError`."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)  # the loop does not wait for one that takes no orders
        folder = tempfile.TemporaryDirectory(prefix="mail2fax-render-", ignore_cleanup_errors=True)
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-s", "-m", module),
                stdin=theirs.fileno(),
                stdout=asyncio.subprocess.DEVNULL,
                cwd=folder.name,
                start_new_session=True,  # a Ctrl-C at our terminal is for us: we end the process ourselves
                # Without threads: a process that has some cannot fork, and a page is not worth them.
                env={"PYTHONPATH": str(Path(mail2fax.__file__).parents[1]), "OPENBLAS_NUM_THREADS": "1"},
            )
        except BaseException:
            ours.close()
            folder.cleanup()
            raise
        finally:
            theirs.close()
        return cls(process, ours, folder)

    def give(self, source: BinaryIO, targets: Sequence[BinaryIO], order: bytes) -> ConfinedProcess:
        """A process that is to work on the file `source` and write to `targets`; raises `OSError` when none can."""
        (line, its_line), (words, its_words) = socket.socketpair(), socket.socketpair()
        with its_line, its_words:
            files = [its_line.fileno(), its_words.fileno(), source.fileno(), *(file.fileno() for file in targets)]
            try:
                socket.send_fds(self._channel, [order], files)
            except BaseException:
                line.close()
                words.close()
                raise
        line.setblocking(False)
        words.setblocking(False)
        return ConfinedProcess(line, words)

    def kill(self) -> None:
        """It will not end by itself; what it has forked goes with it."""
        if self._process.returncode is None:
            self._process.kill()

    async def end(self) -> None:
        """It is gone, and what it has forked with it."""
        self._channel.close()
        if self._process.returncode is None:
            try:
                async with asyncio.timeout(LET_GO_S):
                    await asyncio.shield(self._process.wait())
            except TimeoutError:
                self._process.kill()
                await asyncio.shield(self._process.wait())
        self._folder.cleanup()


class Standby:
    """Keeps a process ready that forks one for each piece of work. For one event loop."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._warm = False
        self._busy = 0
        self._parent: _Parent | None = None
        self._keeping = asyncio.Lock()

    async def start(self) -> None:
        """From now on there is a process that has everything loaded; raises `OSError`."""
        self._warm = True
        await self._ready()

    async def stop(self) -> None:
        """No process waits any more."""
        async with self._keeping:
            self._warm = False
            parent, self._parent = self._parent, None
        if parent:
            await parent.end()

    @asynccontextmanager
    async def process(
        self, source: BinaryIO, targets: Sequence[BinaryIO], limits: RenderLimits, pieces: Sequence[Piece] = ()
    ) -> AsyncIterator[ConfinedProcess]:
        """A process at work on `source`, which `pieces` make up; gone when the block is left, however it is left.

        A parent that is stopped or hangs is replaced. Raises `OSError`, and that also when one does so while the
        process is at work: nothing is said then of what that was reading.
        """
        order = {"limits": asdict(limits), "pieces": [(piece.kind, piece.at, piece.size) for piece in pieces]}
        self._busy += 1
        try:
            parent, process = await self._give(source, targets, json.dumps(order).encode())
            try:
                yield process
            finally:
                if not await self._end(process, parent):
                    raise ConnectionError("the parent of the confined processes has died, or did not answer")
        finally:
            self._busy -= 1
            if not self._warm and not self._busy:
                await self.stop()

    async def _give(
        self, source: BinaryIO, targets: Sequence[BinaryIO], order: bytes
    ) -> tuple[_Parent, ConfinedProcess]:
        for left in reversed(range(STARTS)):
            parent = await self._ready()
            try:
                return parent, await self._begin(parent, source, targets, order)
            except OSError:  # it died while it waited, or does not answer
                parent.kill()
                await self._forget(parent)
                if not left:
                    raise
        raise AssertionError("STARTS is no number of tries")

    async def _begin(
        self, parent: _Parent, source: BinaryIO, targets: Sequence[BinaryIO], order: bytes
    ) -> ConfinedProcess:
        process = parent.give(source, targets, order)
        try:
            await process.begun(FORK_S if parent.has_forked else START_S)
        except OSError:
            process.leave()
            raise
        except BaseException:
            await self._end(process, parent)  # it may be there by now
            raise
        parent.has_forked = True
        return process

    async def _end(self, process: ConfinedProcess, parent: _Parent) -> bool:
        """The process is gone; False when its parent had to go with it."""
        ended = await process.end()
        if not ended:
            parent.kill()
            await self._forget(parent)
        return ended

    async def _forget(self, dead: _Parent) -> None:
        """The next process has another parent."""
        async with self._keeping:
            if self._parent is dead:
                self._parent = None
                await dead.end()

    async def _ready(self) -> _Parent:
        """The parent, started if there is none."""
        async with self._keeping:
            if self._parent is None:
                self._parent = await _Parent.start(self._module)
            return self._parent


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
