"""One attempt as it is watched: each event of the call goes to the journal, to the log, and into what we know of it."""

import structlog

from mail2fax.jobs.states import Jobs
from mail2fax.model.call import (
    Answered,
    CallEnded,
    CallEvent,
    Dialled,
    Negotiated,
    PageConfirmed,
    PageProgress,
    Ringing,
)
from mail2fax.model.job import Attempt, Job
from mail2fax.store import StoreError

log = structlog.get_logger(__name__)


class AttemptWatch:
    """What is known of a call under way: whether it was `answered`, and how it `ended` (None until then)."""

    def __init__(self, jobs: Jobs, job: Job, attempt: Attempt) -> None:
        self.answered = False
        self.ended: CallEnded | None = None
        self._jobs = jobs
        self._attempt = attempt
        self._pages = job.pages
        self._log = log.bind(job=job.id, attempt=attempt.number)

    async def see(self, event: CallEvent) -> None:
        """Takes one event of the call, in order; it is durable when this returns, if the disk does its part.

        A fault of the disk is logged, and the call goes on: hanging up would lose the fax as well, and its end
        says again what was confirmed.
        """
        self.answered = self.answered or isinstance(event, Answered)
        if isinstance(event, CallEnded):
            self.ended = event
        self._tell(event)
        try:
            await self._jobs.record(self._attempt, event)
        except StoreError as error:
            self._log.error("journal not written", error=str(error))

    def _tell(self, event: CallEvent) -> None:
        match event:
            case Dialled():
                self._log.info("call dialled")
            case Ringing(sip_code=code):
                self._log.info("call ringing", sip=code)
            case Answered():
                self._log.info("call answered")
            case Negotiated(media=media, bit_rate=rate, ecm=ecm, coding=coding, far_id=far_id):
                self._log.info("fax negotiated", media=media, rate=rate, ecm=ecm, coding=coding, far_id=far_id)
            case PageProgress(page=page, percent=percent):
                self._log.debug("page under way", page=f"{page}/{self._pages}", percent=percent)
            case PageConfirmed(page=page):
                self._log.info("page confirmed", page=f"{page}/{self._pages}")
            case CallEnded():
                pass  # told by `judged`, with what follows from it

    def judged(self, ended: CallEnded, outcome: str, cause: str, state: str) -> None:
        """Logs the end of the call with its three results, and the state the job is in now."""
        self._log.info(
            "call ended",
            outcome=outcome,
            cause=cause,
            media=ended.media,
            pages=f"{ended.fax.pages_confirmed}/{self._pages}",
            far_id=ended.fax.far_id,
            ended_by=ended.call.ended_by,
            state=state,
        )
