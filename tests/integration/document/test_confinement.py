"""What a taken-over render process can do: nothing but compute. Proved as root, too, when root runs the tests."""

import functools
import json
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from mail2fax.document.confinement import ARCHITECTURES, NOBODY
from tests.integration.document import captive

ROOT = Path(__file__).parents[3]
STARTED_BY = ["us", "nobody"] if os.geteuid() == 0 else ["us"]
DENIED = "Operation not permitted"

needs_seccomp = pytest.mark.skipif(os.uname().machine not in ARCHITECTURES, reason="no seccomp filter for this machine")


@functools.cache
def report(started_by: str, locks: str) -> Mapping[str, object]:
    """What became of every attempt of one captive."""
    if started_by == "nobody" and not all(_open_to_all(place) for place in (ROOT, Path(sys.executable).parent)):
        pytest.skip("nobody may not read this checkout")
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryFile() as target:
        theirs = Path(name, "theirs")
        theirs.write_text("theirs")
        theirs.chmod(0o666)
        theirs.parent.chmod(0o777)
        done = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-P", "-m", captive.__name__, str(target.fileno()), locks],
            input=b"source",
            capture_output=True,
            pass_fds=(target.fileno(),),
            cwd=name,
            env={"PYTHONPATH": str(ROOT)},
            user=NOBODY if started_by == "nobody" else None,
            timeout=60,
            check=True,
        )
        assert [entry.name for entry in theirs.parent.iterdir()] == ["theirs"]
        assert theirs.read_text() == "theirs"
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def _open_to_all(place: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (place, *place.parents))


@needs_seccomp
@pytest.mark.parametrize("started_by", STARTED_BY)
def test_no_lock_is_missing_on_this_machine(started_by: str) -> None:
    assert report(started_by, "all")["missing"] == []


@pytest.mark.parametrize("started_by", STARTED_BY)
@pytest.mark.parametrize("attempt", captive.ALLOWED)
def test_what_rendering_needs_is_allowed(attempt: str, started_by: str) -> None:
    assert report(started_by, "all")[attempt] is None


@needs_seccomp
@pytest.mark.parametrize("started_by", STARTED_BY)
@pytest.mark.parametrize("attempt", [*captive.NEEDS_A_DESCRIPTOR, *captive.NEEDS_A_SYSTEM_CALL])
def test_no_file_no_network_no_other_process_can_be_reached(attempt: str, started_by: str) -> None:
    assert DENIED in str(report(started_by, "all")[attempt])


@pytest.mark.parametrize("started_by", STARTED_BY)
@pytest.mark.parametrize("attempt", captive.EXCEEDS_A_LIMIT)
def test_limits_hold_and_cannot_be_raised(attempt: str, started_by: str) -> None:
    assert report(started_by, "all")[attempt] is not None


@pytest.mark.parametrize("started_by", STARTED_BY)
@pytest.mark.parametrize("attempt", [*captive.NEEDS_A_DESCRIPTOR, *captive.EXCEEDS_A_LIMIT])
def test_without_seccomp_there_is_still_no_file_no_network_and_no_fork(attempt: str, started_by: str) -> None:
    found = report(started_by, "no-seccomp")
    assert found["missing"] == ["seccomp"]
    assert found[attempt] is not None
