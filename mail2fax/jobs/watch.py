"""One attempt as it is watched: each event of the call goes to the journal, to the log, and into what we know of it."""

from collections.abc import Sequence

import structlog

from mail2fax.crashpoint import CrashPoint, reached
from mail2fax.jobs.retry import Verdict
from mail2fax.jobs.states import Jobs
from mail2fax.model.call import (
    Answered,
    CallEnded,
    CallEvent,
    Dialled,
    EndedBy,
    Negotiated,
    PageConfirmed,
    PageProgress,
    Ringing,
    Traced,
)
from mail2fax.model.job import Attempt, Job
from mail2fax.model.so_far import CallSoFar
from mail2fax.model.trace import TraceLine
from mail2fax.store import StoreError

log = structlog.get_logger(__name__)

KEPT_AT_ONCE, KEPT_EACH = 4, 8
"""The evidence of a call comes in parts, at most one in a second. The first ones are written down as they come, then
every eighth: no more is lost when we are killed in the call."""


class AttemptWatch:
    """What is known of a call under way."""

    def __init__(self, jobs: Jobs, job: Job, attempt: Attempt, trunk: str) -> None:
        self._jobs = jobs
        self._trunk = trunk
        self._attempt = attempt
        self._pages = job.pages
        self._so_far = CallSoFar()
        self._ended: CallEnded | None = None
        self._ordered = False
        self._rang = False
        self._trace: list[TraceLine] = []
        self._parts = 0
        self._log = log.bind(job=job.id, attempt=attempt.number)

    @property
    def rang(self) -> bool:
        """Whether the far end has rung."""
        return self._rang

    @property
    def trace(self) -> Sequence[TraceLine]:
        """The evidence of the call, as far as it was told."""
        return self._trace

    @property
    def ended(self) -> CallEnded:
        """How the call ended; when it never said so, it may have gone on without us: nobody knows what became of it."""
        if not self._ordered:
            return self._so_far.interrupted(EndedBy.CANCELLED, "hung up before it was dialled")
        return self._ended or self._so_far.interrupted(EndedBy.ENGINE, "the end of the call was not heard")

    def ordered(self) -> None:
        """The order goes to the engine now: from here on the call may take place."""
        self._ordered = True

    async def see(self, event: CallEvent) -> None:
        """Takes one event of the call, in order; it is durable when this returns, if the disk does its part.

        A fault of the disk is logged, and the call goes on: hanging up would lose the fax as well, and its end
        says again what was confirmed.
        """
        if isinstance(event, Traced):
            await self._keep(event)
            return
        self._so_far.note(event)
        if isinstance(event, CallEnded):
            self._ended = event
        self._rang = self._rang or isinstance(event, Ringing)
        self._tell(event)
        try:
            await self._jobs.record(self._attempt, event)
            if isinstance(event, PageConfirmed) and event.last:
                reached(CrashPoint.LAST_PAGE_COMMITTED)
        except StoreError as error:
            self._log.error("journal not written", error=str(error))

    async def _keep(self, part: Traced) -> None:
        self._trace.extend(part.lines)
        self._parts += 1
        if self._parts > KEPT_AT_ONCE and self._parts % KEPT_EACH:
            return
        try:
            await self._jobs.keep_evidence(self._attempt, tuple(self._trace))
        except StoreError as error:
            self._log.error("evidence not written", error=str(error))

    def judged(self, verdict: Verdict, job: Job) -> None:
        """Logs the end of the call with its three results, and the state the job is in now."""
        ended = self.ended
        self._log.info(
            "call ended",
            number=job.number,
            sender=job.submission.sender,
            trunk=self._trunk,
            outcome=verdict.outcome.kind,
            cause=verdict.outcome.cause,
            diagnosis=verdict.outcome.diagnosis,
            media=ended.media,
            pages=f"{self._attempt.first_page - 1 + ended.fax.pages_confirmed}/{self._pages}",
            far_id=ended.fax.far_id,
            ended_by=ended.call.ended_by,
            state=job.state,
        )

    def _tell(self, event: CallEvent) -> None:
        match event:
            case Dialled():
                self._log.info("call dialled")
            case Ringing(sip_code=code):
                self._log.info("call ringing", sip=code)
            case Answered():
                self._log.info("call answered")
                reached(CrashPoint.CALL_ANSWERED)
            case Negotiated(media=media, bit_rate=rate, ecm=ecm, coding=coding, far_id=far_id):
                self._log.info("fax negotiated", media=media, rate=rate, ecm=ecm, coding=coding, far_id=far_id)
            case PageProgress(page=page, percent=percent):
                self._log.debug("page under way", page=f"{page}/{self._pages}", percent=percent)
                reached(CrashPoint.PAGE_UNDER_WAY)
            case PageConfirmed(page=page, last=last):
                self._log.info("page confirmed", page=f"{page}/{self._pages}")
                if last:
                    reached(CrashPoint.LAST_PAGE_CONFIRMED)
            case CallEnded():
                pass  # told by `judged`, with what follows from it
