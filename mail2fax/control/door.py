"""The control door: a Unix socket that only its owner and its group can reach. Who can, may order."""

import asyncio
import errno
import socket
from collections.abc import Collection, Coroutine, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import structlog

from mail2fax.control.orders import Orders, Refused
from mail2fax.control.peer import peer_of
from mail2fax.control.place import short_name
from mail2fax.control.session import ControlSession, Gone, Limits
from mail2fax.control.wire import MAX_LINE, answer_line, hello_line
from mail2fax.jobs.reading import JobReader

log = structlog.get_logger(__name__)

MODE = 0o660
MAX_ORDERS = 50
"""Conversations at once in which something is ordered."""
MAX_STORIES = 100
"""Those besides in which a fax is only followed to its end: they must not keep anybody from cancelling one."""
CLOSE_LIMIT_S = 5.0
"""How long a client may take for the last words that we have for it."""
DEED_LIMIT_S = 20.0
"""How long what was ordered may go on when we stop: longer than a call takes to be hung up, heard out and judged."""

T = TypeVar("T")


class ControlDoor:
    """Listens at `path`, from `start` to `stop`."""

    def __init__(self, path: Path, orders: Orders, jobs: JobReader, limits: Limits | None = None) -> None:
        self._path = path
        self._orders = orders
        self._jobs = jobs
        self._limits = limits or Limits()
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()
        self._work: set[asyncio.Task[Any]] = set()
        self._stories = 0

    async def start(self) -> None:
        """Opens the door; raises `OSError` when the socket cannot be made, or another process answers there."""
        self._server = await asyncio.start_unix_server(self._serve, sock=_bound(self._path), limit=MAX_LINE)
        log.info("control door open", path=str(self._path))

    async def stop(self) -> None:
        """Closes the door; what was ordered is done to its end, and who follows a fax is left."""
        if self._server is None:
            return
        server, self._server = self._server, None
        self._path.unlink(missing_ok=True)
        server.close()
        await _end(self._work, DEED_LIMIT_S)
        await _end(self._sessions, 0)
        await server.wait_closed()

    def track(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Runs `work` to its end, whatever becomes of the session; `stop` waits for it."""
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    @contextmanager
    def story(self) -> Iterator[None]:
        """In this block a session only tells: its place is free for another's order. Raises `Gone` when too many
        listen."""
        if self._stories >= MAX_STORIES:
            log.warning("fax not followed, too many are", limit=MAX_STORIES)
            raise Gone
        self._stories += 1
        try:
            yield
        finally:
            self._stories -= 1

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._converse(reader, writer))
        self._sessions.add(task)
        task.add_done_callback(self._sessions.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if len(self._sessions) - self._stories > MAX_ORDERS:
                log.warning("control connection turned away, too many", limit=MAX_ORDERS)
                # The hello first: the client must see that it is we who refuse.
                writer.write(hello_line(version("mail2fax")))
                writer.write(answer_line(Refused("too-many", "too many commands at once").answer))
                return
            peer = await asyncio.to_thread(peer_of, writer.get_extra_info("socket"))
            await ControlSession(reader, writer, peer, self._orders, self._jobs, self, self._limits).serve()
        except OSError as error:
            log.info("control connection lost", error=str(error))
        except Exception:
            # One conversation must not end the others.
            log.exception("control conversation failed inside")
        finally:
            await _close(writer)


async def _end(tasks: Collection[asyncio.Task[Any]], limit_s: float) -> None:
    """Waits for `tasks`, and cancels what is not done in time."""
    if tasks:
        _, late = await asyncio.wait(tuple(tasks), timeout=limit_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


async def _close(writer: asyncio.StreamWriter) -> None:
    """Closes a connection, by force when its client does not take our last words."""
    writer.close()
    try:
        async with asyncio.timeout(CLOSE_LIMIT_S):
            await writer.wait_closed()
    except (TimeoutError, OSError):
        writer.transport.abort()


def _bound(path: Path) -> socket.socket:
    """A socket bound to `path`, which nobody can connect to before it listens: by then its mode is right."""
    if _answers(path):
        raise OSError(errno.EADDRINUSE, "another gateway answers there")
    # What a gateway that was killed has left.
    path.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with short_name(path) as name:
            bound.bind(name)
        path.chmod(MODE)
    except BaseException:
        bound.close()
        raise
    return bound


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.setblocking(False)
        try:
            with short_name(path) as name:
                caller.connect(name)
        except BlockingIOError:
            return True  # it listens, and has its hands full
        except OSError:
            return False
        return True
