"""The story: how a mail becomes a fax.

`accept` is what a door calls: may this sender, and is the mail durable. `prepare` reads the order out of the mail
and renders its document. `attempt` places one call and judges what became of it. Every other room serves one of
these three.
"""

import asyncio
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from mail2fax.admission.gate import AdmissionRules, judge_order, judge_sender
from mail2fax.document.sandbox import Renderer
from mail2fax.engine.interface import EngineUnavailable, FaxEngine
from mail2fax.jobs.retry import RetryPolicy, Verdict, judge
from mail2fax.jobs.states import Jobs
from mail2fax.jobs.watch import AttemptWatch
from mail2fax.mail.heading import Heading
from mail2fax.mail.mime import read_parts
from mail2fax.model.call import CallEnded, CallOrder, MediaPolicy
from mail2fax.model.domain import Terminal
from mail2fax.model.job import Attempt, Job
from mail2fax.model.mail import Accepted, Arrival, Submission
from mail2fax.model.refusal import Refusal
from mail2fax.store import StoreError
from mail2fax.store.spool import Spool, SpoolFile

log = structlog.get_logger(__name__)

WRITE_AGAIN_S = 5.0
"""Seconds after which the end of a call that could not be written is written again."""


@dataclass(frozen=True, slots=True)
class Dialling:
    """How calls are placed: whose they seem to be, and what the trunk wants. `prefix` stands for the + of a number."""

    terminal: Terminal
    hostname: str
    prefix: str
    ring_limit_s: float
    media_policy: MediaPolicy
    ecm: bool
    max_bit_rate: int


class Gateway:
    """The way of a mail through the house; the daemon hands in its parts."""

    def __init__(
        self,
        *,
        rules: AdmissionRules,
        spool: Spool,
        renderer: Renderer,
        documents: Path,
        jobs: Jobs,
        engine: FaxEngine,
        dialling: Dialling,
        retries: RetryPolicy,
    ) -> None:
        self._rules = rules
        self._spool = spool
        self._renderer = renderer
        self._documents = documents
        self._jobs = jobs
        self._engine = engine
        self._dialling = dialling
        self._retries = retries

    async def accept(self, arrival: Arrival, file: SpoolFile) -> Accepted | Refusal:
        """The mail in `file` becomes a job, if its sender may fax. After `Accepted` nothing loses it any more."""
        heading = judge_sender(arrival, self._rules)
        if isinstance(heading, Refusal):
            log.info("mail refused", door=arrival.door, peer=arrival.peer, reason=heading.code, **heading.facts)
            return heading
        spool_name = await file.keep()
        receipt = await self._jobs.receive(_submission(arrival, heading, spool_name))
        if not receipt.new:
            await file.discard()
            log.info("mail known already", job=receipt.job_id, sender=heading.sender)
            return Accepted(receipt.job_id)
        log.info("mail accepted", job=receipt.job_id, sender=heading.sender, subject=heading.subject, bytes=file.size)
        return Accepted(receipt.job_id)

    async def prepare(self, job: Job) -> None:
        """A received job becomes ready to be dialled, or is refused; either way its sender's mail was judged whole."""
        prepared = await self._prepare(job)
        if isinstance(prepared, Refusal):
            log.info("job refused", job=job.id, reason=prepared.code, sentence=prepared.sentence)
            await self._jobs.refused(job, prepared)
            return
        log.info("job ready", job=job.id, number=prepared.number, pages=prepared.pages)

    async def _prepare(self, job: Job) -> Job | Refusal:
        mail = await self._spool.read(job.submission.spool_name)
        parts = await asyncio.to_thread(read_parts, mail)
        admitted = judge_order(job.submission.subject, parts, self._rules)
        if isinstance(admitted, Refusal):
            return admitted
        attachment = admitted.attachment
        target = self._documents / f"{job.uuid}.tif"
        document = await self._renderer.render(attachment.data, attachment.name, target)
        if isinstance(document, Refusal):
            return document
        return await self._jobs.prepared(job, admitted.number.e164, document.name, len(document.pages))

    async def attempt(self, job: Job) -> None:
        """One try of a ready job: at most one call, and what follows from how it ended."""
        order = self._order(job)
        attempt = await self._jobs.begin_attempt(job, order.call_id)
        if attempt is None:
            return  # another job is calling this number: this one stays ready
        log.info("dialling", job=job.id, attempt=attempt.number, number=order.number, call_id=order.call_id)
        watch = AttemptWatch(self._jobs, job, attempt)
        try:
            async with self._engine.call(order) as events:
                async for event in events:
                    await watch.see(event)
        except EngineUnavailable as error:
            log.warning("call not placed", job=job.id, attempt=attempt.number, reason=str(error))
            await self._jobs.not_dialled(attempt, str(error))
            return
        except asyncio.CancelledError:
            # We were told to stop, and have hung up. An answered call stays in doubt: `Jobs.recover` judges it.
            if not watch.answered:
                await asyncio.shield(self._jobs.not_dialled(attempt, "stopped before the call was answered"))
            raise
        except Exception:
            await self._jobs.interrupted(attempt, "a fault in the gateway")
            raise
        await self._judge(job, order, attempt, watch)

    async def _judge(self, job: Job, order: CallOrder, attempt: Attempt, watch: AttemptWatch) -> None:
        """What follows from the end of a call: delivered, tried again later, given up, or in doubt."""
        if watch.ended is None:
            raise RuntimeError("the engine broke its promise: a call without CallEnded")
        failures = await self._jobs.failures_of(job.id)
        verdict = judge(watch.ended, order.pages, failures, self._retries)
        job = await self._end(attempt, verdict, watch.ended)
        watch.judged(watch.ended, verdict.outcome.kind, verdict.outcome.cause, job.state)

    async def _end(self, attempt: Attempt, verdict: Verdict, ended: CallEnded) -> Job:
        """Writes the end of a call down, however long the disk takes: nobody else knows it any more."""
        while True:
            try:
                return await self._jobs.end_attempt(attempt, verdict, ended)
            except StoreError as error:
                log.error("end of call not written", job=attempt.job_id, attempt=attempt.number, error=str(error))
                await asyncio.sleep(WRITE_AGAIN_S)

    def _order(self, job: Job) -> CallOrder:
        if job.number is None or job.document is None or job.pages is None:
            raise ValueError(f"job {job.id} is {job.state}, but was never prepared")
        dialling = self._dialling
        return CallOrder(
            call_id=f"{uuid.uuid4().hex}@{dialling.hostname}",
            number=dialling.prefix + job.number.removeprefix("+"),
            document_path=str(self._documents / job.document),
            pages=job.pages,
            caller_id=dialling.terminal.caller_id,
            station_id=dialling.terminal.station_id,
            header=dialling.terminal.header,
            header_time=datetime.now(UTC),
            ring_limit_s=dialling.ring_limit_s,
            media_policy=dialling.media_policy,
            ecm=dialling.ecm,
            max_bit_rate=dialling.max_bit_rate,
        )


def _submission(arrival: Arrival, heading: Heading, spool_name: str) -> Submission:
    return Submission(
        door=arrival.door,
        source_key=arrival.source_key,
        spool_name=spool_name,
        size=arrival.size,
        received_at=arrival.received_at,
        sender=heading.sender,
        mail_from=arrival.mail_from,
        recipient=arrival.recipient,
        subject=heading.subject,
        message_id=heading.message_id,
        references=heading.references,
        automatic=heading.automatic,
    )
