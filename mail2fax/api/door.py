"""The API's door: uvicorn inside our own loop, from `start` to `stop`. Signals are the daemon's, not its."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Coroutine, Generator, Mapping
from typing import Any, TypeVar

import structlog
import uvicorn

from mail2fax.api.app import make_app
from mail2fax.api.documents import Documents
from mail2fax.api.fax import FaxDesk, FaxSettings
from mail2fax.api.files import FileStore, Quota
from mail2fax.api.guard import Guard
from mail2fax.api.past import PastDesk
from mail2fax.api.patience import patient
from mail2fax.api.settings import DoorSettings

log = structlog.get_logger(__name__)

FAREWELL_S = 5
"""How long answers under way may take when we stop; who waits for a fax has been told how far it is by then."""
DEED_LIMIT_S = 20.0
"""How long what was ordered may go on then: longer than a call takes to be hung up, heard out and judged."""
MAX_HEAD_BYTES = 16 * 1024

T = TypeVar("T")


class ApiDoor:
    """Listens for HTTP clients."""

    def __init__(
        self,
        settings: DoorSettings,
        guard: Guard,
        files: FileStore,
        faxes: FaxDesk,
        past: PastDesk,
        documents: Documents,
    ) -> None:
        self._settings = settings
        self._guard = guard
        self._files = files
        self._faxes = faxes
        self._app = make_app(guard, files, faxes, past, documents, self, settings.patience, settings.public)
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._work: set[asyncio.Task[Any]] = set()
        self.closing = False

    async def start(self) -> int:
        """Opens the door and returns its port; raises `OSError` when that cannot be had."""
        # What it tells of clients we tell ourselves. At error it has the traceback of what went wrong inside, which it
        # alone hears of when an answer has begun; never a URL, for that has the token in it.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        # What is wrong with a form its client hears.
        logging.getLogger("python_multipart").setLevel(logging.ERROR)
        listening = _bound(self._settings.host, self._settings.port)
        self._server = _Server(self._config())
        self._serving = asyncio.create_task(self._server.serve([listening]))
        # uvicorn tells nobody when it listens; it does so within its first steps.
        while not self._server.started and not self._serving.done():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        if self._serving.done():
            self._serving.result()
        port = int(listening.getsockname()[1])
        log.info("api door open", host=self._settings.host, port=port, tls=self._settings.tls is not None)
        return port

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self._server.server_state.connections) if self._server else 0

    def adopt(self, settings: FaxSettings, quotas: Mapping[str, Quota]) -> None:
        """Goes by these from now on; the door itself stays as it is."""
        self._files.adopt(quotas)
        self._guard.adopt(settings.tenants)
        self._faxes.adopt(settings)

    async def stop(self) -> None:
        """Closes the door: who waits for a fax is told how far it is, and what was ordered is done to its end."""
        if self._server is None or self._serving is None:
            return
        server, self._server = self._server, None
        self.closing = True
        server.should_exit = True
        await asyncio.wait({self._serving}, timeout=2 * FAREWELL_S)
        for connection in tuple(server.server_state.connections):
            connection.transport.abort()
        self._serving.cancel()
        if self._work:
            await asyncio.wait(tuple(self._work), timeout=DEED_LIMIT_S)
        await asyncio.gather(self._serving, return_exceptions=True)
        self._files.close()

    def track(self, work: Coroutine[Any, Any, T]) -> "asyncio.Future[T]":
        """Runs `work` to its end, whatever becomes of the connection; `stop` waits for it."""
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._done)
        return asyncio.shield(task)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._work.discard(task)
        if not task.cancelled() and task.exception() and self.closing:
            log.warning("api order not carried out", error=str(task.exception()))

    def _config(self) -> uvicorn.Config:
        settings, tls = self._settings, self._settings.tls
        limited = patient(settings.patience.stall_s, settings.max_connections, settings.max_connections_per_address)
        return uvicorn.Config(
            self._app,
            http=limited,
            ws="none",
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(settings.proxies),
            forwarded_allow_ips=list(settings.proxies),
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
            timeout_graceful_shutdown=FAREWELL_S,
            headers=[
                ("Cache-Control", "no-store"),
                ("Referrer-Policy", "no-referrer"),
                ("X-Content-Type-Options", "nosniff"),
            ],
            ssl_context_factory=(lambda _, __: tls) if tls else None,
        )


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leaves SIGTERM and SIGINT to the daemon, who stops us in its own order."""
        yield


def _bound(host: str, port: int) -> socket.socket:
    """A socket that listens there; raises `OSError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setblocking(False)
        listening.bind((host, port))
        listening.listen(100)
    except BaseException:
        listening.close()
        raise
    return listening
