"""When the house calls a person, what it stops doing without room, and when it forgets."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from mail2fax.jobs import Jobs, JobSettings, Outbox
from mail2fax.jobs.alarms import QUIET, Alarms
from mail2fax.jobs.incoming import IncomingFaxes
from mail2fax.jobs.retention import KeepFor, Retention
from mail2fax.model.alarm import AlarmCause
from mail2fax.model.call import CallEnded, EndedBy
from mail2fax.model.domain import Terminal
from mail2fax.model.incoming import Heard, Inbox, IncomingEvent
from mail2fax.model.trunk import TrunkCondition, TrunkState
from mail2fax.store import Store
from mail2fax.store.spool import Spool
from mail2fax.upkeep import DOWN_FOR, LOOK_EVERY, PURGE_EVERY, Gauges, Limits, Upkeep
from tests.unit.jobs.made import START, Clock, busy, calling, end, ended, ready, received

LIMITS = Limits(trunk_calls=3, reply_age=timedelta(minutes=30), queue_age=timedelta(hours=1), reserve_bytes=200_000_000)
YEAR = timedelta(days=365)
KEEP = KeepFor(YEAR, YEAR, YEAR)


@dataclass
class Machine:
    """What the gauges show."""

    free: int = 10**12
    deaths: int = 0
    trunks: dict[str, TrunkState] = field(default_factory=dict)
    looked: list[int] = field(default_factory=list)

    async def free_bytes(self) -> int:
        self.looked.append(self.free)
        return self.free

    @property
    def gauges(self) -> Gauges:
        return Gauges(self.free_bytes, lambda: self.deaths, lambda: self.trunks)


class House:
    """The rooms that upkeep goes through, and the alarms that have sounded there."""

    def __init__(self, store: Store, spool: Spool, documents: Path) -> None:
        self.clock, self.machine = Clock(), Machine()
        self.store = store
        self.jobs = Jobs(store, JobSettings("fax.example.com"), self.clock)
        self.outbox = Outbox(store, self.clock)
        self.alarms = Alarms(store, self.clock, "fax.example.com", mailed=True)
        retention = Retention(store, spool, documents, documents, KEEP)
        self.upkeep = Upkeep(store, self.alarms, retention, self.machine.gauges, LIMITS, self.clock)

    async def sounded(self) -> list[AlarmCause]:
        """Every alarm after one more look."""
        self.clock.advance(LOOK_EVERY)
        await self.upkeep.look()
        return [alarm.cause for alarm in await self.alarms.owed(self.clock())]

    async def call(self, name: str, number: str, how: CallEnded) -> None:
        _, attempt = await calling(self.jobs, name, number)
        await end(self.jobs, attempt, how)

    async def facts(self) -> dict[str, str]:
        """Those of the one alarm that is owed."""
        (alarm,) = await self.alarms.owed(self.clock())
        return dict(alarm.facts)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened = Spool(tmp_path / "spool")
    yield opened
    opened.close()


@pytest.fixture
async def house(tmp_path: Path, spool: Spool) -> AsyncIterator[House]:
    store = await Store.open(tmp_path / "mail2fax.db")
    yield House(store, spool, tmp_path)
    await store.close()


SILENCE = ended(EndedBy.TIMEOUT, None, "")


async def test_a_quiet_house_calls_nobody(house: House) -> None:
    await house.call("busy", "+375291554499", busy())
    await ready(house.jobs, "waits")
    assert await house.sounded() == []


async def test_calls_that_the_trunk_does_not_carry_one_after_the_other_are_an_alarm(house: House) -> None:
    for turn in range(3):
        assert await house.sounded() == []
        await house.call(f"mail {turn}", f"+37529155449{turn}", SILENCE)
    assert await house.sounded() == [AlarmCause.TRUNK_DOWN]
    assert await house.facts() == {"trunk": "", "said": "SIP - · T.30 - · timeout"}


async def test_an_alarm_is_repeated_after_an_hour_only_when_there_is_news(house: House) -> None:
    for turn in range(3):
        await house.call(f"mail {turn}", f"+37529155449{turn}", SILENCE)
    assert await house.sounded() == [AlarmCause.TRUNK_DOWN]
    house.clock.advance(QUIET)
    assert (await house.sounded()).count(AlarmCause.TRUNK_DOWN) == 1
    await house.call("one more", "+375172001515", SILENCE)
    assert (await house.sounded()).count(AlarmCause.TRUNK_DOWN) == 1, "one call is no row of calls"


@pytest.mark.parametrize("code", [401, 407])
async def test_one_refused_login_is_an_alarm(house: House, code: int) -> None:
    await house.call("mail", "+375291554499", ended(sip_code=code, sip_reason="No"))
    assert await house.sounded() == [AlarmCause.LOGIN_FAILING]


async def test_a_number_that_is_forbidden_is_no_alarm_and_two_of_them_are(house: House) -> None:
    for turn, sounded in enumerate(([], [AlarmCause.LOGIN_FAILING])):
        await house.call(f"mail {turn}", f"+37529155449{turn}", ended(sip_code=403, sip_reason="No"))
        assert await house.sounded() == sounded


async def test_a_blocked_call_is_an_alarm_though_others_have_ended_since_the_last_look(house: House) -> None:
    """Trap: only the very last call was looked at, and over several lines another one soon is."""
    await house.call("mail 1", "+375291554490", ended(sip_code=608, sip_reason="Rejected"))
    house.clock.advance(timedelta(seconds=1))
    await house.call("mail 2", "+375291554491", busy())
    assert await house.sounded() == [AlarmCause.CALLER_BLOCKED]
    assert "608" in (await house.facts())["said"]


async def test_a_trunk_that_stays_down_is_an_alarm_that_names_it(house: House) -> None:
    house.machine.trunks["pbx"] = TrunkState("pbx", TrunkCondition.DOWN, "no answer")
    assert await house.sounded() == []
    house.clock.advance(DOWN_FOR)
    assert await house.sounded() == [AlarmCause.TRUNK_DOWN]
    assert await house.facts() == {"trunk": "pbx", "said": "no answer"}


async def test_a_trunk_that_is_down_for_a_moment_is_no_alarm(house: House) -> None:
    for condition in (TrunkCondition.DOWN, TrunkCondition.UP, TrunkCondition.REGISTERING, TrunkCondition.DOWN):
        house.machine.trunks["pbx"] = TrunkState("pbx", condition)
        assert await house.sounded() == []
        house.clock.advance(DOWN_FOR / 2)


async def test_a_refused_registration_is_an_alarm_of_its_trunk_at_once_and_only_once(house: House) -> None:
    house.machine.trunks["first"] = TrunkState("first", TrunkCondition.LOGIN_REFUSED, "403 Forbidden")
    house.machine.trunks["second"] = TrunkState("second", TrunkCondition.LOGIN_REFUSED, "401 Unauthorized")
    for _ in range(2):
        assert await house.sounded() == [AlarmCause.LOGIN_FAILING, AlarmCause.LOGIN_FAILING]


async def test_a_reply_that_waits_too_long_is_an_alarm(house: House) -> None:
    await house.jobs.cancel((await received(house.jobs)).id)
    (reply,) = await house.outbox.owed(house.clock())
    await house.outbox.postponed(reply, START + QUIET, "no route to host")
    house.clock.advance(timedelta(minutes=30))
    assert await house.sounded() == [AlarmCause.OUTBOX_AGEING]
    assert await house.facts() == {"job": "1", "minutes": "30", "error": "no route to host"}


async def test_a_fax_that_came_in_and_is_not_taken_by_the_mail_server_is_an_alarm_long_before_it_is_given_up(
    house: House,
) -> None:
    faxes = IncomingFaxes(house.store, house.clock, "fax.example.com")
    inbox = Inbox("default", Terminal("mail2fax", "", ""), "reader@example.com")
    fax = await faxes.begin(inbox, call_id="a", trunk="", caller="1", called="2")
    await faxes.end(fax, IncomingEvent.CONFIRMED, 1, Heard(1, last_confirmed=True), "")
    house.clock.advance(timedelta(minutes=30))
    assert await house.sounded() == []
    (mail,) = await faxes.owed(house.clock())
    await faxes.postponed(mail, START + QUIET, "no route to host")
    assert await house.sounded() == [AlarmCause.OUTBOX_AGEING]


async def test_a_job_that_nobody_works_on_is_an_alarm_and_one_that_sleeps_is_not(house: House) -> None:
    await house.call("sleeps", "+375172001515", busy())
    job = await received(house.jobs, "waits")
    house.clock.advance(timedelta(hours=1))
    assert await house.sounded() == [AlarmCause.QUEUE_AGEING]
    assert await house.facts() == {"job": str(job.id), "minutes": "60", "state": "received"}


async def test_an_engine_that_died_is_an_alarm_once(house: House) -> None:
    house.machine.deaths = 1
    assert await house.sounded() == [AlarmCause.ENGINE_RESTARTING]
    house.clock.advance(QUIET)
    assert len(await house.sounded()) == 1, "it has not died again"
    house.machine.deaths = 2
    assert len(await house.sounded()) == 2


async def test_below_the_reserve_nothing_new_is_begun_and_a_person_is_called(house: House) -> None:
    assert await house.upkeep.has_room()
    house.machine.free = LIMITS.reserve_bytes - 1
    assert await house.sounded() == [AlarmCause.DISK_LOW]
    assert not await house.upkeep.has_room()
    assert await house.facts() == {"free_mb": "199", "reserve_mb": "200"}
    house.machine.free = LIMITS.reserve_bytes
    await house.sounded()
    assert await house.upkeep.has_room()


async def test_the_first_question_is_answered_by_a_look_and_not_by_a_guess(house: House) -> None:
    house.machine.free = 0
    assert not await house.upkeep.has_room()


async def test_however_often_it_is_asked_it_looks_at_its_own_pace(house: House) -> None:
    for _ in range(10):
        await house.upkeep.look()
    assert len(house.machine.looked) == 1


async def test_it_forgets_once_an_hour(house: House) -> None:
    due = await house.upkeep.purge()
    assert due == START + PURGE_EVERY
    house.clock.advance(PURGE_EVERY)
    assert await house.upkeep.purge() == due + PURGE_EVERY


async def test_new_limits_count_from_the_next_look_on(house: House) -> None:
    house.upkeep.adopt(Limits(1, QUIET, QUIET, 0), KEEP, mailed=True)
    house.machine.free = 0
    await house.call("mail", "+375291554499", SILENCE)
    assert await house.sounded() == [AlarmCause.TRUNK_DOWN]
