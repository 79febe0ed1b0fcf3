"""The configuration in force as lines of TOML, each with its source; what `mail2fax config show` prints."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pydantic import BaseModel, SecretStr

from mail2fax.config.errors import KeyPath, Places, is_secret

HIDDEN = "********"
_SOURCE_COLUMN = 48


@dataclass(frozen=True, slots=True)
class Sources:
    """Where each key is set: by the environment, on a line of the file, or nowhere."""

    places: Places
    lines: Mapping[KeyPath, int]

    def of(self, path: KeyPath) -> str:
        """The source of a key in words, as short as a comment on its line should be."""
        if variable := self.places.variable(path):
            return variable
        line = self.lines.get(path) or self.lines.get(_handed_down_from(path))
        return f"line {line}" if line else "default"


def _handed_down_from(path: KeyPath) -> KeyPath:
    """Where a further trunk has a key from that it leaves out itself: `trunk.named[0].host` is `trunk.host`."""
    return ("trunk", *path[3:]) if path[:2] == ("trunk", "named") else path


def config_lines(config: BaseModel, sources: Sources) -> Iterator[str]:
    """Every section and key, in the order of the models. It reads as TOML; secrets are hidden."""
    for name, section in config:
        yield from _table(f"[{name}]", section, (name,), sources)


def _table(heading: str, section: BaseModel, path: KeyPath, sources: Sources) -> Iterator[str]:
    yield ""
    yield heading
    deeper: list[tuple[str, BaseModel, KeyPath]] = []
    for key, value in section:
        below = (*path, key)
        tables = _tables(value, below)
        deeper += tables
        if not tables:
            yield f"{f'{key} = {_written(value, below)}':<{_SOURCE_COLUMN}}  # {sources.of(below)}"
    for inner_heading, table, inner_path in deeper:
        yield from _table(inner_heading, table, inner_path, sources)


def _tables(value: object, path: KeyPath) -> list[tuple[str, BaseModel, KeyPath]]:
    """The tables that `value` consists of, each with its heading; none when it is a plain value."""
    name = ".".join(step for step in path if isinstance(step, str))
    match value:
        case BaseModel():
            return [(f"[{name}]", value, path)]
        case tuple() | list():
            items = enumerate(value)
            return [(f"[[{name}]]", item, (*path, number)) for number, item in items if isinstance(item, BaseModel)]
    return []


def _written(value: object, path: KeyPath) -> str:
    if isinstance(value, SecretStr) or is_secret(path):
        return json.dumps(HIDDEN if _is_set(value) else "")
    return json.dumps(_plain(value), ensure_ascii=False)


def _is_set(value: object) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


def _plain(value: object) -> Any:
    match value:
        case Enum():
            return value.value
        case bool() | int() | float() | str():
            return value
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case tuple() | list() | set() | frozenset():
            return [_plain(item) for item in value]
    return str(value)
