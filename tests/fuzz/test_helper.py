"""The C helper, and libspandsp behind it, fed with calls that went wrong: under the sanitizers, leaks counted."""

import os
import re
from pathlib import Path

import pytest

from tests.fuzz.loop import SECONDS, TEST_LIMIT_S, _seed
from tests.harness.records import build_driver, play, record_calls

BUILD_S = 240
INPUTS = 600
"""Without FUZZ_S a run always plays the same inputs, as many on a slow machine as on a fast one."""


def _amount() -> tuple[str, str]:
    return ("-t", str(round(SECONDS))) if "FUZZ_S" in os.environ else ("-n", str(INPUTS))


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_driver(tmp_path_factory.mktemp("driver"))


@pytest.mark.timeout(TEST_LIMIT_S + BUILD_S)
def test_a_record_is_played_again_frame_by_frame(driver: Path, tmp_path: Path) -> None:
    """Each end of such a call sees ten frames: CSI DIS TSI DCS CFR, two pages with their answers, DCN."""
    for record in record_calls(tmp_path):
        played = play(driver, tmp_path, [record])
        assert (played.returncode, played.stdout) == (0, "1 inputs, 10 frames\n"), played.stderr


@pytest.mark.timeout(TEST_LIMIT_S + BUILD_S)
def test_no_input_breaks_the_helper(driver: Path, tmp_path: Path) -> None:
    seed = _seed()
    played = play(driver, tmp_path, record_calls(tmp_path), "-s", str(seed), *_amount())
    found = f"FUZZ_SEED={seed}, input kept as {tmp_path / 'current.t30'}\n{played.stderr[-4000:]}"
    assert played.returncode == 0, found
    inputs, frames = map(int, re.findall(r"\d+", played.stdout))
    assert inputs >= INPUTS or "FUZZ_S" in os.environ
    assert frames > inputs, "the inputs get as far as T.30"


@pytest.mark.timeout(TEST_LIMIT_S + BUILD_S)
def test_what_is_no_record_is_said_to_be_none(driver: Path, tmp_path: Path) -> None:
    nonsense = tmp_path / "x.t30"
    nonsense.write_bytes(b"M2FBOX1\n" + b"\xff" * 40)
    assert play(driver, tmp_path, [nonsense]).returncode == 2
