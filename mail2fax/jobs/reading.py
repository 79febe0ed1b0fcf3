"""Looking at jobs without touching them: for the command line, the replies and the dispatcher's questions."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from mail2fax.jobs import rows, traces
from mail2fax.jobs.rows import JournalEntry
from mail2fax.model.job import Attempt, Job, JobState
from mail2fax.model.mail import Address, Door
from mail2fax.model.plan import Lesson
from mail2fax.model.trace import TraceLine
from mail2fax.store import Readable, Row, Session

NO_LIMIT = -1  # SQLite's LIMIT


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which jobs are asked for; what is left out does not matter.

    `sender` is an address, in which * stands for any characters and ? for one. `digits` stand anywhere in the
    number. `since` is aware, and counts from when a job was received.
    """

    states: tuple[JobState, ...] = ()
    sender: str | None = None
    digits: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """How many faxes of one sender came in by mail through one door, to one address."""

    sender: Address
    door: str
    recipient: str
    faxes: int


@dataclass(frozen=True, slots=True)
class News:
    """What has happened since the last look: the entries in order, and whether nothing more will come."""

    entries: tuple[JournalEntry, ...]
    over: bool


class JobReader:
    """Reads jobs, attempts and the journal from anything readable: the daemon's `Store`, or a `Reader`.

    Every method may raise `StoreError`.
    """

    def __init__(self, readable: Readable) -> None:
        self._readable = readable

    async def find(self, job_id: int) -> Job | None:
        """One job by its short number, or None."""

        def question(session: Session) -> Job | None:
            row = session.one("find_job", job_id=job_id)
            return rows.job(row) if row else None

        return await self._readable.read(question)

    async def find_by_uuid(self, domain: str, uuid: str) -> Job | None:
        """One job of a domain by its name outside, or None."""

        def question(session: Session) -> Job | None:
            row = session.one("job_of_uuid", domain=domain, uuid=uuid)
            return rows.job(row) if row else None

        return await self._readable.read(question)

    async def list(self, limit: int = 50, wanted: Wanted = Wanted()) -> tuple[Job, ...]:
        """The newest jobs that are `wanted`, newest first."""
        # In GLOB a bracket begins a set of characters; in an address it is itself.
        sender = wanted.sender and wanted.sender.lower().replace("[", "[[]")
        return await self._readable.read(
            lambda session: jobs_in(
                session.all(
                    "newest_jobs",
                    states=json.dumps(wanted.states),
                    sender=sender,
                    digits=wanted.digits,
                    since=wanted.since,
                    limit=limit,
                )
            )
        )

    async def senders(self) -> tuple[Sent, ...]:
        """Who has faxed by mail, as far as the jobs are kept."""

        def question(session: Session) -> tuple[Sent, ...]:
            found = session.all("senders", doors=json.dumps([Door.SMTP, Door.IMAP, Door.POP3]))
            return tuple(
                Sent(Address(row["sender_local"], row["sender_domain"]), row["door"], row["recipient"], row["faxes"])
                for row in found
            )

        return await self._readable.read(question)

    async def attempts_of(self, job_id: int) -> tuple[Attempt, ...]:
        """Every attempt of a job, in order."""
        return await self._readable.read(
            lambda session: tuple(rows.attempt(row) for row in session.all("attempts_of_job", job_id=job_id))
        )

    async def journal_of(self, job_id: int) -> tuple[JournalEntry, ...]:
        """Everything that happened to a job, in order."""
        return await self._readable.read(
            lambda session: tuple(rows.entry(row) for row in session.all("journal_of_job", job_id=job_id))
        )

    async def trace_of(self, attempt: Attempt) -> tuple[TraceLine, ...] | None:
        """The evidence of an attempt; None when it was not kept, or is forgotten."""
        return await traces.trace_of(self._readable, attempt.id)

    async def remembered(self, number: str, now: datetime) -> tuple[Lesson, ...]:
        """What calls have taught about a number, as far as it still counts."""
        return await self._readable.read(
            lambda session: tuple(rows.lesson(row) for row in session.all("traits_of_number", number=number, now=now))
        )

    async def latest(self, limit: int) -> tuple[JournalEntry, ...]:
        """The last things that happened, to whichever job, in order."""
        return await self._readable.read(
            lambda session: tuple(rows.entry(row) for row in reversed(session.all("latest_entries", limit=limit)))
        )

    async def news(self, job_id: int | None, after: int, limit: int = 100) -> News:
        """What happened behind the entry `after`, to one job or to all (None); a job that is final has no more news."""

        def question(session: Session) -> News:
            entries = tuple(
                rows.entry(row) for row in session.all("journal_after", after=after, job_id=job_id, limit=limit)
            )
            row = None if job_id is None else session.one("find_job", job_id=job_id)
            return News(entries, over=row is not None and JobState(row["state"]).final and len(entries) < limit)

        return await self._readable.read(question)

    # What the gateway asks of all jobs

    async def calling(self) -> tuple[Job, ...]:
        """Every job that is on the phone."""
        return await self._readable.read(
            lambda session: jobs_in(session.all("jobs_in_state", state=JobState.CALLING, limit=NO_LIMIT))
        )

    async def unprepared(self, limit: int, but: Collection[int] = ()) -> tuple[Job, ...]:
        """Jobs that wait for admission and rendering, oldest first; those with the ids `but` are seen to already."""
        return await self._readable.read(
            lambda session: jobs_in(session.all("unprepared_jobs", but=id_list(but), limit=limit))
        )

    async def spool_names(self) -> frozenset[str]:
        """The raw mails that have a job. One in the spool that is not among them was never answered 250."""
        return await self._readable.read(
            lambda session: frozenset(row["spool_name"] for row in session.all("spool_names"))
        )

    async def has_spool_name(self, name: str) -> bool:
        """Whether a job has this raw mail."""
        return await self._readable.read(lambda session: session.one("job_of_spool_name", name=name) is not None)


def jobs_in(found: Iterable[Row]) -> tuple[Job, ...]:
    """The jobs of these rows."""
    return tuple(rows.job(row) for row in found)


def id_list(ids: Collection[int]) -> str:
    """Ids as a statement takes a set of them."""
    return json.dumps(list(ids))
