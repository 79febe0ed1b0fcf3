"""The C helper, and libspandsp behind it, fed with calls that went wrong: under the sanitizers, leaks counted."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.fuzz.corpus import record_of, saved_records, text_of
from tests.fuzz.loop import SECONDS, TEST_LIMIT_S, _seed
from tests.harness.records import build_driver, play, record_calls

BUILD_S = 240
INPUTS = 600
"""Without FUZZ_S a run always plays the same inputs, as many on a slow machine as on a fast one."""


def _amount() -> tuple[str, str]:
    return ("-t", str(round(SECONDS))) if "FUZZ_S" in os.environ else ("-n", str(INPUTS))


LANE_INPUTS = 60
"""Calls of six seconds; the same rule."""


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
def test_the_saved_corpus_breaks_nothing(driver: Path, tmp_path: Path) -> None:
    """Whole calls of both ends, and what once ended the process."""
    record_calls(tmp_path)  # for the document that senders want
    saved = saved_records(tmp_path)
    assert len(saved) >= 7
    played = play(driver, tmp_path, saved)
    assert played.returncode == 0, played.stderr[-4000:]
    inputs, frames = map(int, re.findall(r"\d+", played.stdout))
    assert inputs == len(saved)
    assert frames >= 4 * 10 + 3, "the whole calls are whole, and the others get as far as a frame"


def test_a_record_and_its_text_say_the_same(tmp_path: Path) -> None:
    for record in record_calls(tmp_path):
        text = text_of(record.read_bytes())
        assert text_of(record_of(f"# a reader's word\n{text}")) == text
        assert len(record_of(text)) <= len(record.read_bytes())


@pytest.mark.timeout(TEST_LIMIT_S + BUILD_S)
def test_no_input_breaks_the_helper(driver: Path, tmp_path: Path) -> None:
    seed = _seed()
    played = play(driver, tmp_path, [*record_calls(tmp_path), *saved_records(tmp_path)], "-s", str(seed), *_amount())
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


@pytest.mark.timeout(TEST_LIMIT_S + BUILD_S)
def test_no_packet_breaks_a_lane(tmp_path: Path) -> None:
    seed, (option, amount) = _seed(), _amount()
    how = (option, str(seed), amount) if option == "-t" else (str(seed), str(LANE_INPUTS))
    command = [str(build_driver(tmp_path, "lane_driver")), *how, str(tmp_path)]
    played = subprocess.run(command, check=False, capture_output=True, text=True, timeout=None)  # noqa: S603 - ours
    assert played.returncode == 0, f"FUZZ_SEED={seed}\n{played.stderr[-4000:]}"
    inputs, taken, left = map(int, re.findall(r"\d+", played.stdout))
    assert inputs >= LANE_INPUTS or "FUZZ_S" in os.environ
    assert taken > 10 * inputs, "most packets are the next one"
    assert left > inputs, "and some are not"
