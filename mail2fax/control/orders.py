"""What each order does, and how it is answered in words. No sockets here."""

import uuid
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import structlog

from mail2fax.control.peer import Peer
from mail2fax.control.wire import Answer, Cancel, Hold, Kind, MakeToken, Release, Resend, Retry, RevokeToken, Send
from mail2fax.crashpoint import CrashPoint, reached
from mail2fax.gateway import Gateway
from mail2fax.jobs.incoming import CannotBeMailed, IncomingFaxes
from mail2fax.jobs.intake import Intake
from mail2fax.jobs.operator import Operator, SecondTry, second_try
from mail2fax.jobs.plain import plain_job
from mail2fax.jobs.states import Jobs
from mail2fax.mail.letter import letter_head, letter_size
from mail2fax.model.job import ImpossibleTransition, Job, JobState
from mail2fax.model.mail import Accepted, Address, Door, Submission
from mail2fax.store import StoreError
from mail2fax.store.spool import Spool, SpoolFile
from mail2fax.tokens import Tokens, plain_token

log = structlog.get_logger(__name__)


class Refused(Exception):
    """An order that is not carried out; `code` is for programs, and stable."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code

    @property
    def answer(self) -> Answer:
        return Answer(Kind.REFUSED, words=str(self), code=self.code)


@dataclass(frozen=True, slots=True)
class SendLimits:
    """What a fax from the command line may take. `max_bytes` is that of a mail; `hostname` stands in its sender."""

    hostname: str
    max_bytes: int
    min_free_bytes: int


class Orders:
    """Carries out what local users order. Methods raise `Refused`, `StoreError`, and `LookupError` for a job that
    is not there; `nudge` tells the dispatcher that there is something to do."""

    def __init__(
        self,
        gateway: Gateway,
        jobs: Jobs,
        intake: Intake,
        faxes: IncomingFaxes,
        operator: Operator,
        spool: Spool,
        tokens: Tokens,
        domains: Collection[str],
        limits: SendLimits,
        nudge: Callable[[], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._gateway = gateway
        self._jobs = jobs
        self._intake = intake
        self._faxes = faxes
        self._operator = operator
        self._spool = spool
        self._tokens = tokens
        self._domains = domains
        self._limits = limits
        self._nudge = nudge
        self._clock = clock

    def adopt(self, limits: SendLimits, domains: Collection[str]) -> None:
        """Takes faxes within these from now on, and knows these domains."""
        self._limits, self._domains = limits, domains

    async def begin_letter(self, order: Send, peer: Peer) -> tuple[bytes, SpoolFile]:
        """The head of the mail that `order` becomes, and the empty file for it; refused when it cannot be taken."""
        if not (order.number + order.name).isprintable():
            raise Refused("not-understood", "the number and the file's name must be printable characters")
        size = letter_size(order.size)
        if size > self._limits.max_bytes:
            raise Refused("too-large", f"{order.name} is larger than smtp.max_mail_mb allows")
        if await self._spool.free_bytes() < self._limits.min_free_bytes + size:
            raise Refused("disk-low", "the disk is too full to take a fax: see smtp.disk_reserve_mb")
        return letter_head(self._address(peer), order.number, order.name), self._spool.create()

    async def accept(self, order: Send, peer: Peer, file: SpoolFile) -> Accepted:
        """The written letter becomes a job. Nobody is mailed about it: its sender reads the result on his terminal."""
        key = uuid.uuid4().hex  # each order is one of its own: people know what they repeat
        mail = Submission(
            door=Door.CONTROL,
            source_key=key,
            spool_name=file.name,
            size=file.size,
            received_at=self._clock(),
            sender=self._address(peer),
            mail_from="",
            recipient="",
            subject=order.number,
            message_id=f"<{key}@{self._limits.hostname}>",
        )
        accepted = await self._gateway.accept_order(mail, file)
        reached(CrashPoint.SEND_COMMITTED)
        self._nudge()
        return accepted

    async def cancel(self, order: Cancel, peer: Peer) -> Answer:
        before = await self._find(order.job)
        if before.state.final:
            raise Refused("over", f"job {before.id} is over already: {before.state}")
        job = await self._gateway.cancel(order.job, peer.user)
        self._nudge()
        return Answer(Kind.DONE, words=_cancelled(job), job=plain_job(job))

    async def retry(self, order: Retry, peer: Peer) -> Answer:
        job = await self._find(order.job)
        match second_try(job):
            case SecondTry.NEVER:
                raise Refused("delivered", f"job {job.id} was delivered: send the document anew to have it twice")
            case SecondTry.UNDER_WAY:
                held = f" (it is held: mail2fax release {job.id})" if job.held else ""
                raise Refused("under-way", f"job {job.id} is not over: {job.state}{held}")
            case SecondTry.WAKE:
                woken = await self._jobs.wake(job.id, peer.user)
                held = f"ready, but held: mail2fax release {job.id}"
                return self._told(woken, f"job {job.id} is {held if job.held else 'dialled now'}")
            case SecondTry.NEW_JOB_IF_SURE if not order.sure:
                raise Refused("unsure", f"job {job.id} may have arrived; tried again it may arrive twice")
            case SecondTry.NEW_JOB | SecondTry.NEW_JOB_IF_SURE:
                return await self._repeat(job, peer)

    async def hold(self, order: Hold, peer: Peer) -> Answer:
        changed = await self._operator.hold(order.job, peer.user)
        return Answer(Kind.DONE, words=_listed(order.job, changed, "held"), jobs=_ids(changed))

    async def release(self, order: Release, peer: Peer) -> Answer:
        changed = await self._operator.release(order.job, peer.user)
        self._nudge()
        return Answer(Kind.DONE, words=_listed(order.job, changed, "released"), jobs=_ids(changed))

    async def resend(self, order: Resend, peer: Peer) -> Answer:
        try:
            mail = await self._faxes.resend(order.fax, order.to)
        except CannotBeMailed as error:
            raise Refused("not-mailed", str(error)) from None
        except LookupError as error:
            raise Refused("no-such-fax", f"{error.args[0]}. Its number stands in the log and in the alarm") from None
        log.info("fax is mailed again", fax=mail.fax.id, to=mail.to, by=peer.user)
        self._nudge()
        return Answer(Kind.DONE, words=f"the fax {mail.fax.id} is mailed to {mail.to}")

    def trunks(self) -> Answer:
        states = [asdict(state) for state in self._gateway.trunk_states.values()]
        return Answer(Kind.DONE, words=f"{len(states)} trunks", trunks=tuple(states))

    async def make_token(self, order: MakeToken, peer: Peer) -> Answer:
        if order.domain not in self._domains:
            known = ", ".join(sorted(self._domains))
            raise Refused("no-such-domain", f"there is no domain {order.domain}; known are {known}")
        lifetime = None if order.days is None else timedelta(days=order.days)
        token = await self._tokens.add(
            order.domain, order.name, order.hash, frozenset(order.scopes), lifetime, peer.user, order.per_minute
        )
        log.info("token made", token=token.id, name=token.name, domain=token.domain, by=peer.user)
        return Answer(Kind.DONE, words=f"token {token.id} is made", token=plain_token(token, self._clock()))

    async def revoke_token(self, order: RevokeToken, peer: Peer) -> Answer:
        try:
            token, changed = await self._tokens.revoke(order.token)
        except LookupError as error:
            raise Refused("no-such-token", f"{error.args[0]}. List them with: mail2fax token list") from None
        log.info("token revoked", token=token.id, name=token.name, domain=token.domain, by=peer.user)
        words = f"token {token.id} ({token.name}) {'is' if changed else 'was'} revoked{'' if changed else ' already'}"
        return Answer(Kind.DONE, words=words, token=plain_token(token, self._clock()))

    async def _repeat(self, job: Job, peer: Peer) -> Answer:
        receipt = await self._intake.repeat(job.id, await self._copy_of(job), peer.user)
        if not receipt.new:
            raise Refused("retried", f"job {job.id} was tried again already, as job {receipt.job_id}")
        return self._told(await self._find(receipt.job_id), f"job {job.id} is tried again as job {receipt.job_id}")

    async def _copy_of(self, job: Job) -> SpoolFile:
        """The job's mail once more: each job has a file of its own, and loses it in its own time."""
        name = job.submission.spool_name
        if not name:
            raise Refused("mail-gone", f"the mail of job {job.id} is not kept any more: it must be sent anew")
        mail = await self._spool.read(name)
        file = self._spool.create()
        await file.write(mail)
        return file

    def _told(self, job: Job, words: str) -> Answer:
        self._nudge()
        return Answer(Kind.DONE, words=words, job=plain_job(job))

    def _address(self, peer: Peer) -> Address:
        return Address(peer.user, self._limits.hostname)

    async def _find(self, job_id: int) -> Job:
        job = await self._jobs.find(job_id)
        if job is None:
            raise LookupError(f"there is no job {job_id}")
        return job


def refusal_of(fault: Exception) -> Answer:
    """How an order that failed is answered; a fault of ours tells nothing of our insides but to the log."""
    match fault:
        case Refused():
            return fault.answer
        case LookupError() if type(fault) is LookupError:  # a KeyError is a fault of ours
            return Refused("no-such-job", f"{fault.args[0]}. List them with: mail2fax jobs").answer
        case ImpossibleTransition():
            return Refused("over", str(fault)).answer
        case StoreError():
            log.error("control order not stored", error=str(fault))
            return Refused("store", "it could not be written to the disk: see the gateway's log").answer
        case _:
            log.error("control order failed inside", exc_info=fault)
            return Refused("fault", "a fault in the gateway: see its log").answer


_AFTER_CANCEL = {
    JobState.CANCELLED: "is cancelled",
    JobState.SENT: "was delivered before it could be cancelled",
    JobState.UNCONFIRMED: "was sent whole before it could be cancelled, and may have arrived",
}


def _cancelled(job: Job) -> str:
    return f"job {job.id} {_AFTER_CANCEL.get(job.state, f'ended before it could be cancelled: {job.state}')}"


def _listed(job_id: int | None, changed: tuple[Job, ...], done: str) -> str:
    if job_id is not None:
        return f"job {job_id} is {done}" if changed else f"job {job_id} was {done} already"
    return f"{len(changed)} jobs {done}" if len(changed) != 1 else f"job {changed[0].id} is {done}"


def _ids(jobs: tuple[Job, ...]) -> tuple[int, ...]:
    return tuple(job.id for job in jobs)
