"""The addresses in a To, a Cc or a field that servers write them into: of all that stands there, those alone.

Display names, comments and groups may spell anything, also an address: whoever writes
`"fax@example.com" <eve@example.org>` has written to Eve. So a field is read as RFC 5322 3.4 has it, and names nobody
when it breaks that.
"""

import re
from collections.abc import Iterator

# RFC 5322 3.2.1 and 3.2.4; octets outside ASCII are RFC 6532's.
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ADDRESS = re.compile(r"""("(?:[^"\\]|\\.)*"|[^\s"(),:;<>@\\]+)@([^\s"(),:;<>@\\]+)""", re.DOTALL)


def addresses_in(value: bytes) -> tuple[str, ...]:
    """The addresses in the raw value of a field, in order: lower case, local parts without their quotation marks."""
    return tuple(_plain(address) for entry in _entries(value.decode("utf-8", "replace")) for address in _in(entry))


def plain_recipient(recipient: str) -> str:
    """The address `recipient` as `addresses_in` would give it; unchanged when it is none."""
    found = _ADDRESS.fullmatch(recipient)
    return _plain(found) if found else recipient


def _plain(address: re.Match[str]) -> str:
    """RFC 3191 2: `"FAX=+375291554499/T33S=12"@...` is the same with and without quotation marks."""
    local = address[1]
    if local.startswith('"'):
        local = _ESCAPE.sub(r"\1", local[1:-1])
    return f"{local}@{address[2]}".lower()


def _in(entry: str) -> Iterator[re.Match[str]]:
    found = _ADDRESS.fullmatch(entry.strip())
    if found:
        yield found


def _entries(text: str) -> list[str]:
    """What stands between the angle brackets of each mailbox, or all of it where there are none; without comments.

    Empty when a quotation mark, a comment or a bracket is never closed.
    """
    entries: list[str] = []
    entry, at, bracketed = "", 0, False
    while at < len(text):
        letter = text[at]
        if letter == '"':
            quoted = _QUOTED.match(text, at)
            if quoted is None:
                return []
            entry, at = entry + quoted[0], quoted.end()
            continue
        if letter == "(":
            at = _behind_comment(text, at)
            entry += " "
            if at < 0:
                return []
            continue
        if letter == "<":
            entry, bracketed = "", True
        elif letter == ">" and bracketed:
            entries.append(entry)
            # What follows belongs to nobody.
            entry, bracketed = "<", False
        elif letter in ",;" and not bracketed:
            entries.append(entry)
            entry = ""
        elif letter == ":" and not bracketed:
            entry = ""  # the name of a group
        else:
            entry += letter
        at += 1
    return [] if bracketed else [*entries, entry]


def _behind_comment(text: str, at: int) -> int:
    """RFC 5322 3.2.2: comments lie in each other. -1 when one does not end."""
    depth = 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        depth += {"(": 1, ")": -1}.get(text[at : at + 1], 0)
        at += 1
        if not depth:
            return at
    return -1
