"""The story: how a mail becomes a fax.

`accept` is what a door calls: may this sender, and is the mail durable. `prepare` reads the order out of the mail
and renders its document. `attempt` places one call and judges what became of it. Every other room serves one of
these three.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import structlog

from mail2fax.admission.gate import AdmissionRules, Allowed, Unproven, as_signed, judge_redirection, judge_sender
from mail2fax.admission.signature import Signatures
from mail2fax.crashpoint import CrashPoint, reached
from mail2fax.dialling import Dialling, with_pages
from mail2fax.engine.interface import EngineUnavailable, FaxEngine
from mail2fax.jobs.intake import Intake
from mail2fax.jobs.retry import RetryPolicy, judge
from mail2fax.jobs.states import Jobs
from mail2fax.jobs.strategy import aftermath_of, planned, remembered
from mail2fax.jobs.watch import AttemptWatch
from mail2fax.model.call import CallOrder
from mail2fax.model.job import Attempt, Job
from mail2fax.model.mail import Accepted, Arrival, Proof, ProofKind, Submission
from mail2fax.model.refusal import Refusal
from mail2fax.model.trunk import Trunk, TrunkState
from mail2fax.preparation import Preparation
from mail2fax.store import StoreError
from mail2fax.store.spool import SpoolFile
from mail2fax.telephone import Telephone
from mail2fax.trunks import Line, Lines, wanted_of

log = structlog.get_logger(__name__)

WRITE_AGAIN_S = 5.0
"""Seconds after which the end of a call that could not be written is written again."""
DOOR_LOOKS, DOOR_LOOK_S = 20, 0.05
"""How often, and after how many seconds again, a mail on the desk looks whether there are others at the door, which go
first. A second at the most: a flood slows the desk down, and does not stop it."""

T = TypeVar("T")


class Gateway:
    """The way of a mail through the house; the daemon hands in its parts."""

    def __init__(
        self,
        *,
        rules: AdmissionRules,
        signatures: Signatures,
        intake: Intake,
        preparation: Preparation,
        jobs: Jobs,
        documents: Path,
        engine: FaxEngine,
        lines: Lines,
        dialling: Dialling,
        retries: RetryPolicy,
        desk_places: int = 2,
    ) -> None:
        """`desk_places` mails are taken apart and rendered at once, each in processes of its own."""
        self._rules = rules
        self._signatures = signatures
        self._intake = intake
        self._preparation = preparation
        self._jobs = jobs
        self._documents = documents
        self._engine = engine
        self._telephone = Telephone(engine)
        self._lines = lines
        self._dialling = dialling
        self._retries = retries
        self._desk = asyncio.Semaphore(desk_places)
        self._at_the_door = 0

    def adopt(self, rules: AdmissionRules, dialling: Dialling, retries: RetryPolicy) -> None:
        """Judges, dials and tries again by these from now on. A call under way goes on as it was ordered."""
        self._rules, self._dialling, self._retries = rules, dialling, retries
        self._preparation.adopt(rules, dialling)

    async def accept(self, arrival: Arrival, file: SpoolFile) -> Accepted | Refusal:
        """The mail in `file` becomes a job, if its sender may fax. After `Accepted` nothing loses it any more.

        Raises `Undecided` when its signature would decide that, and its key cannot be had now.
        """
        with self._door_first():
            allowed = judge_sender(arrival, self._rules)
            if isinstance(allowed, Unproven):
                allowed = await self._look_at_signatures(arrival, allowed, file)
            if isinstance(allowed, Refusal):
                log.info("mail refused", door=arrival.door, peer=arrival.peer, reason=allowed.code, **allowed.facts)
                return allowed
            mail = _submission(arrival, allowed, file.name)
            return await self._take(mail, file, allowed.proofs, arrival.unwanted)

    async def accept_order(self, mail: Submission, file: SpoolFile, once: str = "") -> Accepted:
        """An order that did not come by mail becomes a job. Who may give it, its door has judged: who can reach the
        control socket, who has a token. Two orders with the same `once` are one, however they differ."""
        return await self._take(replace(mail, terminal=mail.terminal or self._dialling.terminal), file, once=once)

    async def _take(
        self,
        mail: Submission,
        file: SpoolFile,
        proofs: Sequence[Proof] = (),
        unwanted: Refusal | None = None,
        *,
        once: str = "",
    ) -> Accepted:
        receipt = await self._intake.receive(mail, file, unwanted, once=once)
        if not receipt.new:
            log.info("mail known already", job=receipt.job_id, sender=mail.sender, domain=mail.domain)
            return Accepted(receipt.job_id, known=True)
        log.info(
            "mail refused, its sender is told" if unwanted else "mail accepted",
            job=receipt.job_id,
            reason=unwanted.code if unwanted else None,
            sender=mail.sender,
            domain=mail.domain,
            door=mail.door,
            proof=" ".join(map(str, proofs)),
            bytes=file.size,
        )
        return Accepted(receipt.job_id)

    async def prepare(self, job: Job) -> None:
        """A received job becomes ready to be dialled, or is refused; either way its sender's mail was judged whole."""
        async with self._desk:
            await self._let_the_door_go_first()
            prepared = await self._preparation.prepare(job)
        if isinstance(prepared, Refusal):
            await self._jobs.refused(job, prepared)
            log.info("job refused", job=job.id, reason=prepared.code)
        elif prepared.state.final:
            log.info("preview made", job=job.id)

    async def attempt(self, job: Job, line: Line) -> None:
        """One try of a ready job: at most one call, over `line`, and what follows from how it ended."""
        order, trunk = await self._plan(job, line.trunk), line.trunk.name
        attempt = await self._jobs.begin_attempt(job, order.call_id, trunk, order.first_page)
        if attempt is None:
            return  # it is held by now, or another job is calling this number: it stays ready
        reached(CrashPoint.CALL_COMMITTED)
        told = log.bind(job=job.id, attempt=attempt.number, trunk=trunk)
        told.info(
            "dialling",
            number=job.number,
            dialled=order.number,
            call_id=order.call_id,
            first_page=order.first_page if order.first_page > 1 else None,
        )
        watch = AttemptWatch(self._jobs, job, attempt, trunk)
        with self._telephone.attempt(job.id):
            try:
                await self._telephone.call(job.id, order, watch, self._dialling.longest_call_s)
            except EngineUnavailable as error:
                reason = str(error)
                told.warning("call not placed", reason=reason)
                line.release()
                await _written_down(job, lambda: self._not_dialled(job, attempt, reason))
                return
            reached(CrashPoint.CALL_ENDED)
            line.release()
            await _written_down(job, lambda: self._judge(job, line.trunk, attempt, order, watch))
            reached(CrashPoint.CALL_JUDGED)

    @property
    def trunk_states(self) -> Mapping[str, TrunkState]:
        """How the trunks stand, as the engine sees it."""
        return self._engine.trunk_states

    async def cancel(self, job_id: int, by: str) -> Job:
        """Withdraws a job, as `by` wants. One on the phone is hung up: what its call has come to by then decides."""
        with self._telephone.withdrawing(job_id):
            while not (job := await self._jobs.cancel(job_id, by)).state.final:
                reached(CrashPoint.CANCEL_ASKED)
                self._telephone.hang_up(job_id)
                await self._telephone.attempt_over(job_id)
            reached(CrashPoint.CANCEL_DONE)
            return job

    def hang_up(self, job_id: int) -> None:
        """Ends the call of a job, or keeps one that is about to begin from being dialled. Its `attempt` judges it."""
        self._telephone.hang_up(job_id)

    @contextlib.contextmanager
    def _door_first(self) -> Iterator[None]:
        """While a mail is being accepted the desk waits."""
        self._at_the_door += 1
        try:
            yield
        finally:
            self._at_the_door -= 1

    async def _look_at_signatures(self, arrival: Arrival, unproven: Unproven, file: SpoolFile) -> Allowed | Refusal:
        """The sender may fax, and nothing has shown yet that the mail is his: that his domain has signed it may."""
        rules, header, sender = self._rules, unproven.header, unproven.sender
        looks = await self._signatures.look(header, sender, arrival.recipient, file.read, rules.signatures)
        for look in looks:
            if look.fault:
                log.info("signature does not count", peer=arrival.peer, signer=look.domain, reason=look.fault)
        good = [look for look in looks if not look.fault]
        signed = [Proof(ProofKind.DKIM, look.domain, repeatable=True) for look in good]
        allowed = judge_sender(arrival, rules, signed) if signed else unproven.refusal
        if isinstance(allowed, Allowed):
            return as_signed(allowed, good[0].signed)
        return allowed.refusal if isinstance(allowed, Unproven) else allowed

    async def _let_the_door_go_first(self) -> None:
        for _ in range(DOOR_LOOKS):
            if not self._at_the_door:
                return
            await asyncio.sleep(DOOR_LOOK_S)

    async def _plan(self, job: Job, trunk: Trunk) -> CallOrder:
        """The job's next call: as configured, but for what earlier calls have taught about it and its number."""
        learnt = await self._jobs.lessons_of(job.number or "")
        order = await with_pages(self._dialling.order(job, trunk, self._documents))
        return planned(order, remembered(learnt), job.plan)

    async def _not_dialled(self, job: Job, attempt: Attempt, reason: str) -> None:
        await self._jobs.not_dialled(attempt, reason, at_once=await self._has_spare(job, attempt.trunk))

    async def _has_spare(self, job: Job, trunk: str) -> bool:
        """Whether there is another trunk for this job at once, now that `trunk` has failed it, too."""
        return self._lines.has_spare(wanted_of(job, await self._jobs.attempts_of(job.id)).after(trunk))

    async def _judge(self, job: Job, trunk: Trunk, attempt: Attempt, order: CallOrder, watch: AttemptWatch) -> None:
        """What follows from the end of a call: delivered, tried again later, given up, or in doubt."""
        ended, withdrawn = watch.ended, self._telephone.is_withdrawn(job.id)
        known = await self._jobs.circumstances(attempt, job.number or "", rang=watch.rang, withdrawn=withdrawn)
        known = replace(known, forwarded_to=self._forwarding(job, trunk, ended.call.redirected_to))
        verdict = judge(ended, order.pages_to_send, self._retries, known)
        self._lines.judged(attempt.trunk, failed=verdict.trunk_failed)
        if verdict.trunk_failed and await self._has_spare(job, attempt.trunk):
            verdict = verdict.at_once()
        aftermath = aftermath_of(job.plan, order, ended, verdict, known, watch.trace)
        watch.judged(verdict, await self._jobs.end_attempt(attempt, verdict, ended, aftermath))

    def _forwarding(self, job: Job, trunk: Trunk, named: str) -> str | None:
        """The number that the far end names in place of its own, if the trunk's redirections are followed and it may
        be called. Once for each job: a chain of forwardings is the network's to walk, and a circle nobody's."""
        if not named or not trunk.follow_redirects or job.forwarded_from is not None:
            return None
        number = judge_redirection(named, trunk.form.prefix, self._rules)
        if isinstance(number, Refusal) or not trunk.carries(number.digits):
            reason = number.code if isinstance(number, Refusal) else "the trunk may not carry this number"
            log.warning("redirection not followed", job=job.id, trunk=trunk.name, to=named, reason=reason)
            return None
        return None if number.e164 == job.number else number.e164


def _submission(arrival: Arrival, allowed: Allowed, spool_name: str) -> Submission:
    heading = allowed.heading
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
        domain=allowed.rule.domain,
        terminal=allowed.rule.terminal,
        notify=allowed.rule.notify,
        wishes=allowed.rule.wishes,
        copy_key=arrival.copy_key,
        signed_key=allowed.signed_key,
    )


async def _written_down(job: Job, write: Callable[[], Awaitable[T]]) -> T:
    """Writes the end of a call down, however long the disk takes: nobody else knows it any more."""
    while True:
        try:
            return await write()
        except StoreError as error:
            log.error("end of call not written", job=job.id, error=str(error))
            await asyncio.sleep(WRITE_AGAIN_S)
