import re
from datetime import timedelta

from mail2fax.jobs import Jobs, Outbox
from mail2fax.model.job import Job, Reply, ReplyKind
from mail2fax.model.wishes import Copy, News, Report, Wishes
from tests.unit.jobs.made import NUMBER, Clock, busy, calling, delivered, end, ready, submission


async def test_a_final_state_owes_one_reply_with_a_message_id_that_names_the_job(
    jobs: Jobs, outbox: Outbox, clock: Clock
) -> None:
    job, attempt = await calling(jobs)
    await end(jobs, attempt, delivered())
    (reply,) = await outbox.owed(clock())
    assert (reply.kind, reply.job_id, reply.tries) == (ReplyKind.FINAL, job.id, 0)
    assert re.fullmatch(rf"<job-{job.id}\.[0-9a-f-]{{36}}@fax\.example\.com>", reply.message_id)


async def test_a_job_that_goes_on_owes_nothing(jobs: Jobs, outbox: Outbox, clock: Clock) -> None:
    _, attempt = await calling(jobs)
    await end(jobs, attempt, busy())
    assert await outbox.owed(clock()) == ()
    assert await outbox.next_owed() is None


async def test_automatic_mail_is_not_answered_but_told_to_others(jobs: Jobs, outbox: Outbox, clock: Clock) -> None:
    """RFC 3834 section 2: an answer to an automatic mail is how loops begin."""
    job = await ready(jobs, automatic=True)
    await jobs.cancel(job.id)
    (reply,) = await outbox.owed(clock())
    assert reply.kind is ReplyKind.NOTIFY


async def test_a_reply_that_was_sent_is_owed_no_more(jobs: Jobs, outbox: Outbox, clock: Clock) -> None:
    await jobs.cancel((await ready(jobs)).id)
    (reply,) = await outbox.owed(clock())
    await outbox.sent(reply)
    assert await outbox.owed(clock() + timedelta(days=9)) == ()


async def test_a_postponed_reply_comes_back_with_the_same_message_id(jobs: Jobs, outbox: Outbox, clock: Clock) -> None:
    await jobs.cancel((await ready(jobs)).id)
    (reply,) = await outbox.owed(clock())
    later = clock() + timedelta(minutes=5)
    await outbox.postponed(reply, later, "451 try again")
    assert await outbox.owed(clock()) == ()
    assert await outbox.next_owed() == later
    (again,) = await outbox.owed(later)
    assert (again.message_id, again.tries) == (reply.message_id, 1)


async def test_a_reply_that_was_given_up_rests(jobs: Jobs, outbox: Outbox, clock: Clock) -> None:
    await jobs.cancel((await ready(jobs)).id)
    (reply,) = await outbox.owed(clock())
    await outbox.given_up(reply, "550 no such user")
    assert await outbox.owed(clock() + timedelta(days=9)) == ()


async def test_the_longest_waiting_reply_goes_first(jobs: Jobs, outbox: Outbox, clock: Clock) -> None:
    for key in ("a", "b", "c"):
        await jobs.cancel((await ready(jobs, key)).id)
        clock.advance(timedelta(seconds=1))
    assert [reply.job_id for reply in await outbox.owed(clock(), limit=2)] == [1, 2]


CURIOUS = Wishes("ru", (News.ACCEPTED, News.DELAYED), Copy.PDF, Report.DSN)


async def wished(jobs: Jobs, wishes: Wishes = CURIOUS, key: str = "mail 2", *, automatic: bool = False) -> Job:
    receipt = await jobs.receive(submission(key, wishes=wishes, automatic=automatic))
    job = await jobs.find(receipt.job_id)
    assert job is not None
    return await jobs.prepared(job, NUMBER, f"{key}.tif", pages=3)


async def news(outbox: Outbox, clock: Clock) -> list[Reply]:
    return [reply for reply in await outbox.owed(clock()) if reply.is_news]


async def test_who_wishes_so_is_told_that_his_fax_is_accepted_and_where_it_stands(
    jobs: Jobs, outbox: Outbox, clock: Clock
) -> None:
    await ready(jobs)
    job = await wished(jobs)
    assert job.submission.wishes == CURIOUS, "they are kept with the job"
    (reply,) = await news(outbox, clock)
    # One fax of two pages is before it; two pages take 110 s, three 150 s.
    assert (reply.kind, reply.job_id, reply.facts) == (ReplyKind.ACCEPTED, job.id, {"place": "2", "minutes": "5"})


async def test_a_delay_is_told_once_with_the_reason_and_the_next_call(jobs: Jobs, outbox: Outbox, clock: Clock) -> None:
    job = await wished(jobs, Wishes(news=(News.DELAYED,)))
    for call in ("first", "second"):
        attempt = await jobs.begin_attempt(job, call)
        assert attempt is not None
        moved = await end(jobs, attempt, busy())
        if call == "first":
            assert moved.due_at is not None
            first_due = moved.due_at
        clock.advance(timedelta(minutes=10))
        await jobs.wake_due(clock())
    (reply,) = await news(outbox, clock)
    assert reply.kind is ReplyKind.DELAYED
    assert reply.facts["outcome"] == "busy"
    assert reply.facts["next"].startswith(f"{first_due:%Y-%m-%dT%H:%M}")
    assert "until" in reply.facts


async def test_news_are_for_those_who_wish_them_and_may_be_answered(jobs: Jobs, outbox: Outbox, clock: Clock) -> None:
    await wished(jobs, Wishes(), "mail 3")
    await wished(jobs, Wishes(news=(News.DELAYED,)), "mail 4")
    await wished(jobs, CURIOUS, "mail 5", automatic=True)
    assert await news(outbox, clock) == []
