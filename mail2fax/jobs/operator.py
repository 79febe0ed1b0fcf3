"""What a person does to jobs without moving them: holds them back, lets them go; and what a second try would take."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum, auto

from mail2fax.jobs import rows
from mail2fax.jobs.journal import write
from mail2fax.jobs.moving import job_in
from mail2fax.model.job import ImpossibleTransition, Job, JobState
from mail2fax.store import Session, Store


class SecondTry(Enum):
    """What it takes to try a job again."""

    UNDER_WAY = auto()
    """Nothing: it is not over yet."""
    WAKE = auto()
    """It waits for its next try already: that comes now."""
    NEW_JOB = auto()
    """It is over: the same mail becomes a new job, and is judged by the rules of today."""
    NEW_JOB_IF_SURE = auto()
    """The same, but it may have arrived: only a person who is sure has it dialled again."""
    NEVER = auto()
    """It has arrived."""


_SECOND_TRIES: Mapping[JobState, SecondTry] = {
    JobState.RECEIVED: SecondTry.UNDER_WAY,
    JobState.READY: SecondTry.UNDER_WAY,
    JobState.CALLING: SecondTry.UNDER_WAY,
    JobState.SLEEPING: SecondTry.WAKE,
    JobState.SENT: SecondTry.NEVER,
    JobState.FAILED: SecondTry.NEW_JOB,
    JobState.CANCELLED: SecondTry.NEW_JOB,
    JobState.REJECTED: SecondTry.NEW_JOB,
    JobState.UNCONFIRMED: SecondTry.NEW_JOB_IF_SURE,
}


def second_try(job: Job) -> SecondTry:
    """What it takes to try `job` again."""
    return _SECOND_TRIES[job.state]


class Operator:
    """A person's hand on the jobs. `by` says whose; it goes into the journal. Methods raise `StoreError`."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def hold(self, job_id: int | None, by: str) -> tuple[Job, ...]:
        """Hold one job, or (None) all that are not over; returns those that were not held before.

        Raises `LookupError` when there is no such job, and `ImpossibleTransition` when it is over.
        A call under way goes on. A held job keeps its deadline: its sender is told in the end, whoever forgets it.
        """
        return await self._set_held(job_id, by, held=True)

    async def release(self, job_id: int | None, by: str) -> tuple[Job, ...]:
        """Let one job, or all, be dialled again; returns those that were held. Raises as `hold` does."""
        return await self._set_held(job_id, by, held=False)

    async def _set_held(self, job_id: int | None, by: str, *, held: bool) -> tuple[Job, ...]:
        def commit(session: Session) -> tuple[Job, ...]:
            changed = (
                _all_unfinished(session, held=not held) if job_id is None else _one(session, job_id, held=not held)
            )
            for job in changed:
                session.change("hold_job", job_id=job.id, held=held, now=self._clock())
                write(session, job.id, self._clock(), "held" if held else "released", {"by": by})
            return changed

        return await self._store.write(commit)


def _all_unfinished(session: Session, *, held: bool) -> tuple[Job, ...]:
    return tuple(rows.job(row) for row in session.all("unfinished_jobs", held=held))


def _one(session: Session, job_id: int, *, held: bool) -> tuple[Job, ...]:
    """The job, if it is `held` so; nothing, if it is not."""
    job = job_in(session, job_id)
    if job.state.final:
        raise ImpossibleTransition(f"job {job_id} is over: {job.state}")
    return (job,) if job.held == held else ()
