"""The daemon is killed in a call that is carried over SIP and T.38 to a real far end, at each point of it."""

import signal
from pathlib import Path

import pytest

from mail2fax.crashpoint import CrashPoint
from mail2fax.model.job import JobState
from tests.harness import doomed_daemon
from tests.harness.documents import write_fax_tiff
from tests.harness.doomed_daemon import CRASH, KILLED_AT
from tests.harness.stage import Mail, staged
from tests.peers.behaviours import Behaviour, number

pytestmark = pytest.mark.timeout(240)

NUMBER = number(Behaviour.OFFERS_T38)
LATER = number(Behaviour.OFFERS_T38, 1)
IN_DOUBT = [
    pytest.param(CrashPoint.CALL_COMMITTED, 0, marks=pytest.mark.soak),
    pytest.param(CrashPoint.CALL_ORDERED, 1, marks=pytest.mark.soak),
    pytest.param(CrashPoint.CALL_ANSWERED, 1, marks=pytest.mark.soak),
    pytest.param(CrashPoint.PAGE_UNDER_WAY, 1, marks=pytest.mark.soak),
    pytest.param(CrashPoint.LAST_PAGE_CONFIRMED, 1),
]
KNOWN = [
    pytest.param(CrashPoint.LAST_PAGE_COMMITTED),
    pytest.param(CrashPoint.CALL_ENDED, marks=pytest.mark.soak),
    pytest.param(CrashPoint.CALL_JUDGED, marks=pytest.mark.soak),
]


async def state_after_death_at(point: CrashPoint, directory: Path) -> tuple[JobState, int]:
    """How a fax stands that was cut off at `point`, and how often it was dialled, once another fax went through."""
    page = write_fax_tiff(directory / "page.tif", 1)
    mail, later = Mail("cut-off", NUMBER, (page,)), Mail("later", LATER, (page,))
    async with staged(directory, program=doomed_daemon.__name__) as stage:
        async with stage.gateway(**{CRASH: f"{point}:1"}) as gateway:
            assert (await stage.send(mail)).code == 250
            assert await gateway.ended(90) == -signal.SIGKILL
            assert gateway.told(KILLED_AT, point=point)
        async with stage.gateway():
            await stage.reply_to(mail, within_s=60)
            assert (await stage.send(later)).code == 250
            await stage.reply_to(later, within_s=90)
            cdr = await stage.cdr_of(mail)
            assert len(cdr.attempts) == 1
            assert len({reply["Message-ID"] for reply in stage.replies_to(mail)}) == 1
            return cdr.job.state, len(stage.calls_to(NUMBER))


@pytest.mark.parametrize(("point", "most_calls"), IN_DOUBT)
async def test_a_call_cut_off_before_its_last_confirmation_is_written_is_in_doubt_and_never_dialled_again(
    tmp_path: Path, point: CrashPoint, most_calls: int
) -> None:
    state, calls = await state_after_death_at(point, tmp_path)
    assert state is JobState.UNCONFIRMED
    assert calls <= most_calls


@pytest.mark.parametrize("point", KNOWN)
async def test_a_call_cut_off_after_that_is_a_delivered_fax(tmp_path: Path, point: CrashPoint) -> None:
    assert await state_after_death_at(point, tmp_path) == (JobState.SENT, 1)
