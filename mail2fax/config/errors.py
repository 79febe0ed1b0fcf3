"""What is wrong with a configuration, told so that it can be mended: the key, where it is set, what would be right."""

import difflib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from mail2fax.config.plain import path_of, problem_of

KeyPath = tuple[str | int, ...]

_NAMED_KEY = re.compile(r"([a-z_]+(?:\.[a-z_]+|\[[0-9]+\])*): ")
_STEP = re.compile(r"[a-z_]+|[0-9]+")
_SECRETS = ("password", "secret", "refresh_token")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: `key` (dotted), `where` it is set, and the `problem` with what would be right."""

    key: str
    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.key}: {self.problem}" if self.key else f"{self.where}: {self.problem}"


class ConfigError(Exception):
    """The configuration cannot be used; `faults` says every reason."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class TomlText:
    """A TOML file that knows on which line each of its keys stands."""

    name: str
    lines: tuple[str, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def empty(cls) -> "TomlText":
        return cls(name="(no file)")

    @classmethod
    def read(cls, path: Path) -> "TomlText":
        """The file at `path`; raises `ConfigError` when it cannot be read or is not TOML."""
        try:
            text = path.read_text(encoding="utf-8")
            return cls(name=str(path), lines=tuple(text.splitlines()), values=tomllib.loads(text))
        except OSError as error:
            raise ConfigError([Fault("", str(path), f"cannot be read: {error.strerror}")]) from error
        except UnicodeDecodeError as error:
            raise ConfigError([Fault("", str(path), "is not UTF-8 text")]) from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigError([Fault("", str(path), f"is not valid TOML: {error}")]) from error

    def line_of(self, path: KeyPath) -> int | None:
        """The line (from 1) on which `path` is set, or None when the file does not set it.

        tomllib keeps no positions, so we ask it: the key stands where the shortest prefix of the file begins
        that parses and has it. That is exact for nested, inline and repeated tables, and for values and
        elements of arrays over several lines. Quadratic, but only read when there is an error to tell.
        """
        start = 0
        for count in range(1, len(self.lines) + 1):
            prefix = "\n".join(self.lines[:count])
            if _holds(prefix, path) or (isinstance(path[-1], int) and _holds(prefix + "\n]", path)):
                return count if isinstance(path[-1], int) else start + 1
            if _parse(prefix) is not None:
                start = count
        return None

    def lines_of_keys(self) -> dict[KeyPath, int]:
        """Every key that has a value, lists as a whole, with the line (from 1) on which it is set."""
        lines: dict[KeyPath, int] = {}
        start = 0
        for count, line in enumerate(self.lines, 1):
            # What began on an earlier line ends with one of these; to parse each line of a long list would take long.
            may_end = start == count - 1 or any(mark in line for mark in ("]", '"""', "'''"))
            if may_end and _parse("\n".join(self.lines[start:count])) is not None:
                for path in _leaves(_parse("\n".join(self.lines[:count])) or {}):
                    lines.setdefault(path, start + 1)
                start = count
        return lines


def _leaves(table: Mapping[str, Any], above: KeyPath = ()) -> Iterator[KeyPath]:
    for key, value in table.items():
        path = (*above, key)
        if isinstance(value, dict):
            yield from _leaves(value, path)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for number, item in enumerate(value):
                yield from _leaves(item, (*path, number))
        else:
            yield path


def _parse(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _holds(text: str, path: KeyPath) -> bool:
    node: Any = _parse(text)
    for step in path:
        match node, step:
            case dict(), str() if step in node:
                node = node[step]
            case list(), int() if step < len(node):
                node = node[step]
            case _:
                return False
    return True


def faulty_variables(
    environ: Mapping[str, str], root: type[BaseModel], *, prefix: str, delimiter: str, but: str
) -> list[Fault]:
    """Faults of the environment variables that start with `prefix`: unknown keys, and lists that are no JSON list."""
    faults = []
    for name, value in environ.items():
        if not name.upper().startswith(prefix) or name.upper() == but:
            continue
        path = name[len(prefix) :].lower().split(delimiter.lower())
        problem = _variable_problem(root, path, value)
        if problem:
            faults.append(Fault(".".join(path), f"environment variable {name}", problem))
    return faults


def _variable_problem(root: type[BaseModel], path: list[str], value: str) -> str | None:
    model: type[BaseModel] | None = root
    annotation: Any = None
    for step in path:
        if model is None or step not in model.model_fields:
            return _unknown(step, sorted(model.model_fields) if model else [])
        annotation = model.model_fields[step].annotation
        model = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
    if model is not None:
        example = "__".join([*path, next(iter(model.model_fields))]).upper()
        return f"is a section; set one of its keys, such as {example}"
    return _list_problem(value) if _is_list(annotation) else None


def _is_list(annotation: Any) -> bool:
    if get_origin(annotation) in {Union, UnionType}:
        return any(_is_list(inner) for inner in get_args(annotation))
    return get_origin(annotation) in {tuple, list}


def _list_problem(value: str) -> str | None:
    try:
        fine = isinstance(json.loads(value), list)
    except ValueError:
        fine = False
    return None if fine else 'must be a JSON list, such as ["a", "b"]'


@dataclass(frozen=True, slots=True)
class Places:
    """Where a key can have been set: in the file, or by an environment variable, which wins."""

    text: TomlText
    environ: Mapping[str, str]
    prefix: str
    delimiter: str

    def find(self, path: KeyPath) -> str:
        """The place where `path`, or else the nearest table around it, is set, in words."""
        variable = self.variable(path)
        if variable:
            return f"environment variable {variable}"
        for length in range(len(path), 0, -1):
            line = self.text.line_of(path[:length])
            if line is not None:
                return f"{self.text.name}, line {line}"
        return self.text.name

    def variable(self, path: KeyPath) -> str | None:
        """The environment variable that sets `path`, if there is one."""
        wanted = self.prefix + self.delimiter.join(step for step in path if isinstance(step, str))
        return next((name for name in self.environ if name.upper() == wanted.upper()), None)


def describe(error: ErrorDetails, places: Places, root: type[BaseModel]) -> Fault:
    """The fault behind one of pydantic's errors, with its place in the file or in the environment."""
    path = path_of(error)
    if error["type"] == "extra_forbidden":
        return Fault(dotted(path), places.find(path), _unknown(str(path[-1]), _siblings(path, root)))
    problem = problem_of(error)
    if not path and (named := _NAMED_KEY.match(problem)):
        # Told of the file as a whole, because the key is at odds with another section.
        path = tuple(int(step) if step.isdigit() else step for step in _STEP.findall(named[1]))
        problem = problem[named.end() :]
        return Fault(named[1], places.find(path), problem)
    return Fault(dotted(path), places.find(path), problem + _shown(error["input"], path, error["type"]))


def dotted(path: KeyPath) -> str:
    """The path as people write it: `trunk.named[0].port`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def is_secret(path: KeyPath) -> bool:
    """True when the value of this key is nobody's business. A file that holds a secret is none."""
    names = [step for step in path if isinstance(step, str)]
    return any(word in name for name in names for word in _SECRETS) and not names[-1].endswith("_file")


def _shown(given: object, path: KeyPath, kind: str) -> str:
    """The wrong value, unless it is a secret or a whole section, or there is none."""
    if is_secret(path) or isinstance(given, dict | BaseModel) or kind == "missing" or given in ("", [], ()):
        return ""
    return f" (it is {json.dumps(given, default=str, ensure_ascii=False)})"


def _siblings(path: KeyPath, root: type[BaseModel]) -> list[str]:
    model: Any = root
    for step in path[:-1]:
        if isinstance(step, int):
            model = get_args(model)[0]  # a table of a list of tables
        elif step in model.model_fields:
            model = model.model_fields[step].annotation
        else:
            return []
    return sorted(model.model_fields)


def _unknown(key: str, known: Sequence[str]) -> str:
    hint = _closest(key, known)
    if hint:
        return f"is not a known key; did you mean {hint}?"
    return f"is not a known key; known here: {', '.join(known)}" if known else "is not a known key"


def _closest(key: str, known: Sequence[str]) -> str | None:
    matches = difflib.get_close_matches(key, known, n=1)
    return matches[0] if matches else None
