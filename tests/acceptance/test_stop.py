"""Telling the gateway to stop: once, and in a hurry."""

import signal
from pathlib import Path

import pytest
from aiosmtplib.errors import SMTPConnectError

from mail2fax.model.job import JobState
from tests.acceptance.scenarios import LETTER
from tests.harness.documents import write_fax_tiff
from tests.harness.pictures import difference
from tests.harness.stage import Mail, staged
from tests.peers.behaviours import Behaviour, number

pytestmark = pytest.mark.timeout(180)

CALLED = number(Behaviour.OFFERS_T38)


async def test_sigterm_closes_the_door_and_lets_the_call_under_way_come_to_its_end(tmp_path: Path) -> None:
    mail = Mail("on-the-phone", CALLED, (write_fax_tiff(tmp_path / "short.tif", 1),))
    async with staged(tmp_path) as stage:
        async with stage.gateway() as gateway:
            assert (await stage.send(mail)).code == 250
            await gateway.tells("call answered")
            gateway.send(signal.SIGTERM)
            await gateway.tells("waiting for calls under way")
            with pytest.raises(SMTPConnectError):
                await stage.send(Mail("too-late", CALLED, mail.tiffs))
            assert await gateway.ended(within_s=60) == 0
        cdr = await stage.cdr_of(mail)
        assert cdr.job.state is JobState.SENT
        assert difference(mail.tiffs[0], stage.received(cdr.attempts[0].call_id)) == ""

        async with stage.gateway():
            assert ": delivered" in (await stage.reply_to(mail, within_s=60))["From"]
    assert len(stage.replies_to(mail)) == len(stage.calls_to(CALLED)) == 1


async def test_a_second_sigterm_hangs_up_and_the_fax_is_in_doubt(tmp_path: Path) -> None:
    mail = Mail("letter", CALLED, (LETTER,))
    async with staged(tmp_path) as stage:
        async with stage.gateway() as gateway:
            assert (await stage.send(mail)).code == 250
            await stage.far_end.tells("page under way", number=CALLED, page=1)
            gateway.send(signal.SIGTERM)
            await gateway.tells("waiting for calls under way")
            gateway.send(signal.SIGTERM)
            assert await gateway.ended(within_s=10) == 0
        over = await stage.far_end.tells("call over", number=CALLED, within_s=5)
        assert over["by"] == "far-end"
        assert (await stage.cdr_of(mail)).job.state is JobState.UNCONFIRMED

        async with stage.gateway():
            assert ": not confirmed" in (await stage.reply_to(mail, within_s=60))["From"]
    assert len(stage.calls_to(CALLED)) == 1


async def test_a_call_that_still_rings_at_a_hurried_stop_is_called_again_after_the_restart(tmp_path: Path) -> None:
    """Nobody has answered, so nothing can have arrived: the fax has another chance."""
    called = number(Behaviour.RINGS)
    mail = Mail("rings", called, (write_fax_tiff(tmp_path / "short.tif", 1),))
    async with staged(tmp_path, {"gateway": {"stop_wait_s": 0}, "trunk": {"ring_limit_s": 60}}) as stage:
        async with stage.gateway() as gateway:
            assert (await stage.send(mail)).code == 250
            await gateway.tells("call ringing")
            gateway.send(signal.SIGTERM)
            assert await gateway.ended(within_s=10) == 0
        await stage.far_end.tells("request", method="CANCEL")
        cdr = await stage.cdr_of(mail)
        assert cdr.job.state in {JobState.SLEEPING, JobState.READY}
        assert stage.replies == []

        async with stage.gateway():
            await stage.far_end.tells("call", number=called, times=2)
