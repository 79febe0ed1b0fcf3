"""The outbox: replies that are owed. A row is written by the transaction that makes the reply due."""

from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

from mail2fax.jobs import rows
from mail2fax.model.job import Reply
from mail2fax.store import Session, Store

FINAL = "final"
"""The kind of the reply that tells how a job ended. Each job has at most one."""


def owe_final_reply(session: Session, job_id: int, hostname: str, now: datetime) -> None:
    """Owe the sender the end of a job. The Message-ID is made here, once: however often we send, it is one mail."""
    message_id = f"<job-{job_id}.{uuid4()}@{hostname}>"
    session.change("owe_reply", message_id=message_id, kind=FINAL, job_id=job_id, now=now)


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
