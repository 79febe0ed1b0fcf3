"""Values that several tests of the jobs room need, and a clock that stands still unless told."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from mail2fax.jobs import Jobs, RetryPolicy, judge
from mail2fax.model.call import CallEnded, CallResult, EndedBy, FaxFault, FaxResult, Media
from mail2fax.model.job import Attempt, Job
from mail2fax.model.mail import Address, Door, Submission
from mail2fax.model.outcome import RetryClass
from mail2fax.model.wishes import NO_WISHES, Wishes

NUMBER = "+375291554499"
START = datetime(2026, 1, 31, 9, 5, tzinfo=UTC)
POLICY = RetryPolicy({RetryClass.BUSY: (timedelta(minutes=2), timedelta(minutes=5))})


@dataclass
class Clock:
    """Tells `now` when called."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, span: timedelta) -> None:
        self.now += span


def submission(
    key: str = "mail 1", *, automatic: bool = False, notify: str = "", wishes: Wishes = NO_WISHES
) -> Submission:
    return Submission(
        door=Door.SMTP,
        source_key=key,
        spool_name=f"spool of {key}",
        size=70_000,
        received_at=START,
        sender=Address("anna", "example.com"),
        mail_from="anna@example.com",
        recipient="fax@example.com",
        subject="+375 29 155 44 99",
        message_id="<1@example.com>",
        references=("<0@example.com>", "<о@example.com>"),
        automatic=automatic,
        notify=notify,
        wishes=wishes,
    )


def ended(
    ended_by: EndedBy = EndedBy.FAR_END,
    sip_code: int | None = 200,
    sip_reason: str = "OK",
    *,
    q850: int | None = None,
    fault: FaxFault = FaxFault.NOT_STARTED,
    sent: int = 0,
    confirmed: int = 0,
    last: bool = False,
    code: int | None = None,
    code_name: str = "",
    far_id: str | None = None,
    bit_rate: int | None = None,
    detail: str = "",
) -> CallEnded:
    fax = FaxResult(fault, code, code_name, sent, confirmed, last, far_id, bit_rate, None)
    return CallEnded(CallResult(ended_by, sip_code, sip_reason, q850, detail), Media.T38, fax)


def delivered(pages: int = 2) -> CallEnded:
    return ended(
        fault=FaxFault.NONE,
        code=0,
        code_name="OK",
        sent=pages,
        confirmed=pages,
        last=True,
        far_id="+375 17",
        bit_rate=14_400,
    )


def busy() -> CallEnded:
    return replace(ended(sip_code=486, sip_reason="Busy Here", q850=17), media=Media.NONE)


async def received(jobs: Jobs, key: str = "mail 1", *, automatic: bool = False, wishes: Wishes = NO_WISHES) -> Job:
    receipt = await jobs.receive(submission(key, automatic=automatic, wishes=wishes))
    job = await jobs.find(receipt.job_id)
    assert job is not None
    return job


async def ready(
    jobs: Jobs, key: str = "mail 1", number: str = NUMBER, *, automatic: bool = False, wishes: Wishes = NO_WISHES
) -> Job:
    job = await received(jobs, key, automatic=automatic, wishes=wishes)
    return await jobs.prepared(job, number, f"{key}.tif", pages=2)


async def calling(jobs: Jobs, key: str = "mail 1", number: str = NUMBER) -> tuple[Job, Attempt]:
    job = await ready(jobs, key, number)
    attempt = await jobs.begin_attempt(job, f"call of {key}")
    assert attempt is not None
    found = await jobs.find(job.id)
    assert found is not None
    return found, attempt


async def end(jobs: Jobs, attempt: Attempt, how: CallEnded, policy: RetryPolicy = POLICY) -> Job:
    """Ends `attempt` as the gateway does."""
    known = await jobs.circumstances(attempt, NUMBER, rang=False, withdrawn=False)
    verdict = judge(how, 2, policy, known)
    return await jobs.end_attempt(attempt, verdict, how)
