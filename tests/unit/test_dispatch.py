"""The loops: jobs move by themselves, and no fault of one holds up the others."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mail2fax import dispatch, gateway
from mail2fax.cli.mail_sink import MailSink
from mail2fax.document.tiff import TiffWriter
from mail2fax.enclosure import enclosure_of
from mail2fax.engine.interface import EngineUnavailable
from mail2fax.engine.scripted import Script, ScriptedEngine, Step, delivered, never_ends, refused, rings_for_ever
from mail2fax.model.call import CallEvent, CallOrder
from mail2fax.model.document import Resolution
from mail2fax.model.job import Job, JobState
from mail2fax.model.mask import NumberMask
from mail2fax.model.outcome import OutcomeKind
from mail2fax.model.refusal import RefusalCode
from mail2fax.model.trunk import NumberForm, Trunk, TrunkCondition, TrunkState
from mail2fax.model.wishes import Copy, Wishes
from tests.harness.house import YEAR, House, arrival, house, written
from tests.unit.jobs.made import ready, received


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Loops that look again soon, and a log that costs nothing."""
    monkeypatch.setattr(dispatch, "LOOK_AGAIN_S", 0.05)
    monkeypatch.setattr(gateway, "WRITE_AGAIN_S", 0.01)
    with capture_logs():
        yield


@asynccontextmanager
async def running(here: House) -> AsyncIterator[None]:
    """The dispatcher runs in this block; a fault that it lets out fails the test."""
    task = asyncio.create_task(here.dispatcher.run())
    try:
        yield
        assert not task.done(), "the dispatcher has ended by itself"
    finally:
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(ended, asyncio.CancelledError)


async def silent(here: House, key: str = "mail 1", number: str = "+375291554499") -> Job:
    """A ready job whose sender gets no reply: replies need a mail server."""
    return await ready(here.jobs, key, number, automatic=True)


def dialled(here: House) -> int:
    assert isinstance(here.engine, ScriptedEngine)
    return len(here.engine.dialled)


# The way of a job


async def test_an_accepted_mail_becomes_a_fax_by_itself(tmp_path: Path) -> None:
    async with house(tmp_path, ScriptedEngine()) as here, running(here):
        await here.gateway.accept(arrival(automatic=True), await written(here.spool))
        here.dispatcher.nudge()
        await here.until(1, JobState.SENT)
        assert await here.events_of(1) == [
            *("received", "prepared", "dialling", "dialled", "ringing", "answered", "negotiated"),
            *("page-confirmed", "page-confirmed", "delivered"),
        ]


async def test_a_status_mail_that_is_too_large_for_the_mail_server_comes_without_the_copy(tmp_path: Path) -> None:
    """Else nobody would be told that the fax was delivered."""
    taken: list[EmailMessage] = []
    server = MailSink(taken.append, most_bytes=50_000)
    async with server, house(tmp_path, ScriptedEngine(), port=server.port) as here:
        job = await ready(here.jobs, wishes=Wishes(copy=Copy.PDF))
        assert job.document
        with (tmp_path / job.document).open("wb") as file:
            canonical = TiffWriter(file, Resolution.FINE)
            canonical.add(1, b"\x80" + bytes(100_000))
            canonical.finish()
        await here.attempt(job)
        (reply,) = await here.outbox.owed(here.clock())
        copied = await enclosure_of(reply, await here.found(job.id), tmp_path)
        assert copied
        assert len(copied.content) > 50_000
        await here.dispatcher._send_reply(reply)
        assert await here.outbox.owed(here.clock() + YEAR) == ()
    (mail,) = taken
    assert "delivered" in mail["From"]
    assert not list(mail.iter_attachments())


async def test_a_nudge_that_was_lost_delays_and_loses_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, ScriptedEngine()) as here, running(here):
        await here.store.until_done("next_ready")
        job = await silent(here)
        await here.until(job.id, JobState.SENT)


async def test_a_busy_number_is_called_again_when_its_delay_is_over(tmp_path: Path) -> None:
    async with house(tmp_path, ScriptedEngine(otherwise=refused(486, "Busy Here"))) as here, running(here):
        job = await silent(here)
        await here.until(job.id, JobState.SLEEPING)
        await here.store.until_done("wake_due", 2)
        assert dialled(here) == 1
        here.clock.advance(timedelta(minutes=2))
        await here.until(job.id, JobState.FAILED)
        assert dialled(here) == 2


async def test_no_more_calls_than_lines(tmp_path: Path) -> None:
    async with house(tmp_path, ScriptedEngine(otherwise=never_ends, lines=2)) as here:
        for number in range(4):
            await silent(here, f"mail {number}", f"+37529155449{number}")
        async with running(here):
            await here.until_journalled(2, "negotiated")
            await here.store.until_done("unprepared", 3)
            assert [job.id for job in await here.jobs.calling()] == [1, 2]
            assert dialled(here) == 2


async def test_an_hour_without_us_costs_no_accepted_mail(tmp_path: Path) -> None:
    """Trap: mails answered 250 right before a long stop were failed at the start, before anybody had read them."""
    async with house(tmp_path, ScriptedEngine()) as here:
        await here.gateway.accept(arrival(automatic=True), await written(here.spool))
        here.clock.advance(timedelta(minutes=61))
        async with running(here):
            await here.until(1, JobState.SENT)


# Several trunks

TWO_TRUNKS = (Trunk("first", lines=1), Trunk("second", NumberForm("00"), lines=1))


def full_first(order: CallOrder) -> Iterator[Step]:
    """The first trunk is full; whatever the second carries is delivered."""
    yield from refused(503, "Service Unavailable")(order) if order.trunk == "first" else delivered(order)


async def test_what_one_trunk_does_not_carry_goes_over_the_next_at_once_as_a_call_of_its_own(tmp_path: Path) -> None:
    """Trap: a provider that is full for an hour, and a fax that waits for it though another would carry it."""
    engine = ScriptedEngine(otherwise=full_first)
    async with house(tmp_path, engine, trunks=TWO_TRUNKS) as here, running(here):
        job = await silent(here)
        await here.until(job.id, JobState.SENT)
        first, second = await here.jobs.attempts_of(job.id)
        assert [(order.trunk, order.number) for order in engine.dialled] == [
            ("first", "+375291554499"),
            ("second", "00375291554499"),
        ]
        assert (first.trunk, first.outcome, second.trunk, second.outcome) == (
            *("first", OutcomeKind.CONGESTION),
            *("second", OutcomeKind.DELIVERED),
        )
        assert first.call_id != second.call_id


async def test_when_every_trunk_is_full_the_fax_waits_and_begins_with_the_first_again(tmp_path: Path) -> None:
    engine = ScriptedEngine(otherwise=refused(503, "Service Unavailable"))
    async with house(tmp_path, engine, trunks=TWO_TRUNKS) as here, running(here):
        job = await silent(here)
        await here.until_journalled(job.id, "postponed")
        await here.store.until(lambda session: len(session.all("attempts_of_job", job_id=job.id)) == 2)
        job = await here.until(job.id, JobState.SLEEPING)
        assert job.due_at is None or job.due_at <= here.clock() + timedelta(minutes=2)
        here.clock.advance(timedelta(minutes=2))
        await here.store.until(lambda session: len(session.all("attempts_of_job", job_id=job.id)) == 3)
        attempts = await here.jobs.attempts_of(job.id)
        assert [attempt.trunk for attempt in attempts][:3] == ["first", "second", "first"]


@pytest.mark.parametrize("said", [refused(486, "Busy Here"), refused(404, "Not Found")])
async def test_what_the_far_end_has_said_another_trunk_is_not_asked_again(tmp_path: Path, said: Script) -> None:
    engine = ScriptedEngine(otherwise=said)
    async with house(tmp_path, engine, trunks=TWO_TRUNKS) as here, running(here):
        job = await silent(here)
        await here.store.until_done("end_attempt")
        await here.store.until_done("wake_due", 2)
        assert [order.trunk for order in engine.dialled] == ["first"]
        assert (await here.found(job.id)).state in {JobState.SLEEPING, JobState.FAILED}


async def test_an_order_that_the_engine_does_not_take_goes_over_the_next_trunk_at_once(tmp_path: Path) -> None:
    class Choosy(ScriptedEngine):
        """Cannot find the address of the first trunk."""

        def call(self, order: CallOrder) -> AbstractAsyncContextManager[AsyncIterator[CallEvent]]:
            if order.trunk == "first":
                raise EngineUnavailable("the trunk's address is not to be found")
            return super().call(order)

    async with house(tmp_path, Choosy(), trunks=TWO_TRUNKS) as here, running(here):
        job = await silent(here)
        await here.until(job.id, JobState.SENT)
        first, second = await here.jobs.attempts_of(job.id)
        assert (first.trunk, first.ended, second.trunk) == ("first", None, "second")


async def test_a_trunk_that_is_down_is_passed_over_and_costs_no_try(tmp_path: Path) -> None:
    engine = ScriptedEngine()
    async with house(tmp_path, engine, trunks=TWO_TRUNKS) as here, running(here):
        for name in ("first", "second"):
            engine.trunks.put(TrunkState(name, TrunkCondition.DOWN, "not registered"))
        job = await silent(here)
        await here.store.until_done("wake_due", 3)
        assert (await here.found(job.id)).state is JobState.READY
        assert await here.jobs.attempts_of(job.id) == ()
        engine.trunks.put(TrunkState("second"))
        await here.until(job.id, JobState.SENT)
        assert [order.trunk for order in engine.dialled] == ["second"]


async def test_a_fax_that_waits_for_its_trunk_holds_up_no_other(tmp_path: Path) -> None:
    """Trap: the oldest jobs are for a trunk that is down, and nobody behind them ever is dialled."""
    trunks = (Trunk("abroad", allow=(NumberMask.parse("49*"),)), Trunk("home", allow=(NumberMask.parse("375*"),)))
    engine = ScriptedEngine()
    async with house(tmp_path, engine, trunks=trunks) as here:
        engine.trunks.put(TrunkState("abroad", TrunkCondition.DOWN))
        for number in range(dispatch.BATCH + 1):
            await silent(here, f"mail {number}", f"+4922112345{number:02}")
        job = await silent(here, "mail home")
        async with running(here):
            await here.until(job.id, JobState.SENT)
        assert [order.trunk for order in engine.dialled] == ["home"]


async def test_however_many_faxes_wait_for_their_trunk_the_last_one_comes_to_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap: each look began with the oldest again, and ended before it came to a fax whose trunk was free."""
    monkeypatch.setattr(dispatch, "BATCH", 2)
    monkeypatch.setattr(dispatch, "MOST_LOOKS", 2)
    trunks = (Trunk("abroad", allow=(NumberMask.parse("49*"),)), Trunk("home", allow=(NumberMask.parse("375*"),)))
    engine = ScriptedEngine()
    async with house(tmp_path, engine, trunks=trunks) as here:
        engine.trunks.put(TrunkState("abroad", TrunkCondition.DOWN))
        waiting = [await silent(here, f"mail {number}", f"+4922112345{number:02}") for number in range(9)]
        job = await silent(here, "mail home")
        async with running(here):
            await here.until(job.id, JobState.SENT)
            engine.trunks.put(TrunkState("abroad"))
            for each in waiting:
                await here.until(each.id, JobState.SENT)
        assert len(engine.dialled) == 10


async def test_a_trunk_has_no_more_calls_than_its_lines(tmp_path: Path) -> None:
    engine = ScriptedEngine(otherwise=never_ends)
    async with house(tmp_path, engine, trunks=TWO_TRUNKS) as here:
        for number in range(3):
            await silent(here, f"mail {number}", f"+37529155449{number}")
        async with running(here):
            await here.until_journalled(2, "negotiated")
            await here.store.until_done("unprepared", 3)
            assert sorted(order.trunk for order in engine.dialled) == ["first", "second"]
            assert [job.id for job in await here.jobs.calling()] == [1, 2]


async def test_a_trunk_begins_no_more_calls_in_a_second_than_it_allows(tmp_path: Path) -> None:
    engine = ScriptedEngine()
    async with house(tmp_path, engine, trunks=(Trunk("slow", lines=5, calls_per_second=0.5),)) as here:
        for number in range(3):
            await silent(here, f"mail {number}", f"+37529155449{number}")
        async with running(here):
            for count in range(1, 4):
                await here.until(count, JobState.SENT)
                await here.store.until_done("next_ready", 2)
                assert dialled(here) == count
                here.clock.advance(timedelta(seconds=2))


async def test_a_number_that_no_trunk_may_carry_is_refused_and_the_sender_told(tmp_path: Path) -> None:
    trunks = (Trunk("abroad", allow=(NumberMask.parse("49*"),)),)
    async with house(tmp_path, ScriptedEngine(), trunks=trunks) as here, running(here):
        await here.gateway.accept(arrival(automatic=True), await written(here.spool))
        job = await here.until(1, JobState.REJECTED)
        assert (job.outcome, job.facts["reason"]) == (RefusalCode.NUMBER_NOT_ALLOWED, "no trunk may carry it")


# Faults


async def test_faulty_jobs_do_not_hold_up_the_lines(tmp_path: Path) -> None:
    """Trap: as many faulty jobs as lines, dialled again and again, and nobody behind them ever was."""
    async with house(tmp_path, ScriptedEngine(lines=2)) as here:
        jobs = [await silent(here, f"mail {number}", f"+37529155449{number}") for number in range(4)]
        for job in jobs[:2]:
            here.store.fail_for("begin_attempt", job.id)
        async with running(here):
            for job in jobs[2:]:
                await here.until(job.id, JobState.SENT)
        assert [job.state for job in await here.jobs.list()] == [JobState.SENT] * 2 + [JobState.READY] * 2


async def test_faulty_mails_do_not_hold_up_the_desk(tmp_path: Path) -> None:
    async with house(tmp_path, ScriptedEngine()) as here:
        for number in range(dispatch.BATCH):
            await received(here.jobs, f"a mail without a file {number}", automatic=True)
        await here.gateway.accept(arrival(automatic=True), await written(here.spool))
        async with running(here):
            await here.until(dispatch.BATCH + 1, JobState.SENT)


async def test_a_job_that_failed_by_a_fault_of_ours_is_tried_again(tmp_path: Path) -> None:
    async with house(tmp_path, ScriptedEngine()) as here:
        job = await silent(here)
        here.store.fail("begin_attempt", times=2)
        async with running(here):
            await here.until(job.id, JobState.SENT)
        assert dialled(here) == 1


async def test_a_faulty_step_ends_neither_its_loop_nor_the_others(tmp_path: Path) -> None:
    async with house(tmp_path, ScriptedEngine()) as here:
        for name in ("unprepared", "next_ready", "wake_due", "owed"):
            here.store.fail(name, times=2)
        job = await silent(here)
        async with running(here):
            await here.until(job.id, JobState.SENT)


async def test_a_call_that_nobody_carries_is_judged_by_the_next_look_at_the_clock(tmp_path: Path) -> None:
    """Trap: a job left `calling` by a fault stayed so for six hours, its number engaged all the while."""
    async with house(tmp_path, ScriptedEngine()) as here:
        job = await silent(here)
        here.store.fail("begin_attempt", after=True)
        async with running(here):
            await here.until(job.id, JobState.UNCONFIRMED)
            await here.store.until_done("next_ready", 2)
        assert dialled(here) == 0
        assert (await here.found(job.id)).facts == {"cause": "a fault in the gateway ended the call"}


async def test_calls_that_are_carried_are_nobodys_orphans(tmp_path: Path) -> None:
    async with house(tmp_path, ScriptedEngine(otherwise=never_ends)) as here, running(here):
        job = await silent(here)
        await here.until_journalled(job.id, "negotiated")
        await here.store.until_done("calling", 3)
        assert (await here.found(job.id)).state is JobState.CALLING


async def test_a_clock_that_jumps_ahead_cuts_no_live_call(tmp_path: Path) -> None:
    """Trap: a machine that got the right time in mid call called its own fax `unconfirmed` while it was going out."""
    async with house(tmp_path, ScriptedEngine(otherwise=never_ends)) as here, running(here):
        job = await silent(here)
        await here.until_journalled(job.id, "negotiated")
        here.clock.advance(timedelta(hours=7))
        here.dispatcher.nudge()
        await here.store.until_done("expire_overdue", 3)
        assert (await here.found(job.id)).state is JobState.CALLING
        assert dialled(here) == 1


async def test_a_job_that_waited_beyond_its_lifetime_has_failed(tmp_path: Path) -> None:
    async with house(tmp_path, ScriptedEngine()) as here:
        job = await silent(here)
        here.store.fail("begin_attempt", times=None)
        async with running(here):
            here.clock.advance(timedelta(hours=24))
            await here.until(job.id, JobState.FAILED)


# Stopping


async def test_what_is_held_starts_nothing_more(tmp_path: Path) -> None:
    """Trap: mails that came in during a stop were dialled, and hung up in mid page."""
    async with house(tmp_path, ScriptedEngine()) as here, running(here):
        here.dispatcher.hold()
        job = await silent(here)
        await received(here.jobs, "mail 2", automatic=True)
        here.dispatcher.nudge()
        await here.store.until_done("next_ready", 2)
        await here.store.until_done("unprepared", 2)
        assert (await here.found(job.id)).state is JobState.READY
        assert (await here.found(2)).state is JobState.RECEIVED


async def test_stopping_without_calls_takes_no_time(tmp_path: Path) -> None:
    async with house(tmp_path, ScriptedEngine()) as here, running(here):
        async with asyncio.timeout(5):
            await here.dispatcher.finish(60, asyncio.Event())


async def test_stopping_waits_for_the_calls_under_way(tmp_path: Path) -> None:
    async with house(tmp_path, ScriptedEngine()) as here, running(here):
        here.store.stall("end_attempt")
        job = await silent(here)
        await here.store.until_begun("end_attempt")
        finishing = asyncio.create_task(here.dispatcher.finish(60, asyncio.Event()))
        await here.store.until_done("unprepared", 2)
        assert not finishing.done()
        here.store.mend()
        await finishing
        assert (await here.found(job.id)).state is JobState.SENT


async def test_calls_that_outlast_the_wait_are_hung_up_and_judged(tmp_path: Path) -> None:
    scripts = {"00375291554491": rings_for_ever, "00375291554492": never_ends}
    async with house(tmp_path, ScriptedEngine(scripts)) as here, running(here):
        ringing, talking = [await silent(here, f"mail {n}", f"+37529155449{n}") for n in (1, 2)]
        await here.until_journalled(ringing.id, "ringing")
        await here.until_journalled(talking.id, "negotiated")
        await here.dispatcher.finish(0.01, asyncio.Event())
        assert (await here.found(talking.id)).state is JobState.UNCONFIRMED
        assert dialled(here) == 2
        # Not dialled again while we stop: it is the next start that finds it due.
        await here.store.until_done("next_ready", 2)
        assert (await here.found(ringing.id)).state in {JobState.SLEEPING, JobState.READY}
        assert dialled(here) == 2


async def test_a_second_signal_hangs_up_at_once(tmp_path: Path) -> None:
    """Trap: the second SIGTERM was heard only when the door had closed."""
    hurry = asyncio.Event()
    async with house(tmp_path, ScriptedEngine(otherwise=never_ends)) as here, running(here):
        job = await silent(here)
        await here.until_journalled(job.id, "negotiated")
        finishing = asyncio.create_task(here.dispatcher.finish(60, hurry))
        await here.store.until_done("unprepared", 2)
        assert not finishing.done()
        hurry.set()
        async with asyncio.timeout(5):
            await finishing
        assert (await here.found(job.id)).state is JobState.UNCONFIRMED


async def test_a_call_that_is_about_to_begin_when_we_stop_is_not_dialled(tmp_path: Path) -> None:
    """Trap: hung up while its attempt was being written, it was dialled after all, and then cut by the exit."""
    async with house(tmp_path, ScriptedEngine(otherwise=never_ends)) as here, running(here):
        here.store.stall("begin_attempt")
        job = await silent(here)
        await here.store.until_begun("begin_attempt")
        finishing = asyncio.create_task(here.dispatcher.finish(0, asyncio.Event()))
        await here.store.until_done("unprepared", 2)
        here.store.mend()
        await finishing
        assert dialled(here) == 0
        assert (await here.found(job.id)).state is JobState.SLEEPING
