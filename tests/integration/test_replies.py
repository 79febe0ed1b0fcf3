"""Replies on their way: each final state is told once, whatever disk and mail server do meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mail2fax import dispatch
from mail2fax.cli.mail_sink import MailSink
from mail2fax.engine.scripted import ScriptedEngine
from mail2fax.jobs import Change
from mail2fax.jobs.alarms import Alarms
from mail2fax.model.alarm import AlarmCause
from mail2fax.model.job import Job, JobEvent
from mail2fax.model.refusal import Refusal, RefusalCode
from tests.harness.house import House, house
from tests.unit.jobs.made import received


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Loops that look again soon, and a log that costs nothing."""
    monkeypatch.setattr(dispatch, "LOOK_AGAIN_S", 0.05)
    with capture_logs():
        yield


class Letterbox:
    """Every mail that has come, and how many are there."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self._news = asyncio.Event()

    def put(self, mail: EmailMessage) -> None:
        self.mails.append(mail)
        self._news.set()

    async def holds(self, number: int) -> None:
        """Returns when `number` mails are here."""
        async with asyncio.timeout(60):
            while len(self.mails) < number:
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def running(here: House) -> AsyncIterator[None]:
    task = asyncio.create_task(here.dispatcher.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def office(folder: Path, box: Letterbox) -> AsyncIterator[House]:
    """A house whose mail server puts everything into `box`."""
    async with MailSink(box.put) as sink, house(folder, ScriptedEngine(), port=sink.port) as here:
        yield here


async def rejected(here: House, key: str = "mail 1", *, automatic: bool = False) -> Job:
    job = await received(here.jobs, key, automatic=automatic)
    return await here.jobs.refused(job, Refusal(RefusalCode.NUMBER_MISSING))


async def told(here: House) -> None:
    """Returns when no reply is owed any more."""
    await here.store.until(lambda session: (session.one("next_owed") or {"moment": None})["moment"] is None)


async def test_a_final_state_is_told_once(tmp_path: Path) -> None:
    box = Letterbox()
    async with office(tmp_path, box) as here:
        await rejected(here)
        async with running(here):
            await told(here)
            await here.store.until_done("owed", 3)
    (mail,) = box.mails
    assert mail["Subject"] == "Re: +375 29 155 44 99"
    assert mail["From"] == '"Fax 1: refused" <fax@example.com>'


async def test_who_may_not_be_answered_is_told_nothing(tmp_path: Path) -> None:
    """RFC 3834 section 2: two machines that answer each other never end."""
    box = Letterbox()
    async with office(tmp_path, box) as here:
        await rejected(here, automatic=True)
        async with running(here):
            await here.store.until_done("owed", 3)
    assert box.mails == []


async def test_an_alarm_for_a_fax_that_nobody_hears_of_is_raised_however_often_the_disk_fails(tmp_path: Path) -> None:
    """Trap: the reply was settled first, and whatever came before the alarm was written left nobody told at all."""
    async with office(tmp_path, Letterbox()) as here:
        await rejected(here, automatic=True)
        here.store.fail("sound")
        async with running(here):
            await here.store.until_done("postponed")
            here.clock.advance(timedelta(hours=2))
            await told(here)
        raised = await here.store.read(
            lambda session: session.one("last_alarm", cause=AlarmCause.NOBODY_TO_TELL, subject="")
        )
        assert raised
        assert raised["moment"]


async def test_a_reply_that_was_taken_is_not_sent_again_while_the_disk_is_full(tmp_path: Path) -> None:
    """Trap: a disk that could not note "sent" made the same status mail go out at every look, hundreds of times."""
    box = Letterbox()
    async with office(tmp_path, box) as here:
        await rejected(here)
        here.store.fail("_settle", times=None)
        here.store.fail("postponed", times=None)
        async with running(here):
            await box.holds(1)
            await here.store.until_begun("_settle", 5)
            assert len(box.mails) == 1
            here.store.mend()
            await told(here)
    assert len(box.mails) == 1


async def test_one_reply_that_cannot_be_written_does_not_hold_up_the_others(tmp_path: Path) -> None:
    """Trap: the oldest reply raised, and with it every reply behind it waited for ever."""
    box = Letterbox()
    async with office(tmp_path, box) as here:
        job = await received(here.jobs, "no words for it")
        await here.jobs.apply(job.id, JobEvent.REFUSED, Change(outcome="of an older version"))
        await rejected(here, "mail 2")
        async with running(here):
            await box.holds(1)
            await here.store.until(lambda session: session.all("owed_replies", now=here.clock(), limit=9) == [])
        assert [mail["X-Mail2fax-Job"] for mail in box.mails] == ["2"]
        here.clock.advance(dispatch.LONGEST_REPLY_DELAY)
        assert [reply.job_id for reply in await here.outbox.owed(here.clock())] == [1], "it stays owed"


async def test_a_mail_server_that_is_away_gets_its_replies_later(tmp_path: Path) -> None:
    box = Letterbox()
    async with MailSink(box.put) as sink:
        port = sink.port
    async with house(tmp_path, ScriptedEngine(), port=port) as here:
        await rejected(here)
        async with running(here):
            await here.store.until_done("postponed")
        due = await here.outbox.next_owed()
        assert due == here.clock() + dispatch.FIRST_REPLY_DELAY
        here.clock.advance(timedelta(minutes=1))
        (reply,) = await here.outbox.owed(here.clock())
        assert reply.tries == 1


async def test_a_reply_that_nobody_takes_for_three_days_is_given_up(tmp_path: Path) -> None:
    box = Letterbox()
    async with MailSink(box.put) as sink:
        port = sink.port
    async with house(tmp_path, ScriptedEngine(), port=port) as here:
        await rejected(here)
        here.clock.advance(timedelta(hours=72, seconds=1))
        async with running(here):
            await told(here)
        assert await here.outbox.owed(here.clock()) == ()
        raised = await here.store.read(
            lambda session: session.one("last_alarm", cause=AlarmCause.REPLY_GIVEN_UP, subject="")
        )
        assert raised
        assert raised["moment"], "its sender does not hear of his fax: somebody else must"


async def test_a_reply_that_cannot_be_written_is_not_tried_for_ever(tmp_path: Path) -> None:
    """Trap: a status mail without words stayed owed, and was tried each hour for as long as we ran."""
    async with office(tmp_path, Letterbox()) as here:
        job = await received(here.jobs, "no words for it")
        await here.jobs.apply(job.id, JobEvent.REFUSED, Change(outcome="of an older version"))
        async with running(here):
            await here.store.until_done("postponed")
            here.clock.advance(timedelta(hours=73))
            await told(here)
        assert await here.outbox.owed(here.clock()) == ()


async def test_an_alarm_that_cannot_be_written_is_not_tried_for_ever(tmp_path: Path) -> None:
    async with office(tmp_path, Letterbox()) as here:
        await Alarms(here.store, here.clock, "fax.example.com", mailed=True).sound(AlarmCause.TRUNK_DOWN)
        here.dispatcher.adopt(replace(here.replies, admin="no header\n@example.com"))
        async with running(here):
            await here.store.until_done("postponed")
            here.clock.advance(timedelta(hours=73))
            await here.store.until(lambda session: session.all("owed_alarms", now=here.clock(), limit=9) == [])
            await here.store.until_done("owed", 3)
        assert await here.store.read(lambda session: session.one("next_owed_alarm")) == {"moment": None}
