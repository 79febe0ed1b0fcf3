"""What people do to jobs: hold, release, cancel in mid call, try again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mail2fax.jobs import Jobs, Outbox, judge
from mail2fax.jobs.operator import Operator, SecondTry, second_try
from mail2fax.jobs.reading import Wanted
from mail2fax.jobs.retry import Circumstances
from mail2fax.model.call import CallEnded, EndedBy, FaxFault
from mail2fax.model.job import ImpossibleTransition, JobEvent, JobState
from mail2fax.model.mail import Door
from mail2fax.model.outcome import OutcomeKind
from mail2fax.store import Store
from tests.unit.jobs.made import (
    NUMBER,
    POLICY,
    Clock,
    busy,
    calling,
    delivered,
    end,
    ended,
    ready,
    received,
    submission,
)

OTHER = "+4922112345"


@pytest.fixture
def operator(store: Store, clock: Clock) -> Operator:
    return Operator(store, clock)


async def ready_ids(jobs: Jobs) -> list[int]:
    return [job.id for job in await jobs.next_ready(10)]


async def test_a_held_job_is_not_dialled_and_does_not_stand_in_the_way_of_others(
    jobs: Jobs, operator: Operator
) -> None:
    first, second = await ready(jobs, "mail 1"), await ready(jobs, "mail 2")
    assert await ready_ids(jobs) == [first.id]
    assert [job.id for job in await operator.hold(first.id, "root")] == [first.id]
    assert await ready_ids(jobs) == [second.id]
    assert await jobs.begin_attempt(first, "found before it was held") is None
    assert [job.id for job in await operator.release(first.id, "root")] == [first.id]
    assert await ready_ids(jobs) == [first.id]
    assert [entry.event for entry in await jobs.journal_of(first.id)][-2:] == ["held", "released"]


async def test_to_hold_twice_is_to_hold_once(jobs: Jobs, operator: Operator) -> None:
    job = await ready(jobs)
    await operator.hold(job.id, "root")
    assert await operator.hold(job.id, "root") == ()
    assert [entry.event for entry in await jobs.journal_of(job.id)].count("held") == 1


async def test_all_that_is_not_over_is_held_and_released(jobs: Jobs, operator: Operator) -> None:
    new, on_the_phone = await received(jobs, "mail 1"), (await calling(jobs, "mail 2"))[0]
    over = await ready(jobs, "mail 3", OTHER)
    await jobs.cancel(over.id)
    assert {job.id for job in await operator.hold(None, "root")} == {new.id, on_the_phone.id}
    assert {job.id for job in await operator.release(None, "root")} == {new.id, on_the_phone.id}


async def test_a_call_under_way_goes_on_but_its_held_job_is_not_dialled_again(
    jobs: Jobs, operator: Operator, clock: Clock
) -> None:
    job, attempt = await calling(jobs)
    await operator.hold(job.id, "root")
    assert (await end(jobs, attempt, busy())).state is JobState.SLEEPING
    clock.advance(timedelta(hours=1))
    await jobs.wake_due(clock())
    assert await ready_ids(jobs) == []


async def test_a_held_job_still_expires(jobs: Jobs, operator: Operator, clock: Clock) -> None:
    """Every job that is not over has a deadline: its sender is told, even if whoever held it has forgotten it."""
    job = await ready(jobs)
    await operator.hold(job.id, "root")
    clock.advance(timedelta(hours=24))
    assert [each.state for each in await jobs.expire_overdue(clock())] == [JobState.FAILED]


async def test_what_is_over_cannot_be_held_and_what_is_not_there_neither(jobs: Jobs, operator: Operator) -> None:
    job = await ready(jobs)
    await jobs.cancel(job.id)
    with pytest.raises(ImpossibleTransition, match="over"):
        await operator.hold(job.id, "root")
    with pytest.raises(LookupError):
        await operator.hold(77, "root")


# Trying again


async def test_every_state_has_its_second_try(jobs: Jobs) -> None:
    job = await ready(jobs)
    tries = {state: second_try(replace(job, state=state)) for state in JobState}
    assert tries[JobState.UNCONFIRMED] is SecondTry.NEW_JOB_IF_SURE
    assert tries[JobState.SENT] is SecondTry.NEVER
    assert {state for state in JobState if tries[state] is SecondTry.UNDER_WAY} == {
        JobState.RECEIVED,
        JobState.READY,
        JobState.CALLING,
    }


async def test_a_second_try_is_one_new_job_until_that_has_failed_too(jobs: Jobs) -> None:
    job = await ready(jobs)
    await jobs.cancel(job.id)
    first = await jobs.repeat(job.id, "copy", "root")
    again = await jobs.repeat(job.id, "another copy", "boris")
    assert (first.new, again.new, again.job_id) == (True, False, first.job_id)
    await jobs.cancel(first.job_id)
    third = await jobs.repeat(job.id, "third copy", "root")
    assert third.new
    assert third.job_id > first.job_id


async def test_the_same_mail_again_means_the_job_it_is_tried_again_as(jobs: Jobs) -> None:
    job, attempt = await calling(jobs)
    key = "what it is"
    assert await jobs.claim_content(job, key) is None
    await end(jobs, attempt, ended(EndedBy.ENGINE))
    receipt = await jobs.repeat(job.id, "copy", "root")
    assert (await jobs.receive(submission("mail 1"))).job_id == receipt.job_id
    new = await jobs.find(receipt.job_id)
    assert new is not None
    assert await jobs.claim_content(new, key) is None, "it is no duplicate of the job that it repeats"


async def test_a_sleeping_job_is_woken_before_its_time(jobs: Jobs) -> None:
    job, attempt = await calling(jobs)
    await end(jobs, attempt, busy())
    woken = await jobs.wake(job.id, "root")
    assert (woken.state, woken.due_at, woken.facts) == (
        JobState.READY,
        None,
        {"cause": "SIP 486 Busy Here · Q.850 17 · T.30 -", "diagnosis": "busy"},
    )


# Cancelling in mid call


def test_a_fax_that_was_delivered_before_it_was_cancelled_stays_delivered() -> None:
    assert judge(delivered(2), 2, POLICY, Circumstances(withdrawn=True)).event is JobEvent.DELIVERED


def test_a_fax_that_was_sent_whole_before_it_was_cancelled_may_have_arrived() -> None:
    sent = ended(EndedBy.CANCELLED, fault=FaxFault.NOT_CONFIRMED, sent=2, confirmed=1)
    verdict = judge(sent, 2, POLICY, Circumstances(withdrawn=True))
    assert (verdict.event, verdict.outcome.kind) == (JobEvent.DOUBTED, OutcomeKind.UNCONFIRMED)


@pytest.mark.parametrize("how", [busy(), ended(EndedBy.CANCELLED, sent=1, confirmed=1)])
def test_any_other_end_of_a_cancelled_call_is_cancelled(how: CallEnded) -> None:
    verdict = judge(how, 2, POLICY, Circumstances(withdrawn=True))
    assert (verdict.event, verdict.wait) == (JobEvent.CANCELLED, None)


async def test_nobody_is_mailed_about_a_fax_from_the_command_line(jobs: Jobs, outbox: Outbox, clock: Clock) -> None:
    receipt = await jobs.receive(replace(submission("an order"), door=Door.CONTROL))
    await jobs.cancel(receipt.job_id, "root")
    assert await outbox.owed(clock()) == ()


# Asking


async def test_jobs_are_listed_by_what_is_wanted(jobs: Jobs, clock: Clock) -> None:
    first = await ready(jobs, "mail 1", NUMBER)
    clock.advance(timedelta(hours=2))
    second = await ready(jobs, "mail 2", OTHER)
    await jobs.cancel(second.id)

    async def ids(wanted: Wanted) -> list[int]:
        return [job.id for job in await jobs.list(10, wanted)]

    assert await ids(Wanted()) == [second.id, first.id]
    assert await ids(Wanted(states=(JobState.CANCELLED, JobState.SENT))) == [second.id]
    assert await ids(Wanted(sender="ANNA@*.com", digits="2911")) == []
    assert await ids(Wanted(sender="a?na@example.com", digits=NUMBER[4:8])) == [first.id]
    assert await ids(Wanted(sender="[a]nna@example.com")) == [], "a bracket is itself"
    assert await ids(Wanted(since=clock() - timedelta(hours=1))) == [second.id]


async def test_news_are_what_is_new_and_end_with_the_job(jobs: Jobs) -> None:
    job = await ready(jobs)
    news = await jobs.news(job.id, 0)
    assert [entry.event for entry in news.entries] == ["received", "prepared"]
    assert not news.over
    await jobs.cancel(job.id, "root")
    last = await jobs.news(job.id, news.entries[-1].id)
    assert [entry.event for entry in last.entries] == ["cancel-asked", "cancelled"]
    assert last.over
    assert not (await jobs.news(None, 0)).over
