"""The command line: `mail2fax --help` teaches it. One file for each group of verbs, read when its verb is called: a
verb that asks a question of the database must not wait for the whole gateway to be imported."""

import gc
import sys
from importlib import import_module
from importlib.metadata import version
from types import ModuleType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mail2fax import log as logs
from mail2fax.cli.examples import teach

VERBS = {
    "run": "run",
    "demo": "demo",
    "doctor": "doctor",
    "jobs": "jobs",
    "show": "jobs",
    "preview": "preview",
    "send": "send",
    "tail": "tail",
    "retry": "control",
    "cancel": "control",
    "hold": "control",
    "release": "control",
    "resend": "control",
    "answer": "answer",
    "password": "password",
    "path": "path",
    "mask": "mask",
    "token": "token",
    "config": "config",
}
"""Each verb and the file that holds it, in the order in which a newcomer meets them. The verb is a function of that
name, or the file's `app` when it has verbs of its own."""


class Verbs(TyperGroup):
    """The verbs of `VERBS`, each imported when it is asked for."""

    # Typer brings its own click, whose types have no public name: hence `Any`.
    def list_commands(self, ctx: Any) -> list[str]:
        """All of them, in their order."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The verb of that name."""
        if cmd_name not in VERBS:
            return None
        module = _loaded(f"{__name__}.{VERBS[cmd_name]}")
        verb = typer.Typer(add_completion=False)
        if hasattr(module, "app"):
            verb = module.app
        else:
            verb.command()(getattr(module, cmd_name))
        command: Any = typer.main.get_command(verb)
        command.name = cmd_name
        teach(command, cmd_name)
        return command


app = typer.Typer(
    name="mail2fax",
    cls=Verbs,
    epilog="Begin with: mail2fax demo. All of it happens on this machine, and nobody is called.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _loaded(name: str) -> ModuleType:
    # What is loaded stays to the end: looking for garbage in it, now or later, takes a tenth of the start for nothing.
    if name in sys.modules:
        return sys.modules[name]
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        gc.enable()


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mail2fax {version('mail2fax')}")
        raise typer.Exit


@app.callback()
def mail2fax(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_tell_version, is_eager=True)
    ] = False,
) -> None:
    """The gateway from e-mail to fax: a mail with the number as subject and one TIFF becomes a fax call."""


def main() -> None:
    """The console script."""
    # Until a verb says otherwise: what a command prints is its own, and a warning belongs on stderr.
    logs.configure(logs.LogSettings(level="warning"))
    app(prog_name="mail2fax")  # however it was called: the installed command is a script around `python -m`
