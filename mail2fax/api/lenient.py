"""JSON as the API's text writes it: with a comma missing here and there, or one too many.

The text's own example of `sendfax` has no comma behind two of its lines, and its example of the history has one behind
the last element. Who pasted them must not be turned away; all else that is no JSON is refused with the place.
"""

import json
import re
from typing import Any

# A string that is never closed is one token also, or each quotation mark in it would be tried for a beginning.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?+|[{}\[\],:]|[^\s{}\[\],:"]+')
_OPENING, _CLOSING = ("{", "["), ("}", "]")


class NotJson(Exception):
    """The text is no JSON, even when its commas are forgiven; the message says where."""


def read_json(body: bytes) -> Any:
    """What `body` (UTF-8) says; raises `NotJson`."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotJson(f"the body is not UTF-8: byte {error.start}") from error
    try:
        return _loads(text)
    except json.JSONDecodeError as error:
        try:
            return _loads(_with_commas_mended(text))
        except ValueError:
            raise NotJson(f"not JSON: {error.msg}, line {error.lineno}, column {error.colno}") from error
    except ValueError as error:
        raise NotJson("not JSON that we read: it has a number of thousands of digits") from error
    except RecursionError as error:
        raise NotJson("not JSON that we read: it is nested too deeply") from error


def _loads(text: str) -> Any:
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(word: str) -> None:
    raise NotJson(f"not JSON: {word} is no number")


def _with_commas_mended(text: str) -> str:
    """A comma between two values that have none, and none before a closing bracket."""
    tokens: list[str] = []
    for token in _TOKEN.findall(text):
        last = tokens[-1] if tokens else ""
        if token in _CLOSING and last == ",":
            tokens.pop()
        elif last and last not in (",", ":", *_OPENING) and token not in (",", ":", *_CLOSING):
            tokens.append(",")
        tokens.append(token)
    return " ".join(tokens)
