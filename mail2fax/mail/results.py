"""Authentication-Results (RFC 8601): what the site's own mail server has found out about a mail's sender.

Only the topmost counts, with those of the same server that follow before the next Received, and only when it is that
server's. A field that is not understood to its end says nothing.

Whoever writes a mail can put such a field on top of it, so that it stands directly below the server's own. RFC 8601 5
has the server take out what bears its name; not all do, or not all of it. So what is told first of a method counts, and
a passed DKIM only where the mail bears a signature of that domain: of such a mail the server has told itself.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from mail2fax.mail.header import Header
from mail2fax.mail.signature import Signature

MAX_RESULTS = 100

_FIELD = "authentication-results"

_TOKEN = re.compile(r"[^\s\x00-\x20\x7f()<>,;:\\\"/?=]+")
# RFC 8601 2.2 has tokens and addresses here; servers write all but quotation marks and semicolons bare.
_VALUE = re.compile(r"[^\s\x00-\x20\x7f(),;\\\"]+")
_QUOTED = re.compile(r'"((?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[\x20-\x7e])*)"')
_ESCAPE = re.compile(r"\\(.)")
_MAX_DEPTH = 8
_DOMAIN_IN = {"dmarc": "header.from", "spf": "smtp.mailfrom"}
_FEWEST = 8
"""RFC 6008 4: of the letters of a signature by which it is told from others."""


class _NotUnderstood(Exception):
    """The field breaks the grammar."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one method has come to: `dkim`, `pass`, and properties such as `header.d`, names in lower case."""

    method: str
    result: str
    properties: dict[str, str] = field(default_factory=dict)


def results_of(header: Header, authserv_id: str) -> tuple[Result, ...]:
    """What the server called `authserv_id` (lower case) tells on top of the mail; nothing when that is another's.

    Some have a program for each method, and each writes a field of its own. The first that tells of a method counts
    for it.
    """
    found: list[Result] = []
    for value in () if _may_be_below(header, authserv_id) else _topmost(header):
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
    """The first field and those that follow, as far as the server that wrote it has written: to the next Received.

    Between them stands what its programs write besides, such as DMARC-Filter, or ARC-Seal (OpenDMARC, OpenARC).
    """
    first = next((at for at, (name, _) in enumerate(header.fields) if name == _FIELD), len(header.fields))
    for name, value in header.fields[first:]:
        if name == "received":
            return
        if name == _FIELD:
            yield value


def _may_be_below(header: Header, authserv_id: str) -> bool:
    """Whether the server may have written the last of several such fields, and a forger the topmost.

    Exim, unless it is told "at_start", and Haraka append: below the From line, where no other server writes.
    """
    names = [name for name, _ in header.fields]
    ours = [at for at, (name, value) in enumerate(header.fields) if name == _FIELD and _bears(value, authserv_id)]
    return len(ours) > 1 and "from" in names and ours[-1] > names.index("from")


def _bears(value: bytes, authserv_id: str) -> bool:
    """Whether a field has the server's name: as servers write it, or in any other way in which it is understood."""
    return value.lower().startswith(authserv_id.encode()) or _author_of(value) == authserv_id


def authserv_id_of(header: Header) -> str | None:
    """Who has written the topmost field, in lower case; None when there is none, or it is not understood."""
    topmost = header.all(_FIELD)[:1]
    return _author_of(topmost[0]) if topmost else None


def _author_of(value: bytes) -> str | None:
    try:
        return _parsed(value.decode("ascii"))[0]
    except (_NotUnderstood, UnicodeDecodeError):
        return None


def vouched_domains(
    results: tuple[Result, ...], methods: Collection[str], signatures: Collection[Signature], *, subdomains: bool
) -> Iterator[str]:
    """The domains, in lower case, that results of these `methods` (dkim, dmarc, spf) show to stand behind the mail.

    A passed DKIM shows the signing domain, if the mail bears one of its `signatures`; a passed DMARC that of the From
    line. SPF looks at the envelope alone, which a forwarder writes.
    """
    for result in results:
        if result.result != "pass" or result.method not in methods:
            continue
        if result.method == "dkim":
            yield _signer(result.properties, signatures, subdomains=subdomains)
        else:
            yield _domain(result.properties.get(_DOMAIN_IN.get(result.method, ""), ""))


def _signer(known: dict[str, str], signatures: Collection[Signature], *, subdomains: bool) -> str:
    """Who made the signature that has passed; "" when that is not told, or the mail bears none of his."""
    named = _domain(known.get("header.d", ""))
    if not named and len(known.get("header.b", "")) >= _FEWEST:
        # RFC 6008: Gmail names no domain, but tells how the signature begins.
        alike = [one.domain for one in signatures if one.value.startswith(known["header.b"])]
        named = alike[0] if len(alike) == 1 else ""
    if not named and subdomains:
        # RFC 8601 2.7.1: the part of header.i behind its @ is the domain of header.d, or one below it.
        named = _domain(known.get("header.i", ""))
    return named if any(f".{named}".endswith(f".{one.domain}") for one in signatures) else ""


def _domain(address: str) -> str:
    return address.rpartition("@")[2].rstrip(".").lower()


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
