"""Empties one mailbox, for as long as the gateway runs: what waits is taken, what is refused is put aside.

The order is the promise: a mail is fetched, written to disk, committed as a job, and only then moved or deleted. Killed
in between, we find it again, know it by its key, and only finish.
"""

import asyncio
import contextlib
import hashlib
import random
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf

import structlog

from mail2fax.admission.undecided import Undecided
from mail2fax.crashpoint import CrashPoint, reached
from mail2fax.ingest.addressee import addressee
from mail2fax.ingest.mailbox import Head, Limits, LoginRefused, Mailbox, MailboxSettings, MailboxTrouble, Waiting
from mail2fax.ingest.smtp_data import HeaderBlock
from mail2fax.mail.arrival import arrived_at
from mail2fax.mail.header import Header, read_header
from mail2fax.mail.words import decode_charset
from mail2fax.model.alarm import AlarmCause
from mail2fax.model.mail import Accepted, Arrival, Door, Proof, ProofKind
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.store.errors import StoreError
from mail2fax.store.spool import Spool, SpoolFile

log = structlog.get_logger(__name__)

BATCH = 20
"""Mails after which what was done is made to come true: a POP3 server deletes at QUIT, and one may get lost."""
FIRST_REST_S, LONGEST_REST_S = 1.0, 300.0
"""Between tries to reach a mailbox."""
LOGIN_REST_S = 900.0
"""After a refused log-in: an account must not be locked by us."""
LOST_AFTER_S = 600.0
"""For how long a mailbox may be out of order before the admin is told."""
MOST_TRIES = 3
"""Of a mail that cannot be taken by a fault of ours, or of its server: then the others go first, for so long:"""
STUCK_S = 3600.0
UNDECIDED_S = 300.0
"""Before a mail whose signature could not be verified is looked at again, at first; it doubles up to `STUCK_S`. Once
the mail is too old it is looked at no more."""
PUT_OFF_S = 30.0
"""Before a mail that could not be taken is tried again."""

ASIDE = frozenset({RefusalCode.MAIL_TOO_OLD, RefusalCode.MAIL_TOO_LARGE})
"""What a mail is refused for at the door, though it becomes a job, so that its sender is told."""

NOT_THERE = "the server lists it, and does not hand it out"
UNKNOWN_SENDER = "(unknown)"
"""Of a mail without a Return-Path, for the null sender means that a program wrote it."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a collector asks of the gateway.

    `accept` judges an arrival and commits it, or leaves the file alone. `known` tells which of the keys have become a
    job, and what became of that, None while that is not known. `alarm` is `Alarms.sound`. `left_alone` tells which of
    the keys were given to `leave_alone` before, in whatever run of ours.
    """

    accept: Callable[[Arrival, SpoolFile], Awaitable[Accepted | Refusal]]
    known: Callable[[Door, Collection[str]], Awaitable[Mapping[str, str | None]]]
    alarm: Callable[..., Awaitable[bool]]
    left_alone: Callable[[Collection[str]], Awaitable[Collection[str]]]
    leave_alone: Callable[[Collection[str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Seen:
    """What matters of a mail's head, once looked at."""

    size: int
    arrived_at: datetime


class Collector:
    """One mailbox, from `run` until that is cancelled. A commit under way is never cut off."""

    def __init__(
        self,
        settings: MailboxSettings,
        limits: Limits,
        mailbox: Mailbox,
        spool: Spool,
        desk: Desk,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._limits = limits
        self._mailbox = mailbox
        self._spool = spool
        self._desk = desk
        self._now = now
        self._door = Door(settings.protocol)
        self._log = log.bind(mailbox=settings.name)
        self._settled: set[str] = set()
        """Keys of mails that need nothing more, though they may still be listed."""
        self._seen: dict[str, Seen] = {}
        self._tries: dict[str, int] = {}
        self._stuck_until: dict[str, float] = {}
        self._undecided: dict[str, int] = {}
        """How often a mail could not be decided for want of its signer's key."""
        self._work: asyncio.Task[Accepted | Refusal] | None = None
        self._well_until: float | None = None
        self._failures = 0

    def adopt(self, limits: Limits) -> None:
        """Goes by these from the next mail on."""
        self._limits = limits

    async def run(self) -> None:
        """Collects until cancelled. Whatever goes wrong, it is tried again."""
        try:
            while True:
                rest_s = await self._collect()
                await asyncio.sleep(rest_s)
        finally:
            if self._work:
                await asyncio.wait({self._work})
                if error := self._work.exception():
                    self._log.error("mail not taken, fault", error=str(error))

    async def _collect(self) -> float:
        """One connection, for as long as it holds; returns the seconds to rest before the next."""
        loop = asyncio.get_running_loop()
        if self._well_until is None:
            self._well_until = loop.time()
        try:
            async with self._mailbox.connect():
                self._log.info("mailbox open", host=self._settings.host, protocol=self._settings.protocol)
                while True:
                    more = await self._round()
                    self._failures, self._well_until = 0, loop.time()
                    await self._mailbox.wait(hurry=more, at_most_s=self._until_stuck_ones_are_due())
        except LoginRefused as error:
            self._log.error("mailbox log-in refused", error=str(error), rest_s=LOGIN_REST_S)
            await self._sound(AlarmCause.MAILBOX_CLOSED, said=str(error))
            return LOGIN_REST_S
        except MailboxTrouble as error:
            return await self._rest(str(error))
        except Exception as error:  # noqa: BLE001 - one mailbox must not end the others, nor itself: it is begun anew
            self._log.exception("mailbox failed inside")
            return await self._rest(repr(error))

    async def _rest(self, why: str) -> float:
        """The pause before the next connection: it grows with each that came to nothing, up to five minutes."""
        # Shortened by chance, so that many do not come back at once.
        rest_s = min(FIRST_REST_S * 2.0 ** min(self._failures, 20), LONGEST_REST_S) * random.uniform(0.75, 1.0)  # noqa: S311
        self._failures += 1
        self._log.warning("mailbox lost", error=why, rest_s=round(rest_s, 1))
        down_s = asyncio.get_running_loop().time() - (self._well_until or 0)
        if down_s > LOST_AFTER_S:
            await self._sound(AlarmCause.MAILBOX_LOST, said=why, minutes=str(round(down_s / 60)))
        return rest_s

    # One round

    async def _round(self) -> bool:
        """Looks once at what waits, and works on a batch of it; says whether there is more to be done at once."""
        listed = await self._mailbox.list_new(self._now() - self._oldest)
        keys = {mail.key for mail in listed}
        self._settled &= keys
        self._seen = {key: seen for key, seen in self._seen.items() if key in keys}
        self._undecided = {key: times for key, times in self._undecided.items() if key in keys}
        fresh = [mail for mail in listed if mail.key not in self._settled and not self._is_stuck(mail)]
        if not fresh:
            return False
        if await self._spool.free_bytes() < self._limits.min_free_bytes:
            self._log.warning("mails put off, disk is low", mails=len(fresh))
            await self._put_off()
            return True
        self._settled |= set(await self._desk.left_alone([mail.key for mail in fresh]))
        fresh = [mail for mail in fresh if mail.key not in self._settled]
        known = await self._desk.known(self._door, [mail.key for mail in fresh])
        finished = [mail for mail in fresh if mail.key in known]
        batch = len(finished) if self._settings.leave_on_server else BATCH
        for mail in finished[:batch]:
            await self._file(mail, aside=known[mail.key] in ASIDE)
        if len(finished) > batch:
            return True
        return await self._take_some([mail for mail in fresh if mail.key not in known])

    async def _take_some(self, fresh: list[Waiting]) -> bool:
        """Sorts out what is too old, and takes the first of the others."""
        late = [mail for mail in fresh if mail.old]
        heads = [mail for mail in fresh if not mail.old or len(late) <= self._limits.most_old]
        seen = {mail.key: await self._look(mail) for mail in heads}
        late += [mail for mail in heads if not mail.old and self._is_late(seen[mail.key])]
        if len(late) > self._limits.most_old:
            await self._leave_alone(late)
        # Those that could not be decided come after all others, or name servers that are silent would stop the mailbox.
        order = sorted(
            (mail for mail in heads if mail.key not in self._settled), key=lambda mail: self._undecided.get(mail.key, 0)
        )
        failed = [mail for mail in order[:BATCH] if not await self._take(mail, seen[mail.key])]
        if failed:
            await self._put_off()
        return len(order) > BATCH or bool(failed)

    def _is_stuck(self, mail: Waiting) -> bool:
        return self._stuck_until.get(mail.key, 0.0) > asyncio.get_running_loop().time()

    def _until_stuck_ones_are_due(self) -> float:
        now = asyncio.get_running_loop().time()
        return min((until - now for until in self._stuck_until.values() if until > now), default=inf)

    @property
    def _oldest(self) -> timedelta:
        return timedelta(hours=self._limits.max_age_h)

    def _is_late(self, seen: Seen | None) -> bool:
        return seen is not None and self._now() - seen.arrived_at > self._oldest

    async def _look(self, mail: Waiting) -> Seen | None:
        """The age and the size of a mail; None when it is gone."""
        if mail.key not in self._seen:
            try:
                head = await self._mailbox.look(mail)
            except MailboxTrouble as error:
                await self._count(mail, str(error))
                raise
            if head is None:
                await self._count(mail, NOT_THERE)
                return None
            self._seen[mail.key] = Seen(head.size, self._arrived_at(head))
        return self._seen[mail.key]

    def _arrived_at(self, head: Head) -> datetime:
        _, header = _header_of(head.header)
        return arrived_at(header, head.stored_at, self._now()) if header else head.stored_at or self._now()

    async def _leave_alone(self, late: Collection[Waiting]) -> None:
        """A rebuilt mailbox must neither dial nor answer a year of faxes: a person shall look."""
        self._settled |= {mail.key for mail in late}
        hours = f"{self._limits.max_age_h:g}"
        self._log.error("old mails left alone", mails=len(late), hours=hours)
        # First a person is told: should we be killed in between, he is told twice.
        await self._sound(AlarmCause.MAILBOX_OLD, count=str(len(late)), hours=hours)
        try:
            await self._desk.leave_alone([mail.key for mail in late])
        except StoreError as error:
            self._log.error("old mails not written down", mails=len(late), error=str(error))

    async def _put_off(self) -> None:
        """A moment's rest within the connection."""
        await asyncio.sleep(PUT_OFF_S)

    # One mail

    async def _take(self, mail: Waiting, seen: Seen | None) -> bool:
        """Has one mail judged and puts it where it belongs; False when it could not be, and is to be tried again."""
        if seen is None:
            return True
        unwanted = self._unwanted(seen)
        try:
            verdict = await self._judged(mail, seen, unwanted)
        except StoreError as error:
            self._log.error("mail put off", mail=mail.uid, error=str(error))
            return False
        except Undecided as error:
            self._log.warning("mail put off, its signature cannot be verified now", mail=mail.uid, error=str(error))
            if not unwanted:
                self._wait_for_names(mail)
                return True
            verdict = Refusal(RefusalCode.SENDER_NOT_PROVEN)
        except MailboxTrouble as error:
            await self._count(mail, str(error))
            raise
        except Exception as error:  # noqa: BLE001 - nor must one mail end the others
            self._log.exception("mail not taken, fault", mail=mail.uid)
            await self._count(mail, repr(error))
            return False
        if verdict is None:
            return True
        self._tries.pop(mail.key, None)
        self._undecided.pop(mail.key, None)
        await self._file(mail, aside=isinstance(verdict, Refusal) or unwanted is not None)
        return True

    async def _file(self, mail: Waiting, *, aside: bool) -> None:
        """Puts a mail out of the way: it is a job by now, or (`aside`) will never be a fax."""
        reached(CrashPoint.FILING_DUE)
        await (self._mailbox.rejected(mail) if aside else self._mailbox.done(mail))
        reached(CrashPoint.FILED)
        self._settled.add(mail.key)

    def _unwanted(self, seen: Seen) -> Refusal | None:
        if self._is_late(seen):
            return Refusal(RefusalCode.MAIL_TOO_OLD, {"hours": f"{self._limits.max_age_h:g}"})
        if seen.size > self._limits.max_bytes:
            return Refusal(RefusalCode.MAIL_TOO_LARGE, {"megabytes": f"{self._limits.max_bytes / 1_000_000:g}"})
        return None

    async def _judged(self, mail: Waiting, seen: Seen, unwanted: Refusal | None) -> Accepted | Refusal | None:
        """What the gateway says to a mail; None when it has vanished. Of an unwanted one no body is fetched."""
        if unwanted and not self._needs_body(seen):
            head = await self._mailbox.look(mail)
            raw = head.header if head else None
        else:
            raw = await self._mailbox.fetch(mail, self._limits.max_bytes)
        if raw is None:
            await self._count(mail, NOT_THERE)
            return None
        reached(CrashPoint.MAIL_FETCHED)
        # A commit is never cut off: its job would stand in the database, or not, and nobody would know.
        self._work = asyncio.create_task(self._settle(self._arrival(mail, raw, seen, unwanted), raw))
        try:
            return await asyncio.shield(self._work)
        finally:
            if self._work.done():
                self._work = None

    def _needs_body(self, seen: Seen) -> bool:
        """Whether only the whole mail shows whom it is from, and so who is told that it is unwanted."""
        return self._settings.proof.dkim and seen.size <= self._limits.max_bytes

    async def _settle(self, arrival: Arrival, raw: bytes) -> Accepted | Refusal:
        file = self._spool.create()
        await file.write(raw)
        try:
            verdict = await self._desk.accept(arrival, file)
        except BaseException:
            # A commit can fail and yet have happened: what is kept is for the sweep of the next start.
            if not file.kept:
                await file.discard()
            raise
        if isinstance(verdict, Refusal):
            await file.discard()
        return verdict

    def _arrival(self, mail: Waiting, raw: bytes, seen: Seen, unwanted: Refusal | None) -> Arrival:
        block, header = _header_of(raw)
        ours = self._settings.address.lower()
        came_for = addressee(header, self._settings.address_header, ours)
        return Arrival(
            door=self._door,
            source_key=mail.key,
            mail_from=_return_path(header),
            recipient=ours if isinstance(came_for, Refusal) else came_for,
            peer=f"{self._settings.protocol}:{self._settings.name}",
            received_at=self._now(),
            size=seen.size,
            header=block,
            proofs=(Proof(ProofKind.FROM),) if self._settings.trust_from else (),
            counts=self._settings.proof,
            mailbox=self._settings.name,
            copy_key=hashlib.sha256(raw).hexdigest(),
            unwanted=unwanted or (came_for if isinstance(came_for, Refusal) else None),
        )

    def _wait_for_names(self, mail: Waiting) -> None:
        """The mail is looked at again after a while, which doubles each time."""
        before = self._undecided.get(mail.key, 0)
        self._undecided[mail.key] = before + 1
        pause_s = min(UNDECIDED_S * 2.0 ** min(before, 10), STUCK_S)
        self._stuck_until[mail.key] = asyncio.get_running_loop().time() + pause_s

    async def _count(self, mail: Waiting, why: str) -> None:
        """A mail that cannot be taken again and again must not hold up the others for ever."""
        tries = self._tries[mail.key] = self._tries.get(mail.key, 0) + 1
        if tries >= MOST_TRIES:
            self._stuck_until[mail.key] = asyncio.get_running_loop().time() + STUCK_S
            self._log.error("mail left alone", mail=mail.uid, tries=tries, error=why)
            await self._sound(AlarmCause.MAIL_STUCK, said=why, times=str(tries), mail=mail.uid)

    async def _sound(self, cause: AlarmCause, **facts: str) -> None:
        name = self._settings.name
        with contextlib.suppress(StoreError):  # the database says so itself, and the log has the rest
            await self._desk.alarm(cause, about=name, mailbox=name, **facts)


def _header_of(raw: bytes) -> tuple[bytes, Header | None]:
    """The header of a mail, and its fields; None when they cannot be read, which admission will say."""
    block = HeaderBlock()
    block.receive(raw)
    header = read_header(bytes(block))
    return bytes(block), header if isinstance(header, Header) else None


def _return_path(header: Header | None) -> str:
    """RFC 5321 4.4: the server that delivers writes the envelope sender down, "<>" for the null sender."""
    paths = header.all("return-path") if header else ()
    if not paths:
        return UNKNOWN_SENDER
    return decode_charset("", paths[0]).strip().removeprefix("<").removesuffix(">")
