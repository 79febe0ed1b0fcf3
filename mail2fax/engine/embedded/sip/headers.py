"""Header fields as they are in SIP: an ordered multi-map with names that do not mind case (RFC 3261 7.3)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mail2fax.engine.embedded.sip.errors import LocalProtocolError
from mail2fax.engine.embedded.sip.text import TOKEN, decode, has_control, split, without_control

# RFC 3261 7.3.3 and 20, RFC 3515, RFC 3841, RFC 3892, RFC 4028, RFC 6665.
_COMPACT = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
}


def full_name(name: str) -> str:
    """The long form of a compact name; any other name as it is."""
    return _COMPACT.get(name.lower(), name)


@dataclass(frozen=True, slots=True)
class Headers:
    """Header fields in order; the same name may come again. Never changed: each change gives a new value.

    A name that is no token, or a control character in a value, is a `LocalProtocolError`: nothing that was
    brought in from outside can begin a header line of its own.
    """

    fields: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for name, value in self.fields:
            if not TOKEN.fullmatch(name) or has_control(value):
                raise LocalProtocolError(f"not fit for a header: {name!a}: {value!a}")

    def get(self, name: str) -> str | None:
        """The first value of this name."""
        return next(self._of(name), None)

    def lines(self, name: str) -> list[str]:
        """The values of this name, one for each header line, in order."""
        return list(self._of(name))

    def items(self, name: str) -> list[str]:
        """The values of this name with comma-separated lists taken apart (RFC 3261 7.3.1)."""
        return [item for line in self._of(name) for item in split(line, ",")]

    def with_added(self, *fields: tuple[str, str]) -> "Headers":
        """These headers, then `fields`."""
        return Headers((*self.fields, *fields))

    def with_set(self, name: str, value: str) -> "Headers":
        """These headers with this name exactly once, where it first stood, or at the end."""
        fields: list[tuple[str, str]] = []
        placed = False
        for key, old in self.fields:
            if key.lower() != name.lower():
                fields.append((key, old))
            elif not placed:
                fields.append((name, value))
                placed = True
        return Headers(tuple(fields) if placed else (*fields, (name, value)))

    def without(self, *names: str) -> "Headers":
        """These headers but for the ones named."""
        gone = {name.lower() for name in names}
        return Headers(tuple(pair for pair in self.fields if pair[0].lower() not in gone))

    def _of(self, name: str) -> Iterator[str]:
        wanted = name.lower()
        return (value for key, value in self.fields if key.lower() == wanted)


def parse_headers(lines: Iterable[bytes]) -> Headers:
    """Read header lines, folded ones joined; lines that are no header are passed over.

    RFC 3261 8.2: a malformed header field that is not needed is ignored; whoever needs it finds it missing.
    """
    fields: list[tuple[str, str]] = []
    for line in _unfold(lines):
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t")
        if colon and TOKEN.fullmatch(name):
            fields.append((full_name(name), without_control(value).strip()))
    return Headers(tuple(fields))


def _unfold(lines: Iterable[bytes]) -> list[str]:
    """RFC 3261 7.3.1: a line that begins with white space goes on from the one before."""
    unfolded: list[list[str]] = []
    for line in map(decode, lines):
        if line[:1] in {" ", "\t"} and unfolded:
            unfolded[-1].append(line.strip(" \t"))
        else:
            unfolded.append([line])
    return [" ".join(parts) for parts in unfolded]
