"""`make install`, into a directory that stands for the machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.logged import environment

ROOT = Path(__file__).parents[3]
HOME = "usr/lib/mail2fax"
LOOK = """
import mail2fax, mail2fax.daemon
from mail2fax.engine.embedded.spandsp import _spandsp
print(mail2fax.__file__)
"""


def install(destdir: Path, extras: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    command = (ROOT / ".ci/install-service", destdir, "/usr", "/etc", extras)
    return subprocess.run(  # noqa: S603 - ours
        command, capture_output=True, text=True, check=False, timeout=500, env={**os.environ, **environ}
    )


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine that mail2fax was installed on, where an admin had a configuration already."""
    destdir = tmp_path_factory.mktemp("machine")
    config = destdir / "etc/mail2fax/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[numbers]\nregion = "DE"\n')
    done = install(destdir, "pdf")
    assert done.returncode == 0, done.stdout + done.stderr
    return destdir


pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("install")]


def test_the_installed_package_is_whole_and_of_its_own(machine: Path) -> None:
    python = machine / HOME / "bin/python"
    done = subprocess.run((python, "-P", "-c", LOOK), capture_output=True, text=True, check=False, env=environment())  # noqa: S603 - ours
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(machine / HOME / "lib"))


def test_what_reads_pdfs_is_installed_where_it_is_asked_for_and_known_to_the_next_upgrade(machine: Path) -> None:
    """Trap: the service has no pip, and mail2fax is on no index: pip install mail2fax[pdf] cannot be the way."""
    look = (machine / HOME / "bin/python", "-P", "-c", "import pypdf, pypdfium2")
    assert subprocess.run(look, check=False, env=environment()).returncode == 0  # noqa: S603 - ours
    assert (machine / HOME / "extras").read_text() == "pdf\n"


@pytest.mark.parametrize("extras", ["PDF", "pdf,", "pdf imagecodecs", "fax"])
def test_extras_that_are_none_are_refused(tmp_path: Path, extras: str) -> None:
    done = install(tmp_path, extras)
    assert (done.returncode, done.stderr) == (1, "EXTRAS are pdf, imagecodecs, or both with a comma; or none\n")


def test_the_command_is_the_one_that_the_unit_starts(machine: Path) -> None:
    unit = (machine / "usr/lib/systemd/system/mail2fax.service").read_text()
    assert "\nExecStart=/usr/bin/mail2fax run\n" in unit
    assert "/usr/local" not in unit
    assert (machine / "usr/bin/mail2fax").read_text() == f'#!/bin/sh\nexec /{HOME}/bin/python -P -m mail2fax "$@"\n'
    assert (machine / "usr/bin/mail2fax").stat().st_mode & 0o777 == 0o755


def test_what_belongs_to_the_service_is_there(machine: Path) -> None:
    for path in ("usr/lib/sysusers.d/mail2fax.conf", "usr/lib/tmpfiles.d/mail2fax.conf", "etc/logrotate.d/mail2fax"):
        assert (machine / path).is_file()
    example = machine / "usr/share/doc/mail2fax/config.example.toml"
    assert example.read_bytes() == (ROOT / "config.example.toml").read_bytes()


def test_a_configuration_that_is_there_is_left_alone(machine: Path) -> None:
    assert (machine / "etc/mail2fax/config.toml").read_text() == '[numbers]\nregion = "DE"\n'


def test_nothing_that_was_installed_knows_where_it_was_put_together(machine: Path) -> None:
    name = str(machine).encode()
    files = [path for path in machine.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > 500
    assert [path for path in files if name in path.read_bytes()] == []


NO_PACKAGES = {"PIP_NO_INDEX": "1"}
NO_ENVIRONMENT = {"PYTHON": "breaks"}


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(NO_PACKAGES, id="no packages"),
        pytest.param(NO_ENVIRONMENT, id="no environment", marks=pytest.mark.soak),
    ],
)
def test_an_upgrade_that_fails_leaves_the_installation_that_works(
    machine: Path, tmp_path: Path, broken: dict[str, str]
) -> None:
    """Trap: the old one was removed first, and a package index that was away left the machine without a gateway."""
    breaks = tmp_path / "breaks"
    breaks.write_text(f'#!/bin/sh\n[ "$2" != venv ] || exit 1\nexec {sys.executable} "$@"\n')
    breaks.chmod(0o755)
    # What it builds is not installed, so it need not be compiled again.
    compiler = tmp_path / "cc"
    compiler.write_text('#!/bin/sh\nwhile [ $# -gt 0 ]; do [ "$1" != -o ] || : >"$2"; shift; done\n')
    compiler.chmod(0o755)
    before = (machine / HOME).stat().st_ino
    failed = install(machine, **broken, CC=str(compiler), PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert failed.returncode != 0
    assert (machine / HOME).stat().st_ino == before
    assert not (machine / f"{HOME}.old").exists()
    test_the_installed_package_is_whole_and_of_its_own(machine)
