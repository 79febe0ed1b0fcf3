"""Secrets in files of their own: where they are found, and what is said when they are not."""

from pathlib import Path

import pytest

from mail2fax.config import load
from mail2fax.config.errors import ConfigError


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def fault_of(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value).replace(str(path), "FILE")


def test_a_password_is_read_from_the_file_that_is_named_without_its_line_feed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    config = load(written(tmp_path, f'[trunk]\npassword_file = "{tmp_path}/secret"\n'))
    assert config.trunk.password.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(config)


def test_a_bare_name_is_a_credential_of_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reply-password").write_text("hunter2")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    config = load(written(tmp_path, '[reply]\npassword_file = "reply-password"\n'))
    assert config.reply.password.get_secret_value() == "hunter2"


def test_beside_the_service_its_credentials_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reply-password").write_text("hunter2")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.setattr("mail2fax.config.secrets.SERVICE_CREDENTIALS", tmp_path)
    config = load(written(tmp_path, '[reply]\npassword_file = "reply-password"\n'))
    assert config.reply.password.get_secret_value() == "hunter2"


def test_without_credentials_a_bare_name_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.setattr("mail2fax.config.secrets.SERVICE_CREDENTIALS", tmp_path / "down")
    said = fault_of(written(tmp_path, '[trunk]\npassword_file = "trunk-password"\n'))
    assert said.startswith("FILE, line 2: trunk.password_file: is the name of a systemd credential")


def test_a_file_that_is_missing_is_named_with_the_line_of_its_key(tmp_path: Path) -> None:
    said = fault_of(written(tmp_path, '\n[trunk]\npassword_file = "/nowhere/secret"\n'))
    assert said == "FILE, line 3: trunk.password_file: cannot be read: No such file or directory"


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines\n", b"\xff", b"x" * 5000])
def test_a_file_that_holds_no_password_is_refused_without_showing_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    said = fault_of(written(tmp_path, f'[trunk]\npassword_file = "{tmp_path}/secret"\n'))
    assert said.partition("password_file: ")[2] in {"must hold one line of printable text", "is not UTF-8 text"}


def test_a_password_in_both_places_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    said = fault_of(written(tmp_path, f'[trunk]\npassword = "hunter1"\npassword_file = "{tmp_path}/secret"\n'))
    assert said == "FILE, line 3: trunk.password_file: and password are both set: keep one of them"


@pytest.mark.parametrize("place", ["../secret", "a/b", "."])
def test_a_relative_path_is_refused(tmp_path: Path, place: str) -> None:
    assert "must be an absolute path, or the bare name" in fault_of(
        written(tmp_path, f'[trunk]\npassword_file = "{place}"\n')
    )


def test_who_needs_no_secret_needs_no_right_to_its_file(tmp_path: Path) -> None:
    path = written(tmp_path, '[trunk]\npassword_file = "/nowhere/secret"\n')
    assert load(path, secrets=False).trunk.password.get_secret_value() == ""
