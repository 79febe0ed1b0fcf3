"""The verbs as a whole: what is on the list can be asked for, and nothing is loaded that is not asked for."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from mail2fax.cli import VERBS, app
from mail2fax.cli.examples import EXAMPLES


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str) -> None:
    told = CliRunner().invoke(app, [verb, "--help"])
    assert told.exit_code == 0
    assert f"mail2fax {verb}" in told.output


@pytest.mark.parametrize("verb", EXAMPLES)
def test_every_example_is_shown_and_is_understood(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "letter.tif").touch()
    told = CliRunner().invoke(app, [*verb.split(), "--help"], terminal_width=200)
    assert EXAMPLES[verb] in told.output
    command: Any = typer.main.get_command(app)
    words = EXAMPLES[verb].split()[1:]
    while hasattr(command, "get_command"):
        command = command.get_command(None, words.pop(0))
    assert command.make_context(verb, words).command is command


def test_every_verb_has_an_example() -> None:
    group: Any = typer.main.get_command(app)
    commands = {verb: group.get_command(None, verb) for verb in VERBS}
    verbs = {f"{verb} {below}".strip() for verb, one in commands.items() for below in getattr(one, "commands", ("",))}
    assert verbs == set(EXAMPLES)


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


# What only other processes need, or what only some sites have switched on.
RARE = {"PIL", "numpy", "fastapi", "uvicorn", "httpx", "jwt", "cryptography", "dkim", "dns", "mail2fax.engine.embedded"}
GATEWAY = {"mail2fax.daemon", "mail2fax.gateway", "aiosmtpd", "jinja2"}


@pytest.mark.parametrize(
    ("load", "unwanted"),
    [
        pytest.param("from mail2fax.cli import app; app(['jobs', '--help'])", RARE | GATEWAY, id="jobs"),
        pytest.param("from mail2fax.cli import app; app(['run', '--help'])", RARE, id="run"),
        pytest.param("import mail2fax.engine.child", {"dns", "numpy", "PIL", "mail2fax.store"}, id="engine"),
    ],
)
def test_a_process_loads_what_it_needs_and_no_more(load: str, unwanted: set[str]) -> None:
    """It costs a second each time that an admin asks for a list, or that the gateway starts."""
    script = f"try: {load}\nexcept SystemExit: pass\nimport sys; print(*sorted({unwanted} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60)  # noqa: S603
    assert ran.stdout.splitlines()[-1] == ""
