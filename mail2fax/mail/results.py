"""Authentication-Results (RFC 8601): what the site's own mail server has found out about a mail's sender.

Only the topmost counts, and only when it is that server's: whoever writes a mail can put others below. A field that is
not understood to its end says nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mail2fax.mail.header import Header

MAX_RESULTS = 100

_TOKEN = re.compile(r"[^\s\x00-\x20\x7f()<>,;:\\\"/?=]+")
# RFC 8601 2.2 has tokens and addresses here; servers write all but quotation marks and semicolons bare.
_VALUE = re.compile(r"[^\s\x00-\x20\x7f(),;\\\"]+")
_QUOTED = re.compile(r'"((?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[\x20-\x7e])*)"')
_ESCAPE = re.compile(r"\\(.)")
_MAX_DEPTH = 8


class _NotUnderstood(Exception):
    """The field breaks the grammar."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one method has come to: `dkim`, `pass`, and properties such as `header.d`, names in lower case."""

    method: str
    result: str
    properties: dict[str, str] = field(default_factory=dict)


def results_of(header: Header, authserv_id: str) -> tuple[Result, ...]:
    """What the server called `authserv_id` (lower case) tells in the topmost field; nothing when that is another's."""
    values = header.all("authentication-results")
    if not values:
        return ()
    try:
        server, results = _parsed(values[0].decode("ascii"))
    except (_NotUnderstood, UnicodeDecodeError):
        return ()
    return results if server == authserv_id else ()


def authserv_id_of(header: Header) -> str | None:
    """Who has written the topmost field, in lower case; None when there is none, or it is not understood."""
    try:
        return _parsed(header.all("authentication-results")[0].decode("ascii"))[0]
    except (_NotUnderstood, UnicodeDecodeError, IndexError):
        return None


def vouched_domains(results: tuple[Result, ...], *, spf: bool) -> Iterator[str]:
    """The domains, in lower case, that the results show to stand behind the mail; with `spf`, also its envelope's.

    A passed DKIM names the signing domain, a passed DMARC that of the From line. SPF looks at the envelope alone, which
    a forwarder writes.
    """
    for result in results:
        known = result.properties
        if result.result != "pass":
            continue
        if result.method == "dkim":
            # RFC 8601 2.7.1: header.d, or the part of header.i behind its @, which is that domain or one below it.
            yield (known.get("header.d") or known.get("header.i", "").rpartition("@")[2]).lower()
        elif result.method == "dmarc":
            yield known.get("header.from", "").rpartition("@")[2].lower()
        elif result.method == "spf" and spf:
            yield known.get("smtp.mailfrom", "").rpartition("@")[2].lower()


def _parsed(text: str) -> tuple[str, tuple[Result, ...]]:
    """RFC 8601 2.2: `authserv-id [version] (no-result / 1*resinfo)`."""
    reader = _Reader(text)
    server = reader.value().lower()
    if not reader.ends() and not reader.sees(";") and reader.value() != "1":
        raise _NotUnderstood("another version")
    results: list[Result] = []
    while not reader.ends():
        reader.take(";")
        if reader.ends():
            break  # a last semicolon, as some write it
        if len(results) == MAX_RESULTS:
            raise _NotUnderstood("too many results")
        found = _result(reader)
        if found:
            results.append(found)
    return server, tuple(results)


def _result(reader: "_Reader") -> Result | None:
    method = reader.token().lower()
    if method == "none":
        return None
    if reader.sees("/"):
        reader.take("/")
        if reader.token() != "1":
            raise _NotUnderstood("another version of a method")
    reader.take("=")
    result, properties = reader.token().lower(), dict[str, str]()
    while not reader.ends() and not reader.sees(";"):
        name = reader.token().lower()
        reader.take("=")
        value = reader.value()
        if name in properties:
            raise _NotUnderstood("a property stands there twice")
        properties[name] = value
    return Result(method, result, properties)


class _Reader:
    """Takes a field apart; comments (RFC 5322 3.2.2) count as white space."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._skip()

    def ends(self) -> bool:
        return self._at >= len(self._text)

    def sees(self, symbol: str) -> bool:
        return self._text.startswith(symbol, self._at)

    def take(self, symbol: str) -> None:
        if not self.sees(symbol):
            raise _NotUnderstood(f"no {symbol}")
        self._at += len(symbol)
        self._skip()

    def token(self) -> str:
        return self._match(_TOKEN)

    def value(self) -> str:
        quoted = _QUOTED.match(self._text, self._at)
        if quoted is None:
            return self._match(_VALUE)
        self._at = quoted.end()
        self._skip()
        return _ESCAPE.sub(r"\1", quoted[1])

    def _match(self, expression: re.Pattern[str]) -> str:
        found = expression.match(self._text, self._at)
        if found is None:
            raise _NotUnderstood("something else stands there")
        self._at = found.end()
        self._skip()
        return found[0]

    def _skip(self) -> None:
        depth = 0
        while self._at < len(self._text):
            letter = self._text[self._at]
            if letter == "(":
                depth += 1
                if depth > _MAX_DEPTH:
                    raise _NotUnderstood("comments too deep")
            elif letter == ")" and depth:
                depth -= 1
            elif letter == "\\" and depth:
                self._at += 1
            elif not depth and letter not in " \t":
                return
            self._at += 1
        if depth:
            raise _NotUnderstood("a comment is never closed")
