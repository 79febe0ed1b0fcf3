"""`mail2fax mask`: who may fax by the rules and why not, and what a changed configuration would change."""

import json
from pathlib import Path

import pytest

from mail2fax.jobs import Jobs
from mail2fax.model.password import Cost, PasswordHash
from tests.unit.cli.conftest import Command, Happen
from tests.unit.jobs.made import received

SENDERS = """
[smtp]
tls_certificate = "/etc/tls.pem"
security = "starttls"
account = [ { user = "relay", password_hash = "%s", senders = ["*@example.com"] } ]
[senders]
allow = ["*@example.com"]
rules = [ { allow = ["sales{*}@example.com"], terminal = "sales", require = ["auth", "dkim"] } ]
[terminal]
named = [ { name = "sales", number = "+375172001501" } ]
"""


@pytest.fixture
def rules(config: Path) -> Path:

    config.write_text(config.read_text() + SENDERS % PasswordHash.of("x", Cost(4, 8, 1)).spelled())
    return config


def test_every_rule_is_shown_with_the_one_that_counts_and_what_may_prove_the_sender(
    mail2fax: Command, rules: Path
) -> None:
    result = mail2fax("mask", "explain", "Sales7@Example.com", "--number", "+375 29 155 44 99", "--config", rules)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "Sender sales7@example.com"
    assert lines[2].split() == [
        "counts",
        "sales{*}@example.com",
        *["domain", "default,", "terminal", "sales,", "takes", "auth", "or", "dkim"],
    ]
    assert lines[3].split()[:2] == ["matches", "*@example.com"]
    assert (
        lines[4]
        == "Proof: not said; there must be one. Taken is auth or dkim; by smtp.account and its like: auth:relay"
    )
    assert lines[5] == "Number +375 29 155-44-99: may be dialled"
    assert lines[6] == "Verdict: may fax"


@pytest.mark.parametrize(
    ("proof", "lacking"),
    [
        ("auth:relay", ""),
        ("auth", ""),
        ("dkim", ""),
        ("auth:other", "it may not send as this sender"),
        ("certificate", "nothing of that kind may send as this sender"),
        ("header", "the rule does not take this kind"),
        ("from", "the rule does not take this kind"),
    ],
)
def test_what_is_lacking_in_a_proof_is_said(mail2fax: Command, rules: Path, proof: str, lacking: str) -> None:
    result = mail2fax("mask", "explain", "sales@example.com", "--proof", proof, "--json", "--config", rules)
    told = json.loads(result.stdout)
    assert told["proofs"] == [{"proof": proof, "lacking": lacking}]
    assert told["verdict"] == ("sender-not-proven" if lacking else "may-fax")
    assert result.exit_code == bool(lacking)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("eve@example.org",), "Verdict: no, sender-not-allowed: "),
        (("anna@example.com", "--number", "+375 902 12 34 56"), "Verdict: no, number-"),
        (("anna@example.com", "--number", "hello"), "Verdict: no, number-missing: "),
    ],
)
def test_a_no_says_why(mail2fax: Command, rules: Path, arguments: tuple[str, ...], words: str) -> None:
    result = mail2fax("mask", "explain", *arguments, "--config", rules)
    assert result.exit_code == 1
    assert words in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("anna@example.com <eve@example.org>",), "this is no sender: "),
        (("anna@example.com", "--proof", "magic"), "magic is no kind of proof"),
        (("anna@example.com", "--mailbox", "absent"), "there is no mailbox absent"),
    ],
)
def test_a_question_that_makes_no_sense_is_told_so(
    mail2fax: Command, rules: Path, arguments: tuple[str, ...], words: str
) -> None:
    result = mail2fax("mask", "explain", *arguments, "--config", rules)
    assert result.exit_code == 1
    assert words in result.stderr


async def two_faxes(jobs: Jobs) -> None:
    """Both from anna@example.com."""
    for key in ("mail 1", "mail 2"):
        await received(jobs, key)


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        (
            "anna@example.com",
            "boris@example.com",
            "loses   anna@example.com: domain default, terminal default -> no access",
        ),
        (
            "boris@example.com",
            "*@example.com",
            "gains   anna@example.com: no access -> domain default, terminal default",
        ),
        ("anna@example.com", "*@example.com", None),
    ],
)
def test_a_changed_configuration_is_tried_on_who_has_faxed(
    mail2fax: Command, happen: Happen, config: Path, before: str, after: str, line: str | None
) -> None:
    happen(two_faxes)
    changed = config.with_name("changed.toml")
    changed.write_text(config.read_text() + f'[senders]\nallow = ["{after}"]\n')
    config.write_text(config.read_text() + f'[senders]\nallow = ["{before}"]\n')
    result = mail2fax("mask", "replay", changed, "--config", config)
    told = [f"{line}; faxes: 2"] if line else []
    assert result.stdout.splitlines() == [
        *told,
        f"Senders that have faxed: 1; judged otherwise: {len(told)}.",
    ]


def test_a_rule_that_asks_for_more_is_a_change(mail2fax: Command, happen: Happen, config: Path) -> None:
    happen(two_faxes)
    changed = config.with_name("changed.toml")
    config.write_text(config.read_text() + '[senders]\nallow = ["*@example.com"]\n')
    changed.write_text(config.read_text() + 'require = ["dkim"]\n')
    (told,) = [
        json.loads(line) for line in mail2fax("mask", "replay", changed, "--json", "-c", config).stdout.splitlines()
    ]
    assert (told["access"], told["before"]["require"], told["after"]["require"]) == ("changes", [], ["dkim"])
