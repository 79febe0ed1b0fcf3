"""What the database keeps from call to call: the plan of a job, the traits of a number, the counters."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mail2fax.jobs import Jobs
from mail2fax.jobs.retry import Failure, judge
from mail2fax.jobs.strategy import Aftermath
from mail2fax.model.call import CallEnded, FaxFault, Media, MediaPolicy, PageConfirmed
from mail2fax.model.job import JobState
from mail2fax.model.outcome import Diagnosis, RetryClass
from mail2fax.model.plan import Plan, Trait
from tests.unit.jobs.made import NUMBER, POLICY, Clock, busy, calling, end, ended, ready

OTHERS = ("+375172000001", "+375172000002")
PLAN = Plan(MediaPolicy.NEVER, False, 9600, 2, other_trunk=True)
LESSONS = {Trait.T38: "no", Trait.ECM: "no", Trait.FAX: "yes"}
FORBIDDEN = replace(ended(sip_code=403, sip_reason="Forbidden"), media=Media.NONE)
CUT = ended(fault=FaxFault.DROPPED, code=49, code_name="CALLDROPPED", sent=1, confirmed=1, bit_rate=9600)


async def end_with(jobs: Jobs, key: str, number: str, how: CallEnded, aftermath: Aftermath) -> int:
    job, attempt = await calling(jobs, key, number)
    await jobs.end_attempt(attempt, judge(how, 2, POLICY), how, aftermath)
    return job.id


async def test_a_job_keeps_its_plan_until_another_call_makes_a_new_one(jobs: Jobs, clock: Clock) -> None:
    job_id = await end_with(jobs, "mail 1", NUMBER, busy(), Aftermath(PLAN))
    clock.advance(timedelta(hours=1))
    (woken,) = await jobs.wake_due(clock())
    assert (woken.id, woken.plan) == (job_id, PLAN)
    attempt = await jobs.begin_attempt(woken, "second call", first_page=PLAN.first_page)
    assert attempt is not None
    assert (await jobs.end_attempt(attempt, judge(busy(), 1, POLICY), busy(), Aftermath())).plan == PLAN


async def test_the_journal_tells_what_the_next_call_does_otherwise(jobs: Jobs) -> None:
    job_id = await end_with(jobs, "mail 1", NUMBER, busy(), Aftermath(PLAN))
    postponed = [entry for entry in await jobs.journal_of(job_id) if entry.event == "postponed"]
    assert postponed[0].facts["next_call"] == str(PLAN)


async def test_a_number_is_remembered_for_the_next_fax_to_it_and_forgotten_in_time(jobs: Jobs, clock: Clock) -> None:
    await end_with(jobs, "mail 1", NUMBER, busy(), Aftermath(None, LESSONS))
    assert {lesson.trait: lesson.value for lesson in await jobs.lessons_of(NUMBER)} == LESSONS
    assert await jobs.lessons_of(OTHERS[0]) == ()
    clock.advance(timedelta(days=30, seconds=1))
    assert {lesson.trait for lesson in await jobs.lessons_of(NUMBER)} == {Trait.FAX, Trait.T38}
    clock.advance(timedelta(days=60))
    assert {lesson.trait for lesson in await jobs.lessons_of(NUMBER)} == {Trait.FAX}


async def test_what_a_later_call_teaches_replaces_what_was_known(jobs: Jobs) -> None:
    await end_with(jobs, "mail 1", NUMBER, busy(), Aftermath(None, {Trait.T38: "no"}))
    await end_with(jobs, "mail 2", NUMBER, busy(), Aftermath(None, {Trait.T38: "try"}))
    assert [lesson.value for lesson in await jobs.lessons_of(NUMBER)] == ["try"]


async def test_earlier_failures_are_counted_with_their_class(jobs: Jobs, clock: Clock) -> None:
    _, attempt = await calling(jobs)
    await end(jobs, attempt, busy())
    clock.advance(timedelta(hours=1))
    (woken,) = await jobs.wake_due(clock())
    again = await jobs.begin_attempt(woken, "second call")
    assert again is not None
    known = await jobs.circumstances(again, NUMBER, rang=True, withdrawn=False)
    assert known.failures == (Failure(RetryClass.BUSY, answered=False, diagnosis=Diagnosis.BUSY),)
    assert (known.rang, known.known_as_fax, known.forbidden_everywhere) == (True, False, False)


@pytest.mark.parametrize(("others", "everywhere"), [(OTHERS, True), (OTHERS[:1], False), (OTHERS[:1] * 2, False)])
async def test_a_trunk_forbids_us_when_it_forbids_three_numbers_in_a_row(
    jobs: Jobs, others: tuple[str, ...], everywhere: bool
) -> None:
    for count, number in enumerate(others):
        await end_with(jobs, f"mail {count}", number, FORBIDDEN, Aftermath())
    _, attempt = await calling(jobs, "the third", NUMBER)
    assert (await jobs.circumstances(attempt, NUMBER, rang=False, withdrawn=False)).forbidden_everywhere is everywhere


async def test_a_call_that_was_answered_in_between_shows_that_only_some_numbers_are_forbidden(
    jobs: Jobs, clock: Clock
) -> None:
    await end_with(jobs, "mail 0", OTHERS[0], FORBIDDEN, Aftermath())
    clock.advance(timedelta(seconds=1))
    await end_with(jobs, "mail 1", OTHERS[1], busy(), Aftermath())
    _, attempt = await calling(jobs, "the third", NUMBER)
    assert not (await jobs.circumstances(attempt, NUMBER, rang=False, withdrawn=False)).forbidden_everywhere


# Resuming


async def test_a_call_that_begins_with_a_later_page_counts_from_there(jobs: Jobs) -> None:
    """Trap: page 2 confirmed by a second call is page 2 of the document, not the first page told out of turn."""
    attempt = await jobs.begin_attempt(await ready(jobs), "resumed", first_page=2)
    assert attempt is not None
    assert (attempt.first_page, attempt.pages_confirmed) == (2, 1)
    await jobs.record(attempt, PageConfirmed(2, last=True))
    (so_far,) = await jobs.attempts_of(attempt.job_id)
    assert so_far.pages_confirmed == 2


async def test_a_crash_after_the_last_page_of_a_resumed_fax_finds_it_delivered(jobs: Jobs) -> None:
    attempt = await jobs.begin_attempt(await ready(jobs), "resumed", first_page=2)
    assert attempt is not None
    await jobs.record(attempt, PageConfirmed(2, last=True))
    (recovered,) = await jobs.recover()
    assert recovered.state is JobState.SENT


async def test_the_record_of_a_resumed_call_says_what_this_call_delivered(jobs: Jobs) -> None:
    attempt = await jobs.begin_attempt(await ready(jobs), "resumed", first_page=2)
    assert attempt is not None
    whole = ended(fault=FaxFault.NONE, code=0, sent=1, confirmed=1, last=True)
    job = await jobs.end_attempt(attempt, judge(whole, 1, POLICY), whole)
    (cdr,) = await jobs.attempts_of(job.id)
    assert job.state is JobState.SENT
    assert (cdr.pages_confirmed, cdr.ended) == (2, whole)
