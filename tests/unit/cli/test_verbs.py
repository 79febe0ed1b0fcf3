"""The verbs as a whole: what is on the list can be asked for, and nothing is loaded that is not asked for."""

import subprocess
import sys
from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from mail2fax.cli import VERBS, app


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str) -> None:
    told = CliRunner().invoke(app, [verb, "--help"])
    assert told.exit_code == 0
    assert f"mail2fax {verb}" in told.output


def test_the_help_lists_every_verb_and_tells_where_to_begin() -> None:
    told = CliRunner().invoke(app, ["--help"]).output
    assert [line.split()[1] for line in told.splitlines() if line[2:3].isalpha() and line[:1] == "│"] == list(VERBS)
    assert "mail2fax demo" in told


def test_the_usage_names_the_command_however_it_was_called() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "mail2fax", "jobs", "--help"], check=True, capture_output=True, text=True, timeout=60
    )
    assert "Usage: mail2fax jobs" in ran.stdout


def test_a_verb_that_is_none_is_a_mistake_of_the_user() -> None:
    assert CliRunner().invoke(app, ["fax"]).exit_code == 2


def test_the_version_is_that_of_the_package() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"mail2fax {version('mail2fax')}\n"


def test_a_verb_that_reads_the_database_does_not_load_the_gateway() -> None:
    """It would cost half a second each time that an admin asks for a list."""
    script = (
        "import sys; from mail2fax.cli import app\n"
        "try: app(['jobs', '--help'])\nexcept SystemExit: pass\n"
        "print(*sorted({'mail2fax.daemon', 'mail2fax.gateway', 'aiosmtpd', 'PIL', 'dns'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60)  # noqa: S603
    assert ran.stdout.splitlines()[-1] == ""
