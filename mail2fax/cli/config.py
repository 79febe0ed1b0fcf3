"""`mail2fax config check`: is this configuration right, and what does it allow."""

import typer

from mail2fax.cli.options import ConfigOption, read_config

app = typer.Typer(help="Look at the configuration.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps `check` a verb of its own, though it is the only one."""


@app.command()
def check(config: ConfigOption = None) -> None:
    """Read the configuration, tell every error with its line, and sum up what it allows."""
    settings = read_config(config)
    typer.echo("The configuration is right.")
    typer.echo(f"  data     {settings.gateway.data_dir}")
    typer.echo(f"  mails    to {', '.join(settings.smtp.fax_addresses)} at {settings.smtp.listen}:{settings.smtp.port}")
    typer.echo(f"  senders  {', '.join(settings.senders.allow) or 'nobody may send: set senders.allow'}")
    typer.echo(f"  numbers  {', '.join(settings.numbers.allow) or f'ordinary numbers of {settings.numbers.region}'}")
    trunk = settings.trunk
    typer.echo(f"  trunk    {trunk.host}:{trunk.port}, {trunk.lines} lines, T.38: {trunk.t38}")
    typer.echo(f"  replies  from {settings.reply.sender} through {settings.reply.host}:{settings.reply.port}")
