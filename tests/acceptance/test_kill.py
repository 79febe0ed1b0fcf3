"""Whoever is killed, and whenever: nothing is dialled twice, nothing that was accepted is lost, the sender is told."""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from mail2fax.model.job import JobState
from mail2fax.model.outcome import OutcomeKind
from tests.acceptance.scenarios import LETTER
from tests.harness.documents import write_fax_tiff
from tests.harness.logged import LoggedProcess
from tests.harness.pictures import difference
from tests.harness.processes import gone_within
from tests.harness.replies import text_of
from tests.harness.stage import Mail, Stage, staged
from tests.peers.behaviours import Behaviour, number

pytestmark = pytest.mark.timeout(180)

SILENT_WITHIN_S = 2.0
CALLED = number(Behaviour.OFFERS_T38)
LATER = Mail("later", number(Behaviour.UNKNOWN), (LETTER,))
"""A fax that is over soon: when it is, whatever was due before it has happened."""
RINGING: Mapping[str, Mapping[str, object]] = {"trunk": {"ring_limit_s": 60}}


async def see_off(stage: Stage) -> None:
    """Returns when another fax went the whole way through the gateway."""
    assert (await stage.send(LATER)).code == 250
    await stage.reply_to(LATER, within_s=60)


def kill(gateway: LoggedProcess) -> float:
    """Kills the gateway alone and returns the moment, by the machine's monotonic clock."""
    gateway.send(signal.SIGKILL)
    return time.monotonic()


async def test_an_engine_killed_in_mid_call_ends_the_attempt_and_the_gateway_lives(tmp_path: Path) -> None:
    letter = Mail("letter", CALLED, (LETTER,))
    short = Mail("short", number(Behaviour.OFFERS_T38, 1), (write_fax_tiff(tmp_path / "short.tif", 1),))
    async with staged(tmp_path) as stage, stage.gateway() as gateway:
        assert (await stage.send(letter)).code == 250
        await stage.far_end.tells("page under way", number=CALLED, page=1)
        os.kill((await gateway.tells("engine started"))["pid"], signal.SIGKILL)

        reply = await stage.reply_to(letter, within_s=60)
        assert ": not confirmed" in reply["From"]
        assert "The call was interrupted by a fault on our side" in text_of(reply)
        cdr = await stage.cdr_of(letter)
        assert (cdr.job.state, cdr.job.outcome) == (JobState.UNCONFIRMED, OutcomeKind.INTERRUPTED)

        await gateway.tells("engine started", times=2)
        assert (await stage.send(short)).code == 250
        assert ": delivered" in (await stage.reply_to(short, within_s=60))["From"]
        (call,) = stage.calls_to(short.subject)
        assert difference(short.tiffs[0], stage.received(call["call_id"])) == ""
        assert len(stage.calls_to(CALLED)) == 1


async def test_a_gateway_killed_in_mid_call_falls_silent_and_never_dials_that_fax_again(tmp_path: Path) -> None:
    letter = Mail("letter", CALLED, (LETTER,))
    async with staged(tmp_path) as stage:
        async with stage.gateway() as gateway:
            assert (await stage.send(letter)).code == 250
            await stage.far_end.tells("page under way", number=CALLED, page=1)
            engine = (await gateway.tells("engine started"))["pid"]
            killed = kill(gateway)
            await gone_within(SILENT_WITHIN_S, engine)
            over = await stage.far_end.tells("call over", number=CALLED, within_s=5)
            assert over["at"] - killed < SILENT_WITHIN_S
            assert over["heard_at"] - killed < SILENT_WITHIN_S
            assert over["by"] == "far-end", "the far end was not told by a BYE"
            assert (await gateway.ended()) == -signal.SIGKILL

        async with stage.gateway() as gateway:
            reply = await stage.reply_to(letter, within_s=60)
            assert ": not confirmed" in reply["From"]
            assert "It is not dialled again by itself." in text_of(reply)
            await see_off(stage)
            cdr = await stage.cdr_of(letter)
            assert (cdr.job.state, cdr.job.outcome) == (JobState.UNCONFIRMED, OutcomeKind.INTERRUPTED)
            evidence = [line.text.split("\n")[0] for line in await stage.trace_of(letter)]
            assert evidence[0].startswith("INVITE ")
            assert any(line.startswith("SIP/2.0 200") for line in evidence), "what was seen until the kill is kept"
            assert len(cdr.attempts) == len(stage.calls_to(CALLED)) == len(stage.replies_to(letter)) == 1


async def test_a_gateway_killed_while_it_rings_cancels_the_call_and_never_dials_that_fax_again(tmp_path: Path) -> None:
    number_called = number(Behaviour.RINGS)
    mail = Mail("rings", number_called, (write_fax_tiff(tmp_path / "short.tif", 1),))
    async with staged(tmp_path, RINGING) as stage:
        async with stage.gateway() as gateway:
            assert (await stage.send(mail)).code == 250
            await gateway.tells("call ringing")
            killed = kill(gateway)
            over = await stage.far_end.tells("call over", number=number_called, within_s=5)
            assert over["at"] - killed < SILENT_WITHIN_S
            assert stage.far_end.told("request", method="CANCEL")

        async with stage.gateway():
            assert ": not confirmed" in (await stage.reply_to(mail, within_s=60))["From"]
            await see_off(stage)
            assert (await stage.cdr_of(mail)).job.state is JobState.UNCONFIRMED
            assert len(stage.calls_to(number_called)) == 1


async def test_a_mail_accepted_just_before_the_kill_is_faxed_after_the_restart(tmp_path: Path) -> None:
    """A long document keeps the one renderer busy, so the mail after it is still as it came when we kill."""
    long = Mail("long", number(Behaviour.UNKNOWN), (write_fax_tiff(tmp_path / "long.tif", 40, rows=1000),))
    mail = Mail("accepted", CALLED, (write_fax_tiff(tmp_path / "short.tif", 1),))
    async with staged(tmp_path, {"document": {"workers": 1}}) as stage:
        async with stage.gateway() as gateway:
            answers = [await stage.send(long), await stage.send(mail)]
            kill(gateway)
            assert [answer.code for answer in answers] == [250, 250]
            await gateway.ended()
        assert (await stage.cdr_of(mail)).job.state is JobState.RECEIVED
        assert stage.calls_to(CALLED) == []

        async with stage.gateway():
            assert ": not delivered" in (await stage.reply_to(long, within_s=60))["From"]
            assert ": delivered" in (await stage.reply_to(mail, within_s=60))["From"]
            (call,) = stage.calls_to(CALLED)
            assert difference(mail.tiffs[0], stage.received(call["call_id"])) == ""


async def test_a_mail_that_waits_for_a_line_survives_the_kill_beside_the_call_that_does_not(tmp_path: Path) -> None:
    """The first fax was on the phone: it is in doubt. The second one was not: it is sent."""
    document = write_fax_tiff(tmp_path / "short.tif", 1)
    on_the_phone = Mail("on-the-phone", number(Behaviour.RINGS), (document,))
    waiting = Mail("waiting", CALLED, (document,))
    async with staged(tmp_path, {"trunk": {"ring_limit_s": 60, "lines": 1}}) as stage:
        async with stage.gateway() as gateway:
            await stage.send(on_the_phone)
            await gateway.tells("call ringing")
            await stage.send(waiting)
            await gateway.tells("job ready", number=CALLED)
            kill(gateway)
            await gateway.ended()

        async with stage.gateway():
            assert ": not confirmed" in (await stage.reply_to(on_the_phone, within_s=60))["From"]
            assert ": delivered" in (await stage.reply_to(waiting, within_s=60))["From"]
            assert len(stage.calls_to(on_the_phone.subject)) == len(stage.calls_to(CALLED)) == 1
