"""A mailbox over IMAP (RFC 3501, with IDLE, MOVE and UIDPLUS where the server has them).

A mail is named by UIDVALIDITY and UID, never by a flag: people and telephones open the mailbox, too. What was taken
goes to a folder, what was refused to another. Bodies are fetched one at a time, after their size is known.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from math import inf

from aioimaplib.aioimaplib import Response

from mail2fax.ingest.imap_connection import ImapConnection, opened
from mail2fax.ingest.imap_names import folder_name
from mail2fax.ingest.mailbox import HEADER_BYTES, Head, MailboxSettings, MailboxTrouble, Waiting, key_of, one_line
from mail2fax.oauth.source import TokenSource

_UIDVALIDITY = re.compile(rb"\[UIDVALIDITY (\d+)\]")
_UID = re.compile(rb"\bUID (\d+)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
_STORED_AT = re.compile(rb'\bINTERNALDATE "([^"]*)"')
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LONGEST_FETCH_S = 3600.0
_MARGIN = timedelta(days=1)
"""RFC 3501 6.4.4: SEARCH knows days only, in whatever zone the server likes."""
ALL_S = 3600.0
"""After which all mails are asked for again, and not only what is young or new: who waits may grow old."""


class ImapMailbox:
    """One folder of one account; `Mailbox` says what the methods do."""

    def __init__(self, settings: MailboxSettings) -> None:
        self._settings = settings
        self._tokens = TokenSource(settings.grant) if settings.grant else None
        self._open: ImapConnection | None = None
        self._validity = ""
        self._next_uid = 0
        self._all_at = 0.0

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator[None]:
        async with opened(self._settings, self._tokens) as server:
            self._open = server
            try:
                for folder in (self._settings.done, self._settings.rejected):
                    await self._make_sure_of(folder)
                self._validity = await self._select(self._settings.folder)
                self._all_at = 0.0
                yield
            finally:
                self._open = None

    async def list_new(self, since: datetime) -> tuple[Waiting, ...]:
        # A mailbox may hold ten thousand old mails. Once they are known, one search with a short answer does: it names
        # what is young, and what has come since the last.
        self._server.news.clear()
        day, now = since.astimezone(UTC) - _MARGIN, asyncio.get_running_loop().time()
        young = f"SINCE {day.day}-{_MONTHS[day.month - 1]}-{day.year}"
        if now < self._all_at:
            uids = recent = await self._search(f"UNDELETED OR {young} UID {self._next_uid}:*")
        else:
            uids = await self._search("UNDELETED")
            recent = await self._search(f"UNDELETED {young}") if uids else []
            self._all_at = now + ALL_S
        self._next_uid = max([self._next_uid, *(int(uid) + 1 for uid in uids)])
        young_uids = set(recent)
        place = (self._settings.user, self._settings.host, self._settings.folder, self._validity)
        return tuple(Waiting(key_of("imap", *place, uid), uid, old=uid not in young_uids) for uid in uids)

    async def look(self, mail: Waiting) -> Head | None:
        fetched = await self._fetch(mail.uid, f"RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER]<0.{HEADER_BYTES}>")
        if fetched is None:
            return None
        facts, header = fetched
        size = _SIZE.search(facts)
        if size is None:
            raise MailboxTrouble("the server does not tell the size of a mail")
        return Head(int(size.group(1)), header, _moment(_STORED_AT.search(facts)))

    async def fetch(self, mail: Waiting, limit: int) -> bytes | None:
        # RFC 3501 6.4.5: a part of it, so that no server can fill our memory.
        fetched = await self._fetch(mail.uid, f"BODY.PEEK[]<0.{limit + 1}>")
        if fetched is None:
            return None
        if len(fetched[1]) > limit:
            raise MailboxTrouble("a mail is larger than the server has said")
        return fetched[1]

    async def done(self, mail: Waiting) -> None:
        await self._move(mail.uid, self._settings.done)

    async def rejected(self, mail: Waiting) -> None:
        await self._move(mail.uid, self._settings.rejected)

    async def wait(self, *, hurry: bool, at_most_s: float = inf) -> None:
        server = self._server
        if hurry:
            self._all_at = 0.0
        if hurry or server.news.is_set():
            return
        if not (server.can("IDLE") and await server.idle(min(self._settings.idle_s, at_most_s))):
            await server.sleep(min(self._settings.poll_s, at_most_s))
            # RFC 3501 6.1.2: some servers see new mails at this only.
            _require(await server.do(server.protocol.simple_command("NOOP")), "NOOP")

    @property
    def _server(self) -> ImapConnection:
        if self._open is None:
            raise RuntimeError("the mailbox is not connected")
        return self._open

    async def _make_sure_of(self, folder: str) -> None:
        """The folder is there, or is made."""
        server, name = self._server, folder_name(folder)
        if (await server.do(server.protocol.simple_command("STATUS", name, "(UIDNEXT)"))).result != "OK":
            made = await server.do(server.protocol.simple_command("CREATE", name))
            _require(made, f"the folder {folder} cannot be made")

    async def _select(self, folder: str) -> str:
        """Opens the folder; returns its UIDVALIDITY."""
        server = self._server
        answer = await server.do(server.protocol.select(folder_name(folder)))
        _require(answer, f"the folder {folder} cannot be opened")
        said = b" ".join(bytes(line) for line in answer.lines)
        if b"[READ-ONLY]" in said:
            raise MailboxTrouble(f"the folder {folder} may only be read")
        validity = _UIDVALIDITY.search(said)
        if validity is None:
            raise MailboxTrouble(f"the folder {folder} has no UIDVALIDITY: its mails cannot be told apart")
        return validity.group(1).decode()

    async def _search(self, criteria: str) -> list[str]:
        # Without a CHARSET: Exchange knows none, and answers BADCHARSET.
        server = self._server
        answer = await server.do(server.protocol.search(criteria, charset=None, by_uid=True))
        _require(answer, "SEARCH")
        words = [word for line in answer.lines[:-1] for word in bytes(line).decode("ascii", "replace").split()]
        return sorted((word for word in words if word.isdigit()), key=int)

    async def _fetch(self, uid: str, items: str) -> tuple[bytes, bytes] | None:
        """The facts and the one literal of a mail. A mail that is gone is answered OK, without either."""
        server = self._server
        # A large mail over a slow line takes its time: what counts is that it goes on.
        fetching = server.protocol.fetch(uid, f"(UID {items})", by_uid=True, timeout=server.patience_s)
        answer = await server.do(fetching, LONGEST_FETCH_S)
        _require(answer, "FETCH")
        literals = [bytes(line) for line in answer.lines if isinstance(line, bytearray)]
        facts = b" ".join(line for line in answer.lines[:-1] if isinstance(line, bytes))
        if not literals or uid.encode() not in _UID.findall(facts):
            return None
        if len(literals) > 1:
            raise MailboxTrouble("one FETCH was answered with several mails")
        return facts, literals[0]

    async def _move(self, uid: str, folder: str) -> None:
        server, name = self._server, folder_name(folder)
        if server.can("MOVE"):
            _require(await server.do(server.protocol.move(uid, name, by_uid=True)), f"MOVE to {folder}")
            return
        # Cut off in between, there is a copy too many in a folder that nobody reads.
        _require(await server.do(server.protocol.copy(uid, name, by_uid=True)), f"COPY to {folder}")
        stored = await server.do(server.protocol.store(uid, "+FLAGS.SILENT", r"(\Deleted)", by_uid=True))
        _require(stored, "STORE")
        if server.can("UIDPLUS"):
            # RFC 4315 2.1. Without it the mail stays, marked: a plain EXPUNGE would take what others have marked, too.
            _require(await server.do(server.protocol.expunge(uid, by_uid=True)), "UID EXPUNGE")


def _require(answer: Response, what: str) -> None:
    if answer.result != "OK":
        words = bytes(answer.lines[-1]).decode("utf-8", "replace") if answer.lines else ""
        raise MailboxTrouble(one_line(f"{what}: {answer.result} {words}"))


def _moment(found: re.Match[bytes] | None) -> datetime | None:
    """RFC 3501 9: date-time, "17-Jul-1996 02:44:25 -0700"; its day may begin with a space."""
    if found is None:
        return None
    text = found.group(1).decode("ascii", "replace").strip().replace("-", " ", 2)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
