"""An alarm is told once per cause and hour, whatever happens to us in between."""

from datetime import timedelta
from pathlib import Path

import pytest

from mail2fax.jobs.alarms import QUIET, Alarms
from mail2fax.model.alarm import AlarmCause
from mail2fax.store import Store
from tests.unit.jobs.made import START, Clock


@pytest.fixture
def alarms(store: Store, clock: Clock) -> Alarms:
    return Alarms(store, clock, "fax.example.com", mailed=True)


async def test_a_cause_is_told_once_in_an_hour(alarms: Alarms, clock: Clock) -> None:
    assert await alarms.sound(AlarmCause.DISK_LOW)
    clock.advance(QUIET - timedelta(seconds=1))
    assert not await alarms.sound(AlarmCause.DISK_LOW)
    clock.advance(timedelta(seconds=1))
    assert await alarms.sound(AlarmCause.DISK_LOW)


async def test_another_cause_is_told_at_once(alarms: Alarms) -> None:
    assert [await alarms.sound(cause) for cause in AlarmCause] == [True] * len(AlarmCause)


async def test_what_is_told_of_one_trunk_does_not_silence_another(alarms: Alarms) -> None:
    trunks = ("first", "second", "first")
    assert [await alarms.sound(AlarmCause.TRUNK_DOWN, about=trunk) for trunk in trunks] == [True, True, False]


async def test_a_restart_does_not_repeat_an_alarm(tmp_path: Path, clock: Clock) -> None:
    sounded = []
    for _ in range(2):
        store = await Store.open(tmp_path / "other.db")
        sounded.append(await Alarms(store, clock, "fax.example.com", mailed=True).sound(AlarmCause.TRUNK_DOWN))
        await store.close()
    assert sounded == [True, False]


async def test_a_clock_that_is_set_back_does_not_silence_us(alarms: Alarms, clock: Clock) -> None:
    await alarms.sound(AlarmCause.DISK_LOW)
    clock.advance(-timedelta(days=1))
    assert await alarms.sound(AlarmCause.DISK_LOW)


async def test_the_admin_is_owed_a_mail_with_the_facts(alarms: Alarms) -> None:
    await alarms.sound(AlarmCause.TRUNK_DOWN, calls="3", said="SIP -")
    (alarm,) = await alarms.owed(START)
    assert (alarm.cause, alarm.raised_at, dict(alarm.facts)) == (
        AlarmCause.TRUNK_DOWN,
        START,
        {"calls": "3", "said": "SIP -"},
    )
    await alarms.sent(alarm)
    assert await alarms.owed(START) == ()


async def test_a_mail_that_could_not_be_sent_is_owed_again_with_the_same_message_id(alarms: Alarms) -> None:
    await alarms.sound(AlarmCause.DISK_LOW)
    (alarm,) = await alarms.owed(START)
    later = START + timedelta(minutes=1)
    await alarms.postponed(alarm, later, "no route")
    assert await alarms.owed(START) == ()
    (again,) = await alarms.owed(later)
    assert (again.message_id, again.tries) == (alarm.message_id, 1)
    await alarms.given_up(again, "refused")
    assert await alarms.owed(later) == ()


async def test_without_an_admin_nothing_is_owed_and_still_it_is_told_once(store: Store, clock: Clock) -> None:
    alarms = Alarms(store, clock, "fax.example.com", mailed=False)
    assert [await alarms.sound(AlarmCause.DISK_LOW) for _ in range(2)] == [True, False]
    assert await alarms.owed(START) == ()
