"""`mail2fax config`: is this configuration right, what does it allow, and where does each value come from."""

import itertools
import os
from typing import Annotated

import typer

from mail2fax.cli.config_lines import Sources, config_lines
from mail2fax.cli.options import ConfigOption, config_file, read_config
from mail2fax.config import ENV_DELIMITER, ENV_PREFIX
from mail2fax.config.domains import Rule, inboxes
from mail2fax.config.errors import Places, TomlText

app = typer.Typer(help="Look at the configuration.", no_args_is_help=True, add_completion=False)


@app.command()
def show(config: ConfigOption = None) -> None:
    """Print every key with the value that is in force, and say where it comes from. Secrets are not shown."""
    settings = read_config(config)
    text = TomlText.read(config_file(config))
    sources = Sources(Places(text, os.environ, ENV_PREFIX, ENV_DELIMITER), text.lines_of_keys())
    typer.echo(f"# {text.name}")
    for line in config_lines(settings, sources):
        typer.echo(line)


@app.command()
def check(
    config: ConfigOption = None,
    secrets: Annotated[
        bool, typer.Option("--secrets/--no-secrets", help="Also read the files that password_file keys name.")
    ] = True,
) -> None:
    """Read the configuration, tell every error with its line, and sum up what it allows."""
    settings = read_config(config, secrets=secrets)
    typer.echo("The configuration is right.")
    typer.echo(f"  data     {settings.gateway.data_dir}")
    typer.echo(f"  mails    to {', '.join(settings.smtp.fax_addresses)}")
    for door in settings.smtp.doors:
        believed = ", believes every From line" if door.insecure_trust_from else ""
        typer.echo(f"  door     {door.listen}:{door.port}, TLS: {door.security}{believed}")
    for box in settings.mailbox.named:
        believed = ", believes every From line" if box.insecure_trust_from else ""
        typer.echo(f"  mailbox  {box.name}: {box.protocol} at {box.host}{believed}")
    if settings.api.listen:
        typer.echo(f"  api      {settings.api.listen}:{settings.api.port}")
    ruled: list[Rule] = [*settings.senders.rules, *settings.mailbox.named]
    masks = dict.fromkeys((*itertools.chain.from_iterable(rule.allow for rule in ruled), *settings.senders.allow))
    typer.echo(f"  senders  {', '.join(masks) or 'nobody may send: set senders.allow'}")
    typer.echo(f"  numbers  {', '.join(settings.numbers.allow) or f'ordinary numbers of {settings.numbers.region}'}")
    for trunk in settings.trunk.trunks:
        place = f"{trunk.host}:{trunk.port}" if trunk.port else trunk.host
        typer.echo(f"  trunk    {trunk.name}: {place}, {trunk.lines} lines, T.38: {trunk.t38}")
    if settings.incoming.answer:
        readers = sorted({box.deliver_to for box in inboxes(settings.terminal, settings.domain).values()} - {""})
        typer.echo(f"  incoming faxes to {', '.join(readers) or 'nobody: the API alone tells of them'}")
    typer.echo(f"  replies  from {settings.reply.sender} through {settings.reply.host}:{settings.reply.port}")
