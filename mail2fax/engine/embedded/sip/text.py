"""The smallest pieces of SIP text: quoted strings, parameters, lists (RFC 3261 section 25.1)."""

import re

from mail2fax.engine.embedded.sip.errors import LocalProtocolError

Parameters = tuple[tuple[str, str | None], ...]

TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_MOST_PARAMETERS = 64
"""More than any header has; what comes beyond is left out. Each costs time, and a header of 14 KB holds 7000."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# More than a token: tags and branches of others go back as they came, whatever they are made of.
_PLAIN_VALUE = re.compile(r"[^\s\"\\,;<>]+")
# What holds no separator: plain text, a quoted string, something in angle brackets. Possessive, so that no text makes
# it try twice.
_PIECES = {
    separator: re.compile(rf'(?:[^"<{separator}]++|"(?:\\.|[^"\\])*+"?+|<[^>]*+>?+)++', re.DOTALL) for separator in ",;"
}


def decode(data: bytes) -> str:
    """Read header bytes so that `encode` gives the very same bytes back, whatever their character set."""
    return data.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """Write header text; bytes that were not UTF-8 when read come out as they came in.

    Lone surrogates that never were bytes are our own mistake: `LocalProtocolError`.
    """
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as exc:
        raise LocalProtocolError(f"text that is not Unicode: {text!a}") from exc


def readable(text: str) -> str:
    """Header text for people: UTF-8 if it is that, else Latin-1, without control characters."""
    data = encode(text)
    try:
        shown = data.decode("utf-8")
    except UnicodeDecodeError:
        shown = data.decode("latin-1")
    return "".join(c if c.isprintable() else " " for c in shown).strip()


def has_control(text: str) -> bool:
    """Whether text holds a control character, CR and LF above all."""
    return _CONTROL.search(text) is not None


def without_control(text: str) -> str:
    """The text with each control character replaced by a space."""
    return _CONTROL.sub(" ", text)


def split(text: str, separator: str) -> list[str]:
    """Split at a comma or semicolon that stands outside quotes and angle brackets; pieces are stripped, empty ones
    dropped.

    A quote or bracket that is never closed reaches to the end of the text.
    """
    # Most values hold neither, and a value may hold thousands of pieces.
    pieces = _PIECES[separator].findall(text) if '"' in text or "<" in text else text.split(separator)
    return [piece for piece in map(str.strip, pieces) if piece]


def quote(text: str) -> str:
    """A quoted-string; control characters become spaces, so nothing breaks out of the header."""
    escaped = without_control(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def unquote(text: str) -> str:
    """The content of a quoted-string, or the text itself when it is not quoted."""
    if len(text) < 2 or not text.startswith('"') or not text.endswith('"'):  # noqa: PLR2004 - two quotes
        return text
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


def parse_parameters(text: str) -> Parameters:
    """Read `a=1;b;c="x"`: names in lower case, in order, values unquoted, None for a flag."""
    pairs: list[tuple[str, str | None]] = []
    for piece in split(text, ";")[:_MOST_PARAMETERS]:
        name, equals, value = piece.partition("=")
        pairs.append((name.strip().lower(), unquote(value.strip()) if equals else None))
    return tuple(pairs)


def write_parameters(parameters: Parameters) -> str:
    """The parameters with a semicolon before each; values that are not plain are quoted."""
    return "".join(f";{name}" if value is None else f";{name}={_value(value)}" for name, value in parameters)


def parameter(parameters: Parameters, name: str) -> str | None:
    """The first parameter of this name: None when it is absent, empty text when it is a flag."""
    for key, value in parameters:
        if key == name:
            return value or ""
    return None


def _value(value: str) -> str:
    return value if _PLAIN_VALUE.fullmatch(value) else quote(value)
