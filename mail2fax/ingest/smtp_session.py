"""One SMTP session: aiosmtpd's, with what it lacks for a door that must lose nothing and hold out.

DATA is our own: streamed to disk in chunks, with bounded memory, lines of any length, and limits on size, pace and
whole time. A fault of ours is always a 4xx that tells nothing of our insides. BDAT (CHUNKING) is not offered.

The private names of aiosmtpd that are used here are held by a contract test.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import structlog
from aiosmtpd.smtp import MISSING, Envelope, Session

from mail2fax.crashpoint import CrashPoint, reached
from mail2fax.ingest.smtp_data import MailData
from mail2fax.ingest.smtp_doorstep import Client
from mail2fax.ingest.smtp_login import Logins
from mail2fax.ingest.smtp_secure import FAULT, SecureSmtp
from mail2fax.ingest.smtp_settings import SmtpSettings
from mail2fax.mail.fax_address import read_fax_address
from mail2fax.mail.problem import Problem
from mail2fax.model.mail import Proof
from mail2fax.store.errors import StoreError, StoreFull
from mail2fax.store.spool import Spool, SpoolFile

log = structlog.get_logger(__name__)

STORAGE_FULL = "452 4.3.1 Not enough storage, please try again later"
CLOSING = "421 4.3.2 Service is closing, please try again later"
IDLE = "421 4.4.2 Waited too long for a command"
TOO_SLOW = "421 4.4.2 Waited too long for the mail"
NOT_OURS = "550 5.1.1 No fax address of this gateway"
NO_NUMBER = "550 5.1.3 This fax address is not understood: "
TOO_MANY_REFUSED = "450 4.7.1 Too many mails from your address were refused, please try again later"
ONE_RECIPIENT = "452 4.5.3 One recipient per mail"

READER_BYTES = 64 * 1024
READ_BYTES = 1024 * 1024

# RFC 4954 5 allows 500 octets more for AUTH=, RFC 3461 5 allows 500 for ORCPT=: one limit for all commands.
COMMAND_BYTES = 2048

# RFC 4954 5: a relay that has authenticated sends AUTH= with every mail; RFC 3461 4: wishes for delivery reports.
# We advertise neither, but relays send them nevertheless, and aiosmtpd would bounce such mails with 555.
TOLERATED_PARAMETERS = frozenset({"AUTH", "RET", "ENVID", "NOTIFY", "ORCPT"})

# A path as all clients write it (RFC 5321 4.1.2: dot-string and domain), and what follows it.
_PLAIN_PATH = re.compile(
    r"<((?=[^@]{1,64}@)[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)>(.*)",
    re.ASCII,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Letter:
    """What a session knows of a whole mail beside its bytes."""

    mail_from: str
    recipient: str
    peer: str
    proofs: tuple[Proof, ...]
    header: bytes


class Desk(Protocol):
    """What a session asks of the door behind it."""

    @property
    def closing(self) -> bool: ...
    def track(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Runs `work` to its end, whatever becomes of the session."""
        ...

    def is_tired_of(self, address: str) -> bool:
        """Whether a client there that has shown nothing is not listened to for now."""
        ...

    async def hand_over(self, letter: Letter, file: SpoolFile) -> str:
        """Takes a whole mail and its file; returns the SMTP reply."""
        ...

    def entered(self, session: "SmtpSession") -> None:
        """The connection of `session` stands; told once more after STARTTLS."""

    def left(self, session: "SmtpSession") -> None:
        """The connection of `session` is gone."""


class EnvelopeRules:
    """Which MAIL and RCPT are taken: aiosmtpd's handler, with its names."""

    def __init__(self, settings: SmtpSettings, spool: Spool) -> None:
        self._settings = settings
        self._spool = spool

    def __dir__(self) -> Iterable[str]:
        return HOOKS  # as of the session

    async def handle_MAIL(
        self, server: "SmtpSession", session: Session, _envelope: Envelope, _address: str, options: list[str]
    ) -> Any:
        """Only from who has shown something of himself; 452 when the disk could not hold the mail (RFC 1870 6.1)."""
        unproven = server.why_unproven
        if unproven:
            log.info("mail refused, nothing proves a sender", peer=server.peer)
            return unproven
        if not server.proofs and server.desk.is_tired_of(server.peer):
            log.info("mail put off, too many were refused", peer=server.peer)
            return TOO_MANY_REFUSED
        free = await self._spool.free_bytes()
        if free >= self._settings.min_free_bytes + _announced_size(options):
            return MISSING
        log.warning("mail put off, disk is low", peer=server.peer, free_mb=free // 1_000_000)
        return STORAGE_FULL

    async def handle_RCPT(
        self, server: "SmtpSession", _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> Any:
        """Only fax addresses, so this is no relay; and one a mail, for one mail is one fax and one answer."""
        if not self._settings.takes(address):
            log.info("recipient refused", peer=server.peer, recipient=address)
            return NOT_OURS
        number = read_fax_address(address)
        if isinstance(number, Problem):
            log.info("recipient refused", peer=server.peer, recipient=address, reason=number.words)
            return NO_NUMBER + number.words
        # RFC 5321 4.5.3.1.10: after 452 the client sends the mail again for the recipients that are left.
        return ONE_RECIPIENT if envelope.rcpt_tos else MISSING


class SmtpSession(SecureSmtp):
    """One connection of one client."""

    # Of the stream reader. aiosmtpd's 1001 makes the transport pause every 2 KB, and bounds the lines of its own DATA.
    line_length_limit = READER_BYTES

    def __init__(self, settings: SmtpSettings, client: Client, logins: Logins, spool: Spool, desk: Desk) -> None:
        super().__init__(
            EnvelopeRules(settings, spool),
            settings,
            client,
            logins,
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
        self._spool = spool
        self.desk = desk
        self._handing_over = False

    def __dir__(self) -> Iterable[str]:
        # aiosmtpd evaluates every attribute of every new session, to find its commands and ways to log in: that was
        # a tenth of what a mail costs. The commands are methods of the class; the ways to log in are our own.
        return COMMANDS

    @property
    def running(self) -> asyncio.Task[None] | None:
        """The task that serves the client; None before the connection stands."""
        return self._handler_coroutine

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.desk.entered(self)
        if self.desk.closing:
            self.dismiss()

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._client.place.free()
        self.desk.left(self)

    def dismiss(self) -> None:
        """Ends the session because the door closes; one that is handing a mail over first gets its answer."""
        if not self._handing_over:
            self._hang_up(CLOSING)

    def abort(self) -> None:
        """Cuts the connection, and ends a session that does not notice: a handshake that is cut off tells nobody."""
        self._writer.transport.abort()
        if self.running:
            self.running.cancel()

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
        reached(CrashPoint.ANSWER_DUE)
        if self.desk.closing or not data.ended:
            await self._leave(reply)
        else:
            await self.push(reply)
        reached(CrashPoint.ANSWER_GIVEN)

    async def _take(self, data: MailData, envelope: Envelope) -> str:
        """Takes one mail, from the first byte to the commit; returns the reply."""
        try:
            return await self._take_or_raise(data, envelope)
        except TimeoutError:
            log.info("mail cut off, client is too slow", peer=self.peer, bytes=data.size)
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
                self.desk.track(file.discard())
        if trouble:
            return trouble
        self._handing_over = True
        try:
            mail_from = "" if envelope.mail_from in (None, "<>") else envelope.mail_from
            letter = Letter(mail_from, envelope.rcpt_tos[0], self.peer, self.proofs, data.header)
            return await self.desk.hand_over(letter, file)
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
            log.warning("mail put off, disk is full", peer=self.peer, bytes=file.size)
            return STORAGE_FULL
        except StoreError as error:
            self._log_fault(error)
            return FAULT
        return None

    def _timeout_cb(self) -> None:
        self._hang_up(IDLE)

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        # aiosmtpd takes paths apart by the grammar of header fields, and makes a class each time: it does so for what
        # is not plain.
        plain = _PLAIN_PATH.fullmatch(arg)
        return (plain[1], plain[2]) if plain else super()._getaddr(arg)

    def _getparams(self, params: Sequence[str]) -> dict[str, str | bool] | None:
        return super()._getparams([param for param in params if param.partition("=")[0] not in TOLERATED_PARAMETERS])

    def _log_fault(self, error: Exception) -> None:
        log.error("smtp session fault", peer=self.peer, exc_info=error)

    @property
    def peer(self) -> str:
        """The client's network address: behind a proxy that of the client, not the proxy's."""
        return self._client.address


def _announced_size(options: Sequence[str]) -> int:
    """The SIZE= of MAIL in bytes (RFC 1870), 0 without one; aiosmtpd has checked that it is a number."""
    sizes = [option.partition("=")[2] for option in options if option.startswith("SIZE=")]
    return int(sizes[0]) if sizes else 0


HOOKS = tuple(name for name in dir(EnvelopeRules) if name.startswith("handle_"))
"""The methods that aiosmtpd calls by its names for them."""
COMMANDS = tuple(name for name in dir(SmtpSession) if name.startswith("smtp_"))
"""The methods that are SMTP commands."""
