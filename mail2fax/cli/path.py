"""`mail2fax path`: where a file lies that a program has uploaded."""

from typing import Annotated

import typer

from mail2fax.api.files import NameRefused, stored_path
from mail2fax.cli.options import ConfigOption, fail, read_config
from mail2fax.config import places
from mail2fax.config.domains import tenants


def path(
    domain: Annotated[str, typer.Argument(metavar="DOMAIN")],
    file: Annotated[str, typer.Argument(metavar="tokens/NAME", help="As the programs call it, behind tokens/.")],
    config: ConfigOption = None,
) -> None:
    """Print the path of a file of a domain, be it there yet or not."""
    settings = read_config(config)
    known = tenants(settings.terminal, settings.domain)
    if domain not in known:
        fail(f"there is no domain {domain}; known are {', '.join(sorted(known))}")
    try:
        typer.echo(stored_path(places.domains(settings), domain, file))
    except NameRefused as error:
        fail(str(error))
