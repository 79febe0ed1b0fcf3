"""What several verbs share: the configuration option, and how an error is told."""

import os
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from mail2fax.config import CONFIG_VARIABLE, Config, load
from mail2fax.config.errors import ConfigError

DEFAULT_CONFIG = Path("/etc/mail2fax/config.toml")
EXIT_CONFIG = 78
"""EX_CONFIG of sysexits.h: systemd shows it by name, and a restart would not help."""

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar=CONFIG_VARIABLE,
        show_default=str(DEFAULT_CONFIG),
        help="The configuration file (see config.example.toml).",
    ),
]

_WHICH = "The number of the fax: in mail2fax jobs, and in its status mail."
JobArgument = Annotated[int, typer.Argument(metavar="JOB", min=1, help=_WHICH)]
JobOrNone = Annotated[int | None, typer.Argument(metavar="JOB", min=1, show_default=False, help=_WHICH)]


def fail(message: str, code: int = 1) -> NoReturn:
    """Ends the command with `message` on stderr."""
    typer.echo(f"mail2fax: {message}", err=True)
    raise typer.Exit(code)


def config_file(path: Path | None) -> Path:
    """`path`, or the default place; ends the command when there is nothing."""
    if path is None and not DEFAULT_CONFIG.exists():
        fail(
            f"there is no {DEFAULT_CONFIG}. Copy config.example.toml there and change it, or name a file with "
            "--config.",
            EXIT_CONFIG,
        )
    return path or DEFAULT_CONFIG


def read_config(path: Path | None, *, secrets: bool = False) -> Config:
    """The configuration at `path`, or at the default place; ends the command when it cannot be used.

    Only who needs the `secrets` that stand in files of their own asks for them: not everybody may read them.
    """
    try:
        return load(config_file(path), secrets=secrets)
    except ConfigError as error:
        fail(f"the configuration cannot be used:{os.linesep}{error}", EXIT_CONFIG)
