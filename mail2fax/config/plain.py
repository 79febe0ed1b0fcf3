"""What pydantic finds wrong with a value, in words for who writes the file: what it must be."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic_core import ErrorDetails

_KEY = re.compile(r"[A-Za-z0-9_]+")
_OWN_WORDS = ("Value error, ", "Assertion failed, ")

_KINDS = {
    "bool": "true or false, without quotation marks",
    "int": "a whole number",
    "float": "a number",
    "string": "a text in quotation marks",
    "path": "a path in quotation marks",
    "tuple": 'a list, such as ["a", "b"]',
    "list": 'a list, such as ["a", "b"]',
    "model": "a section with keys, such as { key = value }",
    "dict": "a section with keys, such as { key = value }",
    "date": "a date",
}

_LIMITS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "is missing here",
    "greater_than": lambda limit: f"must be more than {limit['gt']:g}",
    "greater_than_equal": lambda limit: f"must be {limit['ge']:g} or more",
    "less_than": lambda limit: f"must be less than {limit['lt']:g}",
    "less_than_equal": lambda limit: f"must be {limit['le']:g} or less",
    "finite_number": lambda _: "must be a number that ends",
    "too_short": lambda limit: "must name one at least" if limit.get("field_type") != "Value" else "must not be empty",
    "too_long": lambda limit: f"must have {limit['max_length']} at the most",
    "string_too_short": lambda _: "must not be empty",
    "string_too_long": lambda limit: f"must have {limit['max_length']} characters at the most",
    "int_from_float": lambda _: "must be a whole number",
}


def problem_of(error: ErrorDetails) -> str:
    """The same in our words; where there are none, in pydantic's."""
    kind, limits = error["type"], error.get("ctx", {})
    if kind in _LIMITS:
        return _LIMITS[kind](limits)
    if kind in {"literal_error", "enum"}:
        return "must be " + str(limits["expected"]).replace("'", '"')
    if (wanted := _KINDS.get(kind.partition("_")[0])) and kind.endswith(("_type", "_parsing")):
        return f"must be {wanted}"
    message = error["msg"]
    for words in _OWN_WORDS:
        message = message.removeprefix(words)
    return message[0].lower() + message[1:]


def path_of(error: ErrorDetails) -> tuple[str | int, ...]:
    """The key that it is about, without pydantic's names for the kinds that a value of several kinds may have."""
    path = error["loc"]
    if error["type"] == "extra_forbidden":
        return path
    return tuple(step for step in path if isinstance(step, int) or _KEY.fullmatch(step))


def without_echoes(errors: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Each fault once: not again for another kind that the value may have, nor for the list that it stands in."""
    found: list[ErrorDetails] = []
    for error in errors:
        kinds = len(path_of(error)) < len(error["loc"])
        if kinds and any(path_of(one) == path_of(error) for one in found):
            continue
        if error["type"] == "too_short" and len(error["input"]) >= error.get("ctx", {}).get("min_length", 0):
            continue
        found.append(error)
    return found
