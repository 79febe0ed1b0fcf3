"""One SMTP session: aiosmtpd's, with what it lacks for a door that must lose nothing and hold out.

DATA is our own: streamed to disk in chunks, with bounded memory, lines of any length, and limits on size, pace and
whole time. A fault of ours is always a 4xx that tells nothing of our insides. BDAT (CHUNKING) is not offered.

The private names of aiosmtpd that are used here are held by a contract test.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import structlog
from aiosmtpd.smtp import MISSING, SMTP, Envelope, Session

from mail2fax.ingest.smtp_data import MailData
from mail2fax.store.errors import StoreError, StoreFull
from mail2fax.store.spool import Spool, SpoolFile

log = structlog.get_logger(__name__)

FAULT = "451 4.3.0 Local error, please try again later"
STORAGE_FULL = "452 4.3.1 Not enough storage, please try again later"
CLOSING = "421 4.3.2 Service is closing, please try again later"
IDLE = "421 4.4.2 Waited too long for a command"
TOO_SLOW = "421 4.4.2 Waited too long for the mail"
NOT_OURS = "550 5.1.1 No fax address of this gateway"
ONE_RECIPIENT = "452 4.5.3 One recipient per mail"

READER_BYTES = 64 * 1024
READ_BYTES = 1024 * 1024
FAREWELL_S = 5.0

# RFC 4954 5 allows 500 octets more for AUTH=, RFC 3461 5 allows 500 for ORCPT=: one limit for all commands.
COMMAND_BYTES = 2048

# RFC 4954 5: a relay that has authenticated sends AUTH= with every mail; RFC 3461 4: wishes for delivery reports.
# We advertise neither, but relays send them nevertheless, and aiosmtpd would bounce such mails with 555.
TOLERATED_PARAMETERS = frozenset({"AUTH", "RET", "ENVID", "NOTIFY", "ORCPT"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """How the SMTP door behaves. Sizes are in bytes, times (`_s`) in seconds.

    `recipients` are the fax addresses; an entry without an @ is a domain, and stands for all its addresses.
    `hostname` is our name in the greeting. `port` 0 takes a free one.
    """

    recipients: tuple[str, ...]
    hostname: str
    host: str = "127.0.0.1"
    port: int = 0
    max_bytes: int = 30_000_000
    min_free_bytes: int = 200_000_000
    max_connections: int = 100
    max_same_commands: int = 1000
    """How often one session may use one command before it is closed with 421: a client that never ends is none."""
    idle_s: float = 300.0
    """RFC 5321 4.5.3.2.7: at least five minutes for the next command."""
    chunk_s: float = 180.0
    whole_mail_s: float = 3600.0
    accept_s: float = 60.0
    """RFC 1047: a client that waits too long for the 250 sends the mail again."""

    def takes(self, address: str) -> bool:
        """True when `address` is one of the fax addresses, in whatever case it is written."""
        local, _, domain = address.lower().rpartition("@")
        ours = {recipient.lower() for recipient in self.recipients}
        return bool(local) and (f"{local}@{domain}" in ours or domain in ours)


class Desk(Protocol):
    """What a session asks of the door behind it."""

    @property
    def closing(self) -> bool: ...
    def track(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Runs `work` to its end, whatever becomes of the session."""
        ...

    async def hand_over(self, mail_from: str, recipient: str, peer: str, header: bytes, file: SpoolFile) -> str:
        """Takes a whole mail and its file; returns the SMTP reply."""
        ...

    def left(self, session: "SmtpSession") -> None:
        """The connection of `session` is gone."""


class EnvelopeRules:
    """Which MAIL and RCPT are taken: aiosmtpd's handler, with its names."""

    def __init__(self, settings: SmtpSettings, spool: Spool) -> None:
        self._settings = settings
        self._spool = spool

    async def handle_MAIL(
        self, _server: SMTP, session: Session, _envelope: Envelope, _address: str, options: list[str]
    ) -> Any:
        """452 at the first word when the disk could not hold the mail (RFC 1870 6.1)."""
        free = await self._spool.free_bytes()
        if free >= self._settings.min_free_bytes + _announced_size(options):
            return MISSING
        log.warning("mail put off, disk is low", peer=_address_of(session), free_mb=free // 1_000_000)
        return STORAGE_FULL

    async def handle_RCPT(
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> Any:
        """Only fax addresses, so this is no relay; and one a mail, for one mail is one fax and one answer."""
        if not self._settings.takes(address):
            log.info("recipient refused", peer=_address_of(session), recipient=address)
            return NOT_OURS
        # RFC 5321 4.5.3.1.10: after 452 the client sends the mail again for the recipients that are left.
        return ONE_RECIPIENT if envelope.rcpt_tos else MISSING


class SmtpSession(SMTP):
    """One connection of one client."""

    # Of the stream reader. aiosmtpd's 1001 makes the transport pause every 2 KB, and bounds the lines of its own DATA.
    line_length_limit = READER_BYTES

    def __init__(self, settings: SmtpSettings, spool: Spool, desk: Desk) -> None:
        super().__init__(
            EnvelopeRules(settings, spool),
            data_size_limit=settings.max_bytes,
            enable_SMTPUTF8=False,
            # Without a name aiosmtpd asks the DNS for it, in the loop, for each connection.
            hostname=settings.hostname,
            ident="ESMTP mail2fax",
            timeout=settings.idle_s,
            command_call_limit=settings.max_same_commands,
            loop=asyncio.get_running_loop(),
        )
        # aiosmtpd's is one table for the whole process, which every new connection clears.
        self.command_size_limits = defaultdict(lambda: COMMAND_BYTES)
        self._settings = settings
        self._spool = spool
        self._desk = desk
        self._handing_over = False

    @property
    def running(self) -> asyncio.Task[None] | None:
        """The task that serves the client; None before the connection stands."""
        return self._handler_coroutine

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self._desk.closing:
            self.dismiss()

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._desk.left(self)

    def dismiss(self) -> None:
        """Ends the session because the door closes; one that is handing a mail over first gets its answer."""
        if not self._handing_over:
            self._hang_up(CLOSING)

    def abort(self) -> None:
        """Cuts the connection."""
        self._writer.transport.abort()

    async def handle_exception(self, error: Exception) -> str:
        """A fault of ours is temporary for the client, and its text is for our log only."""
        self._log_fault(error)
        # Else the next MAIL would be a "nested MAIL command".
        self.envelope = self._create_envelope()
        return FAULT

    async def smtp_DATA(self, arg: str | None) -> None:
        if await self.check_helo_needed() or await self.check_auth_needed("DATA"):
            return
        if arg:
            await self.push("501 Syntax: DATA")
            return
        if self.envelope is None or not self.envelope.rcpt_tos:
            await self.push("503 Error: need RCPT command")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        # aiosmtpd's own timer is set anew by commands only, and would cut a slow mail in two.
        self._reset_timeout(self._settings.whole_mail_s + 2 * self._settings.accept_s)
        data = MailData(self._settings.max_bytes)
        reply = await self._take(data, self.envelope)
        self.envelope = self._create_envelope()
        self._reset_timeout()
        if self._desk.closing or not data.ended:
            await self._leave(reply)
        else:
            await self.push(reply)

    async def _take(self, data: MailData, envelope: Envelope) -> str:
        """Takes one mail, from the first byte to the commit; returns the reply."""
        try:
            return await self._take_or_raise(data, envelope)
        except TimeoutError:
            log.info("mail cut off, client is too slow", peer=self._peer, bytes=data.size)
            return TOO_SLOW
        except Exception as error:  # noqa: BLE001 - were it to escape, the rest of the mail would be read as commands
            self._log_fault(error)
            return FAULT

    async def _take_or_raise(self, data: MailData, envelope: Envelope) -> str:
        file = self._spool.create()
        trouble: str | None = FAULT
        try:
            trouble = await self._receive(data, file)
        finally:
            if trouble:
                # As a task of the door: this one may just have been cancelled, because the client has gone.
                self._desk.track(file.discard())
        if trouble:
            return trouble
        self._handing_over = True
        try:
            mail_from = "" if envelope.mail_from in (None, "<>") else envelope.mail_from
            return await self._desk.hand_over(mail_from, envelope.rcpt_tos[0], self._peer, data.header, file)
        finally:
            self._handing_over = False

    async def _receive(self, data: MailData, file: SpoolFile) -> str | None:
        """Streams the mail to disk, up to its final dot; returns the reply when it cannot be taken.

        A mail that cannot be taken is read to its end nevertheless: few clients listen before they have said all.
        """
        trouble: str | None = None
        deadline = self.loop.time() + self._settings.whole_mail_s
        while not data.ended and not data.endless:
            content = data.receive(await self._read(deadline))
            # The client's next commands, given back at once: `_read` has emptied the reader, so they keep their place
            # only until something is awaited.
            self._reader.feed_data(data.rest)
            trouble = trouble or data.trouble or await self._store(file, content)
        return trouble

    async def _read(self, deadline: float) -> bytes:
        """All that has come, at least a byte: READ_BYTES is more than the reader ever holds."""
        async with asyncio.timeout_at(min(deadline, self.loop.time() + self._settings.chunk_s)):
            chunk = await self._reader.read(READ_BYTES)
        if not chunk:
            raise EOFError("the client closed the connection within a mail")
        return chunk

    async def _store(self, file: SpoolFile, content: bytes) -> str | None:
        try:
            await file.write(content)
        except StoreFull:
            log.warning("mail put off, disk is full", peer=self._peer, bytes=file.size)
            return STORAGE_FULL
        except StoreError as error:
            self._log_fault(error)
            return FAULT
        return None

    async def _leave(self, reply: str) -> None:
        """Ends the session from within: what is still unread may be half a mail, and is not read as commands."""
        self._hang_up(reply)
        if self._handler_coroutine is not None:
            self._handler_coroutine.cancel()
        await asyncio.sleep(0)

    def _hang_up(self, reply: str) -> None:
        """Says why, and closes; a client that does not read what we say is cut off."""
        self._writer.write(reply.encode("ascii") + b"\r\n")
        self._writer.close()
        self.loop.call_later(FAREWELL_S, self._writer.transport.abort)

    def _timeout_cb(self) -> None:
        self._hang_up(IDLE)

    def _getparams(self, params: Sequence[str]) -> dict[str, str | bool] | None:
        return super()._getparams([param for param in params if param.partition("=")[0] not in TOLERATED_PARAMETERS])

    def _log_fault(self, error: Exception) -> None:
        log.error("smtp session fault", peer=self._peer, exc_info=error)

    @property
    def _peer(self) -> str:
        return _address_of(self.session)


def _announced_size(options: Sequence[str]) -> int:
    """The SIZE= of MAIL in bytes (RFC 1870), 0 without one; aiosmtpd has checked that it is a number."""
    sizes = [option.partition("=")[2] for option in options if option.startswith("SIZE=")]
    return int(sizes[0]) if sizes else 0


def _address_of(session: Session | None) -> str:
    """The client's network address, without its port."""
    peer: Any = session.peer if session else None
    return str(peer[0]) if peer else "unknown"
