import re
from datetime import timedelta

from mail2fax.jobs import Jobs, Outbox
from mail2fax.model.job import ReplyKind
from tests.unit.jobs.made import Clock, busy, calling, delivered, end, ready


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
