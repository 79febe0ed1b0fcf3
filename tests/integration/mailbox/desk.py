"""A gateway's desk that keeps every mail it is given, and a collector at work before it."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mail2fax.admission.undecided import Undecided
from mail2fax.ingest.collector import Collector, Desk
from mail2fax.ingest.mailbox import Limits, MailboxSettings
from mail2fax.ingest.mailbox_door import KINDS
from mail2fax.model.alarm import AlarmCause
from mail2fax.model.mail import Accepted, Arrival, Door
from mail2fax.model.mail_proof import MailProof
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.store.spool import Spool, SpoolFile
from tests.harness.dovecot import PASSWORD, Dovecot

LIMITS = Limits(max_bytes=5_000_000, min_free_bytes=0, max_age_h=24.0, most_old=20)
HOUR = 3600.0


class Office:
    """What has come in. `failing` is raised by every accept; `refused` says no to each; mails whose subject is one of
    `undecided` cannot be judged."""

    def __init__(self, spool: Spool) -> None:
        self.arrivals: list[Arrival] = []
        self.raw: list[bytes] = []
        self.alarms: list[tuple[AlarmCause, Mapping[str, str]]] = []
        self.failing: Exception | None = None
        self.refuses = False
        self.undecided: set[str] = set()
        self.judged: list[str] = []
        """The subjects of all that was to be judged, in order."""
        self.spool = spool
        self.left_alone: set[str] = set()
        self._known: dict[str, str | None] = {}
        self._news = asyncio.Condition()

    @property
    def desk(self) -> Desk:
        return Desk(self._accept, self._tell_known, self._sound, self._tell_left_alone, self._leave_alone)

    @property
    def subjects(self) -> list[str]:
        """The subjects of what has come, in order."""
        return [_subject(arrival.header) for arrival in self.arrivals]

    async def until(self, arrivals: int, within_s: float = 20.0) -> None:
        """Returns as soon as so many mails have come."""
        await self._until(lambda: len(self.arrivals) >= arrivals, within_s, f"{arrivals} mails")
        assert len(self.arrivals) == arrivals

    async def until_judged(self, subject: str, times: int, within_s: float = 20.0) -> None:
        """Returns as soon as a mail with this subject was to be judged so many times."""
        await self._until(
            lambda: self.judged.count(subject) >= times, within_s, f"{subject} to be judged {times} times"
        )

    async def until_alarm(self, cause: AlarmCause, within_s: float = 20.0) -> Mapping[str, str]:
        """The facts of an alarm, raised already or soon."""
        await self._until(lambda: any(cause is raised for raised, _ in self.alarms), within_s, f"the alarm {cause}")
        return next(facts for raised, facts in self.alarms if raised is cause)

    async def _until(self, wanted: Any, within_s: float, what: str) -> None:
        try:
            async with asyncio.timeout(within_s), self._news:
                await self._news.wait_for(wanted)
        except TimeoutError:
            raise AssertionError(f"not within {within_s} s: {what}; have {self.subjects} {self.alarms}") from None

    async def _accept(self, arrival: Arrival, file: SpoolFile) -> Accepted | Refusal:
        if self.failing:
            raise self.failing
        async with self._news:
            self.judged.append(_subject(arrival.header))
            self._news.notify_all()
        if self.judged[-1] in self.undecided:
            raise Undecided("the name servers do not answer")
        async with self._news:
            self.arrivals.append(arrival)
            self._news.notify_all()
            if self.refuses:
                return Refusal(RefusalCode.SENDER_NOT_ALLOWED)
            await file.keep()
            self.raw.append(await self.spool.read(file.name))
            self._known[arrival.source_key] = arrival.unwanted.code if arrival.unwanted else None
            return Accepted(len(self.arrivals))

    async def _tell_known(self, door: Door, keys: Collection[str]) -> Mapping[str, str | None]:
        assert all(key.startswith(f"{door}:") for key in keys)
        return {key: outcome for key, outcome in self._known.items() if key in keys}

    async def _tell_left_alone(self, keys: Collection[str]) -> Collection[str]:
        return self.left_alone.intersection(keys)

    async def _leave_alone(self, keys: Collection[str]) -> None:
        self.left_alone.update(keys)

    async def _sound(self, cause: AlarmCause, /, about: str = "", **facts: str) -> bool:
        assert about == facts["mailbox"]
        async with self._news:
            self.alarms.append((cause, facts))
            self._news.notify_all()
        return True


def _subject(header: bytes) -> str:
    lines = header.decode().splitlines()
    return next(line.removeprefix("Subject: ") for line in lines if line.startswith("Subject: "))


def settings_for(server: Dovecot | int, protocol: str, **changes: Any) -> MailboxSettings:
    """The mailbox "fax" on a server, without TLS; `server` may be the port of one of our own."""
    port = server if isinstance(server, int) else server.imap if protocol == "imap" else server.pop3
    plain = MailboxSettings(
        name="office", protocol=protocol, host="127.0.0.1", port=port, tls=False, user="fax", password=PASSWORD,
        address="Fax@example.com", poll_s=0.2, connect_s=5.0, command_s=5.0, proof=MailProof("x-office", "Internal"),
    )  # fmt: skip
    return replace(plain, **changes)


@asynccontextmanager
async def collecting(
    office: Office, settings: MailboxSettings, limits: Limits = LIMITS
) -> AsyncIterator[asyncio.Task[None]]:
    """A collector at work; leaving the block stops it, as the gateway does."""
    mailbox = KINDS[settings.protocol](settings)
    collector = Collector(settings, limits, mailbox, office.spool, office.desk, lambda: datetime.now(UTC))
    task = asyncio.create_task(collector.run())
    try:
        yield task
    finally:
        task.cancel()
        async with asyncio.timeout(30):
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def open_office(directory: Path) -> AsyncIterator[Office]:
    spool = Spool(directory / "spool")
    try:
        yield Office(spool)
    finally:
        spool.close()


def mail(subject: str, body: bytes = b"Please fax this.\r\n", **fields: str) -> bytes:
    """A mail as a server has delivered it."""
    head = {"Return-Path": "<anna@example.com>", "X-Office": "Internal", "From": "anna@example.com", "Subject": subject}
    written = {**head, "Message-ID": f"<{subject}@example.com>", **{k.replace("_", "-"): v for k, v in fields.items()}}
    return "".join(f"{name}: {value}\r\n" for name, value in written.items()).encode() + b"\r\n" + body
