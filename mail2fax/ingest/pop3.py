"""A mailbox over POP3 (RFC 1939): a session to look and to take, and none in between.

Only what is committed here is marked for deletion, and the server deletes it at QUIT; cut off before, it deletes
nothing, and we find the mail again and know it. A server without UIDL is of no use: its mails have no names.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from math import inf

from mail2fax.crashpoint import CrashPoint, reached
from mail2fax.ingest.mailbox import HEADER_BYTES, Head, MailboxSettings, MailboxTrouble, Waiting, key_of
from mail2fax.ingest.pop3_session import NotThere, Pop3Session
from mail2fax.oauth.source import TokenSource

LEAVE_S = 3.0


class Pop3Mailbox:
    """The maildrop of one account; `Mailbox` says what the methods do."""

    def __init__(self, settings: MailboxSettings) -> None:
        self._settings = settings
        self._tokens = TokenSource(settings.grant) if settings.grant else None
        self._session: Pop3Session | None = None
        self._marked = 0

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator[None]:
        await self._enter()
        try:
            yield
            with contextlib.suppress(MailboxTrouble, TimeoutError):
                async with asyncio.timeout(LEAVE_S):
                    await self._quit()
        finally:
            self._drop()

    async def list_new(self, _since: datetime) -> tuple[Waiting, ...]:
        # A session sees the mails that were there when it began.
        session = self._session or await self._enter()
        names = await session.listed("UIDL")
        place = (self._settings.user, self._settings.host)
        return tuple(Waiting(key_of("pop3", *place, name), number) for number, name in names.items())

    async def look(self, mail: Waiting) -> Head | None:
        try:
            size = (await self._open.said(f"LIST {mail.uid}")).split()
        except NotThere:
            return None
        if size[:1] != [mail.uid] or not size[1:2] or not size[1].isdecimal():
            raise MailboxTrouble("the server does not tell the size of a mail")
        header = await self._mail(f"TOP {mail.uid} 0", HEADER_BYTES, cut=True)
        return None if header is None else Head(int(size[1]), header)

    async def fetch(self, mail: Waiting, limit: int) -> bytes | None:
        return await self._mail(f"RETR {mail.uid}", limit, cut=False)

    async def done(self, mail: Waiting) -> None:
        await self._delete(mail)

    async def rejected(self, mail: Waiting) -> None:
        await self._delete(mail)

    async def wait(self, *, hurry: bool, at_most_s: float = inf) -> None:
        await self._quit()
        if not hurry:
            await asyncio.sleep(min(self._settings.poll_s, at_most_s))

    async def _enter(self) -> Pop3Session:
        self._session, self._marked = await Pop3Session.opened(self._settings, self._tokens), 0
        return self._session

    @property
    def _open(self) -> Pop3Session:
        if self._session is None:
            raise RuntimeError("the mailbox is not connected")
        return self._session

    async def _mail(self, command: str, limit: int, *, cut: bool) -> bytes | None:
        try:
            return await self._open.text(command, limit, cut=cut)
        except NotThere:
            # Another session has deleted it: that is for the next look to see.
            return None

    async def _delete(self, mail: Waiting) -> None:
        if self._settings.leave_on_server:
            return
        try:
            await self._open.said(f"DELE {mail.uid}")
        except NotThere as error:
            raise MailboxTrouble(f"a mail cannot be deleted: {error}") from error
        self._marked += 1

    async def _quit(self) -> None:
        if self._session is None:
            return
        if self._marked:
            reached(CrashPoint.DELETIONS_DUE)
        try:
            await self._session.said("QUIT")
        except NotThere as error:
            raise MailboxTrouble(f"mails were not deleted: {error}") from error
        finally:
            self._drop()
        if self._marked:
            reached(CrashPoint.DELETIONS_DONE)

    def _drop(self) -> None:
        if self._session:
            self._session.close()
        self._session = None
