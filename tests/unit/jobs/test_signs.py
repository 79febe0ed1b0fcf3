"""By which signs a trunk that is down is told from a receiver that does not answer."""

from datetime import timedelta

import pytest

from mail2fax.jobs import Jobs
from mail2fax.jobs.signs import CallSign, Signs, read_signs
from mail2fax.model.call import EndedBy
from mail2fax.model.outcome import OutcomeKind
from mail2fax.store import Store
from tests.unit.jobs.made import START, Clock, busy, calling, end, ended, ready

SILENT = CallSign(OutcomeKind.CONGESTION, EndedBy.TIMEOUT, None, "SIP -")
UNREACHABLE = CallSign(OutcomeKind.CONGESTION, EndedBy.UNREACHABLE, None, "SIP -")
STRANGE = CallSign(OutcomeKind.TRUNK, EndedBy.FAR_END, 420, "SIP 420")
BUSY = CallSign(OutcomeKind.BUSY, EndedBy.FAR_END, 486, "SIP 486")
LOCKED_OUT = CallSign(OutcomeKind.TRUNK, EndedBy.FAR_END, 401, "SIP 401")


@pytest.mark.parametrize(
    ("calls", "down"),
    [
        ((), False),
        ((SILENT, SILENT), False),
        ((SILENT, STRANGE, SILENT), True),
        ((UNREACHABLE, UNREACHABLE, SILENT), True),
        ((SILENT, SILENT, SILENT, BUSY), True),
        ((SILENT, BUSY, SILENT, SILENT), False),
        ((LOCKED_OUT, LOCKED_OUT, LOCKED_OUT), False),
    ],
)
def test_a_trunk_is_down_when_the_latest_calls_were_all_not_carried(calls: tuple[CallSign, ...], *, down: bool) -> None:
    assert Signs(calls, None, None).trunk_down(3) is down


@pytest.mark.parametrize("code", [401, 403, 407])
def test_a_last_word_of_401_403_or_407_is_a_refused_login(code: int) -> None:
    assert CallSign(OutcomeKind.TRUNK, EndedBy.FAR_END, code, "").login_refused
    assert not BUSY.login_refused
    assert not SILENT.login_refused


async def test_the_latest_calls_come_first_and_old_ones_do_not_count(jobs: Jobs, store: Store, clock: Clock) -> None:
    for number, how in enumerate((ended(sip_code=404), ended(sip_code=403), busy())):
        _, attempt = await calling(jobs, f"mail {number}", f"+37529155449{number}")
        await end(jobs, attempt, how)
        clock.advance(timedelta(minutes=1))
    signs = await read_signs(store, START, calls=5)
    assert [call.sip_code for call in signs.calls] == [486, 403]


async def test_what_has_waited_longest_is_named(jobs: Jobs, store: Store, clock: Clock) -> None:
    assert (await read_signs(store, START, calls=1)).job is None
    await jobs.cancel((await ready(jobs, "cancelled")).id)
    clock.advance(timedelta(minutes=1))
    waiting = await ready(jobs, "waits")
    clock.advance(timedelta(minutes=1))
    await ready(jobs, "waits, too")
    signs = await read_signs(store, START, calls=1)
    assert signs.job is not None
    assert (signs.job.job_id, signs.job.words, signs.job.since) == (waiting.id, "ready", START + timedelta(minutes=1))
    assert signs.reply is not None
    assert (signs.reply.job_id, signs.reply.since) == (1, START)
