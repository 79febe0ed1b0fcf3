"""One connection to an IMAP server: aioimaplib's protocol, with what it lacks for a connection that must not hang.

aioimaplib tells nobody when the connection is lost, or when the greeting is a refusal: whoever waits would wait until
his time is up. Here a lost connection ends every wait at once, and each command has its time.
"""

import asyncio
import base64
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from aioimaplib.aioimaplib import AioImapException, Command, IMAP4ClientProtocol, Response

from mail2fax.ingest.imap_names import quoted
from mail2fax.ingest.mailbox import LoginRefused, MailboxSettings, MailboxTrouble, one_line
from mail2fax.ingest.mailbox_login import token_of, token_refused, xoauth2
from mail2fax.ingest.mailbox_tls import client_context
from mail2fax.oauth.source import TokenSource

LEAVE_S = 3.0
"""How long taking leave may take."""

# RFC 5530 3: what is said so is no fault of user or password.
_PASSING = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "[CONTACTADMIN]")

# Half-open connections: the kernel asks after a minute of silence, and gives up a minute later.
_KEEP_ALIVE = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 15), (socket.TCP_KEEPCNT, 4))


class _Protocol(IMAP4ClientProtocol):  # type: ignore[misc] # it has no types
    """aioimaplib's protocol; `lost` is done when the connection is, `news` is set when a mail has come."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(loop)
        self.greeting: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()
        self.news = asyncio.Event()
        self.initial_response = ""
        self.last_word, self.challenge = "*", ""

    async def welcome(self, command: bytes) -> None:
        """Its own raises where nobody hears it."""
        if not command.startswith((b"* OK", b"* PREAUTH")):
            self.greeting.set_exception(MailboxTrouble(one_line(f"greeted with {command.decode('utf-8', 'replace')}")))
            return
        try:
            await super().welcome(command)
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            if not self.greeting.done():
                self.greeting.set_exception(MailboxTrouble(f"greeting not understood: {error!r}"))
        else:
            if not self.greeting.done():
                self.greeting.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if not self.lost.done():
            self.lost.set_result(None)

    def _untagged_response(self, line: bytes) -> Any:
        if line.endswith(b" EXISTS"):
            self.news.set()
        return super()._untagged_response(line)

    def _continuation(self, line: bytes) -> None:
        if self.pending_sync_command is not None and self.pending_sync_command.name == "AUTHENTICATE":
            # RFC 3501 6.2.2: whatever is asked after our one answer has no other than "cancel", or, where the server
            # says with its question what is wrong with a token, nothing.
            if not self.initial_response:
                self.challenge = line.decode("ascii", "replace").removeprefix("+").strip()
            self.transport.write((self.initial_response or self.last_word).encode() + b"\r\n")
            self.initial_response = ""
            return
        super()._continuation(line)


class ImapConnection:
    """A connection that is logged in."""

    def __init__(self, protocol: _Protocol, command_s: float) -> None:
        self.protocol = protocol
        self._command_s = command_s

    @property
    def news(self) -> asyncio.Event:
        """Set when the server has said that there are more mails; to be cleared before one looks."""
        return self.protocol.news

    def can(self, capability: str) -> bool:
        return capability in self.protocol.capabilities

    @property
    def patience_s(self) -> float:
        """How long the server may be silent within an answer."""
        return self._command_s

    async def do(self, command: Coroutine[Any, Any, Response], limit_s: float | None = None) -> Response:
        """The answer to a command, within `limit_s`.

        Whatever goes wrong is `MailboxTrouble`, and then the connection is of no more use.
        """
        doing, limit_s = asyncio.ensure_future(command), limit_s or self._command_s
        try:
            await asyncio.wait({doing, self.protocol.lost}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not doing.done():
                doing.cancel()
        if not doing.done() or doing.cancelled():
            await asyncio.gather(doing, return_exceptions=True)
            raise MailboxTrouble(
                "the connection was cut" if self.protocol.lost.done() else f"no answer within {limit_s:.0f} s"
            )
        try:
            return doing.result()
        except (AioImapException, ValueError, UnicodeError, OSError) as error:
            raise MailboxTrouble(one_line(f"{type(error).__name__}: {error}")) from error

    async def sleep(self, seconds: float) -> None:
        """Waits, unless the connection is lost meanwhile."""
        await asyncio.wait({self.protocol.lost}, timeout=seconds)
        if self.protocol.lost.done():
            raise MailboxTrouble("the connection was cut")

    async def idle(self, seconds: float) -> bool:
        """RFC 2177: waits at most so long for news; says whether the server has played along."""
        idling = asyncio.ensure_future(self.protocol.idle())
        heard = asyncio.ensure_future(self.news.wait())
        try:
            waits = {idling, heard, self.protocol.lost}
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if idling.done() and not self.protocol.lost.done():
                return _played_along(idling)
            if not self.protocol.lost.done():
                self.protocol.idle_done()
            await self.do(_result(idling))
        finally:
            heard.cancel()
            idling.cancel()
            await asyncio.gather(heard, idling, return_exceptions=True)
        while not self.protocol.idle_queue.empty():
            self.protocol.idle_queue.get_nowait()
        return True


async def _result(task: asyncio.Future[Response]) -> Response:
    return await asyncio.shield(task)


def _played_along(idling: asyncio.Future[Response]) -> bool:
    """An IDLE that has ended without our DONE: refused, or ended by the server, which may do so."""
    try:
        return bool(idling.result().result == "OK")
    except AioImapException:
        return False


@contextlib.asynccontextmanager
async def opened(settings: MailboxSettings, tokens: TokenSource | None = None) -> AsyncIterator[ImapConnection]:
    """A connection that is logged in, with `tokens` where there are some; raises `MailboxTrouble` and `LoginRefused`.

    Leaving the block takes leave.
    """
    # At its lower levels it logs all that is received and sent: contents of faxes, and passwords in some spellings.
    logging.getLogger("aioimaplib").setLevel(logging.ERROR)
    logging.getLogger("aioimaplib.aioimaplib").setLevel(logging.ERROR)
    protocol = await _greeted(settings)
    try:
        server = ImapConnection(protocol, settings.command_s)
        await (_log_in_by(tokens, server, settings) if tokens else _log_in(server, settings))
        # What a server can do it says in full to its users only.
        await server.do(protocol.capability())
        yield server
        with contextlib.suppress(MailboxTrouble, TimeoutError):
            async with asyncio.timeout(LEAVE_S):
                await server.do(protocol.logout())
    finally:
        protocol.transport.abort()


async def _greeted(settings: MailboxSettings) -> _Protocol:
    context = await client_context(settings)
    protocol: _Protocol | None = None
    try:
        async with asyncio.timeout(settings.connect_s):
            transport, protocol = await asyncio.get_running_loop().create_connection(
                _Protocol, settings.host, settings.port, ssl=context
            )
            _keep_alive(transport)
            await asyncio.wait({protocol.greeting, protocol.lost}, return_when=asyncio.FIRST_COMPLETED)
            if not protocol.greeting.done():
                raise MailboxTrouble("the connection was cut before the greeting")
            protocol.greeting.result()
    except BaseException as error:
        if protocol is not None:
            protocol.transport.abort()
        if isinstance(error, OSError):  # TimeoutError and ssl.SSLError are some
            words = str(error) or f"no greeting within {settings.connect_s:.0f} s"
            raise MailboxTrouble(one_line(f"{settings.host}:{settings.port}: {words}")) from error
        raise
    return protocol


def _keep_alive(transport: asyncio.BaseTransport) -> None:
    wire = transport.get_extra_info("socket")
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEP_ALIVE:
        wire.setsockopt(socket.IPPROTO_TCP, option, value)


async def _log_in(server: ImapConnection, settings: MailboxSettings) -> None:
    protocol = server.protocol
    if server.can("AUTH=PLAIN"):
        answer = await server.do(_authenticate_plain(protocol, settings, at_once=server.can("SASL-IR")))
    elif server.can("LOGINDISABLED"):
        raise MailboxTrouble("the server takes no password on this connection: does it want TLS?")
    else:
        answer = await server.do(protocol.login(quoted(settings.user), settings.password))
    if answer.result != "OK":
        words = bytes(answer.lines[-1]).decode("utf-8", "replace") if answer.lines else ""
        passing = any(code in words.upper() for code in _PASSING)
        raise (MailboxTrouble if passing else LoginRefused)(one_line(f"log-in: {answer.result} {words}"))


async def _log_in_by(tokens: TokenSource, server: ImapConnection, settings: MailboxSettings) -> None:
    protocol = server.protocol
    if not server.can("AUTH=XOAUTH2"):
        raise MailboxTrouble("the server takes no tokens (XOAUTH2)")
    token = await token_of(tokens)
    protocol.last_word = ""
    logging_in = _authenticate(protocol, "XOAUTH2", xoauth2(settings.user, token), at_once=server.can("SASL-IR"))
    answer = await server.do(logging_in)
    if answer.result != "OK":
        words = bytes(answer.lines[-1]).decode("utf-8", "replace") if answer.lines else ""
        if any(code in words.upper() for code in _PASSING):
            raise MailboxTrouble(one_line(f"log-in: {answer.result} {words}"))
        raise token_refused(tokens, token, f"{answer.result} {words}", protocol.challenge)


async def _authenticate_plain(protocol: _Protocol, settings: MailboxSettings, *, at_once: bool) -> Response:
    """RFC 4616: the only way for passwords outside ASCII."""
    secret = base64.b64encode(f"\0{settings.user}\0{settings.password}".encode()).decode("ascii")
    return await _authenticate(protocol, "PLAIN", secret, at_once=at_once)


async def _authenticate(protocol: _Protocol, mechanism: str, secret: str, *, at_once: bool) -> Response:
    """RFC 4959: what is to be said stands in the command, where the server takes it there."""
    arguments = (mechanism, secret) if at_once else (mechanism,)
    protocol.initial_response = "" if at_once else secret
    answer: Response = await protocol.execute(Command("AUTHENTICATE", protocol.new_tag(), *arguments), scrub=secret)
    if answer.result == "OK":
        protocol.state = "AUTH"
    return answer
