"""`mail2fax token`: which programs may speak to the API, and for which domain."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from mail2fax.cli.control import JsonOption, SocketOption, ask, refuse, socket_path
from mail2fax.cli.options import ConfigOption, fail, read_config
from mail2fax.cli.telling import print_json, printable
from mail2fax.config import places
from mail2fax.control.wire import Answer, Kind, MakeToken, Order, RevokeToken
from mail2fax.model.domain import DEFAULT
from mail2fax.model.token import Scope, Token, hash_of, new_secret
from mail2fax.store import Reader, StoreError
from mail2fax.tokens import TokenReader, plain_token

app = typer.Typer(help="Let programs speak to the HTTP API.", no_args_is_help=True, add_completion=False)

EVERYDAY = (Scope.FILES, Scope.SEND, Scope.HISTORY)
"""What a token may do where nothing else is said: all but throw a domain's history away."""

NamePattern = typer.Argument(
    metavar="NAME", help="What the program is called in lists and in the log: a-z, 0-9, dot, dash."
)


@app.command()
def create(
    name: Annotated[str, NamePattern],
    domain: Annotated[str, typer.Option(help="The tenant that it acts for, of domain.named.")] = DEFAULT,
    scope: Annotated[
        list[Scope] | None,
        typer.Option(
            help="What it may do; may be given again. Without it: files, send and history.", show_default=False
        ),
    ] = None,
    days: Annotated[
        float | None, typer.Option(min=0.0001, max=36_500, help="It opens nothing after so many days.")
    ] = None,
    rate: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="It may make so many requests in a minute.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    socket: SocketOption = None,
) -> None:
    """Make a token and print it: once, for nobody can read it again. The gateway keeps its hash only."""
    secret = new_secret()
    scopes = tuple(sorted(set(scope or EVERYDAY)))
    answer = _done(socket_path(config, socket), _order(name, domain, secret, scopes, days, rate))
    if as_json:
        print_json({**(answer.token or {}), "secret": secret})
        return
    typer.echo(secret)
    typer.echo(f"{answer.words} for domain {domain}: {', '.join(scopes)}. It is not shown again.", err=True)


@app.command("list")
def list_tokens(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Every token without its secret, those that open nothing any more among them."""
    now = datetime.now(UTC)
    try:
        tokens = asyncio.run(_all(places.database(read_config(config))))
    except StoreError as error:
        fail(str(error))
    if as_json:
        for token in tokens:
            print_json(plain_token(token, now))
    elif not tokens:
        typer.echo("No token yet. Make one with: mail2fax token create NAME")
    else:
        _print(tokens, now)


@app.command()
def revoke(
    token: Annotated[int, typer.Argument(metavar="TOKEN", min=1, help="Its number in the list.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
    socket: SocketOption = None,
) -> None:
    """Let a token open nothing any more, from the next request on. Faxes it has ordered go on."""
    answer = _done(socket_path(config, socket), RevokeToken(token))
    if as_json:
        print_json(answer.token or {})
    else:
        typer.echo(printable(answer.words))


def _order(
    name: str, domain: str, secret: str, scopes: tuple[Scope, ...], days: float | None, rate: int | None
) -> MakeToken:
    return MakeToken(name, domain, hash_of(secret), scopes, days, rate)


def _done(path: Path, order: Order) -> Answer:
    answer = ask(path, order)
    if answer.answer == Kind.REFUSED:
        refuse(answer)
    return answer


async def _all(path: Path) -> tuple[Token, ...]:
    reader = await Reader.open(path)
    try:
        return await TokenReader(reader).all()
    finally:
        await reader.close()


def _print(tokens: tuple[Token, ...], now: datetime) -> None:
    table = Table("token", "name", "domain", "may", "rate", "until", "state", box=None)
    for token in tokens:
        until = f"{token.expires_at:%Y-%m-%d %H:%M} UTC" if token.expires_at else "for good"
        state = "revoked" if token.revoked_at else "valid" if token.valid(now) else "expired"
        rate = "any" if token.per_minute is None else f"{token.per_minute}/min"
        table.add_row(str(token.id), token.name, token.domain, " ".join(sorted(token.scopes)), rate, until, state)
    Console(highlight=False).print(table)
