"""The story: how a mail becomes a fax.

`accept` is what a door calls: may this sender, and is the mail durable. `prepare` reads the order out of the mail
and renders its document. `attempt` places one call and judges what became of it. Every other room serves one of
these three.
"""

import asyncio
import contextlib
import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TypeVar
from zoneinfo import ZoneInfo

import structlog

from mail2fax.admission.attachment import Found
from mail2fax.admission.gate import (
    AdmissionRules,
    Admitted,
    Allowed,
    Unproven,
    as_signed,
    is_test,
    judge_domain,
    judge_order,
    judge_redirection,
    judge_sender,
    judge_test,
    sub_address_of,
)
from mail2fax.admission.signature import Signatures
from mail2fax.crashpoint import CrashPoint, reached
from mail2fax.document import cover
from mail2fax.document.as_pdf import pdf_of
from mail2fax.document.copies import thumbnail
from mail2fax.document.sandbox import Renderer, RenderingUnavailable
from mail2fax.document.stored import look_up
from mail2fax.document.tiff import NotCanonical
from mail2fax.document.unpack import Poison, Unpacker
from mail2fax.engine.interface import EngineUnavailable, FaxEngine
from mail2fax.jobs.alarms import Alarms
from mail2fax.jobs.intake import Intake
from mail2fax.jobs.retry import RetryPolicy, judge
from mail2fax.jobs.sources import content_key
from mail2fax.jobs.states import Jobs
from mail2fax.jobs.strategy import aftermath_of, planned, remembered
from mail2fax.jobs.watch import AttemptWatch
from mail2fax.model.alarm import AlarmCause
from mail2fax.model.call import CallEvent, CallOrder
from mail2fax.model.document import VOICES, Kind, Piece
from mail2fax.model.domain import Terminal
from mail2fax.model.job import Attempt, Job, JobState, Reply, ReplyKind
from mail2fax.model.mail import Accepted, Arrival, Proof, ProofKind, Submission
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.model.trunk import Trunk, TrunkState
from mail2fax.model.wishes import Copy
from mail2fax.reply.compose import Attachment
from mail2fax.store import StoreError
from mail2fax.store.spool import Spool, SpoolFile
from mail2fax.trunks import Line, Lines, wanted_of

log = structlog.get_logger(__name__)

WRITE_AGAIN_S = 5.0
"""Seconds after which the end of a call that could not be written is written again."""
HEAR_OUT_S = 5.0
"""How long a call that we hung up may take to say its end."""
MOST_COPY_BYTES = 7_000_000
"""A third more as a mail, which is what every mail server takes."""
LOOK_AGAIN_S = 1.0
"""How long whoever cancels a call waits before he looks again, when there is nothing to wait for."""
DOOR_LOOKS, DOOR_LOOK_S = 20, 0.05
"""How often, and after how many seconds again, a mail on the desk looks whether there are others at the door, which go
first. A second at the most: a flood slows the desk down, and does not stop it."""

COVER_FACT = 200
"""Characters of a subject, or of whatever else a cover page tells."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cover:
    """The cover page of every fax: a text with `{to}` and its like in it, and the font that it is drawn in."""

    template: Path
    font: Path

    def page(self, facts: Mapping[str, str]) -> bytes:
        """The page with these facts; raises `RenderingUnavailable` when its files cannot be read."""
        try:
            text, font = self.template.read_text(encoding="utf-8"), self.font.read_bytes()
        except (OSError, UnicodeDecodeError) as error:
            raise RenderingUnavailable(f"the cover page cannot be made: {error}") from error
        for name, fact in facts.items():
            shown = "".join(char if char.isprintable() else " " for char in fact[:COVER_FACT])
            # A sender's own braces stand for nothing.
            text = text.replace(f"{{{name}}}", shown.replace("{", "(").replace("}", ")"))
        return cover.packed(text, font)


@dataclass(frozen=True, slots=True)
class Dialling:
    """How calls are placed, whichever trunk carries them.

    `terminal` is for jobs that remember none; `zone` is that of the header line's clock.
    """

    terminal: Terminal
    hostname: str
    zone: ZoneInfo
    longest_call_s: float


class Gateway:
    """The way of a mail through the house; the daemon hands in its parts."""

    def __init__(
        self,
        *,
        rules: AdmissionRules,
        signatures: Signatures,
        spool: Spool,
        unpacker: Unpacker,
        renderer: Renderer,
        documents: Path,
        jobs: Jobs,
        intake: Intake,
        alarms: Alarms,
        engine: FaxEngine,
        lines: Lines,
        dialling: Dialling,
        retries: RetryPolicy,
        desk_places: int = 2,
        cover_page: Cover | None = None,
    ) -> None:
        """`desk_places` mails are taken apart and rendered at once, each in processes of its own."""
        self._rules = rules
        self._cover = cover_page
        self._signatures = signatures
        self._spool = spool
        self._unpacker = unpacker
        self._renderer = renderer
        self._documents = documents
        self._jobs = jobs
        self._intake = intake
        self._alarms = alarms
        self._engine = engine
        self._lines = lines
        self._dialling = dialling
        self._retries = retries
        self._desk = asyncio.Semaphore(desk_places)
        self._at_the_door = 0
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._attempts: dict[int, asyncio.Event] = {}
        """By job, until the end of its call is written down."""
        self._withdrawn: set[int] = set()
        """Jobs that a person is cancelling."""
        self._unwanted: set[int] = set()
        """Jobs that were hung up while their call was about to begin."""

    def adopt(self, rules: AdmissionRules, dialling: Dialling, retries: RetryPolicy) -> None:
        """Judges, dials and tries again by these from now on. A call under way goes on as it was ordered."""
        self._rules, self._dialling, self._retries = rules, dialling, retries

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
            # Beside the documents, whose disk is watched: a full /tmp is nobody's business. It has no name there.
            with tempfile.TemporaryFile(dir=self._documents) as tiff:
                prepared = await self._prepare(job, tiff)
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
        with self._on_the_phone(job.id):
            try:
                await self._call(job.id, order, watch)
            except EngineUnavailable as error:
                reason = str(error)
                told.warning("call not placed", reason=reason)
                line.release()
                await _written_down(job, lambda: self._not_dialled(job, attempt, reason))
                return
            finally:
                self._unwanted.discard(job.id)
            reached(CrashPoint.CALL_ENDED)
            line.release()
            await _written_down(job, lambda: self._judge(job, line.trunk, attempt, order, watch))
            reached(CrashPoint.CALL_JUDGED)

    async def copy_of(self, reply: Reply, job: Job) -> Attachment | None:
        """What goes with `reply`: the preview of a test, or what the sender of a fax wishes to have back of it."""
        if job.outcome == RefusalCode.PREVIEW:
            return await self._copy(job, Copy.PDF) or await self._copy(job, Copy.THUMBNAIL)
        sent = job.state in {JobState.SENT, JobState.UNCONFIRMED}
        return await self._copy(job, job.submission.wishes.copy) if sent and reply.kind is ReplyKind.FINAL else None

    async def _copy(self, job: Job, wished: Copy) -> Attachment | None:
        """What was made of the mail of `job`, as `wished`; None when it is too large for a mail, or gone."""
        if wished is Copy.NONE or job.document is None:
            return None
        kind, end, make = _COPIES[wished]
        content = await asyncio.to_thread(make, self._documents / job.document)
        if content is not None and len(content) > MOST_COPY_BYTES:
            log.warning("copy of the fax left out, it is too large", job=job.id, kind=wished.value, bytes=len(content))
            content = None
        return None if content is None else Attachment(f"fax-{job.id}.{end}", kind, content)

    @property
    def trunk_states(self) -> Mapping[str, TrunkState]:
        """How the trunks stand, as the engine sees it."""
        return self._engine.trunk_states

    async def cancel(self, job_id: int, by: str) -> Job:
        """Withdraws a job, as `by` wants. One on the phone is hung up: what its call has come to by then decides."""
        self._withdrawn.add(job_id)
        try:
            while not (job := await self._jobs.cancel(job_id, by)).state.final:
                reached(CrashPoint.CANCEL_ASKED)
                self.hang_up(job_id)
                await self._attempt_over(job_id)
            reached(CrashPoint.CANCEL_DONE)
            return job
        finally:
            self._withdrawn.discard(job_id)

    def hang_up(self, job_id: int) -> None:
        """Ends the call of a job, or keeps one that is about to begin from being dialled. Its `attempt` judges it."""
        call = self._calls.get(job_id)
        if call:
            call.cancel()
        else:
            self._unwanted.add(job_id)

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

    async def _prepare(self, job: Job, tiff: BinaryIO) -> Job | Refusal:
        """The job as it is then: ready to be dialled, or over, if its mail only wanted to be shown something."""
        order = await self._read_order(job, tiff)
        if isinstance(order, Found):
            return await self._show(job, order, tiff)
        if isinstance(order, Admitted):
            order = await self._refuse_duplicate(job, order, tiff)
        return order if isinstance(order, Refusal) else await self._render(job, order, tiff)

    async def _read_order(self, job: Job, tiff: BinaryIO) -> Admitted | Found | Refusal:
        """What the mail orders, or wants to be shown; its document is then in `tiff`."""
        with await self._spool.open(job.submission.spool_name) as mail:
            parts = await self._unpacker.unpack(mail, tiff)
        reached(CrashPoint.MAIL_PARSED)
        if isinstance(parts, Poison):
            return await self._quarantine(job)
        if is_test(job.submission.subject):
            return judge_test(parts, self._rules)
        admitted = judge_order(job.submission.subject, parts, self._rules, job.submission.recipient)
        if isinstance(admitted, Refusal):
            return admitted
        if refusal := judge_domain(admitted.number, job.submission.domain, self._rules):
            return refusal
        if self._lines.may_carry(wanted_of(replace(job, number=admitted.number.e164))):
            return admitted
        facts = {"number": admitted.number.readable, "reason": "no trunk may carry it"}
        return Refusal(RefusalCode.NUMBER_NOT_ALLOWED, facts)

    async def _quarantine(self, job: Job) -> Refusal:
        """A mail that nobody can take apart is kept for a person to look at, and tried no more."""
        file = await self._spool.quarantine(job.submission.spool_name)
        await self._alarms.sound(AlarmCause.MAIL_QUARANTINED, about=str(job.id), job=str(job.id), file=str(file))
        return Refusal(RefusalCode.MAIL_QUARANTINED)

    async def _refuse_duplicate(self, job: Job, admitted: Admitted, tiff: BinaryIO) -> Admitted | Refusal:
        """The same order that came on another way is not dialled twice; its sender is told which job it is."""
        key = await asyncio.to_thread(content_key, job.submission, admitted.destination, tiff)
        known = await self._jobs.claim_content(job, key)
        return admitted if known is None else Refusal(RefusalCode.DUPLICATE, {"job": str(known)})

    async def _render(self, job: Job, admitted: Admitted, tiff: BinaryIO) -> Job | Refusal:
        target = self._documents / f"{job.uuid}.tif"
        pieces = await self._with_cover(job, admitted.number.readable, admitted.pieces, tiff)
        document = await self._renderer.render(tiff, admitted.attachment, target, pieces)
        if isinstance(document, Refusal):
            return document
        seconds = round(document.phone_seconds)
        number, pages = admitted.number.e164, len(document.pages)
        ready = await self._jobs.prepared(job, number, document.name, pages, admitted.ignored, seconds)
        reached(CrashPoint.JOB_READY)
        log.info("job ready", job=job.id, number=number, pages=pages, phone_s=seconds)
        return ready

    async def _show(self, job: Job, found: Found, tiff: BinaryIO) -> Job | Refusal:
        """The mail's document is rendered, for its sender to look at; nobody is called."""
        target = self._documents / f"{job.uuid}.tif"
        pieces = await self._with_cover(job, "TEST", found.pieces, tiff)
        document = await self._renderer.render(tiff, found.name, target, pieces)
        if isinstance(document, Refusal):
            return document
        facts = {"pages": str(len(document.pages)), "seconds": str(round(document.phone_seconds))}
        return await self._jobs.shown(job, document.name, facts)

    async def _with_cover(self, job: Job, number: str, pieces: Sequence[Piece], files: BinaryIO) -> Sequence[Piece]:
        """The files that make up the document, the cover page first: it is put into `files`, if there is to be one."""
        if self._cover is None:
            return pieces
        terminal = job.submission.terminal or self._dialling.terminal
        page = await asyncio.to_thread(
            self._cover.page,
            {
                "to": number,
                "from": str(job.submission.sender),
                "subject": job.submission.subject,
                "header": terminal.header,
                "time": f"{job.submission.received_at.astimezone(self._dialling.zone):%Y-%m-%d %H:%M}",
            },
        )
        at = files.seek(0, os.SEEK_END)
        files.write(page)
        files.flush()
        return (Piece(Kind.COVER, "the cover page", at, len(page)), *pieces)

    async def _call(self, job_id: int, order: CallOrder, watch: AttemptWatch) -> None:
        """One call from its first event to its last. It is a task of its own, so that `hang_up` ends it and not us."""
        if job_id in self._withdrawn:
            return
        if job_id in self._unwanted:
            raise EngineUnavailable("hung up before it was dialled")
        call = self._calls[job_id] = asyncio.create_task(self._carry(order, watch))
        try:
            await asyncio.wait({call}, timeout=self._dialling.longest_call_s)
        finally:
            call.cancel()
            del self._calls[job_id]
        await asyncio.wait({call})
        if not call.cancelled():  # it is when it was hung up twice, or before its first step
            call.result()

    async def _carry(self, order: CallOrder, watch: AttemptWatch) -> None:
        events: AsyncIterator[CallEvent] | None = None
        watch.ordered()
        try:
            async with self._engine.call(order) as events:
                reached(CrashPoint.CALL_ORDERED)
                async for event in events:
                    await watch.see(event)
        except asyncio.CancelledError:
            # Leaving the block has hung up. What the call still has to say decides whether it may be dialled again.
            if events is not None:
                await self._hear_out(events, watch)

    async def _hear_out(self, events: AsyncIterator[CallEvent], watch: AttemptWatch) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEAR_OUT_S):
                async for event in events:
                    await watch.see(event)

    async def _not_dialled(self, job: Job, attempt: Attempt, reason: str) -> None:
        await self._jobs.not_dialled(attempt, reason, at_once=await self._has_spare(job, attempt.trunk))

    async def _has_spare(self, job: Job, trunk: str) -> bool:
        """Whether there is another trunk for this job at once, now that `trunk` has failed it, too."""
        return self._lines.has_spare(wanted_of(job, await self._jobs.attempts_of(job.id)).after(trunk))

    async def _judge(self, job: Job, trunk: Trunk, attempt: Attempt, order: CallOrder, watch: AttemptWatch) -> None:
        """What follows from the end of a call: delivered, tried again later, given up, or in doubt."""
        ended, withdrawn = watch.ended, job.id in self._withdrawn
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

    @contextlib.contextmanager
    def _on_the_phone(self, job_id: int) -> Iterator[None]:
        over = self._attempts[job_id] = asyncio.Event()
        try:
            yield
        finally:
            del self._attempts[job_id]
            over.set()

    async def _attempt_over(self, job_id: int) -> None:
        """Returns when the call of a job is judged."""
        over = self._attempts.get(job_id)
        if over:
            await over.wait()
        else:
            # Nobody carries this call: the dispatcher will notice, and judge it.
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _plan(self, job: Job, trunk: Trunk) -> CallOrder:
        """The job's next call: as configured, but for what earlier calls have taught about it and its number."""
        learnt = await self._jobs.lessons_of(job.number or "")
        order = self._order(job, trunk)
        document = await asyncio.to_thread(look_up, Path(order.document_path))
        order = replace(order, page_bytes=document.page_bytes, standard_path=document.standard_path)
        return planned(order, remembered(learnt), job.plan)

    def _order(self, job: Job, trunk: Trunk) -> CallOrder:
        if job.number is None or job.document is None or job.pages is None:
            raise ValueError(f"job {job.id} is {job.state}, but was never prepared")
        dialling = self._dialling
        # The job's own, from its admission: whose call it is does not change with the configuration.
        terminal = job.submission.terminal or dialling.terminal
        return CallOrder(
            call_id=f"{uuid.uuid4().hex}@{dialling.hostname}",
            number=trunk.form.dialled(job.number.removeprefix("+")),
            document_path=str(self._documents / job.document),
            pages=job.pages,
            caller_id=terminal.caller_id,
            station_id=terminal.station_id,
            header=terminal.header,
            header_time=datetime.now(dialling.zone),
            ring_limit_s=trunk.ring_limit_s,
            media_policy=trunk.media_policy,
            ecm=trunk.ecm,
            max_bit_rate=trunk.max_bit_rate,
            trunk=trunk.name,
            sub_address=sub_address_of(job.submission.recipient),
            voice_path=str(self._documents / VOICES / job.submission.voice) if job.submission.voice else "",
        )


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


def _as_pdf(document: Path) -> bytes | None:
    try:
        with document.open("rb") as file:
            return pdf_of(file)
    except (OSError, NotCanonical) as error:
        log.warning("fax not attached", document=document.name, error=str(error))
        return None


def _as_thumbnail(document: Path) -> bytes | None:
    try:
        return thumbnail(document)
    except (OSError, ValueError) as error:
        log.warning("fax not attached", document=document.name, error=str(error))
        return None


_COPIES = {
    Copy.THUMBNAIL: ("image/png", "png", _as_thumbnail),
    Copy.PDF: ("application/pdf", "pdf", _as_pdf),
}


async def _written_down(job: Job, write: Callable[[], Awaitable[T]]) -> T:
    """Writes the end of a call down, however long the disk takes: nobody else knows it any more."""
    while True:
        try:
            return await write()
        except StoreError as error:
            log.error("end of call not written", job=job.id, error=str(error))
            await asyncio.sleep(WRITE_AGAIN_S)
