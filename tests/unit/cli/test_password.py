"""`mail2fax password` prints the line that smtp.account wants, and never the password."""

import pytest
from typer.testing import CliRunner

from mail2fax.cli import app
from mail2fax.model.password import PasswordHash


def test_the_hash_that_is_printed_fits_the_password() -> None:
    result = CliRunner().invoke(app, ["password"], input="correct horse\n")
    assert result.exit_code == 0
    assert PasswordHash.parse(result.stdout.strip()).fits(b"correct horse")
    assert "correct horse" not in result.output


@pytest.mark.parametrize("password", ["", "short", "with a \t tab", "x" * 2000])
def test_a_password_that_could_not_be_used_is_refused(password: str) -> None:
    result = CliRunner().invoke(app, ["password"], input=password + "\n")
    assert result.exit_code == 1
    assert "at least 8 characters" in result.output
