"""Looking at jobs without touching them: for the command line, the replies and the dispatcher's questions."""

from collections.abc import Iterable

from mail2fax.jobs import rows
from mail2fax.jobs.rows import JournalEntry
from mail2fax.model.job import Attempt, Job
from mail2fax.store import Readable, Row, Session


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

    async def list(self, limit: int = 50) -> tuple[Job, ...]:
        """The newest jobs, newest first."""
        return await self._readable.read(lambda session: _jobs(session.all("newest_jobs", limit=limit)))

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


def _jobs(found: Iterable[Row]) -> tuple[Job, ...]:
    return tuple(rows.job(row) for row in found)
