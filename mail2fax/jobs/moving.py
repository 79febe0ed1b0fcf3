"""Moving jobs: the one method that reads, looks up, updates, journals and owes the reply, in one transaction.

The table is `model/job.py`. What is to happen to a job is an event; nobody sets a state.
"""

from collections.abc import Callable
from datetime import datetime

from mail2fax.jobs import rows
from mail2fax.jobs.change import Change, change_values, facts_of, require_whole
from mail2fax.jobs.journal import write
from mail2fax.jobs.outbox import owe_final_reply, owe_progress
from mail2fax.jobs.reading import JobReader
from mail2fax.jobs.settings import JobSettings
from mail2fax.jobs.traces import settle_trace
from mail2fax.jobs.webhooks import OUTGOING, owe_news
from mail2fax.model.job import ImpossibleTransition, Job, JobEvent, next_state
from mail2fax.model.outcome import OutcomeKind
from mail2fax.model.trace import KeepTraces
from mail2fax.store import Row, Session, Store

Clock = Callable[[], datetime]
"""Gives the moment it is, aware."""

NOTHING_MORE = Change()


class JobMover(JobReader):
    """Moves jobs by events. Methods raise `StoreError`, and `ImpossibleTransition` when the job's state does not know
    the event: somebody was faster."""

    def __init__(self, store: Store, settings: JobSettings, clock: Clock) -> None:
        super().__init__(store)
        self._store = store
        self._settings = settings
        self._clock = clock

    def adopt(self, settings: JobSettings) -> None:
        """Goes by these from now on; a deadline that is set already stays."""
        self._settings = settings

    async def apply(self, job_id: int, event: JobEvent, change: Change = NOTHING_MORE) -> Job:
        """Let `event` happen to a job: state, journal and the reply it may owe, in one transaction.

        What happens to a job on the phone, or brings it there, has methods of its own: they keep its attempt.
        """
        return await self._store.write(lambda session: self._move(session, job_in(session, job_id), event, change))

    # Inside a transaction

    def _move(
        self,
        session: Session,
        job: Job,
        event: JobEvent,
        change: Change = NOTHING_MORE,
        attempt: int | None = None,
    ) -> Job:
        state, now = next_state(job.state, event), self._clock()
        require_whole(state, change, attempt)
        moved = session.change(
            "move_job",
            job_id=job.id,
            version=job.version,
            from_state=job.state,
            state=state,
            now=now,
            deadline_at=self._settings.deadline(state, job.created_at, now),
            **change_values(state, change),
        )
        if moved != 1:
            raise ImpossibleTransition(f"job {job.id} was changed by somebody else")
        write(session, job.id, now, event, facts_of(state, change), attempt=attempt)
        if state.final and job.submission.replied_to:
            owe_final_reply(session, job, self._settings.hostname, now)
        if state.final and job.submission.domain in self._settings.told_domains:
            owe_news(session, job.submission.domain, OUTGOING, job.id, now)
        moved_on = job_in(session, job.id)
        owe_progress(session, moved_on, event, self._settings, now)
        return moved_on

    def _interrupt(self, session: Session, job: Job, cause: str) -> Job:
        """End a job whose call tells us no more, or not in time, by what the far end has confirmed so far."""
        row = session.one("last_attempt", job_id=job.id)
        if row is None:
            raise LookupError(f"job {job.id} is calling without an attempt")
        delivered = _all_confirmed(row, job)
        kind = OutcomeKind.DELIVERED if delivered else OutcomeKind.INTERRUPTED
        session.change("abandon_attempt", attempt_id=row["id"], outcome=kind, cause=cause)
        event = JobEvent.DELIVERED if delivered else JobEvent.DOUBTED
        settle_trace(session, row["id"], (), self._clock(), wanted=self._is_evidence(event))
        change = Change(outcome=kind, facts={"cause": cause})
        return self._move(session, job, event, change, row["number"])

    def _is_evidence(self, event: JobEvent) -> bool:
        """Whether the trace of a call that ended so is to be kept."""
        keep = self._settings.keep_traces
        failed = event is not JobEvent.DELIVERED
        return keep is KeepTraces.ALL or (keep is KeepTraces.FAILED and failed)


def job_in(session: Session, job_id: int) -> Job:
    """The job with this short number; raises `LookupError` when there is none."""
    row = session.one("find_job", job_id=job_id)
    if row is None:
        raise LookupError(f"there is no job {job_id}")
    return rows.job(row)


def _all_confirmed(row: Row, job: Job) -> bool:
    # The delivered rule: every page ordered was confirmed, the last one after EOP.
    return job.pages is not None and row["pages_confirmed"] >= job.pages and bool(row["last_confirmed"])
