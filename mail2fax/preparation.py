"""From a mail that was accepted to a job that is ready: it is taken apart, its order is read, its document rendered."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import structlog

from mail2fax.admission.attachment import Found, naming
from mail2fax.admission.gate import (
    AdmissionRules,
    Admitted,
    is_test,
    judge_domain,
    judge_order,
    judge_test,
    meant_by_test,
)
from mail2fax.admission.subject import not_understood
from mail2fax.crashpoint import CrashPoint, reached
from mail2fax.dialling import Dialling
from mail2fax.document.cover_template import CoverFacts, CoverTemplate
from mail2fax.document.sandbox import Renderer
from mail2fax.document.unpack import Poison, Unpacker
from mail2fax.jobs.alarms import Alarms
from mail2fax.jobs.sources import content_key
from mail2fax.jobs.states import Jobs
from mail2fax.model.alarm import AlarmCause
from mail2fax.model.document import Document, Piece
from mail2fax.model.job import Job
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.store.spool import Spool
from mail2fax.trunks import Lines, wanted_of

log = structlog.get_logger(__name__)


class Preparation:
    """Reads the order of one mail at a time and renders its document into the folder `documents`."""

    def __init__(
        self,
        *,
        rules: AdmissionRules,
        dialling: Dialling,
        spool: Spool,
        unpacker: Unpacker,
        renderer: Renderer,
        documents: Path,
        jobs: Jobs,
        alarms: Alarms,
        lines: Lines,
        cover: CoverTemplate | None = None,
    ) -> None:
        """With `cover` every fax has a cover page."""
        self._rules = rules
        self._dialling = dialling
        self._spool = spool
        self._unpacker = unpacker
        self._renderer = renderer
        self._documents = documents
        self._jobs = jobs
        self._alarms = alarms
        self._lines = lines
        self._cover = cover

    def adopt(self, rules: AdmissionRules, dialling: Dialling) -> None:
        """Judges by these from now on; `dialling` tells of whom a cover page is, where the mail does not."""
        self._rules, self._dialling = rules, dialling

    async def prepare(self, job: Job) -> Job | Refusal:
        """The job as it is then: ready to be dialled, or over, if its mail only wanted to be shown something.

        A refusal says what kinds of files are faxed here. Raises `UnpackingUnavailable` and `RenderingUnavailable` when
        it cannot be judged now.
        """
        wanted = self._rules.wanted
        prepared = await self._prepare(job)
        return naming(prepared, wanted) if isinstance(prepared, Refusal) else prepared

    async def _prepare(self, job: Job) -> Job | Refusal:
        # Beside the documents, whose disk is watched: a full /tmp is nobody's business. It has no name there.
        with tempfile.TemporaryFile(dir=self._documents) as files:
            order = await self._read_order(job, files)
            if isinstance(order, Found):
                return await self._show(job, order, files)
            if isinstance(order, Admitted):
                order = await self._refuse_duplicate(job, order, files)
            return order if isinstance(order, Refusal) else await self._make_ready(job, order, files)

    async def _read_order(self, job: Job, files: BinaryIO) -> Admitted | Found | Refusal:
        """What the mail orders, or wants to be shown; the files that its document is made of are then in `files`."""
        with await self._spool.open(job.submission.spool_name) as mail:
            parts = await self._unpacker.unpack(mail, files)
        reached(CrashPoint.MAIL_PARSED)
        if isinstance(parts, Poison):
            return await self._quarantine(job)
        subject = job.submission.subject
        if is_test(subject):
            # Where no mail goes back there is nothing to look at, and TEST is no number. Whoever writes it beside one
            # knows the word from mails, and expects no call.
            return judge_test(parts, self._rules) if job.submission.replied_to else not_understood(subject)
        admitted = judge_order(subject, parts, self._rules, job.submission.recipient)
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

    async def _refuse_duplicate(self, job: Job, admitted: Admitted, files: BinaryIO) -> Admitted | Refusal:
        """The same order that came on another way is not dialled twice; its sender is told which job it is."""
        key = await asyncio.to_thread(content_key, job.submission, admitted.destination, files)
        known = await self._jobs.claim_content(job, key)
        return admitted if known is None else Refusal(RefusalCode.DUPLICATE, {"job": str(known)})

    async def _make_ready(self, job: Job, admitted: Admitted, files: BinaryIO) -> Job | Refusal:
        number = admitted.number
        facts = self._cover_facts(job, number.readable, job.submission.subject)
        document = await self._render(job, facts, admitted.attachment, admitted.pieces, files)
        if isinstance(document, Refusal):
            return document
        seconds, pages = round(document.phone_seconds), len(document.pages)
        ready = await self._jobs.prepared(job, number.e164, document.name, pages, admitted.ignored, seconds)
        reached(CrashPoint.JOB_READY)
        log.info("job ready", job=job.id, number=number.e164, pages=pages, phone_s=seconds)
        return ready

    async def _show(self, job: Job, found: Found, files: BinaryIO) -> Job | Refusal:
        """The mail's document is rendered, for its sender to look at; nobody is called."""
        subject, number = meant_by_test(job.submission.subject, job.submission.recipient, self._rules.plan)
        cover = self._cover_facts(job, number, subject)
        document = await self._render(job, cover, found.name, found.pieces, files)
        if isinstance(document, Refusal):
            return document
        facts = {"pages": str(len(document.pages)), "seconds": str(round(document.phone_seconds))}
        return await self._jobs.shown(job, document.name, facts)

    async def _render(
        self, job: Job, facts: CoverFacts, name: str, pieces: Sequence[Piece], files: BinaryIO
    ) -> Document | Refusal:
        if self._cover:
            pieces = await asyncio.to_thread(self._cover.before, pieces, facts, files)
        return await self._renderer.render(files, name, self._documents / f"{job.uuid}.tif", pieces)

    def _cover_facts(self, job: Job, number: str, subject: str) -> CoverFacts:
        terminal, received = job.submission.terminal or self._dialling.terminal, job.submission.received_at
        sender, zone = str(job.submission.sender), self._dialling.zone
        return CoverFacts(number, sender, subject, terminal.header, received.astimezone(zone))
