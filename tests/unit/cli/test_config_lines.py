"""What `mail2fax config show` prints: every key, its source, and no secret."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from mail2fax.cli.config_lines import HIDDEN, Sources, config_lines
from mail2fax.config import ENV_DELIMITER, ENV_PREFIX, Config, load
from mail2fax.config.errors import Places, TomlText

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"


def shown(path: Path, environ: dict[str, str] | None = None) -> list[str]:
    text = TomlText.read(path)
    sources = Sources(Places(text, environ or {}, ENV_PREFIX, ENV_DELIMITER), text.lines_of_keys())
    return list(config_lines(load(path), sources))


def line_of(key: str, lines: list[str]) -> str:
    """The line of a key (`section.key`), its blanks joined."""
    section, _, name = key.rpartition(".")
    start = lines.index(f"[{section}]")
    return next(" ".join(line.split()) for line in lines[start:] if line.startswith(f"{name} ="))


def test_each_key_says_where_its_value_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[numbers]\n# a comment\nallow = [\n  "375#########",\n  "49*",\n]\nregion = "DE"\n')
    monkeypatch.setenv("MAIL2FAX_TRUNK__LINES", "7")
    lines = shown(path, {"MAIL2FAX_TRUNK__LINES": "7"})
    assert line_of("numbers.allow", lines) == 'allow = ["375#########", "49*"] # line 3'
    assert line_of("numbers.region", lines) == 'region = "DE" # line 7'
    assert line_of("trunk.lines", lines) == "lines = 7 # MAIL2FAX_TRUNK__LINES"
    assert line_of("trunk.ecm", lines) == "ecm = true # default"


def test_a_secret_is_hidden_wherever_it_stands_and_its_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    path = tmp_path / "config.toml"
    path.write_text(f'[trunk]\npassword = "hunter3"\n[reply]\npassword_file = "{tmp_path}/secret"\n')
    lines = shown(path)
    assert "hunter" not in "\n".join(lines)
    assert line_of("trunk.password", lines) == f'password = "{HIDDEN}" # line 2'
    assert line_of("reply.password", lines) == f'password = "{HIDDEN}" # default'
    assert line_of("reply.password_file", lines) == f'password_file = "{tmp_path}/secret" # line 4'


def test_what_is_printed_is_the_configuration_in_force() -> None:
    printed = tomllib.loads("\n".join(shown(EXAMPLE)))
    expected: dict[str, Any] = Config().model_dump(mode="json")
    assert list(printed) == list(expected)
    plain = {name: {key: value for key, value in section.items() if value != []} for name, section in printed.items()}
    assert plain == {
        name: {key: value for key, value in section.items() if value != []} for name, section in expected.items()
    }


def test_a_list_of_a_thousand_masks_is_found_soon() -> None:
    masks = [f'  "user{number}{{a,b}}@example.com",' for number in range(1000)]
    text = "\n".join(["[senders]", "allow = [", *masks, "]", "[log]", 'level = "debug"'])
    lines = TomlText("x", tuple(text.splitlines()), tomllib.loads(text)).lines_of_keys()
    assert lines == {("senders", "allow"): 2, ("log", "level"): 1005}
