"""The outbox: replies that are owed. A row is written by the transaction that makes the reply due."""

from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

from mail2fax.jobs import rows
from mail2fax.model.job import Job, Reply, ReplyKind
from mail2fax.model.mark import message_id
from mail2fax.store import Session, Store


def owe_final_reply(session: Session, job: Job, hostname: str, now: datetime) -> None:
    """Owe the news of how `job` ended, to its sender, or to somebody else when that is a program.

    The Message-ID is made here, once: however often we send, it is one mail.
    """
    kind = ReplyKind.NOTIFY if job.submission.automatic else ReplyKind.FINAL
    own_id = message_id(job.id, str(uuid4()), hostname)
    session.change("owe_reply", message_id=own_id, kind=kind, job_id=job.id, now=now)


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
