"""A fax that a program orders: a mail like every other from here on. Its end is an answer in the text's form."""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog

from mail2fax.api.errors import NOTHING, ApiError
from mail2fax.api.files import FileCode, FilesFault, FileStore
from mail2fax.document.voice import VoiceRefused, Voices, VoiceUnavailable
from mail2fax.gateway import Gateway
from mail2fax.jobs.states import Jobs
from mail2fax.mail.letter import CHUNK_BYTES, letter_head, letter_lines, letter_size
from mail2fax.model.domain import Tenant, Terminal
from mail2fax.model.job import Attempt, Job, JobState
from mail2fax.model.mail import Address, Door, Submission
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.model.token import Token
from mail2fax.reply.words import Words
from mail2fax.store.spool import Spool, SpoolFile

if TYPE_CHECKING:  # its models take a while to build, and who does not open the HTTP door has no use for them
    from mail2fax.api.requests import SendFax

log = structlog.get_logger(__name__)

LOOK_AGAIN_S = 0.25
"""How often a client that waits has the database asked for the end of its fax."""

FILE_NOT_FOUND = "файл не найден"
NOT_BY_THE_MASK = "номер не соответствует маске"

_UNDER_WAY = {JobState.RECEIVED: "queued", JobState.READY: "queued"}


@dataclass(frozen=True, slots=True)
class FaxSettings:
    """Who may fax as whom, in whose words we answer, and how large a fax may be as a mail, in bytes."""

    tenants: Mapping[str, Tenant]
    words: Words
    hostname: str
    max_bytes: int
    min_free_bytes: int


class FaxDesk:
    """Takes orders for faxes, and tells what became of them. Methods raise `ApiError` and `StoreError`."""

    def __init__(
        self,
        settings: FaxSettings,
        files: FileStore,
        gateway: Gateway,
        jobs: Jobs,
        spool: Spool,
        voices: Voices,
        nudge: Callable[[], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._files = files
        self._gateway = gateway
        self._jobs = jobs
        self._spool = spool
        self._voices = voices
        self._nudge = nudge
        self._clock = clock

    def adopt(self, settings: FaxSettings) -> None:
        """Takes orders by these from now on."""
        self._settings = settings

    async def accept(self, token: Token, order: "SendFax", once: str = "") -> Job:
        """The job that an order becomes, durable; or the one that an equal order has become before.

        The document is copied here: another upload of its name changes nothing any more.
        """
        terminal = self._terminal(token, order)
        voice = await self._voice(token, order.voice) if order.voice is not None else ""
        descriptor = await self._open(token, order.attachment)
        try:
            file, content = await self._write_letter(token, order, descriptor)
        finally:
            os.close(descriptor)
        told_apart = "\0".join((str(token.id), order.recipient, terminal.name, content, *([voice] if voice else ())))
        key = hashlib.sha256(told_apart.encode()).hexdigest()
        mail = replace(self._submission(token, order, terminal, file, key), voice=voice)
        try:
            accepted = await self._gateway.accept_order(mail, file, once and _once(token, once))
        except BaseException:
            # A commit can fail and yet have happened: a file that may have a row is for the sweep at the next start.
            if not file.kept:
                await file.discard()
            raise
        self._nudge()
        job = await self._found(accepted.job_id)
        if once and job.submission.source_key != key:
            raise ApiError(422, "key-reused", "this Idempotency-Key was used for another fax")
        return job

    async def end_of(self, job: Job, wait_s: float, leave: Callable[[], Awaitable[bool]]) -> Job:
        """The job when it is over, or as it is after `wait_s` seconds, or once `leave` says that nobody waits."""
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        while not job.state.final and loop.time() < until and not await leave():
            await asyncio.sleep(LOOK_AGAIN_S)
            job = await self._found(job.id)
        return job

    async def find(self, token: Token, uuid: str) -> Job:
        """A fax of the token's domain by the `id` of its answers."""
        job = await self._jobs.find_by_uuid(token.domain, uuid.lower())
        if job is None:
            raise ApiError(404, "no-such-fax", "there is no fax with this id")
        return job

    async def cancel(self, token: Token, job: Job) -> Job:
        """The fax withdrawn, or as it is if it was over: what was delivered stays delivered."""
        if job.state.final:
            raise ApiError(409, "over", f"the fax is over already: {job.state}")
        cancelled = await self._gateway.cancel(job.id, _by(token))
        self._nudge()
        return cancelled

    async def answer(self, job: Job) -> Mapping[str, str]:
        """What became of a fax, in the form of the text: all of it words."""
        return fax_answer(job, await self._jobs.attempts_of(job.id), self._settings.words)

    def _terminal(self, token: Token, order: "SendFax") -> Terminal:
        tenant = self._settings.tenants[token.domain]
        terminal = tenant.terminal if order.terminal is None else tenant.terminal_of(order.terminal)
        if terminal is None:
            raise ApiError(400, "terminal-unknown", "there is no terminal with this terminalId")
        return terminal

    async def _open(self, token: Token, name: str) -> int:
        try:
            return await self._files.work(lambda: self._files.open(token.domain, name))
        except FilesFault as error:
            if error.code is FileCode.NOT_FOUND:
                raise ApiError(404, "file-not-found", FILE_NOT_FOUND, error.code) from error
            raise ApiError(400, "file-name", str(error), error.code) from error

    async def _voice(self, token: Token, name: str) -> str:
        """The voice message, kept: another upload of its name changes nothing any more."""
        descriptor = await self._open(token, name)
        with os.fdopen(descriptor, "rb") as source:
            if await self._spool.free_bytes() < self._settings.min_free_bytes:
                raise ApiError(507, "disk-low", "Not enough free disk space", FileCode.NO_SPACE)
            try:
                return await self._voices.keep(source)
            except VoiceRefused as error:
                raise ApiError(400, "voice", f"the voice message cannot be played: {error}") from error
            except VoiceUnavailable as error:
                log.error("voice message not kept", error=str(error))
                raise ApiError(503, "store", "it could not be written to the disk: try again later") from error

    async def _write_letter(self, token: Token, order: "SendFax", descriptor: int) -> tuple[SpoolFile, str]:
        """The order as a mail in the spool, not kept yet, and the hash of the document."""
        limits = self._settings
        size = letter_size(os.fstat(descriptor).st_size)
        if size > limits.max_bytes:
            raise ApiError(413, "too-large", "the file is too large to be faxed")
        if await self._spool.free_bytes() < limits.min_free_bytes + size:
            raise ApiError(507, "disk-low", "Not enough free disk space", FileCode.NO_SPACE)
        if not order.recipient.isprintable():
            raise ApiError(400, "field", 'the field "recipient": must be printable characters')
        file, content = self._spool.create(), hashlib.sha256()
        try:
            await file.write(letter_head(_address(token, limits.hostname), order.recipient, order.attachment))
            # One descriptor from beginning to end: what is uploaded meanwhile is another file. In whole chunks, for
            # only the last line of base64 may be shorter.
            with open(descriptor, "rb", closefd=False) as document:  # noqa: ASYNC230 # it opens nothing
                while chunk := await self._files.work(lambda: document.read(CHUNK_BYTES)):
                    content.update(chunk)
                    await file.write(letter_lines(chunk))
        except BaseException:
            await file.discard()
            raise
        return file, content.hexdigest()

    def _submission(self, token: Token, order: "SendFax", terminal: Terminal, file: SpoolFile, key: str) -> Submission:
        return Submission(
            door=Door.API,
            source_key=key,
            spool_name=file.name,
            size=file.size,
            received_at=self._clock(),
            sender=_address(token, self._settings.hostname),
            mail_from="",
            recipient="",
            subject=order.recipient,
            # One of its own: whether an order is a repeat has been asked already, by `key` or by the client's own.
            message_id=f"<{uuid4().hex}@{self._settings.hostname}>",
            domain=token.domain,
            terminal=terminal,
        )

    async def _found(self, job_id: int) -> Job:
        job = await self._jobs.find(job_id)
        if job is None:
            raise ApiError(404, "no-such-fax", "this fax was known, and is forgotten by now")
        return job


def fax_answer(job: Job, attempts: Sequence[Attempt], words: Words) -> Mapping[str, str]:
    """`sip_code`, `success`, `error` and `status` as the text has them; `id` and, with an error, its stable `code`.

    The text's list of fields has `sip` for what its example calls `sip_code`: both are told.
    """
    answered = [attempt.ended.call.sip_code for attempt in attempts if attempt.ended]
    sent = job.state is JobState.SENT
    sip = str(answered[-1]) if answered and answered[-1] is not None else NOTHING
    answer = {
        "sip_code": sip,
        "sip": sip,
        "success": "true" if sent else "false",
        "error": NOTHING,
        "status": _UNDER_WAY.get(job.state, job.state.value),
        "id": job.uuid,
    }
    if job.state.final and not sent and job.outcome is not None:
        answer |= {"error": _sentence(job, job.outcome, words), "code": job.outcome}
    return answer


def _sentence(job: Job, outcome: str, words: Words) -> str:
    if outcome == RefusalCode.NUMBER_NOT_ALLOWED:
        return NOT_BY_THE_MASK
    if job.state is JobState.REJECTED:
        ordered = job.submission.door is Door.API
        return words.refused(Refusal(RefusalCode(outcome), job.facts), ordered=ordered).sentence
    return words.failed(outcome, job.facts).sentence


def _once(token: Token, key: str) -> str:
    return hashlib.sha256(f"{token.id}\0{key}".encode()).hexdigest()


def _by(token: Token) -> str:
    return f"token {token.id} ({token.name})"


def _address(token: Token, hostname: str) -> Address:
    """Stands for the sender, who has no mail address: the token's name at our own host."""
    return Address(token.name, hostname)
