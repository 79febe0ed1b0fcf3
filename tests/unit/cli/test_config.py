"""`mail2fax config check` says what is wrong, where; and what a right configuration allows."""

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Command


def test_a_right_configuration_is_summed_up(mail2fax: Command, config: Path, tmp_path: Path) -> None:
    config.write_text(config.read_text() + '[senders]\nallow = ["*@example.com"]\n[numbers]\nallow = ["375*"]\n')
    result = mail2fax("config", "check", "--config", config)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "The configuration is right.",
        f"  data     {tmp_path}",
        "  mails    to fax@localhost",
        "  door     127.0.0.1:2525, TLS: none",
        "  senders  *@example.com",
        "  numbers  375*",
        "  trunk    default: 127.0.0.1, 2 lines, T.38: accept",
        "  replies  from fax@localhost through 127.0.0.1:25",
    ]


def test_every_door_and_every_mask_is_summed_up(mail2fax: Command, config: Path) -> None:
    """Trap: who may fax by a rule alone was told that nobody may."""
    box = 'name = "office", host = "imap.example.com", password = "x", user = "fax@example.com", allow = ["b@e.org"]'
    config.write_text(
        config.read_text()
        + '[senders]\nrules = [ { allow = ["a@example.com"] } ]\n'
        + f"[mailbox]\nnamed = [ {{ {box}, insecure_trust_from = true }} ]\n"
        + '[api]\nlisten = "127.0.0.1"\n[incoming]\nanswer = true\n'
        + '[terminal]\nnumber = "+375172001500"\ndeliver_to = "office@example.com"\n'
    )
    told = mail2fax("config", "check", "--config", config).stdout.splitlines()
    for line in (
        "  mailbox  office: imap at imap.example.com, believes every From line",
        "  api      127.0.0.1:8025",
        "  senders  a@example.com, b@e.org",
        "  incoming faxes to office@example.com",
    ):
        assert line in told


def test_a_configuration_that_lets_nobody_send_says_so(mail2fax: Command, config: Path) -> None:
    """Trap: everything is right, and every mail is refused."""
    result = mail2fax("config", "check", "--config", config)
    assert "  senders  nobody may send: set senders.allow" in result.stdout
    assert "  numbers  ordinary numbers of BY" in result.stdout


def test_every_trunk_is_summed_up_with_what_it_has_of_the_first(mail2fax: Command, config: Path) -> None:
    more = '[trunk]\nlines = 4\nnamed = [{ name = "pbx", host = "192.0.2.7", port = 5070, t38 = "never" }]\n'
    config.write_text(config.read_text() + more)
    told = mail2fax("config", "check", "--config", config).stdout.splitlines()
    assert [line for line in told if line.startswith("  trunk ")] == [
        "  trunk    default: 127.0.0.1, 4 lines, T.38: accept",
        "  trunk    pbx: 192.0.2.7:5070, 4 lines, T.38: never",
    ]


def test_a_password_is_never_shown(mail2fax: Command, config: Path) -> None:
    config.write_text(config.read_text() + '[trunk]\nuser = "anna"\npassword = "open sesame"\n')
    assert "sesame" not in mail2fax("config", "check", "--config", config).output


@pytest.mark.parametrize("verb", [("config", "check"), ("run",), ("jobs",), ("show", "1")])
def test_a_wrong_configuration_is_told_with_key_and_line_and_ends_with_78(
    mail2fax: Command, config: Path, verb: tuple[str, ...]
) -> None:
    """EX_CONFIG of sysexits.h: a service manager sees that a restart does not help."""
    config.write_text(config.read_text() + "[smtp]\nprot = 25\n")
    result = mail2fax(*verb, "--config", config)
    assert result.exit_code == 78
    assert f"{config}, line 5: smtp.prot: is not a known key; did you mean port?" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("verb", [("config", "check"), ("run",), ("jobs",), ("show", "1")])
def test_a_missing_configuration_ends_with_78(mail2fax: Command, tmp_path: Path, verb: tuple[str, ...]) -> None:
    result = mail2fax(*verb, "--config", tmp_path / "nowhere.toml")
    assert result.exit_code == 78
    assert f"{tmp_path}/nowhere.toml: cannot be read: No such file or directory" in result.stderr


def test_without_a_file_at_the_usual_place_the_way_out_is_named(
    mail2fax: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("mail2fax.cli.options.DEFAULT_CONFIG", tmp_path / "usual.toml")
    result = mail2fax("run")
    assert result.exit_code == 78
    assert f"there is no {tmp_path}/usual.toml. Copy config.example.toml there" in result.stderr


def test_a_wrong_variable_of_the_environment_is_named(
    mail2fax: Command, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL2FAX_SMTP__PORT", "many")
    result = mail2fax("config", "check", "--config", config)
    assert result.exit_code == 78
    assert "MAIL2FAX_SMTP__PORT" in result.stderr
