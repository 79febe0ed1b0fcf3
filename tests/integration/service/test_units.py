"""systemd's own tools read what is in systemd/."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from mail2fax.config.sections import GatewaySection
from mail2fax.daemon import CLOSING_S
from mail2fax.engine.priority import PRIORITY
from tests.harness.peers import need

ROOT = Path(__file__).parents[3]
UNIT = ROOT / "systemd" / "mail2fax.service"
MOST_EXPOSURE = 2.0


def answer(*command: str | Path) -> str:
    """What a command says, which must end well."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - ours
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The unit with a command that exists, for systemd looks."""
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("=/usr/local/bin/mail2fax", "=/bin/true"))
    return copy


def test_systemd_finds_nothing_to_complain_about_in_the_unit(installed: Path) -> None:
    said = answer(need("systemd-analyze"), "verify", "--man=no", "--recursive-errors=no", installed)
    assert said == ""


def test_the_unit_is_exposed_as_little_as_it_can_be(installed: Path) -> None:
    said = answer(need("systemd-analyze"), "security", "--no-pager", "--offline=true", installed)
    found = re.search(r"Overall exposure level for \S+: (\d+\.\d+)", said)
    assert found
    assert float(found[1]) <= MOST_EXPOSURE


def test_the_unit_lets_the_engine_have_the_priority_that_it_asks_for() -> None:
    assert f"\nLimitRTPRIO={PRIORITY}\n" in UNIT.read_text()
    assert "\nRestrictRealtime=no\n" in UNIT.read_text()


def test_the_default_wait_for_calls_fits_into_the_time_that_systemd_gives_to_stop() -> None:
    found = re.search(r"^TimeoutStopSec=(\d+)$", UNIT.read_text(), re.MULTILINE)
    assert found
    assert int(found[1]) >= GatewaySection().stop_wait_s + CLOSING_S


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make users and give files away")
def test_the_user_and_the_directories_are_made(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    answer(need("systemd-sysusers"), f"--root={tmp_path}", ROOT / "systemd" / "mail2fax.sysusers")
    assert "mail2fax" in (tmp_path / "etc/passwd").read_text()
    config = tmp_path / "etc/mail2fax/config.toml"
    config.parent.mkdir(parents=True)
    config.touch(0o644)
    answer(need("systemd-tmpfiles"), f"--root={tmp_path}", "--create", ROOT / "systemd" / "mail2fax.tmpfiles")
    assert config.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "var/lib/mail2fax").stat().st_mode & 0o777 == 0o700


def test_logrotate_understands_its_file(tmp_path: Path) -> None:
    text = (ROOT / "systemd" / "mail2fax.logrotate").read_text().replace(" mail2fax mail2fax", " nobody nogroup")
    file = tmp_path / "mail2fax"
    file.write_text(text)
    file.chmod(0o644)
    said = answer(need("logrotate"), "--debug", "--state", tmp_path / "state", file)
    assert "error" not in said.lower()
