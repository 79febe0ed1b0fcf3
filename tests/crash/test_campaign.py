"""The short form of the crash proof, and the proof of the proof: a broken promise is noticed."""

import random
from pathlib import Path

import pytest

from mail2fax.crashpoint import CrashPoint
from tests.crash.campaign import EVERY, Death, deaths, run
from tests.harness.doomed_daemon import CRASH
from tests.harness.stage import staged

pytestmark = pytest.mark.timeout(900)

BAD_CONFIGURATION = 78
SHORT = (
    CrashPoint.MAIL_RENAMED,
    CrashPoint.JOB_ADDED,
    CrashPoint.ANSWER_DUE,
    CrashPoint.DOCUMENT_WRITTEN,
    CrashPoint.CALL_ORDERED,
    CrashPoint.LAST_PAGE_CONFIRMED,
    CrashPoint.REPLY_TAKEN,
    CrashPoint.ALARM_TAKEN,
)
"""What `make test` has the time for; `make test-crash` takes every point."""


@pytest.mark.parametrize(
    "points",
    [
        pytest.param(SHORT, id="short"),
        pytest.param(EVERY[0::2], id="every other", marks=pytest.mark.soak),
        pytest.param(EVERY[1::2], id="the others", marks=pytest.mark.soak),
    ],
)
async def test_killed_at_named_points_the_daemon_loses_doubles_and_leaves_nothing(
    tmp_path: Path, points: tuple[CrashPoint, ...]
) -> None:
    dice = random.Random(len(points))  # noqa: S311 - chance that can be repeated
    result = await run(tmp_path, deaths(points, 2, dice), dice)
    print(result.figures)
    assert result.verdict.faults == ()
    assert result.missed == ()
    assert set(result.killed_at) == set(points)
    assert result.verdict.acknowledged == result.verdict.mails > 0


@pytest.mark.soak
async def test_the_proof_goes_red_when_the_same_mail_is_not_known_again(tmp_path: Path) -> None:
    dice = random.Random(1)  # noqa: S311 - the same
    result = await run(tmp_path, [Death(CrashPoint.ANSWER_DUE, 3)] * 4, dice, "no-duplicate-key")
    print(result.figures)
    assert result.verdict.doubled > 0
    assert not result.holds


async def test_the_proof_goes_red_when_250_is_said_before_the_commit(tmp_path: Path) -> None:
    dice = random.Random(1)  # noqa: S311 - the same
    result = await run(tmp_path, [Death(CrashPoint.MAIL_SYNCED, 3)] * 3, dice, "early-promise")
    print(result.figures)
    assert result.verdict.lost > 0
    assert not result.holds


async def test_the_shipped_program_cannot_be_told_to_die(tmp_path: Path) -> None:
    """What arms the harness is, to the daemon itself, a setting that does not exist."""
    async with staged(tmp_path, far_end=False) as stage:
        async with stage.command("run", **{CRASH: f"{CrashPoint.MAIL_WRITTEN}:1"}) as gateway:
            assert await gateway.ended() == BAD_CONFIGURATION
        assert CRASH in gateway.text
