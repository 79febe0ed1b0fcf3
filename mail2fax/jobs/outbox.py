"""The outbox: replies that are owed. A row is written by the transaction that makes the reply due."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from math import ceil
from uuid import uuid4

from mail2fax.jobs import rows
from mail2fax.jobs.settings import JobSettings
from mail2fax.model.job import Job, JobEvent, Reply, ReplyKind
from mail2fax.model.mark import message_id
from mail2fax.model.wishes import News
from mail2fax.store import Session, Store, to_text


def owe_final_reply(session: Session, job: Job, hostname: str, now: datetime) -> None:
    """Owe the news of how `job` ended, to its sender, or to somebody else when that is a program.

    The Message-ID is made here, once: however often we send, it is one mail.
    """
    kind = ReplyKind.NOTIFY if job.submission.automatic else ReplyKind.FINAL
    _owe(session, kind, job, hostname, now, {})


PAGE_S, CALL_S = 40, 30
"""What a page and a call take on the phone, roughly: for an estimate, and for nothing else."""


def owe_progress(session: Session, job: Job, event: JobEvent, settings: JobSettings, now: datetime) -> None:
    """Owe what the sender of `job` wishes to hear before its end: `event` has just brought it to the state it is in."""
    kind = _NEWS.get(event)
    if kind is None or News(kind) not in job.submission.wishes.news:
        return
    if job.submission.automatic or not job.submission.replied_to or session.one("was_owed", job_id=job.id, kind=kind):
        return
    facts = _queued(session, job, settings.lines) if kind is ReplyKind.ACCEPTED else _postponed(job)
    _owe(session, kind, job, settings.hostname, now, facts)


_NEWS = {JobEvent.PREPARED: ReplyKind.ACCEPTED, JobEvent.POSTPONED: ReplyKind.DELAYED}


def _queued(session: Session, job: Job, lines: int) -> dict[str, str]:
    ahead = session.one("queue_ahead", job_id=job.id)
    faxes, pages = (ahead["faxes"], ahead["pages"]) if ahead else (0, 0)
    seconds = (pages * PAGE_S + faxes * CALL_S) / lines + (job.pages or 1) * PAGE_S + CALL_S
    return {"place": str(faxes + 1), "minutes": str(ceil(seconds / 60))}


def _postponed(job: Job) -> dict[str, str]:
    moments = {"next": job.due_at, "until": job.deadline_at}
    told = {name: to_text(moment) for name, moment in moments.items() if moment}
    return {**job.facts, **told, "outcome": job.outcome or ""}


def _owe(session: Session, kind: ReplyKind, job: Job, hostname: str, now: datetime, facts: Mapping[str, str]) -> None:
    own_id = message_id(job.id, str(uuid4()), hostname)
    told = json.dumps(dict(facts), ensure_ascii=False)
    session.change("owe_reply", message_id=own_id, kind=kind, job_id=job.id, now=now, facts=told)


class Outbox:
    """Replies to be sent, and what became of them. Methods raise `StoreError`."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def owed(self, now: datetime, limit: int = 20) -> tuple[Reply, ...]:
        """Replies to be sent now, the longest waiting first."""
        return await self._store.read(
            lambda session: tuple(rows.reply(row) for row in session.all("owed_replies", now=now, limit=limit))
        )

    async def next_owed(self) -> datetime | None:
        """When the next reply is due (it may be overdue); None when none is owed."""
        return await self._store.read(lambda session: rows.moment_of(session.one("next_owed")))

    async def sent(self, reply: Reply) -> None:
        """The mail server has taken it."""
        await self._settle(reply, "sent", "")

    async def postponed(self, reply: Reply, until: datetime, error: str) -> None:
        """The mail server did not take it; the same reply is owed again from `until` on."""
        now = self._clock()
        await self._store.write(
            lambda session: session.change("postpone_reply", reply_id=reply.id, until=until, now=now, error=error)
        )

    async def given_up(self, reply: Reply, error: str) -> None:
        """It cannot be sent: refused for good, or tried for too long."""
        await self._settle(reply, "failed", error)

    async def _settle(self, reply: Reply, state: str, error: str) -> None:
        now = self._clock()
        await self._store.write(
            lambda session: session.change("settle_reply", reply_id=reply.id, state=state, now=now, error=error)
        )
