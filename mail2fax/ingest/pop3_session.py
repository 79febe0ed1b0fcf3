"""One session with a POP3 server: commands, one-line answers, and texts of lines of any length.

Python's poplib gives up at a line of more than 2048 octets, and is out of step with the server from then on: one such
mail would shut a mailbox for ever. Here a line may be as long as the mail.
"""

import asyncio
import ssl
from typing import Self

from mail2fax.ingest.mailbox import LoginRefused, MailboxSettings, MailboxTrouble, one_line
from mail2fax.ingest.mailbox_login import token_of, token_refused, xoauth2
from mail2fax.ingest.mailbox_tls import client_context
from mail2fax.oauth.source import TokenSource

PIECE_BYTES = 64 * 1024
LONGEST_TEXT_S = 3600.0
_LISTING_BYTES = 64 * 1024 * 1024
"""For UIDL and LIST: 70 octets for a name (RFC 1939 7), and a mailbox of nearly a million mails."""

# RFC 2449 8.1.1 and RFC 3206: what is said so is no fault of user or password.
_PASSING = ("[IN-USE]", "[LOGIN-DELAY]", "[SYS/TEMP]", "[SYS/PERM]")
_LISTED_WORDS = 2


class NotThere(Exception):
    """The server has answered -ERR: of a mail that was there, it says that it is gone."""


class Pop3Session:
    """A session that is logged in. Raises `MailboxTrouble`, after which it is of no more use."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, patience_s: float) -> None:
        self._reader = reader
        self._writer = writer
        self._patience_s = patience_s

    @classmethod
    async def opened(cls, settings: MailboxSettings, tokens: TokenSource | None = None) -> Self:
        """A new session, begun with `tokens` where there are some; raises `LoginRefused`, too."""
        context = await client_context(settings)
        reader, writer = await _connected(settings, context)
        session = cls(reader, writer, settings.command_s)
        try:
            try:
                await session._answer()
            except NotThere as error:
                raise MailboxTrouble(f"greeted with {error}") from error
            await (session._log_in_by(tokens, settings.user) if tokens else session._log_in(settings))
        except BaseException:
            session.close()
            raise
        return session

    def close(self) -> None:
        self._writer.transport.abort()

    async def said(self, command: str) -> str:
        """The words behind +OK; raises `NotThere` for -ERR."""
        await self._send(command)
        return await self._answer()

    async def listed(self, command: str) -> dict[str, str]:
        """What UIDL and LIST tell of all mails: the second word by the first."""
        try:
            text = await self.text(command, _LISTING_BYTES, cut=False)
        except NotThere as error:
            raise MailboxTrouble(f"the server has no {command}: {error}") from error
        words = (line.decode("latin-1").split() for line in text.splitlines())
        return {line[0]: line[1] for line in words if len(line) >= _LISTED_WORDS and line[0].isdecimal()}

    async def text(self, command: str, limit: int, *, cut: bool) -> bytes:
        """The text behind +OK, dots unstuffed. What is more than `limit` bytes is dropped (`cut`), or is trouble."""
        try:
            async with asyncio.timeout(LONGEST_TEXT_S):
                await self.said(command)
                return await self._text(limit, cut=cut)
        except TimeoutError:
            raise MailboxTrouble(f"{command} has come to no end") from None

    async def _text(self, limit: int, *, cut: bool) -> bytes:
        text, begins = bytearray(), True
        while True:
            piece = await self._piece()
            # RFC 1939 3: dots are doubled at the beginning of lines only.
            if begins and piece.rstrip(b"\r\n") == b"." and piece.endswith(b"\n"):
                return bytes(text)
            if begins and piece.startswith(b".."):
                piece = piece[1:]
            begins = piece.endswith(b"\n")
            if len(text) + len(piece) <= limit:
                text += piece
            elif cut:
                text += piece[: limit - len(text)]
            else:
                raise MailboxTrouble("a mail is larger than the server has said")

    async def _log_in(self, settings: MailboxSettings) -> None:
        try:
            await self.said(f"USER {settings.user}")
            await self.said(f"PASS {settings.password}")
        except NotThere as error:
            words = str(error)
            passing = any(code in words.upper() for code in _PASSING)
            raise (MailboxTrouble if passing else LoginRefused)(f"log-in: {words}") from error

    async def _log_in_by(self, tokens: TokenSource, user: str) -> None:
        """RFC 5034. In two steps, as Exchange wants it; a token is also longer than a command may be (RFC 2449 4)."""
        token, challenge = await token_of(tokens), ""
        try:
            await self._send("AUTH XOAUTH2")
            await self._asked_on()
            await self._send(xoauth2(user, token))
            status, challenge = await self._status()
            if status == "+":
                await self._send("")
                await self._answer()
            elif status != "+OK":
                raise NotThere(one_line(challenge or status))
        except NotThere as error:
            if any(code in str(error).upper() for code in _PASSING):
                raise MailboxTrouble(f"log-in: {error}") from error
            raise token_refused(tokens, token, str(error), challenge) from error

    async def _asked_on(self) -> None:
        status, words = await self._status()
        if status != "+":
            raise MailboxTrouble(one_line(f"the server takes no tokens (XOAUTH2): {status} {words}"))

    async def _send(self, command: str) -> None:
        if any(control in command for control in "\r\n\0"):
            raise MailboxTrouble("a command would hold a line end or a NUL")
        self._writer.write(command.encode() + b"\r\n")
        try:
            async with asyncio.timeout(self._patience_s):
                await self._writer.drain()
        except OSError as error:  # TimeoutError is one
            raise MailboxTrouble(f"the connection was cut: {error or 'nothing goes through'}") from error

    async def _answer(self) -> str:
        status, words = await self._status()
        if status == "+OK":
            return words
        if status == "-ERR":
            raise NotThere(one_line(words or "-ERR"))
        raise MailboxTrouble(f"not understood: {one_line(f'{status} {words}')}")

    async def _status(self) -> tuple[str, str]:
        """The first word of an answer, and the others."""
        status, _, words = (await self._piece()).decode("utf-8", "replace").strip().partition(" ")
        return status, words

    async def _piece(self) -> bytes:
        """The next line, or, of a long one, its next piece."""
        try:
            async with asyncio.timeout(self._patience_s):
                return await self._next_piece()
        except TimeoutError:
            raise MailboxTrouble(f"no answer within {self._patience_s:.0f} s") from None
        except (asyncio.IncompleteReadError, OSError) as error:
            raise MailboxTrouble("the connection was cut") from error

    async def _next_piece(self) -> bytes:
        try:
            return await self._reader.readuntil(b"\n")
        except asyncio.LimitOverrunError as overrun:
            return await self._reader.readexactly(overrun.consumed)


async def _connected(
    settings: MailboxSettings, context: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        async with asyncio.timeout(settings.connect_s):
            return await asyncio.open_connection(settings.host, settings.port, ssl=context, limit=PIECE_BYTES)
    except OSError as error:  # TimeoutError and ssl.SSLError are some
        words = str(error) or f"no connection within {settings.connect_s:.0f} s"
        raise MailboxTrouble(one_line(f"{settings.host}:{settings.port}: {words}")) from error
