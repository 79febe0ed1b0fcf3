"""`mail2fax password`: a password becomes the line that the configuration wants."""

import sys

import typer

from mail2fax.cli.options import fail
from mail2fax.model.password import MAX_PASSWORD_BYTES, PasswordHash

SHORTEST = 8


def password() -> None:
    """Ask for a password (or read it from standard input) and print its hash, for smtp.account.

    The hash tells nobody the password; keep it to yourself nevertheless.
    """
    chosen = _asked() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if len(chosen) < SHORTEST or len(chosen.encode()) > MAX_PASSWORD_BYTES or not chosen.isprintable():
        fail(f"a password has at least {SHORTEST} characters, at most {MAX_PASSWORD_BYTES} bytes, on one line")
    typer.echo(PasswordHash.of(chosen).spelled())


def _asked() -> str:
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return answer
