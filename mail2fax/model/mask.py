"""Masks allow: sender masks (`user{mask}@fqdn`) say who may fax, number masks (`375#########`) where to.

A mask is anchored at both ends and says nothing it does not spell out. A mask that cannot be meant is a
`MaskError` that says what would be right: the admin reads it when the configuration is checked, and not the
customer when a fax is missing.
"""

import itertools
import re
import unicodedata
from dataclasses import dataclass
from typing import Self

from mail2fax.model.fqdn import DomainNameError, fqdn
from mail2fax.model.mail import Address
from mail2fax.model.number import MAX_E164_DIGITS

MAX_LOCAL_PART = 64
"""RFC 5321 4.5.3.1.1, in octets."""
MAX_ALTERNATIVES = 64
"""How many local parts one mask may spell out with its sets."""
MAX_MASK = 512

ATOM_SYMBOLS = frozenset("!#$%&'*+-/=?^_`{|}~")
"""The atext of RFC 5322 3.2.3 that is neither letter nor digit."""

_SPECIAL = frozenset("*?#")
_ANY = r"[\x00-\x7f]"
_ONE = {"?": _ANY, "#": "[0-9]"}
_NUMBER_MASK = re.compile(r"\+?([1-9][0-9]*)(#*)(\*?)")


class MaskError(ValueError):
    """The mask cannot be used; the message says what is wrong and what would be right."""


def ascii_lower(text: str) -> str:
    """Lower case for ASCII letters only: str.lower would turn U+212A, the Kelvin sign, into a plain k."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def may_stand_in_local_part(letter: str) -> bool:
    """Whether a dot-atom may hold `letter` (RFC 5322 3.2.3; RFC 6531 3.3 for what is outside ASCII)."""
    if letter.isascii():
        return letter.isalnum() or letter in ATOM_SYMBOLS or letter == "."
    return letter.isprintable() and not letter.isspace()


@dataclass(frozen=True, slots=True)
class SenderMask:
    """Who may send: `patterns` for the local part, one literal `domain` (A-labels). Build it with `parse`.

    In the local part `*` is any run of characters (also none), `?` one character, `#` one digit, `{a,b}` one
    of a set, and braces without a comma only enclose a mask: `fax{*}@example.com` is `fax*@example.com`.
    Letters match without regard to case, in ASCII only. A local part outside ASCII is matched by itself alone,
    letter for letter (NFC), never by `*` or `?`. A tag (`+tag`) is not stripped.
    """

    text: str
    patterns: tuple[str, ...]
    domain: str
    expression: re.Pattern[str]
    """Any of the patterns."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The mask that `text` spells; raises `MaskError`."""
        if len(text) > MAX_MASK:
            raise MaskError(f"a mask has at most {MAX_MASK} characters")
        local, at, domain = text.strip().rpartition("@")
        if not at or not local:
            raise MaskError(f'"{text}" is not a sender mask: write user*@example.com, or *@example.com for a domain')
        patterns = _local_patterns(local)
        return cls(text, patterns, _literal_domain(domain), re.compile("|".join(map(_expression, patterns))))

    def matches(self, address: Address) -> bool:
        """Whether `address` may send by this mask. Time is linear in the address, whatever the mask."""
        return address.domain == self.domain and self.expression.fullmatch(address.local) is not None

    def __str__(self) -> str:
        return self.text


def _literal_domain(text: str) -> str:
    if _SPECIAL & set(text):
        raise MaskError(f'the domain "{text}" must be written out: a mask such as *@example.com may vary before the @')
    if {"{", "}"} & set(text):
        raise MaskError("braces belong before the @: user{1,2}@example.com")
    try:
        return fqdn(text)
    except DomainNameError as error:
        raise MaskError(f"{error}: write a mask such as user*@example.com") from None


def _local_patterns(text: str) -> tuple[str, ...]:
    if not unicodedata.is_normalized("NFC", text):
        raise MaskError("letters with accents must be written as one character each (Unicode NFC)")
    choices = _choices(ascii_lower(text))
    total = 1
    for choice in choices:
        total *= len(choice)
        if total > MAX_ALTERNATIVES:
            raise MaskError(f"the sets of a mask may spell out at most {MAX_ALTERNATIVES} names: write several masks")
    patterns = tuple(dict.fromkeys("".join(parts) for parts in itertools.product(*choices)))
    for pattern in patterns:
        _check_pattern(pattern)
    return patterns


def _choices(text: str) -> list[list[str]]:
    """The local part as a row of choices: plain text is a choice of one, a set one of several."""
    choices: list[list[str]] = []
    while text:
        plain, brace, rest = text.partition("{")
        if "}" in plain:
            raise MaskError("a } stands without its {")
        choices.append([plain])
        if not brace:
            break
        inside, closing, text = rest.partition("}")
        if not closing:
            raise MaskError("a { stands without its }")
        choices.append(_alternatives(inside))
    return choices


def _alternatives(inside: str) -> list[str]:
    if "{" in inside:
        raise MaskError("braces within braces are not understood: write several masks")
    alternatives = inside.split(",")
    if not all(alternatives):
        raise MaskError("braces hold a mask or a set without gaps: fax{*}@example.com, user{1,2}@example.com")
    return alternatives


def _check_pattern(pattern: str) -> None:
    """A pattern that no address can ever match is a slip of the pen, and is said so."""
    if pattern.startswith(".") or pattern.endswith(".") or ".." in pattern:
        raise MaskError(f'no address has "{pattern}" before its @: a dot stands between two characters')
    strange = sorted(letter for letter in set(pattern) if not may_stand_in_local_part(letter))
    if strange:
        raise MaskError(f"{strange[0]!r} cannot stand before the @ of a mask: letters, digits, * ? # and {{a,b}} can")
    if not pattern.isascii() and _SPECIAL & set(pattern):
        raise MaskError("letters outside ASCII and * ? # cannot be mixed: write each such address out")
    if len(pattern.replace("*", "").encode()) > MAX_LOCAL_PART:
        raise MaskError(f"an address has at most {MAX_LOCAL_PART} octets before its @")


def _expression(pattern: str) -> str:
    """A pattern as a regular expression. A star takes the least that lets what follows it fit, and never thinks
    again (the atomic group): that is right because only the last star counts, and it keeps the time linear."""
    if not pattern.isascii():
        return re.escape(pattern)
    first, *pieces = ("".join(_ONE.get(symbol, re.escape(symbol)) for symbol in part) for part in pattern.split("*"))
    if not pieces:
        return first
    *middle, last = pieces
    return first + "".join(f"(?>{_ANY}*?{piece})" for piece in middle) + f"{_ANY}*{last}"


@dataclass(frozen=True, slots=True)
class NumberMask:
    """Where a fax may (or may not) go, matched on E.164 digits. Build it with `parse`.

    `prefix` is the digits written out, `any_digits` how many `#` (one digit each) follow, `open_end` whether a
    final `*` lets any more digits follow (also none).
    """

    text: str
    prefix: str
    any_digits: int
    open_end: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """The mask that `text` spells, such as `375#########`, `+37517*` or a whole number; raises `MaskError`."""
        found = _NUMBER_MASK.fullmatch(text.strip())
        if found is None or not text.isascii():
            raise MaskError(
                f'"{text}" is not a number mask: begin with the country code, then # for one digit each, '
                "and * at the end for any digits: 375#########, 37517*"
            )
        prefix, hashes, star = found.groups()
        if len(prefix) + len(hashes) > MAX_E164_DIGITS:
            raise MaskError(f"a number has at most {MAX_E164_DIGITS} digits (E.164)")
        return cls(text, prefix, len(hashes), bool(star))

    def matches(self, digits: str) -> bool:
        """Whether the E.164 `digits` (without the plus) are covered by this mask."""
        shortest = len(self.prefix) + self.any_digits
        long_enough = len(digits) >= shortest if self.open_end else len(digits) == shortest
        return long_enough and digits.startswith(self.prefix)

    def __str__(self) -> str:
        return self.text
