"""The same order is one fax, however often it comes; another order is another, however alike."""

from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest

from mail2fax.jobs import Change, Jobs, Outbox
from mail2fax.jobs.sources import MAY_COME_AGAIN, content_key
from mail2fax.model.domain import Terminal
from mail2fax.model.job import Job, JobEvent, JobState
from mail2fax.model.mail import Door, Submission
from mail2fax.model.outcome import OutcomeKind
from mail2fax.model.refusal import Refusal, RefusalCode
from tests.unit.jobs.made import NUMBER, START, busy, calling, delivered, end, ended, submission

LATER = timedelta(minutes=15, seconds=1)


def copy_of(mail: Submission, after: timedelta = timedelta(0), **changes: str) -> Submission:
    return replace(mail, spool_name="another copy", received_at=mail.received_at + after, **changes)  # type: ignore[arg-type] # text fields only


def nameless(mail: Submission) -> Submission:
    return replace(mail, message_id=None)


async def job_of(jobs: Jobs, mail: Submission) -> Job:
    job = await jobs.find((await jobs.receive(mail)).job_id)
    assert job is not None
    return job


async def in_state(jobs: Jobs, state: JobState, mail: Submission | None = None) -> Job:
    """The job of `mail`, or of `submission()`, brought to its end."""
    job = await job_of(jobs, mail or submission())
    if state in {JobState.CANCELLED, JobState.REJECTED}:
        if state is JobState.CANCELLED:
            return await jobs.cancel(job.id)
        return await jobs.refused(job, Refusal(RefusalCode.NUMBER_MISSING))
    await jobs.prepared(job, NUMBER, "document", pages=2)
    attempt = await jobs.begin_attempt(job, f"call of {job.id}")
    assert attempt is not None
    how = {JobState.SENT: delivered(), JobState.UNCONFIRMED: ended(sent=2), JobState.FAILED: ended(sip_code=404)}
    return await end(jobs, attempt, how[state])


async def test_a_mail_with_a_message_id_is_known_for_good(jobs: Jobs) -> None:
    first = await jobs.receive(submission())
    again = await jobs.receive(copy_of(submission(), timedelta(days=3000)))
    assert (again.job_id, again.new) == (first.job_id, False)


async def test_mails_without_a_message_id_are_held_equal_for_a_quarter_of_an_hour(jobs: Jobs) -> None:
    """Trap: a scanner names no Message-ID; its repeat and its second order look alike."""
    mail = nameless(submission())
    first = await jobs.receive(mail)
    assert await jobs.receive(copy_of(mail, timedelta(minutes=15))) == replace(first, new=False)
    assert (await jobs.receive(copy_of(mail, LATER))).new


async def test_a_repeat_does_not_prolong_the_quarter_of_an_hour(jobs: Jobs) -> None:
    mail = nameless(submission())
    await jobs.receive(mail)
    await jobs.receive(copy_of(mail, timedelta(minutes=10)))
    assert (await jobs.receive(copy_of(mail, LATER))).new


@pytest.mark.parametrize("state", sorted(MAY_COME_AGAIN))
async def test_what_was_not_delivered_may_come_again(jobs: Jobs, state: JobState) -> None:
    first = await in_state(jobs, state)
    assert first.state is state
    again = await jobs.receive(copy_of(submission()))
    assert again.new
    assert await jobs.receive(copy_of(submission())) == replace(again, new=False), "the key stands for the new job now"


@pytest.mark.parametrize("state", [JobState.SENT, JobState.UNCONFIRMED])
async def test_what_was_or_may_have_been_delivered_does_not_go_out_twice(jobs: Jobs, state: JobState) -> None:
    first = await in_state(jobs, state)
    assert first.state is state
    assert not (await jobs.receive(copy_of(submission()))).new


async def test_a_busy_number_is_not_called_for_a_repeat_as_well(jobs: Jobs) -> None:
    _, attempt = await calling(jobs)
    assert (await end(jobs, attempt, busy())).state is JobState.SLEEPING
    assert not (await jobs.receive(copy_of(submission()))).new


async def test_another_tenant_has_keys_of_its_own(jobs: Jobs) -> None:
    await jobs.receive(submission())
    assert (await jobs.receive(copy_of(submission(), domain="tenant"))).new


async def test_the_same_order_on_another_way_is_known_by_its_content(jobs: Jobs) -> None:
    """Trap: a mail that went through two servers has other trace fields, and so other bytes."""
    first, second = await job_of(jobs, submission("one way")), await job_of(jobs, submission("another"))
    key = content_key(first.submission, NUMBER, BytesIO(b"II*\0"))
    assert await jobs.claim_content(first, key) is None
    assert await jobs.claim_content(second, key) == first.id
    assert await jobs.claim_content(first, key) is None, "a job is no repeat of itself: it may be prepared again"


async def test_the_content_of_a_fax_that_failed_may_come_again(jobs: Jobs) -> None:
    first, second = await job_of(jobs, submission("one way")), await job_of(jobs, submission("another"))
    key = content_key(first.submission, NUMBER, BytesIO(b"II*\0"))
    await jobs.claim_content(first, key)
    await jobs.apply(first.id, JobEvent.EXPIRED, Change(outcome=OutcomeKind.EXPIRED))
    assert await jobs.claim_content(second, key) is None


async def test_without_a_message_id_the_same_content_is_equal_for_a_quarter_of_an_hour(jobs: Jobs) -> None:
    mail = nameless(submission("scan"))
    early, late = replace(mail, source_key="b"), replace(mail, source_key="c", received_at=START + LATER)
    first, second, third = [await job_of(jobs, each) for each in (mail, early, late)]
    key = content_key(mail, NUMBER, BytesIO(b"II*\0"))
    assert await jobs.claim_content(first, key) is None
    assert await jobs.claim_content(second, key) == first.id
    assert await jobs.claim_content(third, key) is None


def test_the_key_of_the_content_tells_everything_apart_that_makes_another_fax() -> None:
    mail = submission()
    keys = {
        content_key(mail, NUMBER, BytesIO(b"II*\0")),
        content_key(mail, "+375172001515", BytesIO(b"II*\0")),
        content_key(mail, NUMBER, BytesIO(b"MM\0*")),
        content_key(nameless(mail), NUMBER, BytesIO(b"II*\0")),
        content_key(replace(mail, sender=replace(mail.sender, local="boris")), NUMBER, BytesIO(b"II*\0")),
    }
    assert len(keys) == 5
    elsewhere = replace(mail, source_key="x", spool_name="y", subject="fax: 8 029 155 44 99")
    assert content_key(elsewhere, NUMBER, BytesIO(b"II*\0")) in keys


async def test_a_job_remembers_its_domain_and_its_terminal(jobs: Jobs) -> None:
    """Trap: a reload must not change whose call it is."""
    terminal = Terminal("375172001501", "+375 17 200 15 01", "Büro 7 · факс", "sales", "+375172001501")
    mail = replace(submission(), domain="tenant", terminal=terminal)
    job = await job_of(jobs, mail)
    assert (job.submission.domain, job.submission.terminal) == ("tenant", terminal)


def in_mailbox(name: str = "imap:fax/mail.example.com/INBOX/1/7", copy: str = "its bytes") -> Submission:
    return replace(nameless(submission(name)), door=Door.IMAP, copy_key=copy)


@pytest.mark.parametrize("state", [JobState.SENT, JobState.UNCONFIRMED, *sorted(MAY_COME_AGAIN)])
async def test_a_mail_at_the_same_place_of_a_mailbox_is_one_mail_for_good(jobs: Jobs, state: JobState) -> None:
    """Trap: what is left on the server is seen at every look; a repeat of what failed would be dialled for ever."""
    first = await in_state(jobs, state, in_mailbox())
    assert first.state is state
    later = copy_of(in_mailbox(), timedelta(days=300), domain="tenant", copy_key="")
    assert not (await jobs.receive(later)).new, "whomever it belongs to by now"
    assert set(await jobs.known(Door.IMAP, [later.source_key, "imap:another"])) == {later.source_key}
    assert await jobs.known(Door.POP3, [later.source_key]) == {}


async def test_a_mail_in_a_rebuilt_mailbox_is_known_by_its_bytes(jobs: Jobs) -> None:
    """Trap: a new UIDVALIDITY makes every mail new, and one without a Message-ID has no content key for long."""
    await in_state(jobs, JobState.FAILED, in_mailbox())
    again = copy_of(in_mailbox("imap:fax/mail.example.com/INBOX/2/1"), timedelta(days=300))
    assert not (await jobs.receive(again)).new
    assert (await jobs.receive(replace(again, copy_key="other bytes"))).new


async def test_an_unwanted_mail_is_refused_with_its_row_and_is_never_worked_on(jobs: Jobs, outbox: Outbox) -> None:
    refusal = Refusal(RefusalCode.MAIL_TOO_OLD, {"hours": "24"})
    receipt = await jobs.receive(in_mailbox(), refusal)
    job = await jobs.find(receipt.job_id)
    assert job is not None
    assert (job.state, job.outcome, job.facts) == (JobState.REJECTED, refusal.code, refusal.facts)
    assert await jobs.unprepared(10) == ()
    assert [reply.job_id for reply in await outbox.owed(START)] == [job.id]
    assert await jobs.known(Door.IMAP, [in_mailbox().source_key]) == {in_mailbox().source_key: refusal.code}


def requested(mail: Submission) -> Submission:
    return replace(mail, door=Door.API)


async def test_an_equal_request_joins_the_fax_until_ten_minutes_after_its_end_whatever_became_of_it(jobs: Jobs) -> None:
    mail = requested(submission())
    first = await jobs.receive(mail)
    assert await jobs.receive(copy_of(mail, timedelta(hours=23))) == replace(first, new=False)
    await jobs.cancel(first.job_id)
    assert await jobs.receive(copy_of(mail, timedelta(minutes=10))) == replace(first, new=False)
    assert (await jobs.receive(copy_of(mail, timedelta(minutes=11)))).new


async def test_a_key_of_the_client_alone_tells_repeats_from_new_orders(jobs: Jobs) -> None:
    mail = requested(submission())
    first = await jobs.receive(mail, once="one")
    await jobs.cancel(first.job_id)
    other = copy_of(mail, timedelta(days=30), source_key="other contents")
    assert await jobs.receive(other, once="one") == replace(first, new=False)
    assert (await jobs.receive(copy_of(mail), once="two")).new
    elsewhere = replace(mail, domain="tenant", spool_name="a third copy")
    assert (await jobs.receive(elsewhere, once="one")).new
