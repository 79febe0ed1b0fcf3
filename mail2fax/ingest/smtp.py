"""The SMTP door: a mail comes in, lies durably on disk, and only then its sender hears 250.

The door knows the protocol and nothing of faxes: whether a mail may become one is judged by `accept`, within the
session, so that a sender who may not fax hears it from his own mail program. What cannot be judged or stored for a
reason of ours is answered with 4xx, and the client tries again: the same mail twice is one job.
"""

import asyncio
import hashlib
import logging
import time
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog

from mail2fax.admission.undecided import Undecided
from mail2fax.ingest.places import Places
from mail2fax.ingest.smtp_doorstep import Client, Doorstep
from mail2fax.ingest.smtp_login import Logins
from mail2fax.ingest.smtp_secure import FAREWELL_S, FAULT
from mail2fax.ingest.smtp_session import STORAGE_FULL, Letter, SmtpSession
from mail2fax.ingest.smtp_settings import Encryption, Listener, SmtpSettings
from mail2fax.model.mail import Accepted, Arrival, Door
from mail2fax.model.origin import Failures
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.store.errors import StoreFull
from mail2fax.store.spool import Spool, SpoolFile

__all__ = ["Accept", "CannotListen", "Encryption", "Listener", "SmtpDoor", "SmtpSettings"]

log = structlog.get_logger(__name__)

Accept = Callable[[Arrival, SpoolFile], Awaitable[Accepted | Refusal]]
"""Judges an arrival. For a yes it keeps the file and commits the row; for a no it leaves the file alone."""

# RFC 3463 3.5: X.4.3, directory server failure.
# Of a client that shows nothing, which senders may fax is nobody's business: the log tells the two apart.
NOT_SHOWN = "550 5.7.1 This sender may not send faxes here, or nothing shows that the mail is from him"
UNDECIDED = "451 4.4.3 The sender cannot be verified now, please try again later"

_OF_SENDERS = frozenset({RefusalCode.SENDER_NOT_ALLOWED, RefusalCode.SENDER_NOT_PROVEN})

T = TypeVar("T")


class CannotListen(Exception):
    """The port of `listener` cannot be had; the cause is the system's error."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(f"cannot listen at {listener.host}:{listener.port}")
        self.listener = listener


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
        self._servers: list[asyncio.Server] = []
        self._places = Places()
        self._doorsteps: weakref.WeakSet[Doorstep] = weakref.WeakSet()
        self._logins = Logins(time.monotonic)
        self._refusals = Failures()
        self._sessions: set[SmtpSession] = set()
        self._work: set[asyncio.Task[Any]] = set()
        self._closing = False

    @property
    def port(self) -> int:
        """The port of the first listener; only known between `start` and `stop`."""
        return self.ports[0]

    @property
    def ports(self) -> tuple[int, ...]:
        """The port of each listener; only known between `start` and `stop`."""
        if not self._servers:
            raise RuntimeError("the SMTP door is not open")
        return tuple(server.sockets[0].getsockname()[1] for server in self._servers)

    async def start(self) -> None:
        """Opens the door; raises `CannotListen` when a port cannot be had, and then none is open."""
        # aiosmtpd logs each line of a mail at debug, each command at info, and as a warning the first word of each that
        # it does not know: contents of faxes, and the password of who says it unasked.
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        try:
            for listener in self._settings.listeners:
                self._servers.append(await self._listen(listener))
        except CannotListen:
            await self._close_servers()
            raise
        for listener, port in zip(self._settings.listeners, self.ports, strict=True):
            log.info("smtp door open", host=listener.host, port=port, security=listener.encryption.value)

    def adopt(self, settings: SmtpSettings) -> None:
        """Serves whoever comes from now on by these settings; where we listen stays as it is."""
        self._settings = settings

    async def stop(self) -> None:
        """Closes the door: no new mail, and every mail that is being accepted gets its answer first."""
        if not self._servers:
            return
        self._closing = True
        for server in self._servers:
            server.close()
        for doorstep in tuple(self._doorsteps):
            doorstep.abort()
        await self._dismiss_all()
        # A commit is never cancelled: its job would stand in the database, or not, and nobody would know.
        while self._work:
            await asyncio.wait(tuple(self._work))
        await self._close_servers()
        self._logins.close()

    async def _close_servers(self) -> None:
        for server in self._servers:
            server.close()
            await server.wait_closed()
        self._servers.clear()

    async def _listen(self, listener: Listener) -> asyncio.Server:
        def greet() -> asyncio.Protocol:
            doorstep = Doorstep(listener, self._settings, self._places, self._admit)
            self._doorsteps.add(doorstep)
            return doorstep

        try:
            return await asyncio.get_running_loop().create_server(greet, listener.host, listener.port)
        except OSError as error:
            raise CannotListen(listener) from error

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
            await asyncio.wait(stuck, timeout=FAREWELL_S)

    def _admit(self, client: Client) -> SmtpSession:
        return SmtpSession(self._settings, client, self._logins, self._spool, self)

    # What the sessions ask of us.

    @property
    def closing(self) -> bool:
        """True once the door closes: a session ends after its answer."""
        return self._closing

    def entered(self, session: SmtpSession) -> None:
        """The connection of `session` stands."""
        self._sessions.add(session)

    def left(self, session: SmtpSession) -> None:
        """The connection of `session` is gone."""
        self._sessions.discard(session)

    def is_tired_of(self, address: str) -> bool:
        """Whether too many mails have come from `address` that nothing showed to be from a sender of ours."""
        most = self._settings.max_unproven_mails_per_address
        return self._refusals.count(address, time.monotonic()) >= most

    def track(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Runs `work` to its end, whatever becomes of the session; `stop` waits for it."""
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    async def hand_over(self, letter: Letter, file: SpoolFile) -> str:
        """Has a whole mail judged and committed; returns the reply, within `accept_s`.

        It goes on to its end even if the client leaves or the time is up: the client then sends the mail again
        and, by its source key, gets the job that stands.
        """
        arrival = Arrival(
            door=Door.SMTP,
            source_key=_source_key(letter.mail_from, letter.recipient, file.sha256),
            mail_from=letter.mail_from,
            recipient=letter.recipient.lower(),
            peer=letter.peer,
            received_at=self._now(),
            size=file.size,
            header=letter.header,
            proofs=letter.proofs,
            counts=self._settings.counts(letter.proofs),
        )
        settling = self.track(self._settle(arrival, file))
        # aiosmtpd cancels the session when the client leaves. `wait` passes no cancellation on, `wait_for` would.
        await asyncio.wait({settling}, timeout=self._settings.accept_s)
        if settling.done():
            return settling.result()
        log.error("mail not accepted in time", peer=letter.peer, seconds=self._settings.accept_s)
        return FAULT

    async def _settle(self, arrival: Arrival, file: SpoolFile) -> str:
        """Has the mail accepted and turns the verdict into a reply; owns the file from here on."""
        try:
            verdict = await self._accept(arrival, file)
        except StoreFull as error:
            log.warning("mail put off, disk is full", peer=arrival.peer, error=str(error))
            await _discard_unless_kept(file)
            return STORAGE_FULL
        except Undecided as error:
            log.warning("mail put off, its signature cannot be verified now", peer=arrival.peer, error=str(error))
            await file.discard()
            return UNDECIDED
        except Exception:
            log.exception("mail not accepted, fault", peer=arrival.peer, recipient=arrival.recipient)
            await _discard_unless_kept(file)
            return FAULT
        if isinstance(verdict, Accepted):
            # A client that lost our 250 repeats the mail: for it this is the same yes.
            became = "duplicate of job" if verdict.known else "queued as"
            return f"250 2.0.0 {became} {verdict.job_id}"
        await file.discard()
        if arrival.proofs or verdict.code not in _OF_SENDERS:
            return verdict.smtp_reply
        self._refusals.add(arrival.peer, time.monotonic())
        return NOT_SHOWN


def _source_key(mail_from: str, recipient: str, content_sha256: str) -> str:
    """One key per mail: the same envelope and the same bytes, sent again, have the same key."""
    told_apart = "\0".join((mail_from, recipient.lower(), content_sha256))
    return "smtp:" + hashlib.sha256(told_apart.encode("ascii")).hexdigest()


async def _discard_unless_kept(file: SpoolFile) -> None:
    """Deletes the mail after a fault, unless a row may point at it: a commit can fail and yet have happened.

    The client sends the mail again, and whoever made the row, or the sweep at the next start, sees to this copy.
    """
    if not file.kept:
        await file.discard()
