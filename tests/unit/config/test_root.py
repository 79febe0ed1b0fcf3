"""The configuration says what is wrong with it, where, and what would be right."""

import re
import tomllib
from pathlib import Path

import pytest

from mail2fax.config import Config, load, sections
from mail2fax.config.errors import ConfigError, TomlText
from mail2fax.config.mailbox import MailboxEntry

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"


def fault_of(tmp_path: Path, text: str) -> str:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value).replace(str(path), "FILE")


def test_the_example_names_every_key_with_its_default() -> None:
    assert load(EXAMPLE) == Config()
    written = tomllib.loads(EXAMPLE.read_text())
    known = {name: set(section.annotation.model_fields) for name, section in Config.model_fields.items()}  # type: ignore[union-attr] # each field is a section
    assert {name: set(section) for name, section in written.items()} == known
    assert list(written) == list(Config.model_fields), "the sections stand in the order of the models"


def test_the_example_of_a_mailbox_names_every_key_with_its_default() -> None:
    shown = "\n".join(line[2:] for line in EXAMPLE.read_text().splitlines() if line.startswith("#:"))
    (entry,) = tomllib.loads(shown)["mailbox"]["named"]
    assert set(entry) == set(MailboxEntry.model_fields)
    needed = {"name": "office", "host": "mail.example.com", "user": "fax@example.com"}
    default = MailboxEntry.model_validate({**needed, "insecure_trust_from": True}).model_dump(mode="json")
    assert entry == {**default, "password": "", "insecure_trust_from": False}


def test_without_a_file_the_defaults_hold() -> None:
    assert load(None) == Config()


def test_an_unknown_key_is_named_with_its_line_and_the_key_that_was_meant(tmp_path: Path) -> None:
    assert fault_of(tmp_path, "\n[smtp]\nprot = 25\n") == (
        "FILE, line 3: smtp.prot: is not a known key; did you mean port?"
    )


def test_an_unknown_section_is_named_with_its_line(tmp_path: Path) -> None:
    assert "FILE, line 2: smpt: is not a known key; did you mean smtp?" in fault_of(tmp_path, "\n[smpt]\nport = 25\n")


def test_a_wrong_value_says_what_would_be_right(tmp_path: Path) -> None:
    said = fault_of(tmp_path, '[trunk]\nlines = 2\nt38 = "maybe"\n')
    assert said == 'FILE, line 3: trunk.t38: must be "accept", "offer" or "never" (it is "maybe")'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[smtp]\nfax_addresses = []\n", "smtp.fax_addresses: must name one at least"),
        (
            '[smtp]\nfax_addresses = ["fax"]\n',
            'smtp.fax_addresses[0]: must be a mail address such as fax@example.com (it is "fax")',
        ),
        ('[senders]\nallow = "a@b.com"\n', 'senders.allow: must be a list, such as ["a", "b"] (it is "a@b.com")'),
        (
            '[gateway]\ntime_zone = "Minsk"\n',
            'gateway.time_zone: must be a time zone such as "Europe/Minsk" or "UTC" (it is "Minsk")',
        ),
        ("[gateway]\nstop_wait_s = -1\n", "gateway.stop_wait_s: must be 0 or more (it is -1)"),
        ("[smtp]\ndkim = 3\n", "smtp.dkim: must be true or false, without quotation marks (it is 3)"),
        ("[retry]\nmax_dials = 2.5\n", "retry.max_dials: must be a whole number (it is 2.5)"),
        ("[retry]\nbusy_min = [-1]\n", "retry.busy_min[0]: must be more than 0 (it is -1)"),
        ('[trunk]\nhost = ""\n', "trunk.host: must be a host name or an IP address, such as mail.example.com"),
        (
            "[terminal]\nheader = '0123456789012345678901234567890123456789x'\n",
            "terminal.header: must have 40 characters at the most",
        ),
        (
            '[terminal]\ndeliver_to = "x"\n',
            'terminal.deliver_to: must be a mail address such as fax@example.com (it is "x")',
        ),
        ('[mailbox]\nnamed = [ { folder = "" } ]\n', "mailbox.named[0].folder: must not be empty"),
    ],
)
def test_no_word_of_pydantic_reaches_who_writes_the_file(tmp_path: Path, text: str, said: str) -> None:
    told = fault_of(tmp_path, text)
    assert f"FILE, line 2: {said}" in told
    assert not re.search(r"input|tuple|validation|literal|function-|instance|pattern", told)


def test_a_section_that_is_none_is_told_so(tmp_path: Path) -> None:
    assert "line 1: gateway: must be a section with keys" in fault_of(tmp_path, "gateway = 3\n")


def test_what_is_at_odds_with_another_section_is_told_with_its_line(tmp_path: Path) -> None:
    rules = 'rules = [ { allow = ["x@example.com"], terminal = "nope" } ]\n'
    said = fault_of(tmp_path, "[senders]\n" + rules)
    assert said == 'FILE, line 2: senders.rules[0]: there is no terminal "nope"; known are default'


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    said = fault_of(tmp_path, "[smtp]\nport = 99999\n[trunk]\nlines = 0\n")
    assert "line 2: smtp.port" in said
    assert "line 4: trunk.lines" in said


def test_an_element_of_a_list_over_several_lines_is_found(tmp_path: Path) -> None:
    said = fault_of(tmp_path, '[senders]\nallow = [\n  "a@example.com",\n  "*@*",\n]\n')
    assert said.startswith("FILE, line 4: senders.allow[1]: ")


def test_a_key_of_an_inline_table_is_found(tmp_path: Path) -> None:
    assert "line 2: smtp.port" in fault_of(tmp_path, "log = {level = 'info'}\nsmtp = {port = -1}\n")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a",), 1),
        (("a", "b"), 2),
        (("a", "deep", "c"), 6),
        (("list", 0, "x"), 9),
        (("list", 1, "x"), 11),
        (("dotted", "key"), 13),
        (("absent",), None),
    ],
)
def test_lines_are_found_in_nested_and_repeated_tables(path: tuple[str | int, ...], line: int | None) -> None:
    text = '[a]\nb = """\nlong\n"""\n[a.deep]\nc = 1\n\n[[list]]\nx = 1\n[[list]]\nx = 2\n[dotted]\nkey = 1\n'
    toml = TomlText("x", tuple(text.splitlines()), tomllib.loads(text))
    assert toml.line_of(path) == line


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[smtp]\nport = 2525\nmax_mail_mb = 5\n")
    monkeypatch.setenv("MAIL2FAX_SMTP__PORT", "2526")
    monkeypatch.setenv("MAIL2FAX_SENDERS__ALLOW", '["a@example.com"]')
    config = load(path)
    assert (config.smtp.port, config.smtp.max_mail_mb) == (2526, 5)
    assert config.senders.allow == ("a@example.com",)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MAIL2FAX_SMTP__PROT", "1", "smtp.prot: is not a known key; did you mean port?"),
        ("MAIL2FAX_SMTP__PORT", "ten", "smtp.port: must be a whole number"),
        ("MAIL2FAX_SENDERS__ALLOW", "a@b.c", "senders.allow: must be a JSON list"),
        ("MAIL2FAX_SMTP", "{}", "smtp: is a section; set one of its keys"),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        load(None)
    assert str(caught.value).startswith(f"environment variable {name}: {said}")


def test_a_file_that_is_not_toml_says_where(tmp_path: Path) -> None:
    assert "is not valid TOML" in fault_of(tmp_path, "[smtp\n")


def test_a_missing_file_is_a_plain_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load(tmp_path / "absent.toml")


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    assert "hunter2" not in fault_of(tmp_path, '[trunk]\npassword = ["hunter2"]\n')
    path = tmp_path / "good.toml"
    path.write_text('[trunk]\npassword = "hunter2"\n')
    assert "hunter2" not in repr(load(path))


def test_a_password_does_not_go_out_in_clear_text(tmp_path: Path) -> None:
    assert "clear text" in fault_of(tmp_path, '[reply]\nhost = "mail.example.com"\nuser = "fax"\n')


def test_a_wrong_mask_is_explained_by_the_mask_itself(tmp_path: Path) -> None:
    said = fault_of(tmp_path, '[senders]\nallow = ["*"]\n')
    assert said.startswith("FILE, line 2: senders.allow[0]: ")


def test_the_api_does_not_open_to_the_network_in_clear(tmp_path: Path) -> None:
    said = fault_of(tmp_path, '[api]\nlisten = "0.0.0.0"\n')
    assert said.startswith("FILE, line 2: api.listen: ")
    assert "insecure_http" in said
    for more in ("insecure_http = true", 'tls_certificate = "/etc/mail2fax/tls.pem"'):
        path = tmp_path / "good.toml"
        path.write_text(f'[api]\nlisten = "0.0.0.0"\n{more}\n')
        assert load(path).api.listen == "0.0.0.0"  # noqa: S104 # what is asked about


def test_a_document_must_be_of_some_kind_that_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "accept" in fault_of(tmp_path, "[document]\naccept = []\n")
    assert "accept" in fault_of(tmp_path, '[document]\naccept = ["doc"]\n')
    monkeypatch.setattr(sections, "find_spec", lambda _name: None)
    assert "sudo make install EXTRAS=pdf" in fault_of(tmp_path, '[document]\naccept = ["tiff", "pdf"]\n')
    assert "cover names no file: /nowhere" in fault_of(tmp_path, '[document]\ncover = "/nowhere"\n')
