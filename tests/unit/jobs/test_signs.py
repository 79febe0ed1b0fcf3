"""By which signs a trunk that is down is told from a receiver that does not answer."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mail2fax.jobs import Jobs
from mail2fax.jobs.signs import CallSign, is_down, is_locked_out, read_signs
from mail2fax.model.call import EndedBy
from mail2fax.model.outcome import OutcomeKind
from mail2fax.store import Store
from tests.unit.jobs.made import START, Clock, busy, calling, end, ended, ready

SILENT = CallSign(OutcomeKind.CONGESTION, EndedBy.TIMEOUT, None, "SIP -")
UNREACHABLE = CallSign(OutcomeKind.CONGESTION, EndedBy.UNREACHABLE, None, "SIP -")
STRANGE = CallSign(OutcomeKind.TRUNK, EndedBy.FAR_END, 420, "SIP 420")
BUSY = CallSign(OutcomeKind.BUSY, EndedBy.FAR_END, 486, "SIP 486")
LOCKED_OUT = CallSign(OutcomeKind.TRUNK, EndedBy.FAR_END, 401, "SIP 401")


def forbidden(number: str) -> CallSign:
    return CallSign(OutcomeKind.REJECTED, EndedBy.FAR_END, 403, "SIP 403", called=number)


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
    assert is_down(calls, 3) is down


@pytest.mark.parametrize(
    ("calls", "locked_out"),
    [
        ((), False),
        ((LOCKED_OUT,), True),
        ((replace(LOCKED_OUT, sip_code=407), BUSY), True),
        ((BUSY, LOCKED_OUT), False),
        ((SILENT,), False),
        ((forbidden("1"),), False),
        ((forbidden("1"), forbidden("1"), forbidden("1")), False),
        ((forbidden("1"), forbidden("2")), True),
        ((forbidden("1"), BUSY, forbidden("2")), False),
    ],
)
def test_one_number_that_is_forbidden_is_no_refused_log_in(calls: tuple[CallSign, ...], *, locked_out: bool) -> None:
    """Trap: one fax to a barred premium number alarmed the admin about a password that was right."""
    assert is_locked_out(calls) is locked_out


async def test_each_trunk_has_its_own_latest_calls(jobs: Jobs, store: Store, clock: Clock) -> None:
    for number, trunk in enumerate(("first", "second", "first", "first", "first")):
        job = await ready(jobs, f"mail {number}", f"+37529155449{number}")
        attempt = await jobs.begin_attempt(job, f"call {number}", trunk)
        assert attempt is not None
        await end(jobs, attempt, busy())
        clock.advance(timedelta(minutes=1))
    found = (await read_signs(store, START - timedelta(days=1), calls=3)).by_trunk()
    assert {trunk: [call.called[-1] for call in calls] for trunk, calls in found.items()} == {
        "first": ["4", "3", "2"],
        "second": ["1"],
    }


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
