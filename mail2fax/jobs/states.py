"""All that can happen to a job, one method for each event of its way: it comes in, is called, ends, or is held up.

Each method is one transaction; how a job is moved in it stands in `moving`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4

from mail2fax.crashpoint import CrashPoint, reached
from mail2fax.jobs import memory, rows, sources
from mail2fax.jobs.change import Change, cdr_values, change_of
from mail2fax.jobs.journal import call_facts, name_of, write, write_pages
from mail2fax.jobs.memory import learn
from mail2fax.jobs.moving import JobMover, job_in
from mail2fax.jobs.reading import NO_LIMIT, id_list, jobs_in
from mail2fax.jobs.retry import Circumstances, Verdict
from mail2fax.jobs.strategy import Aftermath
from mail2fax.jobs.traces import keep_trace, settle_trace
from mail2fax.model.call import CallEnded, CallEvent, PageConfirmed
from mail2fax.model.job import Attempt, ImpossibleTransition, Job, JobEvent, JobState, next_state
from mail2fax.model.mail import Door, Submission
from mail2fax.model.outcome import OutcomeKind
from mail2fax.model.plan import Lesson
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.model.trace import KeepTraces, TraceLine
from mail2fax.store import Session

BATCH = 100
"""At most so many jobs are moved by one transaction."""

NOTHING_KEPT = Aftermath()

STOPPED = "we were stopped in mid call"
ORPHANED = "a fault in the gateway ended the call"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a submission: its job, and whether the job is new or the mail was known already."""

    job_id: int
    new: bool


class Jobs(JobMover):
    """Every job, and all that can happen to one."""

    # The way in

    async def receive(self, submission: Submission, unwanted: Refusal | None = None, *, once: str = "") -> Receipt:
        """Make a job of a mail, or find the one it has become before (same domain, door and source key).

        One that is `unwanted` is refused in the same transaction: it is never worked on, and its sender is told why.
        `once` is a key that a client has made itself: where there is one, it alone tells repeats from new orders.
        """
        keys = ((sources.ONCE, once),) if once else sources.keys_of(submission)

        def commit(session: Session) -> Receipt:
            for kind, key in keys:
                known = sources.known_job(session, submission, kind, key, self._settings.repeat_window)
                if known is not None:
                    return Receipt(known, new=False)
            job_id = self._add(session, submission)
            if once:
                sources.claim(session, submission, sources.ONCE, once, job_id)
            if unwanted is not None:
                change = Change(outcome=unwanted.code, facts=unwanted.facts)
                self._move(session, job_in(session, job_id), JobEvent.REFUSED, change)
            reached(CrashPoint.JOB_ADDED)
            return Receipt(job_id, new=True)

        receipt = await self._store.write(commit)
        reached(CrashPoint.JOB_COMMITTED)
        return receipt

    async def known(self, door: Door, keys: Collection[str]) -> Mapping[str, str | None]:
        """Those of the source keys of mails in a mailbox that have become a job, each with the job's outcome."""
        return await self._store.read(lambda session: sources.known_keys(session, door, keys))

    async def repeat(self, job_id: int, spool_name: str, by: str) -> Receipt:
        """The mail of a job that is over becomes a new job, as `by` wants; its bytes lie at `spool_name` once more.

        Asked for again it is the same new job, until that has failed: two persons who help have it dialled once.
        """

        def commit(session: Session) -> Receipt:
            old = job_in(session, job_id)
            mail = replace(old.submission, spool_name=spool_name, received_at=self._clock())
            known = sources.known_job(session, mail, sources.RETRY, str(job_id), timedelta.max)
            if known is not None:
                return Receipt(known, new=False)
            new_id = self._add(session, mail)
            sources.hand_on(session, mail, job_id, new_id)
            write(session, job_id, self._clock(), "retry-asked", {"by": by, "new_job": new_id})
            write(session, new_id, self._clock(), "retry-of", {"by": by, "old_job": job_id})
            return Receipt(new_id, new=True)

        receipt = await self._store.write(commit)
        reached(CrashPoint.RETRY_COMMITTED)
        return receipt

    async def claim_content(self, job: Job, key: str) -> int | None:
        """The number of the job that is this very fax already; None when it is an order of its own, and stays so."""

        def commit(session: Session) -> int | None:
            mail = job.submission
            known = sources.known_job(session, mail, sources.CONTENT, key, self._settings.repeat_window)
            if known is not None and known != job.id:
                return known
            sources.claim(session, mail, sources.CONTENT, key, job.id)
            return None

        return await self._store.write(commit)

    async def prepared(
        self,
        job: Job,
        number: str,
        document: str,
        pages: int,
        ignored: tuple[str, ...] = (),
        phone_s: int | None = None,
    ) -> Job:
        """The job is admitted to `number` (E.164), and its document (a name in the document store) is rendered.

        `ignored` names what else was attached, and is not faxed; `phone_s` is how long the call is likely to take.
        """
        change = Change(number=number, document=document, pages=pages, ignored=ignored, phone_s=phone_s)
        return await self.apply(job.id, JobEvent.PREPARED, change)

    async def refused(self, job: Job, refusal: Refusal) -> Job:
        """Admission or the document room said no."""
        return await self.apply(job.id, JobEvent.REFUSED, Change(outcome=refusal.code, facts=refusal.facts))

    async def shown(self, job: Job, document: str, facts: Mapping[str, str]) -> Job:
        """The mail asked for a preview: the job is over, and its reply brings `document`."""
        change = Change(outcome=RefusalCode.PREVIEW, document=document, facts=facts)
        return await self.apply(job.id, JobEvent.REFUSED, change)

    # The call

    async def begin_attempt(self, job: Job, call_id: str, trunk: str = "", first_page: int = 1) -> Attempt | None:
        """Commit an attempt over `trunk` before anything is dialled; None when the job is held, or its number is being
        called.

        It begins with `first_page`: those before it are with the far end.
        """

        def commit(session: Session) -> Attempt | None:
            current = job_in(session, job.id)
            next_state(current.state, JobEvent.DIALLING)
            if current.held or session.one("engaged", number=current.number, job_id=current.id):
                return None
            number = current.attempts + 1
            attempt_id = session.insert(
                "add_attempt",
                job_id=current.id,
                number=number,
                call_id=call_id,
                trunk=trunk,
                first_page=first_page,
                now=self._clock(),
            )
            self._move(session, current, JobEvent.DIALLING, attempt=number)
            return _attempt(session, attempt_id)

        return await self._store.write(commit)

    async def not_dialled(self, attempt: Attempt, reason: str, *, at_once: bool = False) -> Job:
        """The engine would not take the order: nothing was dialled, and the job waits a moment, or (`at_once`) goes on
        over another trunk."""

        def commit(session: Session) -> Job:
            session.change("abandon_attempt", attempt_id=attempt.id, outcome=OutcomeKind.FAULT, cause=reason)
            job = job_in(session, attempt.job_id)
            if job.state.final:
                return job  # its deadline passed meanwhile
            pause = timedelta(0) if at_once else self._settings.pause_after(attempt.number)
            change = Change(due_at=self._clock() + pause, facts={"cause": reason})
            return self._move(session, job, JobEvent.NOT_DIALLED, change, attempt.number)

        return await self._store.write(commit)

    async def record(self, attempt: Attempt, event: CallEvent) -> None:
        """Write down durably what happens in a call; not the progress within a page, nor the end (`end_attempt`)."""
        name = name_of(event)
        if name is None:
            return

        def commit(session: Session) -> None:
            if isinstance(event, PageConfirmed):
                session.change("confirm_page", attempt_id=attempt.id, page=event.page, last=event.last)
            write(session, attempt.job_id, self._clock(), name, call_facts(event), attempt=attempt.number)

        await self._store.write(commit)

    async def keep_evidence(self, attempt: Attempt, lines: Sequence[TraceLine]) -> None:
        """Keep what a call has shown so far, for when we are killed in it; its end settles what stays."""
        if self._settings.keep_traces is not KeepTraces.NONE:
            await self._store.write(lambda session: keep_trace(session, attempt.id, lines, self._clock()))

    async def end_attempt(
        self, attempt: Attempt, verdict: Verdict, ended: CallEnded, aftermath: Aftermath = NOTHING_KEPT
    ) -> Job:
        """Close the attempt, do to its job what `verdict` says, and keep the `aftermath`, in one transaction.

        A job that has reached a final state meanwhile (its deadline passed) stays there; the CDR is written.
        """

        def commit(session: Session) -> Job:
            now = self._clock()
            if session.change("end_attempt", attempt_id=attempt.id, now=now, **cdr_values(ended, verdict)) != 1:
                raise ImpossibleTransition(f"attempt {attempt.number} of job {attempt.job_id} has ended already")
            job = job_in(session, attempt.job_id)
            write_pages(session, job.id, now, ended.fax, attempt.number)
            learn(session, job.number or "", aftermath.lessons, now)
            settle_trace(session, attempt.id, aftermath.trace, now, wanted=self._is_evidence(verdict.event))
            if job.state.final:
                facts = {"outcome": verdict.outcome.kind.value, "cause": verdict.outcome.cause}
                write(session, job.id, now, "ended-late", facts, attempt=attempt.number)
                return job
            return self._move(session, job, verdict.event, change_of(verdict, now, aftermath.plan), attempt.number)

        return await self._store.write(commit)

    # People and clocks

    async def cancel(self, job_id: int, by: str = "") -> Job:
        """Withdraw a job, as `by` wants; returns it cancelled, or as it is if it is over already or on the phone.

        One on the phone must be hung up: the end of its call decides.
        """

        def commit(session: Session) -> Job:
            job = job_in(session, job_id)
            if job.state.final:
                return job
            write(session, job.id, self._clock(), "cancel-asked", {"by": by})
            if job.state is JobState.CALLING:
                return job
            return self._move(session, job, JobEvent.CANCELLED, Change(outcome=OutcomeKind.CANCELLED))

        return await self._store.write(commit)

    async def wake_due(self, now: datetime) -> tuple[Job, ...]:
        """Wake every sleeping job whose delay is over; returns them."""

        def commit(session: Session) -> tuple[Job, ...]:
            due = jobs_in(session.all("due_jobs", now=now, limit=BATCH))
            return tuple(self._move(session, job, JobEvent.WOKE) for job in due)

        woken = await self._store.write(commit)
        if woken:
            reached(CrashPoint.JOB_WOKEN)
        return woken

    async def wake(self, job_id: int, by: str) -> Job:
        """Wake one sleeping job before its time, as `by` wants."""

        def commit(session: Session) -> Job:
            job = self._move(session, job_in(session, job_id), JobEvent.WOKE)
            write(session, job.id, self._clock(), "retry-asked", {"by": by})
            return job

        return await self._store.write(commit)

    async def expire_overdue(self, now: datetime) -> tuple[Job, ...]:
        """End every job that has waited beyond its deadline; returns them. A call is ended by who carries it."""

        def commit(session: Session) -> tuple[Job, ...]:
            overdue = jobs_in(session.all("overdue_jobs", now=now, limit=BATCH))
            change = Change(outcome=OutcomeKind.EXPIRED)
            return tuple(self._move(session, job, JobEvent.EXPIRED, change) for job in overdue)

        return await self._store.write(commit)

    async def orphaned(self, job: Job) -> Job | None:
        """Nobody carries this call any more, by a fault of ours: judged by the journal, as after a crash.

        None when the job has gone on since `job` was read: then it stays as it is.
        """

        def commit(session: Session) -> Job | None:
            current = job_in(session, job.id)
            if current.version != job.version:
                return None
            return self._interrupt(session, current, ORPHANED)

        return await self._store.write(commit)

    async def recover(self) -> tuple[Job, ...]:
        """At start-up: end what a crash has left in mid call; returns those jobs. Nothing of it is dialled again.

        Sent, if the journal shows every page confirmed; else in doubt, and the sender is told.
        """

        def commit(session: Session) -> tuple[Job, ...]:
            calling = jobs_in(session.all("jobs_in_state", state=JobState.CALLING, limit=NO_LIMIT))
            return tuple(self._interrupt(session, job, STOPPED) for job in calling)

        interrupted = await self._store.write(commit)
        reached(CrashPoint.CALLS_RECOVERED)
        return interrupted

    # What is to be done

    async def next_ready(
        self, limit: int, but: Collection[int] = (), passed_over: Collection[int] = ()
    ) -> tuple[Job, ...]:
        """Jobs that may be dialled now, oldest first: at most one per number, and none whose number is engaged.

        Not those with the ids `but`, whose numbers wait for them; nor those `passed_over`, whose numbers do not. A
        number that was called a moment ago is left alone for a little: its machine is still hanging up.
        """
        rested = self._clock() - self._settings.number_rest
        return await self._store.read(
            lambda session: jobs_in(
                session.all(
                    "callable_jobs", but=id_list(but), passed_over=id_list(passed_over), rested=rested, limit=limit
                )
            )
        )

    async def next_moment(self) -> datetime | None:
        """When `wake_due` or `expire_overdue` will next have something to do; None when nothing waits."""

        def question(session: Session) -> datetime | None:
            return rows.moment_of(session.one("next_moment"))

        return await self._store.read(question)

    async def lessons_of(self, number: str) -> tuple[Lesson, ...]:
        """What is remembered of a number."""
        return await self.remembered(number, self._clock())

    async def circumstances(self, attempt: Attempt, number: str, *, rang: bool, withdrawn: bool) -> Circumstances:
        """What `judge` wants to know of an attempt besides its end."""
        return await memory.circumstances(self._store, attempt, number, self._clock(), rang=rang, withdrawn=withdrawn)

    # Inside a transaction

    def _add(self, session: Session, submission: Submission) -> int:
        now = self._clock()
        job_id = session.insert(
            "add_job",
            uuid=str(uuid4()),
            state=JobState.RECEIVED,
            now=now,
            deadline_at=self._settings.deadline(JobState.RECEIVED, now, now),
            **rows.submission_values(submission),
        )
        for kind, key in sources.keys_of(submission):
            sources.claim(session, submission, kind, key, job_id)
        write(session, job_id, now, "received", {"door": submission.door.value, "sender": str(submission.sender)})
        return job_id


def _attempt(session: Session, attempt_id: int) -> Attempt:
    row = session.one("find_attempt", attempt_id=attempt_id)
    if row is None:
        raise LookupError(f"there is no attempt with the id {attempt_id}")
    return rows.attempt(row)
