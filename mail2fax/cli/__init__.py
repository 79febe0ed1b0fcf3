"""The command line: `mail2fax --help` teaches it. One file for each group of verbs."""

import typer

from mail2fax import log as logs
from mail2fax.cli import answer, config, control, demo, doctor, jobs, password, path, run, send, tail, token

app = typer.Typer(
    name="mail2fax",
    help="The gateway from e-mail to fax: a mail with the number as subject and one TIFF becomes a fax call.",
    epilog="Begin with: mail2fax demo. All of it happens on this machine, and nobody is called.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("run")(run.run)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("jobs")(jobs.jobs)
app.command("show")(jobs.show)
app.command("send")(send.send)
app.command("tail")(tail.tail)
app.command("retry")(control.retry)
app.command("cancel")(control.cancel)
app.command("hold")(control.hold)
app.command("release")(control.release)
app.command("answer")(answer.answer)
app.command("password")(password.password)
app.command("path")(path.path)
app.add_typer(token.app, name="token")
app.add_typer(config.app, name="config")


def main() -> None:
    """The console script."""
    # Until a verb says otherwise: what a command prints is its own, and a warning belongs on stderr.
    logs.configure(logs.LogSettings(level="warning"))
    app()
