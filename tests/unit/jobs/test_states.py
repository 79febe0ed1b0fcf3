import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from mail2fax.jobs import Change, Jobs, Outbox, Verdict
from mail2fax.jobs.retry import Failure
from mail2fax.model.call import (
    Answered,
    CallEvent,
    Dialled,
    EndedBy,
    FaxFault,
    Media,
    Negotiated,
    PageConfirmed,
    PageProgress,
    PageRecord,
    PageState,
    Ringing,
)
from mail2fax.model.job import ImpossibleTransition, Job, JobEvent, JobState
from mail2fax.model.outcome import Diagnosis, Outcome, OutcomeKind, RetryClass
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.store import Session, Store, StoreConflict
from tests.unit.jobs.made import (
    NUMBER,
    START,
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


async def found(jobs: Jobs, job_id: int) -> Job:
    job = await jobs.find(job_id)
    assert job is not None
    return job


async def events_of(jobs: Jobs, job_id: int) -> list[str]:
    return [entry.event for entry in await jobs.journal_of(job_id)]


# The way in


async def test_a_mail_becomes_a_received_job_with_everything_it_said(jobs: Jobs) -> None:
    receipt = await jobs.receive(submission(notify="clerk@example.com"))
    job = await found(jobs, receipt.job_id)
    assert receipt.new
    assert job.submission == submission(notify="clerk@example.com")
    assert (job.state, job.version, job.attempts) == (JobState.RECEIVED, 1, 0)
    assert await events_of(jobs, job.id) == ["received"]


async def test_the_same_mail_twice_is_one_job(jobs: Jobs) -> None:
    """Trap: a 250 that was lost on its way brings the mail again."""
    first = await jobs.receive(submission())
    again = await jobs.receive(replace(submission(), spool_name="another copy"))
    assert (again.job_id, again.new) == (first.job_id, False)
    assert await jobs.spool_names() == {"spool of mail 1"}
    assert await events_of(jobs, first.job_id) == ["received"]


async def test_the_same_mail_many_times_at_once_is_one_job(jobs: Jobs) -> None:
    receipts = await asyncio.gather(*(jobs.receive(submission()) for _ in range(20)))
    assert {receipt.job_id for receipt in receipts} == {1}
    assert [receipt.new for receipt in receipts].count(True) == 1


async def test_bytes_that_are_no_text_cost_no_mail(jobs: Jobs) -> None:
    """Trap: mail libraries hand on undecodable bytes as lone surrogates, and SQLite takes none."""
    odd = replace(submission(), mail_from="anna\udcff@example.com", references=("<\udc80@example.com>",))
    job = await found(jobs, (await jobs.receive(odd)).job_id)
    assert (job.submission.mail_from, len(job.submission.references)) == ("anna?@example.com", 1)


async def test_short_numbers_rise_and_names_outside_differ(jobs: Jobs) -> None:
    one, two = await received(jobs, "mail 1"), await received(jobs, "mail 2")
    assert (one.id, two.id) == (1, 2)
    assert one.uuid != two.uuid


async def test_a_prepared_job_is_ready_and_keeps_its_number_through_all_that_follows(jobs: Jobs) -> None:
    job, attempt = await calling(jobs)
    slept = await end(jobs, attempt, busy())
    for each in (job, slept):
        assert (each.number, each.document, each.pages) == (NUMBER, "mail 1.tif", 2)


async def test_a_refused_job_holds_the_code_and_the_facts_of_its_refusal(jobs: Jobs) -> None:
    refusal = Refusal(RefusalCode.NUMBER_SEVERAL, {"numbers": "+1, +2"})
    job = await jobs.refused(await received(jobs), refusal)
    assert (job.state, job.deadline_at) == (JobState.REJECTED, None)
    assert Refusal(RefusalCode(str(job.outcome)), job.facts) == refusal


# The one method


async def test_every_move_raises_the_version_and_is_journalled(jobs: Jobs) -> None:
    job, attempt = await calling(jobs)
    job = await end(jobs, attempt, delivered())
    assert job.version == 4
    assert await events_of(jobs, job.id) == ["received", "prepared", "dialling", "delivered"]


async def test_an_event_the_state_does_not_know_changes_nothing(jobs: Jobs) -> None:
    job = await ready(jobs)
    with pytest.raises(ImpossibleTransition, match="ready cannot take the event delivered"):
        await jobs.apply(job.id, JobEvent.DELIVERED, Change(outcome="delivered"))
    assert await found(jobs, job.id) == job
    assert await events_of(jobs, job.id) == ["received", "prepared"]


async def test_a_job_changed_by_somebody_else_is_not_overwritten(jobs: Jobs, store: Store) -> None:
    """Trap: state and version are compared by the UPDATE itself, and it has to have touched one row."""
    job = await ready(jobs)
    values = {
        "due_at": None,
        "number": None,
        "document": None,
        "pages": None,
        "outcome": None,
        "facts": None,
        "plan": None,
        "ignored": None,
    }

    def move(session: Session, version: int, state: str) -> int:
        return session.change(
            "move_job",
            job_id=job.id,
            version=version,
            from_state=state,
            state="calling",
            now=START,
            deadline_at=START,
            **values,
        )

    assert await store.write(lambda session: move(session, job.version - 1, "ready")) == 0
    assert await store.write(lambda session: move(session, job.version, "sleeping")) == 0
    assert await store.write(lambda session: move(session, job.version, "ready")) == 1
    assert await store.write(lambda session: move(session, job.version, "ready")) == 0


async def test_a_job_cannot_end_without_saying_what_became_of_it(jobs: Jobs) -> None:
    job = await ready(jobs)
    with pytest.raises(ValueError, match="needs an outcome"):
        await jobs.apply(job.id, JobEvent.CANCELLED)
    assert (await found(jobs, job.id)).state is JobState.READY


async def test_a_job_cannot_sleep_for_ever(jobs: Jobs) -> None:
    job, _ = await calling(jobs)
    with pytest.raises(ValueError, match="the moment it wakes"):
        await jobs.apply(job.id, JobEvent.POSTPONED, Change(outcome="busy"))


async def test_a_job_that_is_not_there_is_a_fault(jobs: Jobs) -> None:
    assert await jobs.find(4711) is None
    with pytest.raises(LookupError, match="4711"):
        await jobs.apply(4711, JobEvent.WOKE)


# The call


async def test_an_attempt_is_committed_as_calling_before_anything_can_be_dialled(jobs: Jobs) -> None:
    """The money rule: after a crash right here the job is found in `calling`, and is not dialled again."""
    job, attempt = await calling(jobs)
    assert (job.state, job.attempts) == (JobState.CALLING, 1)
    assert await jobs.attempts_of(job.id) == (attempt,)
    assert (attempt.call_id, attempt.number, attempt.ended, attempt.outcome) == ("call of mail 1", 1, None, None)


async def test_no_job_calls_without_an_attempt(jobs: Jobs) -> None:
    job = await ready(jobs)
    with pytest.raises(ValueError, match="committed attempt"):
        await jobs.apply(job.id, JobEvent.DIALLING)


async def test_an_attempt_remembers_which_trunk_carried_it(jobs: Jobs) -> None:
    job = await ready(jobs)
    await jobs.begin_attempt(job, "its call", "second")
    assert [attempt.trunk for attempt in await jobs.attempts_of(job.id)] == ["second"]


async def test_one_call_per_number_at_a_time(jobs: Jobs) -> None:
    _, attempt = await calling(jobs, "mail 1")
    waiting = await ready(jobs, "mail 2")
    assert await jobs.begin_attempt(waiting, "second call") is None
    assert (await found(jobs, waiting.id)) == waiting
    await end(jobs, attempt, delivered())
    assert await jobs.begin_attempt(waiting, "second call") is not None


async def test_the_schema_too_knows_of_one_call_per_number(jobs: Jobs, store: Store) -> None:
    """Should two gateways ever share a database, neither's look before the leap is enough."""
    await calling(jobs, "mail 1")
    waiting = await ready(jobs, "mail 2")
    values = {
        "due_at": None,
        "number": None,
        "document": None,
        "pages": None,
        "outcome": None,
        "facts": None,
        "plan": None,
        "ignored": None,
    }

    def leap(session: Session) -> int:
        return session.change(
            "move_job",
            job_id=waiting.id,
            version=waiting.version,
            from_state="ready",
            state="calling",
            now=START,
            deadline_at=START,
            **values,
        )

    with pytest.raises(StoreConflict):
        await store.write(leap)


async def test_a_job_that_was_cancelled_meanwhile_is_not_dialled(jobs: Jobs) -> None:
    job = await ready(jobs)
    await jobs.cancel(job.id)
    with pytest.raises(ImpossibleTransition):
        await jobs.begin_attempt(job, "too late")
    assert await jobs.attempts_of(job.id) == ()


async def test_a_job_on_the_phone_is_not_dialled_a_second_time(jobs: Jobs) -> None:
    job, _ = await calling(jobs)
    with pytest.raises(ImpossibleTransition):
        await jobs.begin_attempt(job, "again")


async def test_a_call_id_is_never_used_twice(jobs: Jobs) -> None:
    await calling(jobs, "mail 1")
    other = await ready(jobs, "mail 2", "+4922112345")
    with pytest.raises(StoreConflict):
        await jobs.begin_attempt(other, "call of mail 1")
    assert (await found(jobs, other.id)).state is JobState.READY


async def test_the_three_results_of_a_call_come_back_from_its_cdr(jobs: Jobs, clock: Clock) -> None:
    job, attempt = await calling(jobs)
    clock.advance(timedelta(seconds=70))
    await end(jobs, attempt, delivered())
    (cdr,) = await jobs.attempts_of(job.id)
    assert cdr.ended == delivered()
    assert (cdr.started_at, cdr.ended_at) == (START, START + timedelta(seconds=70))
    assert (cdr.outcome, cdr.cause) == ("delivered", "SIP 200 OK (answered) · T.30 0 OK")


async def test_a_call_is_journalled_step_by_step_but_not_percent_by_percent(jobs: Jobs) -> None:
    job, attempt = await calling(jobs)
    steps: tuple[CallEvent, ...] = (
        Dialled(),
        Ringing(180),
        Answered(),
        Negotiated(Media.T38, far_id="+375 17"),
        PageProgress(1, 50),
        PageConfirmed(1, last=False),
        delivered(),
    )
    for step in steps:
        await jobs.record(attempt, step)
    kept = [(entry.event, entry.facts) for entry in await jobs.journal_of(job.id) if entry.attempt == 1]
    assert kept == [
        ("dialling", {"state": "calling"}),
        ("dialled", {}),
        ("ringing", {"sip_code": 180}),
        ("answered", {}),
        ("negotiated", {"media": "t38", "far_id": "+375 17"}),
        ("page-confirmed", {"page": 1, "last": False, "repeats": 0}),
    ]


async def test_the_end_of_a_call_tells_of_each_page_that_was_not_confirmed(jobs: Jobs) -> None:
    job, attempt = await calling(jobs)
    pages = (
        PageRecord(1, PageState.CONFIRMED),
        PageRecord(2, PageState.UNCONFIRMED, repeats=2),
    )
    call = delivered(1)
    await end(
        jobs, attempt, replace(call, fax=replace(call.fax, last_confirmed=False, pages=pages, far_machine="Acme"))
    )
    kept = {entry.event: entry.facts for entry in await jobs.journal_of(job.id) if entry.attempt == 1}
    assert kept["page-unconfirmed"] == {"page": 2, "repeats": 2}
    assert kept["far-machine"] == {"name": "Acme"}
    assert "page-confirmed" not in kept, "that was told when it happened"


async def test_a_busy_job_sleeps_wakes_and_is_called_again(jobs: Jobs, clock: Clock) -> None:
    job, attempt = await calling(jobs)
    job = await end(jobs, attempt, busy())
    assert (job.state, job.due_at) == (JobState.SLEEPING, START + timedelta(minutes=2))
    assert await jobs.wake_due(clock()) == ()
    clock.advance(timedelta(minutes=2))
    (woken,) = await jobs.wake_due(clock())
    assert (woken.state, woken.due_at) == (JobState.READY, None)
    again = await jobs.begin_attempt(woken, "second call")
    assert again is not None
    assert again.number == 2
    known = await jobs.circumstances(again, NUMBER, rang=False, withdrawn=False)
    assert known.failures == (Failure(RetryClass.BUSY, answered=False, diagnosis=Diagnosis.BUSY),)


async def test_an_order_the_engine_would_not_take_costs_a_moment_and_no_try(jobs: Jobs) -> None:
    job, attempt = await calling(jobs)
    job = await jobs.not_dialled(attempt, "the engine is stopping")
    assert (job.state, job.due_at) == (JobState.SLEEPING, START + timedelta(seconds=15))
    assert (await jobs.circumstances(attempt, NUMBER, rang=False, withdrawn=False)).failures == ()
    (cdr,) = await jobs.attempts_of(job.id)
    assert (cdr.outcome, cdr.cause, cdr.ended) == ("fault", "the engine is stopping", None)


async def test_an_attempt_ends_once(jobs: Jobs) -> None:
    _, attempt = await calling(jobs)
    await end(jobs, attempt, busy())
    with pytest.raises(ImpossibleTransition, match="ended already"):
        await end(jobs, attempt, delivered())


async def test_a_doubtful_end_is_never_shown_as_success(jobs: Jobs) -> None:
    _, attempt = await calling(jobs)
    job = await end(jobs, attempt, ended(fault=FaxFault.NOT_CONFIRMED, sent=2, confirmed=1))
    assert (job.state, job.outcome) == (JobState.UNCONFIRMED, "unconfirmed")


# People and clocks


async def test_a_job_on_the_phone_is_hung_up_before_it_is_cancelled(jobs: Jobs) -> None:
    job, attempt = await calling(jobs)
    assert (await jobs.cancel(job.id, "root")).state is JobState.CALLING
    assert (await jobs.journal_of(job.id))[-1].facts == {"by": "root"}
    await end(jobs, attempt, replace(ended(EndedBy.CANCELLED, sip_code=487), media=Media.NONE))
    job = await jobs.cancel(job.id)
    assert (job.state, job.outcome) == (JobState.CANCELLED, "cancelled")


async def test_a_call_hung_up_before_the_answer_sleeps_no_longer_than_the_clock_takes(jobs: Jobs, clock: Clock) -> None:
    _, attempt = await calling(jobs)
    job = await end(jobs, attempt, replace(ended(EndedBy.CANCELLED, sip_code=None), media=Media.NONE))
    assert (job.state, job.outcome, job.due_at) == (JobState.SLEEPING, "stopped", clock())
    assert [each.state for each in await jobs.wake_due(clock())] == [JobState.READY]


async def test_a_waiting_job_that_grew_too_old_has_failed_and_keeps_its_last_cause(jobs: Jobs, clock: Clock) -> None:
    _, attempt = await calling(jobs)
    await end(jobs, attempt, busy())
    clock.advance(timedelta(hours=24))
    (job,) = await jobs.expire_overdue(clock())
    assert (job.state, job.outcome, job.deadline_at) == (JobState.FAILED, "expired", None)
    assert job.facts == {"cause": "SIP 486 Busy Here · Q.850 17 · T.30 -", "diagnosis": "busy"}


async def test_a_job_that_cannot_be_prepared_in_time_has_failed(jobs: Jobs, clock: Clock) -> None:
    await received(jobs)
    clock.advance(timedelta(hours=24))
    (job,) = await jobs.expire_overdue(clock())
    assert (job.state, job.outcome) == (JobState.FAILED, "expired")


async def test_an_hour_without_us_costs_no_received_job(jobs: Jobs, clock: Clock) -> None:
    """Trap: a mail that was answered 250 right before a long stop was failed at the start, unread."""
    await received(jobs)
    clock.advance(timedelta(hours=23, minutes=59))
    assert await jobs.expire_overdue(clock()) == ()


async def test_a_job_on_the_phone_is_never_expired_by_the_clock(jobs: Jobs, clock: Clock) -> None:
    """Trap: a clock that jumped ahead made a live call `unconfirmed`; whoever carries a call bounds it."""
    job, _ = await calling(jobs)
    clock.advance(timedelta(days=30))
    assert await jobs.expire_overdue(clock()) == ()
    assert await jobs.next_moment() is None
    assert await found(jobs, job.id) == job


async def test_those_on_the_phone_are_told_apart_from_all_others(jobs: Jobs) -> None:
    await received(jobs, "a")
    await ready(jobs, "b", "+1")
    job, _ = await calling(jobs, "c", "+2")
    assert await jobs.calling() == (job,)


async def test_a_call_that_nobody_carries_is_in_doubt_and_a_late_end_only_completes_the_cdr(
    jobs: Jobs, outbox: Outbox, clock: Clock
) -> None:
    job, attempt = await calling(jobs)
    orphan = await jobs.orphaned(job)
    assert orphan is not None
    assert (orphan.state, orphan.outcome) == (JobState.UNCONFIRMED, "interrupted")
    assert orphan.facts == {"cause": "a fault in the gateway ended the call"}
    assert await end(jobs, attempt, busy()) == orphan
    assert (await jobs.attempts_of(job.id))[0].ended == busy()
    assert (await events_of(jobs, job.id))[-2:] == ["doubted", "ended-late"]
    assert len(await outbox.owed(clock())) == 1


async def test_a_call_that_nobody_carries_and_whose_pages_were_all_confirmed_is_sent(jobs: Jobs) -> None:
    job, attempt = await calling(jobs)
    for page in (1, 2):
        await jobs.record(attempt, PageConfirmed(page, last=page == 2))
    orphan = await jobs.orphaned(job)
    assert orphan is not None
    assert (orphan.state, orphan.outcome) == (JobState.SENT, "delivered")


async def test_a_job_that_went_on_since_it_was_looked_at_is_no_orphan(jobs: Jobs, clock: Clock) -> None:
    """Trap: between the look and the judgement the call may have ended, and the next one begun."""
    job, attempt = await calling(jobs)
    slept = await end(jobs, attempt, busy())
    assert await jobs.orphaned(job) is None
    assert await found(jobs, job.id) == slept
    clock.advance(timedelta(minutes=2))
    (woken,) = await jobs.wake_due(clock())
    await jobs.begin_attempt(woken, "second call")
    assert await jobs.orphaned(job) is None
    assert (await found(jobs, job.id)).state is JobState.CALLING


async def test_an_order_not_taken_leaves_a_job_that_has_ended_where_it_is(jobs: Jobs) -> None:
    job, attempt = await calling(jobs)
    orphan = await jobs.orphaned(job)
    assert await jobs.not_dialled(attempt, "the engine is stopping") == orphan


async def test_an_engine_that_takes_no_orders_is_asked_less_and_less_often(jobs: Jobs, clock: Clock) -> None:
    """Trap: an engine that is down all night must not give a job thousands of attempts."""
    job = await ready(jobs)
    waits = []
    for number in range(9):
        attempt = await jobs.begin_attempt(job, f"call {number}")
        assert attempt is not None
        slept = await jobs.not_dialled(attempt, "the engine is not running")
        assert slept.due_at is not None
        waits.append(slept.due_at - clock())
        clock.now = slept.due_at
        (job,) = await jobs.wake_due(clock())
    assert [wait.total_seconds() for wait in waits] == [15, 30, 60, 120, 240, 480, 900, 900, 900]


async def test_every_state_that_is_not_final_has_a_deadline(jobs: Jobs) -> None:
    seen = [await received(jobs, "a"), await ready(jobs, "b"), (await calling(jobs, "c"))[0]]
    _, attempt = await calling(jobs, "d", "+4922112345")
    seen.append(await end(jobs, attempt, busy()))
    assert {job.state for job in seen} == {state for state in JobState if not state.final}
    assert all(job.deadline_at is not None and job.deadline_at > START for job in seen)


async def test_waiting_for_a_call_does_not_begin_anew_after_each_try(jobs: Jobs, clock: Clock) -> None:
    job, attempt = await calling(jobs)
    clock.advance(timedelta(minutes=10))
    job = await end(jobs, attempt, busy())
    assert job.deadline_at == START + timedelta(hours=24)


async def test_the_next_moment_is_that_of_the_first_sleeper_or_deadline(jobs: Jobs) -> None:
    assert await jobs.next_moment() is None
    await received(jobs, "a")
    assert await jobs.next_moment() == START + timedelta(hours=24)
    _, attempt = await calling(jobs, "b")
    job = await end(jobs, attempt, busy())
    assert await jobs.next_moment() == job.due_at


# What is to be done


async def test_received_jobs_are_prepared_oldest_first(jobs: Jobs) -> None:
    for key in ("a", "b", "c"):
        await received(jobs, key)
    await ready(jobs, "d")
    assert [job.submission.source_key for job in await jobs.unprepared(2)] == ["a", "b"]


async def test_received_jobs_that_are_seen_to_already_leave_their_place_to_others(jobs: Jobs) -> None:
    """Trap: a limit that counts the jobs under way starves those behind them."""
    one, two, three = [await received(jobs, key) for key in ("a", "b", "c")]
    assert await jobs.unprepared(2, but={one.id}) == (two, three)
    assert await jobs.unprepared(2, but=[one.id, two.id, three.id, 4711]) == ()


async def test_ready_jobs_come_oldest_first_one_per_number_and_none_that_is_engaged(jobs: Jobs) -> None:
    await calling(jobs, "engaged", "+1")
    for key, number in (("waits for engaged", "+1"), ("a", "+2"), ("after a", "+2"), ("b", "+3"), ("c", "+4")):
        await ready(jobs, key, number)
    assert [job.submission.source_key for job in await jobs.next_ready(2)] == ["a", "b"]
    assert [job.submission.source_key for job in await jobs.next_ready(9)] == ["a", "b", "c"]


async def test_ready_jobs_that_rest_leave_the_lines_to_others_but_keep_their_turn_for_their_number(jobs: Jobs) -> None:
    resting, behind, other = [
        await ready(jobs, key, number) for key, number in (("resting", "+1"), ("behind it", "+1"), ("other", "+2"))
    ]
    assert await jobs.next_ready(1, but={resting.id}) == (other,)
    assert behind not in await jobs.next_ready(9, but={resting.id})


async def test_a_ready_job_that_is_passed_over_holds_up_none_to_the_same_number(jobs: Jobs) -> None:
    """Trap: the older one waits for a trunk of its own that is down; the younger may go over one that is up."""
    older, younger, youngest = [await ready(jobs, key, "+1") for key in ("older", "younger", "youngest")]
    assert await jobs.next_ready(9) == (older,)
    assert await jobs.next_ready(9, passed_over={older.id}) == (younger,)
    assert await jobs.next_ready(9, passed_over={older.id, younger.id}) == (youngest,)
    assert await jobs.next_ready(9, but={younger.id}, passed_over={older.id}) == ()


async def test_a_number_that_was_called_just_now_is_left_alone_for_a_moment(jobs: Jobs, clock: Clock) -> None:
    """Its machine is still hanging up, and would be busy."""
    _, attempt = await calling(jobs, "first", "+1")
    second = await ready(jobs, "second", "+1")
    await end(jobs, attempt, delivered())
    assert await jobs.next_ready(9) == ()
    clock.advance(timedelta(seconds=5))
    assert await jobs.next_ready(9) == (second,)


async def test_a_raw_mail_is_known_by_its_name_once_it_has_a_job(jobs: Jobs) -> None:
    assert not await jobs.has_spool_name("spool of mail 1")
    await received(jobs)
    assert await jobs.has_spool_name("spool of mail 1")
    assert not await jobs.has_spool_name("spool of mail")


async def test_people_see_the_newest_jobs_first(jobs: Jobs) -> None:
    for key in ("a", "b", "c"):
        await received(jobs, key)
    assert [job.submission.source_key for job in await jobs.list(2)] == ["c", "b"]


# After a crash


@pytest.mark.parametrize(
    ("confirmed", "state", "outcome"),
    [
        ([], JobState.UNCONFIRMED, "interrupted"),
        ([(1, False)], JobState.UNCONFIRMED, "interrupted"),
        ([(1, False), (2, False)], JobState.UNCONFIRMED, "interrupted"),
        ([(2, True)], JobState.UNCONFIRMED, "interrupted"),
        ([(1, False), (1, False)], JobState.UNCONFIRMED, "interrupted"),
        ([(1, False), (2, True)], JobState.SENT, "delivered"),
    ],
    ids=["none", "first only", "no EOP", "last only", "the first twice", "all"],
)
async def test_a_job_found_in_mid_call_is_sent_if_every_page_was_confirmed_and_else_in_doubt(
    jobs: Jobs, confirmed: list[tuple[int, bool]], state: JobState, outcome: str
) -> None:
    """Trap: never redial what may have arrived, and never say "sent" before the last page is confirmed."""
    job, attempt = await calling(jobs)
    for page, last in confirmed:
        await jobs.record(attempt, PageConfirmed(page, last))
    (recovered,) = await jobs.recover()
    assert (recovered.id, recovered.state, recovered.outcome) == (job.id, state, outcome)
    (cdr,) = await jobs.attempts_of(job.id)
    assert (cdr.outcome, cdr.ended, cdr.ended_at) == (outcome, None, None)


async def test_recovering_touches_only_what_was_in_mid_call_and_owes_each_a_reply(
    jobs: Jobs, outbox: Outbox, clock: Clock
) -> None:
    untouched = [await received(jobs, "a"), await ready(jobs, "b", "+1")]
    job, _ = await calling(jobs, "c", "+2")
    assert [each.id for each in await jobs.recover()] == [job.id]
    assert [await found(jobs, each.id) for each in untouched] == untouched
    assert [reply.job_id for reply in await outbox.owed(clock())] == [job.id]
    assert await jobs.recover() == ()


async def test_a_fault_in_mid_transaction_leaves_no_half_of_it(jobs: Jobs, outbox: Outbox, clock: Clock) -> None:
    """The attempt would be closed, the job not moved: so neither is."""
    job, attempt = await calling(jobs)
    impossible = Verdict(JobEvent.WOKE, Outcome(OutcomeKind.BUSY, permanent=False, cause=""))
    with pytest.raises(ImpossibleTransition):
        await jobs.end_attempt(attempt, impossible, busy())
    assert await jobs.attempts_of(job.id) == (attempt,)
    assert await found(jobs, job.id) == job
    assert await outbox.owed(clock()) == ()
