"""What becomes of a test whose peer is missing."""

import sys

import pytest

from tests.harness.peers import need

MISSING = "no-such-program"


def test_a_program_that_is_there_is_given_by_its_path() -> None:
    assert need(sys.executable) == sys.executable


def test_a_missing_program_is_a_skip_that_names_it_on_a_persons_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=rf"{MISSING} .* make setup-peers"):
        need(MISSING)


def test_a_missing_program_is_a_failure_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap: a suite that skips everything is green."""
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=rf"{MISSING} .* make setup-peers"):
        need(MISSING)
