"""Brings incoming faxes to their readers by mail: at least once, and always as the same mail."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import structlog

from mail2fax.crashpoint import CrashPoint, reached
from mail2fax.dispatch import ReplyDelivery, next_delay
from mail2fax.document.as_pdf import NotReceived, pdf_of_received
from mail2fax.document.received import count_whole_pages
from mail2fax.jobs.alarms import Alarms
from mail2fax.jobs.incoming import IncomingFaxes
from mail2fax.model.alarm import AlarmCause
from mail2fax.model.incoming import FaxFormat, IncomingFax, IncomingMail, incoming_path
from mail2fax.reply.received import compose_received
from mail2fax.reply.send import SendFailed, send

log = structlog.get_logger(__name__)

BATCH = 10
MOST_BYTES = 18_000_000
"""What is attached to one mail at most: with base64 25 MB, which is what mail servers take."""


class IncomingPost:
    """Sends what is owed; a chore of the dispatcher."""

    def __init__(
        self,
        faxes: IncomingFaxes,
        domains: Path,
        replies: ReplyDelivery,
        formats: Sequence[FaxFormat],
        alarms: Alarms,
        clock: Callable[[], datetime],
    ) -> None:
        self._faxes = faxes
        self._domains = domains
        self._replies = replies
        self._formats = formats
        self._alarms = alarms
        self._clock = clock
        self._unsettled: set[str] = set()
        """Mails, by their Message-ID, that the server has taken, though the database does not know it yet."""

    def adopt(self, replies: ReplyDelivery, formats: Sequence[FaxFormat]) -> None:
        """Sends mails so, with these attachments, from now on."""
        self._replies = replies
        self._formats = formats

    async def send_owed(self) -> datetime | None:
        """Sends every mail that is due; returns when the next one is."""
        for mail in await self._faxes.owed(self._clock(), BATCH):
            try:
                await self._send(mail)
            except Exception as fault:
                # One fax that cannot be mailed must not hold up the others.
                log.exception("fax not mailed, a fault inside", fax=mail.fax.id)
                await self._failed(mail, repr(fault), permanent=False)
        return await self._faxes.next_owed()

    async def _send(self, mail: IncomingMail) -> None:
        fax = mail.fax
        if mail.message_id not in self._unsettled:
            try:
                mail = await self._hand_over(mail)
            except FileNotFoundError:
                # Storage that is not mounted yet has no folder either.
                await self._failed(mail, "the folder of its file is not there", permanent=False)
                return
            except SendFailed as error:
                await self._failed(mail, str(error), permanent=error.permanent)
                return
            reached(CrashPoint.FAX_TAKEN)
        # A disk that cannot commit now must not make us send it again and again.
        self._unsettled.add(mail.message_id)
        await self._faxes.mailed(mail)
        self._unsettled.discard(mail.message_id)
        reached(CrashPoint.FAX_MAILED)
        log.info("fax mailed", fax=fax.id, to=mail.to, pages=mail.fax.pages, state=mail.fax.state)

    async def _hand_over(self, mail: IncomingMail) -> IncomingMail:
        """Gives the mail to the server: with less in it, at last with the word alone, when it is too large for that.

        Returns it as it is now: a fax is told as what can be read of it when it is mailed.
        """
        tiff, pages = await asyncio.to_thread(_read, incoming_path(self._domains, mail.fax.domain, mail.fax.file))
        if pages != mail.fax.pages:
            mail = replace(mail, fax=await self._counted(mail.fax, pages))
        for formats in dict.fromkeys((tuple(self._formats), tuple(self._formats[:1]), ())):
            # In a thread: it becomes a third longer, line by line.
            letter = await asyncio.to_thread(self._letter, mail, tiff, formats)
            try:
                await send(letter, self._replies.server)
                break
            except SendFailed as error:
                if not error.too_large or not formats:
                    raise
                log.warning("fax too large for the mail server", fax=mail.fax.id, formats=formats, error=str(error))
        return mail

    def _letter(self, mail: IncomingMail, tiff: bytes, formats: Sequence[FaxFormat]) -> EmailMessage:
        attached = attachments(tiff, formats) if tiff else {}
        return compose_received(mail, self._replies.letterhead, attached)

    async def _counted(self, fax: IncomingFax, pages: int) -> IncomingFax:
        """The fax, as it is told from now on: its file is not any more what it was when its call ended."""
        if pages < fax.pages:
            # The alarm first: killed in between, we come by here again, and one cause is not told twice in an hour.
            facts = {"pages": str(pages), "confirmed": str(fax.heard.confirmed)}
            path = str(incoming_path(self._domains, fax.domain, fax.file))
            await self._alarms.sound(AlarmCause.FAX_DAMAGED, about=str(fax.id), fax=str(fax.id), path=path, **facts)
        counted = await self._faxes.counted(fax, pages)
        log.warning("fax is not what it was", fax=fax.id, pages=pages, before=fax.pages, state=counted.state)
        return counted

    async def _failed(self, mail: IncomingMail, error: str, *, permanent: bool) -> None:
        fax, now = mail.fax, self._clock()
        if permanent or tried_for(mail.tries) > self._replies.give_up_after:
            path = incoming_path(self._domains, fax.domain, fax.file)
            log.error("mail of a fax given up", fax=fax.id, to=mail.to, error=error)
            # The alarm first: killed in between, we come by here again, and one cause is not told twice in an hour.
            await self._alarms.sound(
                AlarmCause.FAX_NOT_MAILED, fax=str(fax.id), to=mail.to, path=str(path), error=error
            )
            await self._faxes.given_up(mail, error)
            return
        delay = next_delay(mail.tries)
        log.warning("fax not mailed, will be tried again", fax=fax.id, error=error, delay_s=delay.total_seconds())
        await self._faxes.postponed(mail, now + delay, error)


def _read(path: Path) -> tuple[bytes, int]:
    """The file of a fax, as far as a mail could carry it (more is nothing), and how many whole pages are in it.

    Raises `FileNotFoundError` when its folder is away: a file that is gone from there is a fax that its reader must ask
    for again.
    """
    try:
        with path.open("rb") as file:
            pages = count_whole_pages(file)
            file.seek(0)
            tiff = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise
        return b"", 0
    return tiff if len(tiff) <= MOST_BYTES else b"", pages


def attachments(tiff: bytes, formats: Sequence[FaxFormat]) -> dict[FaxFormat, bytes]:
    """A fax in these formats, as many of them as one mail carries, the first before the others."""
    made = {FaxFormat.TIFF: tiff}
    try:
        made[FaxFormat.PDF] = pdf_of_received(tiff) if FaxFormat.PDF in formats else b""
    except NotReceived as error:
        # Its reader gets what has come, as it has come.
        log.warning("fax has no PDF", error=str(error))
        formats = (FaxFormat.TIFF,)
    found: dict[FaxFormat, bytes] = {}
    for kind in formats:
        if sum(map(len, found.values())) + len(made[kind]) <= MOST_BYTES:
            found[kind] = made[kind]
    return found


def tried_for(tries: int) -> timedelta:
    """How long a mail has been tried, after so many tries before. Time in which we did not run is none of it: a mail
    that nobody has tried to send is not given up, however old its fax is."""
    return sum((next_delay(before) for before in range(tries)), timedelta())
