"""Authentication-Results (RFC 8601): what the site's own mail server has found out about a mail's sender.

Only the topmost counts, with those of the same server right behind it, and only when it is that server's: whoever
writes a mail can put others below. A field that is not understood to its end says nothing.
"""

import itertools
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from mail2fax.mail.header import Header

MAX_RESULTS = 100

_FIELD = "authentication-results"

_TOKEN = re.compile(r"[^\s\x00-\x20\x7f()<>,;:\\\"/?=]+")
# RFC 8601 2.2 has tokens and addresses here; servers write all but quotation marks and semicolons bare.
_VALUE = re.compile(r"[^\s\x00-\x20\x7f(),;\\\"]+")
_QUOTED = re.compile(r'"((?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[\x20-\x7e])*)"')
_ESCAPE = re.compile(r"\\(.)")
_MAX_DEPTH = 8
_DOMAIN_IN = {"dkim": "header.d", "dmarc": "header.from", "spf": "smtp.mailfrom"}


class _NotUnderstood(Exception):
    """The field breaks the grammar."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one method has come to: `dkim`, `pass`, and properties such as `header.d`, names in lower case."""

    method: str
    result: str
    properties: dict[str, str] = field(default_factory=dict)


def results_of(header: Header, authserv_id: str) -> tuple[Result, ...]:
    """What the server called `authserv_id` (lower case) tells in the topmost field; nothing when that is another's.

    Some have a program for each method, and each writes a field of its own on top of the last. The topmost that tells
    of a method counts for it.
    """
    found: list[Result] = []
    for value in _topmost(header):
        try:
            server, results = _parsed(value.decode("ascii"))
        except (_NotUnderstood, UnicodeDecodeError):
            break
        if server != authserv_id:
            break
        told = {result.method for result in found}
        found += [result for result in results if result.method not in told]
    return tuple(found)


def _topmost(header: Header) -> Iterator[bytes]:
    """The first field, and those that follow it with no other field between."""
    ours = (name == _FIELD for name, _ in header.fields)
    first = next((at for at, is_ours in enumerate(ours) if is_ours), len(header.fields))
    together = itertools.takewhile(lambda field: field[0] == _FIELD, header.fields[first:])
    return (value for _, value in together)


def authserv_id_of(header: Header) -> str | None:
    """Who has written the topmost field, in lower case; None when there is none, or it is not understood."""
    try:
        return _parsed(header.all(_FIELD)[0].decode("ascii"))[0]
    except (_NotUnderstood, UnicodeDecodeError, IndexError):
        return None


def vouched_domains(results: tuple[Result, ...], methods: Collection[str], *, subdomains: bool) -> Iterator[str]:
    """The domains, in lower case, that results of these `methods` (dkim, dmarc, spf) show to stand behind the mail.

    A passed DKIM names the signing domain, a passed DMARC that of the From line. SPF looks at the envelope alone, which
    a forwarder writes. Where only the signature's identity is told, it counts if a domain may vouch for those below.
    """
    for result in results:
        known = result.properties
        if result.result != "pass" or result.method not in methods:
            continue
        named = known.get(_DOMAIN_IN.get(result.method, ""), "")
        if result.method == "dkim" and subdomains:
            # RFC 8601 2.7.1: the part of header.i behind its @ is the domain of header.d, or one below it.
            named = named or known.get("header.i", "")
        yield named.rpartition("@")[2].rstrip(".").lower()


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
        # An empty one, as of the null sender, is not in the grammar, and is written.
        value = "" if reader.ends() or reader.sees(";") else reader.value()
        # What is told in two ways is not known.
        properties[name] = value if properties.get(name, value) == value else ""
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
