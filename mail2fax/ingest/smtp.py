"""The SMTP door: a mail comes in, lies durably on disk, and only then its sender hears 250.

The door knows the protocol and nothing of faxes: whether a mail may become one is judged by `accept`, within the
session, so that a sender who may not fax hears it from his own mail program. What cannot be judged or stored for a
reason of ours is answered with 4xx, and the client tries again: the same mail twice is one job.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog

from mail2fax.ingest.smtp_session import FAULT, STORAGE_FULL, SmtpSession, SmtpSettings
from mail2fax.model.mail import Accepted, Arrival, Door
from mail2fax.model.refusal import Refusal
from mail2fax.store.errors import StoreFull
from mail2fax.store.spool import Spool, SpoolFile

__all__ = ["Accept", "SmtpDoor", "SmtpSettings"]

log = structlog.get_logger(__name__)

TOO_MANY = b"421 4.7.0 Too many connections, please try again later\r\n"

Accept = Callable[[Arrival, SpoolFile], Awaitable[Accepted | Refusal]]
"""Judges an arrival. For a yes it keeps the file and commits the row; for a no it leaves the file alone."""

T = TypeVar("T")


class SmtpDoor:
    """Listens for SMTP clients, from `start` to `stop`, on the loop that runs `start`."""

    def __init__(
        self,
        settings: SmtpSettings,
        spool: Spool,
        accept: Accept,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._spool = spool
        self._accept = accept
        self._now = now
        self._server: asyncio.Server | None = None
        self._sessions: set[SmtpSession] = set()
        self._work: set[asyncio.Task[Any]] = set()
        self._closing = False

    @property
    def port(self) -> int:
        """The port we listen on; only known between `start` and `stop`."""
        if self._server is None:
            raise RuntimeError("the SMTP door is not open")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self) -> None:
        """Opens the door; raises `OSError` when the port cannot be had."""
        # At debug aiosmtpd logs each line of a mail, at info each command: contents of faxes, and a flood.
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._greet, self._settings.host, self._settings.port)
        log.info("smtp door open", host=self._settings.host, port=self.port)

    async def stop(self) -> None:
        """Closes the door: no new mail, and every mail that is being accepted gets its answer first."""
        if self._server is None:
            return
        self._closing = True
        self._server.close()
        await self._dismiss_all()
        # A commit is never cancelled: its job would stand in the database, or not, and nobody would know.
        while self._work:
            await asyncio.wait(tuple(self._work))
        await self._server.wait_closed()
        self._server = None

    async def _dismiss_all(self) -> None:
        serving = {session.running: session for session in self._sessions if session.running}
        for session in serving.values():
            session.dismiss()
        stuck = set(serving)
        if stuck:
            _, stuck = await asyncio.wait(stuck, timeout=self._settings.accept_s)
        for task in stuck:
            serving[task].abort()
        if stuck:
            await asyncio.wait(stuck)

    def _greet(self) -> asyncio.Protocol:
        if len(self._sessions) >= self._settings.max_connections:
            log.warning("smtp connection turned away, too many", limit=self._settings.max_connections)
            return _TurnedAway()
        session = SmtpSession(self._settings, self._spool, self)
        self._sessions.add(session)
        return session

    # What the sessions ask of us.

    @property
    def closing(self) -> bool:
        """True once the door closes: a session ends after its answer."""
        return self._closing

    def left(self, session: SmtpSession) -> None:
        """The connection of `session` is gone."""
        self._sessions.discard(session)

    def track(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Runs `work` to its end, whatever becomes of the session; `stop` waits for it."""
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    async def hand_over(self, mail_from: str, recipient: str, peer: str, header: bytes, file: SpoolFile) -> str:
        """Has a whole mail judged and committed; returns the reply, within `accept_s`.

        It goes on to its end even if the client leaves or the time is up: the client then sends the mail again
        and, by its source key, gets the job that stands.
        """
        arrival = Arrival(
            door=Door.SMTP,
            source_key=_source_key(mail_from, recipient, file.sha256),
            mail_from=mail_from,
            recipient=recipient.lower(),
            peer=peer,
            received_at=self._now(),
            size=file.size,
            header=header,
        )
        settling = self.track(self._settle(arrival, file))
        # aiosmtpd cancels the session when the client leaves. `wait` passes no cancellation on, `wait_for` would.
        await asyncio.wait({settling}, timeout=self._settings.accept_s)
        if settling.done():
            return settling.result()
        log.error("mail not accepted in time", peer=peer, seconds=self._settings.accept_s)
        return FAULT

    async def _settle(self, arrival: Arrival, file: SpoolFile) -> str:
        """Has the mail accepted and turns the verdict into a reply; owns the file from here on."""
        try:
            verdict = await self._accept(arrival, file)
        except StoreFull as error:
            log.warning("mail put off, disk is full", peer=arrival.peer, error=str(error))
            await _discard_unless_kept(file)
            return STORAGE_FULL
        except Exception:
            log.exception("mail not accepted, fault", peer=arrival.peer, recipient=arrival.recipient)
            await _discard_unless_kept(file)
            return FAULT
        if isinstance(verdict, Accepted):
            return f"250 2.0.0 queued as {verdict.job_id}"
        await file.discard()
        return verdict.smtp_reply


class _TurnedAway(asyncio.Protocol):
    """The answer to one connection too many (RFC 5321 4.3.2: 421 in place of the greeting)."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(TOO_MANY)
        transport.close()


def _source_key(mail_from: str, recipient: str, content_sha256: str) -> str:
    """One key per mail: the same envelope and the same bytes, sent again, have the same key."""
    told_apart = "\0".join((mail_from, recipient.lower(), content_sha256))
    return "smtp:" + hashlib.sha256(told_apart.encode("ascii")).hexdigest()


async def _discard_unless_kept(file: SpoolFile) -> None:
    """Deletes the mail after a fault, unless a row may point at it: a commit can fail and yet have happened.

    The client sends the mail again, and the sweep at the next start knows whether this copy has a row.
    """
    if not file.kept:
        await file.discard()
